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
    section->timestamp_offset = random_.u32();
  }
  section->mid = transceiver.mid ? transceiver.mid->value() : std::string{};
  reduced_size_ = transceiver.negotiated->rtcp_reduced_size;
  learn_extensions(transceiver.negotiated->extensions);
  configure_senders(now, *section, transceiver);
  configure_receivers(*section, transceiver);
  share_rate(controller_->target());
  release_held(now);
}

void MediaPlane::learn_extensions(const std::vector<jsep::NegotiatedExtension>& extensions) {
  for (const auto& extension : extensions) {
    if (!extension.receive || extension.id < 1 || extension.id > 255) continue;
    (void)receive_extensions_.add(static_cast<std::uint8_t>(extension.id), extension.uri)
        .has_value();
  }
}

void MediaPlane::remove(Timestamp now, TransceiverId id) {
  halt(now, id);
  std::erase_if(sections_, [&](const auto& section) { return section->id == id; });
  std::erase_if(routes_, [&](const auto& route) { return route.second.id == id; });
  std::erase(encoded_audio_, id);
  encodings_.erase(id.value());
}

// --- Receiving ---

void MediaPlane::learn_ssrc(Ssrc ssrc, TransceiverId id, std::string_view rid) {
  const auto known = routes_.find(ssrc.value());
  if (known != routes_.end()) {
    known->second.id = id;
    if (known->second.rid != rid) known->second.rid = rid;
  } else if (routes_.size() < kMaxSsrcs) {
    routes_.emplace(ssrc.value(), Route{id, std::string{rid}});
  }
}

// RFC 9143 section 9.2: the MID extension moves the SSRC, else the SSRC table decides, else a
// payload type that only one section uses.
MediaPlane::Section* MediaPlane::route_section(const rtp::PacketView& packet,
                                               const rtp::HeaderExtensions& extensions) {
  if (extensions.mid) {
    for (const auto& section : sections_) {
      if (!section->receivers.empty() && section->mid == *extensions.mid) return section.get();
    }
  }
  if (const auto known = routes_.find(packet.ssrc().value()); known != routes_.end()) {
    Section* section = find(known->second.id);
    return section != nullptr && !section->receivers.empty() ? section : nullptr;
  }
  Section* only = nullptr;
  for (const auto& section : sections_) {
    if (section->receivers.empty() ||
        !section->receivers.front()->knows_payload_type(packet.payload_type())) {
      continue;
    }
    if (only != nullptr) return nullptr;
    only = section.get();
  }
  return only;
}

// Within a section with simulcast RID tells the stream of an SSRC, and the repaired RID that of a
// retransmission stream (RFC 8853 section 5.5, RFC 8852 section 3); senders stop writing them once
// the SSRC is known, so it is learnt.
MediaReceiver* MediaPlane::route(const rtp::PacketView& packet,
                                 const rtp::HeaderExtensions& extensions) {
  Section* section = route_section(packet, extensions);
  if (section == nullptr) return nullptr;
  if (section->receivers.front()->rid().empty()) {
    learn_ssrc(packet.ssrc(), section->id);
    return section->receivers.front().get();
  }
  const auto& told = extensions.rid ? extensions.rid : extensions.repaired_rid;
  if (told) {
    MediaReceiver* receiver = section->find_receiver(*told);
    if (receiver != nullptr) learn_ssrc(packet.ssrc(), section->id, *told);
    return receiver;
  }
  const auto known = routes_.find(packet.ssrc().value());
  return known != routes_.end() ? section->find_receiver(known->second.rid) : nullptr;
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
  MediaReceiver* receiver = route(*view, extensions);
  if (receiver == nullptr || !receiver->knows_payload_type(view->payload_type())) return false;
  if (extensions.transport_sequence_number) {
    arrivals_.handle_packet(now, *extensions.transport_sequence_number);
    last_received_ssrc_ = view->ssrc();
  }
  const bool first = receiver->stream() == nullptr;
  receiver->handle_packet(now, packet, *view, extensions);
  if (first && receiver->stream() != nullptr) schedule_.handle_stream_started(now);
  return true;
}

// --- Time ---

void MediaPlane::handle_timeout(Timestamp now) {
  each_receiver([now](MediaReceiver& receiver) { receiver.handle_timeout(now); });
  each_sender([now](Sender& sender) { sender.stream.handle_timeout(now); });
  collect_key_frame_requests(now);
  arrivals_.handle_timeout(now);
  schedule_.handle_timeout(now);
  apply(now, controller_->handle_timeout(now));
}

Timestamp MediaPlane::next_timeout() const {
  Timestamp next =
      std::min({arrivals_.next_timeout(), schedule_.next_timeout(), controller_->next_timeout()});
  each_receiver([&next](const MediaReceiver& r) { next = std::min(next, r.next_timeout()); });
  each_sender([&next](const Sender& s) { next = std::min(next, s.stream.next_timeout()); });
  if (has_paced_packets()) next = std::min(next, pacer_.next_send(Timestamp::min()));
  return next;
}

std::optional<SessionEvent> MediaPlane::poll_event() {
  for (const auto& section : sections_) {
    for (const auto& receiver : section->receivers) {
      if (auto event = receiver->poll_event()) return event;
    }
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
