// The sending side of the media plane: frames in, the order of packets out, and their rates.
#include <algorithm>

#include "peer/media_layers.hpp"
#include "peer/media_plane.hpp"

namespace parley::peer {

// --- Sending ---

Result<std::uint32_t> MediaPlane::send(Timestamp now, TransceiverId id, EncodedVideo frame) {
  Section* section = find(id);
  if (section == nullptr || !section->sends()) {
    return Error{Errc::invalid_state, "transceiver does not send"};
  }
  if (section->kind != MediaKind::video) {
    return Error{Errc::invalid_argument, "not a video transceiver"};
  }
  Sender* sender = section->senders.front().get();
  if (!frame.rid.empty()) {
    // A peer that takes one stream gets that of the first encoding.
    const std::string& first = !sender->rid.empty() || encodings_[id.value()].empty()
                                   ? sender->rid
                                   : encodings_[id.value()].front().rid;
    const auto named = std::find_if(section->senders.begin(), section->senders.end(),
                                    [&](const auto& s) { return s->rid == frame.rid; });
    if (named != section->senders.end()) sender = named->get();
    if (named == section->senders.end() && frame.rid != first) {
      return Error{Errc::invalid_state, "no stream of this rid was negotiated"};
    }
  }
  if (!sender->wanted()) return Error{Errc::invalid_state, "the stream is switched off"};
  if (auto chosen = choose_codec(*sender, frame.codec); !chosen) return chosen.error();
  SendCodec& codec = sender->codecs[sender->codec_in_use];
  if (!codec.packetizer) {
    codec.packetizer = rtp::make_video_packetizer(codec.negotiated.name, random_,
                                                  rtp::TemporalLayers::off, codec.negotiated.fmtp);
  }
  if (!codec.packetizer) return Error{Errc::unsupported, "no payload format for this codec"};
  const std::uint32_t timestamp = sender->stream.rtp_timestamp(frame.capture_time);
  auto queued = sender->stream.enqueue(now, std::move(frame), *codec.packetizer);
  if (!queued) return queued.error();
  return timestamp;
}

Result<std::uint32_t> MediaPlane::send(Timestamp now, TransceiverId id, EncodedAudio packet,
                                       std::uint32_t media_ticks, Timestamp capture_time,
                                       bool marker) {
  Section* section = find(id);
  if (section == nullptr || !section->sends()) {
    return Error{Errc::invalid_state, "transceiver does not send"};
  }
  if (section->kind != MediaKind::audio) {
    return Error{Errc::invalid_argument, "not an audio transceiver"};
  }
  if (!section->senders.front()->wanted()) {
    return Error{Errc::invalid_state, "the stream is switched off"};
  }
  Sender& sender = *section->senders.front();
  if (auto chosen = choose_codec(sender, packet.codec); !chosen) return chosen.error();
  // The caller counts in 48 kHz, which wraps elsewhere than the codec's own clock.
  sender.audio_ticks +=
      static_cast<std::int32_t>(media_ticks - static_cast<std::uint32_t>(sender.audio_ticks));
  const auto ticks =
      static_cast<std::uint32_t>(sender.audio_ticks * sender.codec().clock_rate / kAudioSampleRate);
  if (auto queued = sender.stream.enqueue(now, std::move(packet), ticks, capture_time, marker);
      !queued) {
    return queued.error();
  }
  return sender.stream.rtp_timestamp(ticks);
}

/// From here on the stream is of the codec of the frame to send, or of the first when it names
/// none.
Result<void> MediaPlane::choose_codec(Sender& sender,
                                      const std::shared_ptr<const MediaCodec>& codec) {
  if (codec != nullptr && codec == sender.last_codec) return {};
  std::size_t index = sender.first_codec;
  if (codec != nullptr) {
    std::vector<jsep::NegotiatedCodec> known;
    for (const SendCodec& c : sender.codecs) known.push_back(c.negotiated);
    const auto found = jsep::find_codec(known, *codec);
    if (!found) return Error{Errc::unsupported, "the peer does not take " + codec->name};
    index = *found;
  }
  sender.last_codec = codec;
  if (index == sender.codec_in_use) return {};
  sender.codec_in_use = index;
  const jsep::NegotiatedCodec& chosen = sender.codec();
  sender.stream.set_payload_type(chosen.payload_type, chosen.rtx_payload_type, chosen.clock_rate);
  return {};
}

const rtp::SendStream* MediaPlane::sender(TransceiverId id) const {
  const Section* section = find(id);
  return section != nullptr && section->sends() ? &section->senders.front()->stream : nullptr;
}

MediaReceiver* MediaPlane::receiver(TransceiverId id, std::string_view rid) {
  Section* section = find(id);
  if (section == nullptr || section->receivers.empty()) return nullptr;
  return rid.empty() ? section->receivers.front().get() : section->find_receiver(rid);
}

bool MediaPlane::request_key_frame(Timestamp now, TransceiverId id, std::string_view rid) {
  Section* section = find(id);
  bool asked = false;
  for (const auto& receiver : section != nullptr ? std::span{section->receivers}
                                                 : std::span<std::unique_ptr<MediaReceiver>>{}) {
    if (!rid.empty() && receiver->rid() != rid) continue;
    receiver->request_key_frame(now);
    asked = true;
  }
  return asked;
}

bool MediaPlane::is_sending(TransceiverId id) const {
  const Section* section = find(id);
  return section != nullptr && std::any_of(section->senders.begin(), section->senders.end(),
                                           [](const auto& s) { return s->wanted(); });
}

void MediaPlane::set_encoded_audio(TransceiverId id, bool encoded) {
  std::erase(encoded_audio_, id);
  if (encoded) encoded_audio_.push_back(id);
  if (MediaReceiver* target = receiver(id)) target->set_encoded_audio(encoded);
}

MediaPlane::Sender* MediaPlane::next_sender(MediaKind kind, rtp::PacketClass which) {
  // The oldest packet goes first, so that streams of one kind share the path fairly.
  Sender* oldest = nullptr;
  Timestamp since = kNever;
  each_sender([&](Sender& sender) {
    if (sender.kind != kind) return;
    const rtp::QueueDepth depth = sender.stream.queued(which);
    if (depth.packets > 0 && (oldest == nullptr || depth.oldest < since)) {
      oldest = &sender;
      since = depth.oldest;
    }
  });
  return oldest;
}

std::optional<MediaPacket> MediaPlane::poll_packet(Timestamp now, MutableBytes storage) {
  storage = storage.first(std::min(storage.size(), config_.max_packet_size));
  if (auto packet = poll_rtcp(now, storage)) return packet;
  return poll_media(now, storage);
}

std::optional<MediaPacket> MediaPlane::poll_media(Timestamp now, MutableBytes storage) {
  if (Sender* audio = next_sender(MediaKind::audio, rtp::PacketClass::media)) {
    return write(now, *audio, rtp::PacketClass::media, storage);
  }
  if (!has_paced_packets() || pacer_.next_send(now) > now) return std::nullopt;
  for (const auto kind : {MediaKind::audio, MediaKind::video}) {
    if (Sender* sender = next_sender(kind, rtp::PacketClass::retransmission)) {
      return write(now, *sender, rtp::PacketClass::retransmission, storage);
    }
  }
  if (Sender* video = next_sender(MediaKind::video, rtp::PacketClass::media)) {
    return write(now, *video, rtp::PacketClass::media, storage);
  }
  return std::nullopt;
}

std::optional<MediaPacket> MediaPlane::write(Timestamp now, Sender& sender, rtp::PacketClass which,
                                             MutableBytes storage) {
  const std::optional<std::uint16_t> number =
      sender.transport_feedback ? std::optional{sent_.next_sequence()} : std::nullopt;
  const auto written = sender.stream.write_next(now, which, number, storage);
  if (!written) return std::nullopt;
  const DataSize size = DataSize::bytes(static_cast<std::int64_t>(written->bytes.size()));
  if (written->consumed_transport_sequence) {
    const std::int64_t sequence = sent_.handle_sent(now, size);
    controller_->on_sent(now, {.sequence = sequence, .sent = now, .size = size});
  }
  if (sender.kind == MediaKind::video || which == rtp::PacketClass::retransmission) {
    pacer_.on_sent(now, size);
  }
  return MediaPacket{
      .size = written->bytes.size(),
      .kind = written->is_repeat ? MediaPacket::Kind::repeated_rtp : MediaPacket::Kind::rtp};
}

bool MediaPlane::has_paced_packets() const {
  bool any = false;
  each_sender([&any](const Sender& sender) {
    any = any || sender.stream.queued(rtp::PacketClass::retransmission).packets > 0 ||
          (sender.kind == MediaKind::video &&
           sender.stream.queued(rtp::PacketClass::media).packets > 0);
  });
  return any;
}

// --- Rates ---

void MediaPlane::set_bitrate_limits(Timestamp now, DataRate min, DataRate max) {
  limits_.min = min + kAudioReserve;
  limits_.max = max + kAudioReserve;
  apply(now, controller_->set_limits(now, limits_));
}

void MediaPlane::apply(Timestamp now, const cc::Update& update) {
  if (update.pacing_rate) pacer_.set_rate(now, *update.pacing_rate);
  if (update.target) share_rate(*update.target);
}

void MediaPlane::share_rate(DataRate total) {
  std::int64_t videos = 0;
  for (const auto& section : sections_) {
    if (section->sends() && section->kind == MediaKind::video) ++videos;
  }
  if (videos == 0) return;
  const DataRate each = DataRate::bits_per_second(
      (std::max(limits_.min, total) - kAudioReserve).bits_per_second() / videos);
  for (const auto& section : sections_) {
    if (section->sends() && section->kind == MediaKind::video) share_rate(*section, each);
  }
}

void MediaPlane::share_rate(Section& section, DataRate rate) {
  const auto& limit = section.senders.front()->peer_limit;
  if (limit) rate = std::min(rate, *limit);
  std::vector<LayerDemand> demands;
  for (const auto& sender : section.senders) {
    DataRate most = sender->encoding.max_bitrate;
    if (const auto& asked = sender->restrictions.max_bitrate) {
      const auto bits = static_cast<std::int64_t>(std::min<std::uint64_t>(*asked, 1U << 30));
      const DataRate peer = DataRate::bits_per_second(bits);
      most = most > DataRate{} ? std::min(most, peer) : peer;
    }
    demands.push_back({.scale = sender->encoding.scale_resolution_down_by,
                       .max = most,
                       .wanted = sender->wanted(),
                       .running = sender->target > DataRate{}});
  }
  const auto rates = share_among_layers(rate, limits_.max - kAudioReserve, demands);
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (section.senders[i]->active) set_target(*section.senders[i], rates[i]);
  }
}

