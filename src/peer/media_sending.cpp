// The sending side of the media plane: frames in, the order of packets out, and their rates.
#include <algorithm>

#include "peer/media_plane.hpp"

namespace parley::peer {

// --- Sending ---

Result<std::uint32_t> MediaPlane::send(Timestamp now, TransceiverId id, EncodedVideo frame) {
  Section* section = find(id);
  if (section == nullptr || !section->sender || !section->sender->active) {
    return Error{Errc::invalid_state, "transceiver does not send"};
  }
  Sender& sender = *section->sender;
  if (sender.kind != MediaKind::video || !sender.packetizer) {
    return Error{Errc::invalid_argument, "not a video transceiver"};
  }
  const std::uint32_t timestamp = sender.stream.rtp_timestamp(frame.capture_time);
  if (auto queued = sender.stream.enqueue(now, std::move(frame), *sender.packetizer); !queued) {
    return queued.error();
  }
  return timestamp;
}

Result<std::uint32_t> MediaPlane::send(Timestamp now, TransceiverId id, EncodedAudio packet,
                                       std::uint32_t media_ticks, Timestamp capture_time,
                                       bool marker) {
  Section* section = find(id);
  if (section == nullptr || !section->sender || !section->sender->active) {
    return Error{Errc::invalid_state, "transceiver does not send"};
  }
  Sender& sender = *section->sender;
  if (sender.kind != MediaKind::audio) {
    return Error{Errc::invalid_argument, "not an audio transceiver"};
  }
  if (auto queued =
          sender.stream.enqueue(now, std::move(packet), media_ticks, capture_time, marker);
      !queued) {
    return queued.error();
  }
  return sender.stream.rtp_timestamp(media_ticks);
}

const rtp::SendStream* MediaPlane::sender(TransceiverId id) const {
  const Section* section = find(id);
  return section != nullptr && section->sender && section->sender->active ? &section->sender->stream
                                                                          : nullptr;
}

MediaReceiver* MediaPlane::receiver(TransceiverId id) {
  Section* section = find(id);
  return section != nullptr ? section->receiver.get() : nullptr;
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
  for (const auto& section : sections_) {
    if (!section->sender || section->sender->kind != kind) continue;
    const rtp::QueueDepth depth = section->sender->stream.queued(which);
    if (depth.packets > 0 && (oldest == nullptr || depth.oldest < since)) {
      oldest = section->sender.get();
      since = depth.oldest;
    }
  }
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
  return MediaPacket{.size = written->bytes.size()};
}

bool MediaPlane::has_paced_packets() const {
  return std::any_of(sections_.begin(), sections_.end(), [](const auto& section) {
    if (!section->sender) return false;
    const rtp::SendStream& stream = section->sender->stream;
    return stream.queued(rtp::PacketClass::retransmission).packets > 0 ||
           (section->kind == MediaKind::video &&
            stream.queued(rtp::PacketClass::media).packets > 0);
  });
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
    if (section->sender && section->sender->active && section->kind == MediaKind::video) ++videos;
  }
  if (videos == 0) return;
  const DataRate each = DataRate::bits_per_second(
      std::max(config_.video.min_bitrate, total - kAudioReserve).bits_per_second() / videos);
  for (const auto& section : sections_) {
    if (!section->sender || section->kind != MediaKind::video) continue;
    Sender& sender = *section->sender;
    const DataRate rate = sender.peer_limit ? std::min(each, *sender.peer_limit) : each;
    if (rate == sender.target) continue;
    sender.target = rate;
    sender.stream.set_retransmission_rate(rate);
    events_.emplace_back(event::TargetRateChanged{sender.id, rate});
  }
}

DataRate MediaPlane::target_rate(TransceiverId id) const {
  const Section* section = find(id);
  return section != nullptr && section->sender ? section->sender->target
                                               : config_.video.start_bitrate;
}

void MediaPlane::set_round_trip_time(Duration rtt) {
  path_rtt_ = rtt;
  if (!reported_rtt_) note_round_trip_time(rtt);
}

void MediaPlane::note_round_trip_time(Duration rtt) {
  for (const auto& section : sections_) {
    if (section->sender) section->sender->stream.set_rtt(rtt);
    if (section->receiver) section->receiver->set_round_trip_time(rtt);
  }
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
