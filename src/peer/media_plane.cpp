// The media plane: configuration, routing, time. What is sent is in media_sending.cpp, RTCP in
// media_rtcp.cpp, statistics in media_stats.cpp.
#include "peer/media_plane.hpp"

#include <algorithm>

namespace parley::peer {
namespace {

cc::Limits limits_of(const VideoConfig& video) {
  return {.start = video.start_bitrate + MediaPlane::kAudioReserve,
          .min = video.min_bitrate + MediaPlane::kAudioReserve,
          .max = video.max_bitrate + MediaPlane::kAudioReserve};
}

rtp::ExtensionMap sending_map(const std::vector<jsep::NegotiatedExtension>& extensions) {
  rtp::ExtensionMap map;
  for (const auto& extension : extensions) {
    if (!extension.send || extension.id < 1 || extension.id > 255) continue;
    // A peer that maps one id twice has been answered without the second (see docs/sdp.md).
    (void)map.add(static_cast<std::uint8_t>(extension.id), extension.uri).has_value();
  }
  return map;
}

}  // namespace

MediaPlane::MediaPlane(MediaConfig config, Random& random, Timestamp)
    : config_(std::move(config)),
      random_(random),
      schedule_(rtp::ReportSchedule::Config{}, random),
      reference_times_(config_.ntp),
      controller_(std::make_unique<cc::LossBasedController>(limits_of(config_.video))),
      limits_(limits_of(config_.video)),
      pacer_(controller_->target() * kPacingFactor),
      feedback_ssrc_(Ssrc{random.u32()}) {}

MediaPlane::~MediaPlane() = default;

MediaPlane::Section* MediaPlane::find(TransceiverId id) {
  for (const auto& section : sections_) {
    if (section->id == id) return section.get();
  }
  return nullptr;
}

const MediaPlane::Section* MediaPlane::find(TransceiverId id) const {
  return const_cast<MediaPlane*>(this)->find(id);
}

// --- Configuration ---

void MediaPlane::configure(Timestamp now, const jsep::Transceiver& transceiver) {
  if (!transceiver.negotiated || !transceiver.current_direction) return;
  Section* section = find(transceiver.id);
  if (section == nullptr) {
    sections_.push_back(std::make_unique<Section>());
    section = sections_.back().get();
    section->id = transceiver.id;
    section->kind = transceiver.kind;
  }
  section->mid = transceiver.mid ? transceiver.mid->value() : std::string{};
  reduced_size_ = transceiver.negotiated->rtcp_reduced_size;
  learn_extensions(transceiver.negotiated->extensions);
  configure_sender(now, *section, transceiver);
  configure_receiver(*section, transceiver);
  share_rate(controller_->target());
  release_held(now);
}

void MediaPlane::configure_sender(Timestamp now, Section& section,
                                  const jsep::Transceiver& transceiver) {
  const jsep::NegotiatedMedia& media = *transceiver.negotiated;
  const bool sends = sdp::sends(*transceiver.current_direction) && !media.send.empty();
  if (!sends) {
    if (section.sender) {
      section.sender->active = false;
      section.sender->stream.clear_queue();
    }
    return;
  }
  const jsep::NegotiatedCodec& codec = media.send.front();
  if (section.sender) {
    // The stream goes on with its SSRC: SRTP's rollover counter must not start anew.
    section.sender->active = true;
    section.sender->stream.set_payload_type(codec.payload_type, codec.rtx_payload_type);
  } else {
    rtp::SendStream::Config config{.kind = section.kind, .ssrc = transceiver.ssrc};
    config.payload_type = codec.payload_type;
    if (codec.rtx_payload_type) {
      config.rtx_ssrc = transceiver.rtx_ssrc;
      config.rtx_payload_type = codec.rtx_payload_type;
    }
    config.clock_rate = codec.clock_rate;
    config.extensions = sending_map(media.extensions);
    config.mid = section.mid;
    config.ntp = config_.ntp;
    config.max_packet_size = config_.max_packet_size;
    // Without RTX nothing is sent again: SRTP refuses a used index (RFC 3711 section 9.1).
    if (!codec.rtx_payload_type) config.history.max_packets = 0;
    section.sender = std::make_unique<Sender>(
        Sender{.id = section.id,
               .kind = section.kind,
               .stream = rtp::SendStream{std::move(config), random_},
               .packetizer = rtp::make_video_packetizer(codec.name, random_),
               .target = config_.video.start_bitrate});
    if (const auto rtt = reported_rtt_ ? reported_rtt_ : path_rtt_) {
      section.sender->stream.set_rtt(*rtt);
    }
    schedule_.handle_stream_started(now);
  }
  Sender& sender = *section.sender;
  sender.codec = codec.name;
  sender.payload_type = codec.payload_type;
  sender.peer_limit = media.max_send_rate;
  sender.transport_feedback = codec.has_feedback("transport-cc");
}

void MediaPlane::configure_receiver(Section& section, const jsep::Transceiver& transceiver) {
  const jsep::NegotiatedMedia& media = *transceiver.negotiated;
  if (!sdp::receives(*transceiver.current_direction) || media.receive.empty()) return;
  if (section.receiver) {
    section.receiver->set_codecs(media.receive);
  } else {
    section.receiver = std::make_unique<MediaReceiver>(
        MediaReceiver::Config{.id = section.id,
                              .kind = section.kind,
                              .codecs = media.receive,
                              .max_video_wait = config_.max_video_wait,
                              .audio_decoder = config_.audio_decoder,
                              .playout_channels = config_.playout_channels});
    section.receiver->set_encoded_audio(std::find(encoded_audio_.begin(), encoded_audio_.end(),
                                                  section.id) != encoded_audio_.end());
    if (const auto rtt = reported_rtt_ ? reported_rtt_ : path_rtt_) {
      section.receiver->set_round_trip_time(*rtt);
    }
  }
  for (const jsep::RemoteStream& stream : media.remote_streams) {
    learn_ssrc(stream.ssrc, section.id);
    if (stream.rtx_ssrc) learn_ssrc(*stream.rtx_ssrc, section.id);
  }
}

void MediaPlane::learn_extensions(const std::vector<jsep::NegotiatedExtension>& extensions) {
  for (const auto& extension : extensions) {
    if (!extension.receive || extension.id < 1 || extension.id > 255) continue;
    (void)receive_extensions_.add(static_cast<std::uint8_t>(extension.id), extension.uri)
        .has_value();
  }
}

void MediaPlane::remove(TransceiverId id) {
  std::erase_if(sections_, [&](const auto& section) { return section->id == id; });
  std::erase_if(routes_, [&](const auto& route) { return route.second == id; });
  std::erase(encoded_audio_, id);
}

// --- Receiving ---

void MediaPlane::learn_ssrc(Ssrc ssrc, TransceiverId id) {
  const auto known = routes_.find(ssrc.value());
  if (known != routes_.end()) {
    known->second = id;
  } else if (routes_.size() < kMaxSsrcs) {
    routes_.emplace(ssrc.value(), id);
  }
}

// RFC 9143 section 9.2: the MID extension moves the SSRC, else the SSRC table decides, else a
// payload type that only one section uses.
MediaPlane::Section* MediaPlane::route(const rtp::PacketView& packet,
                                       const rtp::HeaderExtensions& extensions) {
  if (extensions.mid) {
    for (const auto& section : sections_) {
      if (section->receiver && section->mid == *extensions.mid) {
        learn_ssrc(packet.ssrc(), section->id);
        return section.get();
      }
    }
  }
  if (const auto known = routes_.find(packet.ssrc().value()); known != routes_.end()) {
    Section* section = find(known->second);
    return section != nullptr && section->receiver ? section : nullptr;
  }
  Section* only = nullptr;
  for (const auto& section : sections_) {
    if (!section->receiver || !section->receiver->knows_payload_type(packet.payload_type())) {
      continue;
    }
    if (only != nullptr) return nullptr;
    only = section.get();
  }
  if (only != nullptr) learn_ssrc(packet.ssrc(), only->id);
  return only;
}

void MediaPlane::handle_rtp(Timestamp now, MutableBytes packet) {
  if (accept_rtp(now, packet)) return;
  if (held_.size() >= kMaxHeld) {
    held_.erase(held_.begin());
    ++drops_.unroutable;
  }
  held_.emplace_back(packet.begin(), packet.end());
}

void MediaPlane::release_held(Timestamp now) {
  for (auto& packet : std::exchange(held_, {})) {
    if (!accept_rtp(now, packet)) ++drops_.unroutable;
  }
}

// False when no transceiver wants it (yet).
bool MediaPlane::accept_rtp(Timestamp now, MutableBytes packet) {
  const auto view = rtp::PacketView::parse(packet);
  if (!view) {
    ++drops_.malformed_rtp;
    return true;
  }
  const auto extensions = rtp::HeaderExtensions::parse(*view, receive_extensions_);
  Section* section = route(*view, extensions);
  if (section == nullptr || !section->receiver->knows_payload_type(view->payload_type())) {
    return false;
  }
  if (extensions.transport_sequence_number) {
    arrivals_.handle_packet(now, *extensions.transport_sequence_number);
    last_received_ssrc_ = view->ssrc();
  }
  const bool first = section->receiver->stream() == nullptr;
  section->receiver->handle_packet(now, packet, *view, extensions);
  if (first && section->receiver->stream() != nullptr) schedule_.handle_stream_started(now);
  return true;
}

// --- Time ---

void MediaPlane::handle_timeout(Timestamp now) {
  for (const auto& section : sections_) {
    if (section->receiver) section->receiver->handle_timeout(now);
    if (!section->sender) continue;
    section->sender->stream.handle_timeout(now);
    if (section->sender->stream.take_key_frame_request(now)) {
      events_.emplace_back(event::KeyFrameRequested{section->id});
    }
  }
  arrivals_.handle_timeout(now);
  schedule_.handle_timeout(now);
  apply(now, controller_->handle_timeout(now));
}

Timestamp MediaPlane::next_timeout() const {
  Timestamp next =
      std::min({arrivals_.next_timeout(), schedule_.next_timeout(), controller_->next_timeout()});
  for (const auto& section : sections_) {
    if (section->receiver) next = std::min(next, section->receiver->next_timeout());
    if (section->sender) next = std::min(next, section->sender->stream.next_timeout());
  }
  if (has_paced_packets()) next = std::min(next, pacer_.next_send(Timestamp::min()));
  return next;
}

std::optional<SessionEvent> MediaPlane::poll_event() {
  for (const auto& section : sections_) {
    if (!section->receiver) continue;
    if (auto event = section->receiver->poll_event()) return event;
  }
  if (next_event_ == events_.size()) return std::nullopt;
  SessionEvent event = std::move(events_[next_event_++]);
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
  }
  return event;
}

}  // namespace parley::peer