void MediaPlane::set_target(Sender& sender, DataRate rate) {
  if (rate == sender.target) return;
  const bool resumes = sender.target == DataRate{};
  sender.target = rate;
  sender.stream.set_retransmission_rate(std::max(rate, config_.video.min_bitrate));
  events_.emplace_back(event::TargetRateChanged{sender.id, rate, sender.rid});
  // What was sent before the break refers to pictures that the receiver may have given up.
  if (resumes) events_.emplace_back(event::KeyFrameRequested{sender.id, sender.rid});
}

DataRate MediaPlane::target_rate(TransceiverId id) const {
  const Section* section = find(id);
  if (section == nullptr || section->senders.empty()) return config_.video.start_bitrate;
  DataRate sum;
  for (const auto& sender : section->senders) {
    if (sender->wanted()) sum = sum + sender->target;
  }
  return sum;
}

void MediaPlane::set_round_trip_time(Duration rtt) {
  path_rtt_ = rtt;
  if (!reported_rtt_) note_round_trip_time(rtt);
}

void MediaPlane::handle_path_change(Timestamp now) {
  reported_rtt_.reset();
  path_rtt_.reset();
  apply(now, controller_->on_path_change(now));
}

void MediaPlane::note_round_trip_time(Duration rtt) {
  each_sender([rtt](Sender& sender) { sender.stream.set_rtt(rtt); });
  each_receiver([rtt](MediaReceiver& receiver) { receiver.set_round_trip_time(rtt); });
}

// The encoder is told of changes that matter to the amount of FEC only: steps of one percent point.
void MediaPlane::note_loss(double fraction) {
  const double before = loss_;
  loss_ = 0.7 * loss_ + 0.3 * fraction;
  if (static_cast<int>(before * 100) != static_cast<int>(loss_ * 100)) {
    events_.emplace_back(event::LossChanged{loss_});
  }
}

}  // namespace parley::peer
