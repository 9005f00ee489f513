// What negotiation makes of the media plane: the streams of each section, one or one for each rid.
#include <algorithm>
#include <utility>

#include "peer/media_plane.hpp"

namespace parley::peer {
namespace {

rtp::ExtensionMap sending_map(const std::vector<jsep::NegotiatedExtension>& extensions) {
  rtp::ExtensionMap map;
  for (const auto& extension : extensions) {
    if (!extension.send || extension.id < 1 || extension.id > 255) continue;
    // A peer that maps one id twice has been answered without the second (see docs/sdp.md).
    (void)map.add(static_cast<std::uint8_t>(extension.id), extension.uri).has_value();
  }
  return map;
}

/// The first codec that the peer takes for this stream (RFC 8851 section 5, "pt").
const jsep::NegotiatedCodec& codec_for(const jsep::NegotiatedMedia& media,
                                       const std::vector<PayloadType>& wanted) {
  for (const auto& codec : media.send) {
    if (wanted.empty() ||
        std::find(wanted.begin(), wanted.end(), codec.payload_type) != wanted.end()) {
      return codec;
    }
  }
  return media.send.front();
}

/// The SSRCs of a simulcast stream; without a rid those of the transceiver.
jsep::LayerSsrcs ssrcs_of(const jsep::Transceiver& transceiver, const std::string& rid) {
  for (const jsep::LayerSsrcs& layer : transceiver.layers) {
    if (!rid.empty() && layer.rid.value() == rid) return layer;
  }
  return {{}, transceiver.ssrc, transceiver.rtx_ssrc};
}

}  // namespace

bool MediaPlane::Section::sends() const {
  return std::any_of(senders.begin(), senders.end(), [](const auto& s) { return s->active; });
}

MediaReceiver* MediaPlane::Section::find_receiver(std::string_view rid) const {
  for (const auto& receiver : receivers) {
    if (receiver->rid() == rid) return receiver.get();
  }
  return nullptr;
}

// --- Senders ---

void MediaPlane::configure_senders(Timestamp now, Section& section,
                                   const jsep::Transceiver& transceiver) {
  const jsep::NegotiatedMedia& media = *transceiver.negotiated;
  for (const auto& sender : section.senders) sender->active = false;
  if (sdp::sends(*transceiver.current_direction) && !media.send.empty()) {
    std::vector<jsep::NegotiatedRid> rids = media.send_rids;
    if (rids.empty()) rids.emplace_back();
    for (std::size_t i = 0; i < rids.size(); ++i) {
      const jsep::NegotiatedCodec& codec = codec_for(media, rids[i].restrictions.payload_types);
      Sender& sender = find_or_make_sender(now, section, transceiver, rids[i].id.value(), codec);
      sender.active = true;
      sender.paused = rids[i].paused;
      sender.restrictions = rids[i].restrictions;
      set_send_codecs(sender, media.send, codec);
      sender.peer_limit = media.max_send_rate;
      sender.transport_feedback = codec.has_feedback("transport-cc");
      // The streams stand in the order of this description; those that are off follow.
      const auto at = std::find_if(section.senders.begin(), section.senders.end(),
                                   [&](const auto& s) { return s.get() == &sender; });
      std::rotate(section.senders.begin() + static_cast<std::ptrdiff_t>(i), at, at + 1);
    }
  }
  for (const auto& sender : section.senders) {
    if (!sender->active) silence(*sender);
  }
  apply_encodings(section);
}

// Without a rate the stream begins again with a key frame (see set_target).
void MediaPlane::silence(Sender& sender) {
  sender.stream.clear_queue();
  if (sender.kind == MediaKind::video) sender.target = DataRate{};
}

void MediaPlane::halt(Timestamp now, TransceiverId id) {
  Section* section = find(id);
  if (section == nullptr) return;
  for (const auto& sender : section->senders) {
    if (sender->active) say_bye(now, *sender);
    sender->active = false;
    silence(*sender);
  }
  for (const auto& receiver : section->receivers) receiver->set_active(false);
  share_rate(controller_->target());
}

void MediaPlane::say_bye(Timestamp now, const Sender& sender) {
  if (sender.stream.stats().packets_sent == 0 || leaving_.size() >= rtp::rtcp::kMaxCount) return;
  leaving_.push_back(sender.stream.ssrc());
  schedule_.request_feedback(now);
}

/// What may be sent, and with what it begins. A packetizer stays with its codec: it counts
/// pictures.
void MediaPlane::set_send_codecs(Sender& sender, const std::vector<jsep::NegotiatedCodec>& codecs,
                                 const jsep::NegotiatedCodec& first) {
  std::vector<SendCodec> before = std::exchange(sender.codecs, {});
  sender.last_codec = nullptr;
  sender.codec_in_use = 0;
  for (const auto& codec : codecs) {
    if (codec == first) sender.codec_in_use = sender.codecs.size();
    const auto same = std::find_if(before.begin(), before.end(), [&](const SendCodec& known) {
      return known.negotiated.name == codec.name && known.negotiated.fmtp == codec.fmtp;
    });
    sender.first_codec = sender.codec_in_use;
    sender.codecs.push_back({codec, same != before.end() ? std::move(same->packetizer) : nullptr});
  }
}

MediaPlane::Sender& MediaPlane::find_or_make_sender(Timestamp now, Section& section,
                                                    const jsep::Transceiver& transceiver,
                                                    const std::string& rid,
                                                    const jsep::NegotiatedCodec& codec) {
  const jsep::LayerSsrcs ssrcs = ssrcs_of(transceiver, rid);
  for (const auto& sender : section.senders) {
    // The stream goes on with its SSRC: SRTP's rollover counter must not start anew.
    if (sender->stream.ssrc() != ssrcs.ssrc) continue;
    sender->rid = rid;
    sender->stream.set_rid(rid);
    // Frames of the old codec are of no use to who begins with the new one.
    const auto& known = sender->codecs;
    if (!known.empty() && known[sender->first_codec].negotiated.name != codec.name) {
      silence(*sender);
    }
    sender->stream.set_payload_type(codec.payload_type, codec.rtx_payload_type, codec.clock_rate);
    return *sender;
  }
  rtp::SendStream::Config config{.kind = section.kind, .ssrc = ssrcs.ssrc};
  config.payload_type = codec.payload_type;
  if (codec.rtx_payload_type) {
    config.rtx_ssrc = ssrcs.rtx_ssrc;
    config.rtx_payload_type = codec.rtx_payload_type;
  }
  config.clock_rate = codec.clock_rate;
  config.extensions = sending_map(transceiver.negotiated->extensions);
  config.mid = section.mid;
  config.rid = rid;
  config.timestamp_offset = section.timestamp_offset;
  config.ntp = config_.ntp;
  config.max_packet_size = config_.max_packet_size;
  if (!codec.rtx_payload_type && !codec.has_feedback("nack")) config.history.max_packets = 0;
  section.senders.push_back(std::make_unique<Sender>(
      Sender{.id = section.id,
             .kind = section.kind,
             .stream = rtp::SendStream{std::move(config), random_},
             .target = rid.empty() ? config_.video.start_bitrate : DataRate{},
             .rid = rid}));
  Sender& sender = *section.senders.back();
  if (const auto rtt = reported_rtt_ ? reported_rtt_ : path_rtt_) sender.stream.set_rtt(*rtt);
  schedule_.handle_stream_started(now);
  return sender;
}

void MediaPlane::set_encodings(Timestamp, TransceiverId id, std::vector<SendEncoding> encodings) {
  encodings_[id.value()] = std::move(encodings);
  if (Section* section = find(id)) {
    apply_encodings(*section);
    share_rate(controller_->target());
  }
}

// Which wish belongs to which stream; and what W3C webrtc-pc section 5.2 chooses for those that
// name no scale: each half the size of the one after it.
void MediaPlane::apply_encodings(Section& section) {
  const auto known = encodings_.find(section.id.value());
  const std::vector<SendEncoding> none;
  const auto& encodings = known != encodings_.end() ? known->second : none;
  const bool no_scales = std::all_of(encodings.begin(), encodings.end(),
                                     [](const auto& e) { return e.scale_resolution_down_by < 1; });
  const auto active = std::count_if(section.senders.begin(), section.senders.end(),
                                    [](const auto& sender) { return sender->active; });
  std::ptrdiff_t place = 0;
  for (const auto& sender : section.senders) {
    if (!sender->active) continue;
    ++place;
    const auto wish = std::find_if(encodings.begin(), encodings.end(), [&](const auto& e) {
      return sender->rid.empty() || e.rid == sender->rid;
    });
    sender->encoding = wish != encodings.end() ? *wish : SendEncoding{};
    sender->encoding.rid = sender->rid;
    double& scale = sender->encoding.scale_resolution_down_by;
    if (scale < 1 && no_scales && active > 1) {
      scale = static_cast<double>(1 << std::min<std::ptrdiff_t>(active - place, 8));
    }
    scale = std::max(scale, 1.0);
    if (!sender->wanted()) sender->stream.clear_queue();
  }
}

std::vector<SendLayer> MediaPlane::send_layers(TransceiverId id) const {
  std::vector<SendLayer> layers;
  const Section* section = find(id);
  if (section == nullptr) return layers;
  for (const auto& sender : section->senders) {
    if (!sender->active) continue;
    layers.push_back({.rid = sender->rid,
                      .scale_resolution_down_by = sender->encoding.scale_resolution_down_by,
                      .target_rate = sender->wanted() ? sender->target : DataRate{},
                      .restrictions = sender->restrictions});
  }
  return layers;
}

// --- Receivers ---

void MediaPlane::configure_receivers(Section& section, const jsep::Transceiver& transceiver) {
  const jsep::NegotiatedMedia& media = *transceiver.negotiated;
  const bool receives = sdp::receives(*transceiver.current_direction) && !media.receive.empty();
  for (const auto& receiver : section.receivers) receiver->set_active(receives);
  if (!receives) return;
  std::vector<std::string> rids;
  for (const jsep::NegotiatedRid& rid : media.receive_rids) rids.push_back(rid.id.value());
  if (rids.empty()) {
    // Simulcast of before RFC 8853 is not negotiated: it comes, asked for or not.
    for (const jsep::RemoteStream& stream : media.remote_streams) {
      if (!stream.rid.value().empty()) rids.push_back(stream.rid.value());
    }
  }
  if (rids.empty()) rids.emplace_back();
  std::erase_if(section.receivers, [&](const auto& receiver) {
    return std::find(rids.begin(), rids.end(), receiver->rid()) == rids.end();
  });
  for (const std::string& rid : rids) {
    find_or_make_receiver(section, transceiver, rid).set_codecs(media.receive);
  }
  for (const jsep::RemoteStream& stream : media.remote_streams) {
    if (!media.receive_rids.empty()) break;  // streams are told apart by RID
    learn_ssrc(stream.ssrc, section.id, stream.rid.value());
    if (stream.rtx_ssrc) learn_ssrc(*stream.rtx_ssrc, section.id, stream.rid.value());
  }
}

MediaReceiver& MediaPlane::find_or_make_receiver(Section& section,
                                                 const jsep::Transceiver& transceiver,
                                                 const std::string& rid) {
  if (MediaReceiver* present = section.find_receiver(rid)) return *present;
  section.receivers.push_back(std::make_unique<MediaReceiver>(
      MediaReceiver::Config{.id = section.id,
                            .kind = section.kind,
                            .rid = rid,
                            .codecs = transceiver.negotiated->receive,
                            .max_video_wait = config_.max_video_wait,
                            .audio_decoder = config_.audio_decoder,
                            .playout_channels = config_.playout_channels}));
  MediaReceiver& receiver = *section.receivers.back();
  receiver.set_encoded_audio(std::find(encoded_audio_.begin(), encoded_audio_.end(), section.id) !=
                             encoded_audio_.end());
  if (const auto rtt = reported_rtt_ ? reported_rtt_ : path_rtt_) {
    receiver.set_round_trip_time(*rtt);
  }
  return receiver;
}

}  // namespace parley::peer
