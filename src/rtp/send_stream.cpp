// Frames in, media packets out, reports. What the other side says of the stream is in
// send_stream_feedback.cpp.
#include "parley/rtp/send_stream.hpp"

#include <algorithm>
#include <utility>

#include "rtp/send_accounting.hpp"

namespace parley::rtp {
namespace {
constexpr std::int64_t kTurn = 1 << 16;
constexpr std::size_t kFixedHeader = 12;       // RFC 3550 section 5.1
constexpr Duration kCaptureTimeInterval = 1s;  // receivers interpolate between two

std::int64_t to_ticks(Duration d, int clock_rate) {
  return d.count() / 1'000'000 * clock_rate + d.count() % 1'000'000 * clock_rate / 1'000'000;
}
}  // namespace

SendStream::SendStream(Config config, Random& random)
    : config_(std::move(config)),
      timestamp_offset_(config_.timestamp_offset ? *config_.timestamp_offset : random.u32()),
      frames_(std::max<std::size_t>(config_.max_queued_frames, 1)),
      history_(config_.history),
      resends_(config_.history.max_packets),
      budget_bytes_(static_cast<double>(config_.retransmission_rate.bits_per_second()) / 8),
      rtt_(config_.initial_rtt) {
  if (config_.rtx_payload_type) {
    rtx_types_.emplace_back(config_.payload_type, *config_.rtx_payload_type);
  }
  // Below 2^15, and a turn up so that nothing before it is negative.
  media_.next_sequence = kTurn + random.below(1 << 15);
  rtx_.next_sequence = kTurn + random.below(1 << 15);
}

std::uint32_t SendStream::rtp_timestamp(Timestamp capture_time) const {
  return timestamp_offset_ +
         static_cast<std::uint32_t>(to_ticks(capture_time.time_since_epoch(), config_.clock_rate));
}

std::uint32_t SendStream::rtp_timestamp(std::uint32_t media_ticks) const {
  return timestamp_offset_ + media_ticks;
}

Result<void> SendStream::enqueue(Timestamp now, EncodedVideo frame, VideoPacketizer& packetizer) {
  const std::size_t limit = max_payload();
  const std::size_t bytes = frame.data.size();
  if (const auto room = check_room(now, limit == 0 ? 1 : bytes / limit + 1, bytes); !room)
    return room;
  Frame queued;
  queued.parts = packetizer.packetize(frame, limit);
  if (queued.parts.empty()) return Error{Errc::malformed, "the packetizer made no packet"};
  queued.capture_time = frame.capture_time == Timestamp{} ? now : frame.capture_time;
  // Two frames never share a timestamp, or receivers take them for one.
  const std::int64_t ticks = to_ticks(queued.capture_time.time_since_epoch(), config_.clock_rate);
  last_ticks_ = std::max(ticks, last_ticks_.value_or(ticks - 1) + 1);
  queued.timestamp = timestamp_offset_ + static_cast<std::uint32_t>(*last_ticks_);
  queued.key_frame = frame.key_frame;
  queued.rotation = frame.rotation;
  queued.data = std::move(frame.data);
  for (const PayloadPart& part : queued.parts) queued.bytes_left += part.payload_size();
  if (queued.key_frame) key_frame_due_ = kNever;
  push(now, std::move(queued));
  return {};
}

Result<void> SendStream::enqueue(Timestamp now, EncodedAudio frame, std::uint32_t media_ticks,
                                 Timestamp capture_time, bool marker) {
  if (frame.data.empty()) return Error{Errc::malformed, "empty audio packet"};
  if (frame.data.size() > max_payload()) return Error{Errc::too_large, "audio packet"};
  if (const auto room = check_room(now, 1, frame.data.size()); !room) return room;
  Frame queued;
  queued.bytes_left = frame.data.size();
  queued.data = std::move(frame.data);
  queued.timestamp = timestamp_offset_ + media_ticks;
  queued.capture_time = capture_time;
  queued.marker = marker;
  queued.audio_level = AudioLevel{frame.voice_activity, frame.audio_level};
  push(now, std::move(queued));
  return {};
}

Result<void> SendStream::check_room(Timestamp now, std::size_t packets, std::size_t bytes) {
  if (frame_count_ < frames_.size() && queued_packets_ + packets <= config_.max_queued_packets &&
      queued_bytes_ + bytes <= config_.max_queued_bytes)
    return {};
  ++stats_.frames_dropped;
  // What follows a lost picture can not be decoded.
  if (config_.kind == MediaKind::video) want_key_frame(now);
  return Error{Errc::queue_full, "frames wait to be sent"};
}

void SendStream::push(Timestamp now, Frame frame) {
  frame.queued = now;
  frame.payload_type = config_.payload_type;
  if (now >= next_capture_time_ && config_.extensions.has(Extension::abs_capture_time)) {
    frame.tell_capture_time = true;
    next_capture_time_ = now + kCaptureTimeInterval;
  }
  queued_packets_ += frame.packets_left();
  queued_bytes_ += frame.bytes_left;
  frames_[(first_frame_ + frame_count_++) % frames_.size()] = std::move(frame);
}

void SendStream::clear_queue() {
  for (Frame& frame : frames_) frame = Frame{};
  frame_count_ = queued_packets_ = queued_bytes_ = 0;
}

std::size_t SendStream::max_payload() const {
  // With every extension that any packet may carry, so that no packet of a frame is too long, and
  // the two bytes by which a retransmission is longer.
  HeaderExtensions all;
  if (!config_.mid.empty()) all.mid = config_.mid;
  if (!config_.rid.empty()) all.rid = all.repaired_rid = config_.rid;
  if (config_.kind == MediaKind::audio) all.audio_level.emplace();
  if (config_.kind == MediaKind::video) all.video_orientation.emplace();
  all.abs_send_time.emplace();
  all.transport_sequence_number = std::uint16_t{0};
  all.abs_capture_time.emplace();
  all.playout_delay.emplace();
  const std::size_t overhead =
      kFixedHeader + all.block_size(config_.extensions) + (has_rtx() ? kRtxHeaderSize : 0);
  return config_.max_packet_size > overhead ? config_.max_packet_size - overhead : 0;
}

void SendStream::set_rid(std::string rid) {
  if (rid == config_.rid) return;
  config_.rid = std::move(rid);
  media_.acknowledged = rtx_.acknowledged = false;
}

void SendStream::identify(HeaderExtensions& extensions, const Outgoing& stream,
                          bool repaired) const {
  extensions.mid = extensions.rid = extensions.repaired_rid = std::nullopt;
  if (stream.acknowledged) return;
  if (!config_.mid.empty()) extensions.mid = config_.mid;
  if (config_.rid.empty()) return;
  (repaired ? extensions.repaired_rid : extensions.rid) = config_.rid;
}

void SendStream::stamp(HeaderExtensions& extensions, Timestamp now,
                       std::optional<std::uint16_t> transport) const {
  extensions.abs_send_time = AbsSendTime::from_ntp(config_.ntp.to_ntp(now));
  extensions.transport_sequence_number = transport;
}

HeaderExtensions SendStream::media_extensions(Timestamp now, const Frame& frame, bool last,
                                              std::optional<std::uint16_t> transport) const {
  HeaderExtensions extensions;
  identify(extensions, media_, false);
  stamp(extensions, now, transport);
  if (config_.kind == MediaKind::audio) extensions.audio_level = frame.audio_level;
  // 3GPP TS 26.114 section 7.4.5: in the last packet of a frame.
  if (config_.kind == MediaKind::video && last)
    extensions.video_orientation = VideoOrientation{false, false, frame.rotation};
  if (!media_.acknowledged) extensions.playout_delay = config_.playout_delay;
  if (frame.tell_capture_time && frame.next_part == 0)
    extensions.abs_capture_time =
        AbsCaptureTime{config_.ntp.to_ntp(frame.capture_time), std::nullopt};
  return extensions;
}

QueueDepth SendStream::queued(PacketClass which) const {
  if (which == PacketClass::media) {
    if (frame_count_ == 0) return {};
    return {queued_packets_, queued_bytes_, head().queued};
  }
  if (resend_count_ == 0) return {};
  return {resend_count_, resend_bytes_, resends_[first_resend_].queued};
}

std::optional<WrittenPacket> SendStream::write_next(Timestamp now, PacketClass which,
                                                    std::optional<std::uint16_t> transport_sequence,
                                                    MutableBytes storage) {
  if (which == PacketClass::retransmission)
    return write_retransmission(now, transport_sequence, storage);
  return frame_count_ > 0 ? write_media(now, transport_sequence, storage) : std::nullopt;
}

std::optional<WrittenPacket> SendStream::write_media(Timestamp now,
                                                     std::optional<std::uint16_t> transport,
                                                     MutableBytes storage) {
  const Frame& frame = head();
  const bool last = frame.packets_left() == 1;
  const auto extensions = media_extensions(now, frame, last, transport);
  const auto sequence = static_cast<std::uint16_t>(media_.next_sequence);
  PacketWriter writer(storage,
                      PacketHeader{frame.parts.empty() ? frame.marker : last,
                                   frame.payload_type,
                                   sequence,
                                   frame.timestamp,
                                   config_.ssrc,
                                   {}},
                      extensions.form(config_.extensions));
  extensions.write_to(writer, config_.extensions);
  if (frame.parts.empty()) {
    writer.payload(frame.data);
  } else {
    const PayloadPart& part = frame.parts[frame.next_part];
    ByteWriter payload(writer.reserve_payload(part.payload_size()));
    if (!part.write_to(frame.data, payload)) return std::nullopt;
  }
  const auto packet = writer.finish();
  if (!packet) return std::nullopt;

  history_.store(now, media_.next_sequence, *packet);
  ++media_.next_sequence;
  last_timestamp_ = frame.timestamp;
  last_capture_ = frame.capture_time;
  count_packet(stats_, *packet);
  stats_.total_packet_send_delay += now - frame.queued;
  if (last) {
    ++stats_.frames_sent;
    stats_.key_frames_sent += frame.key_frame ? 1 : 0;
  }
  const WrittenPacket written{*packet,
                              config_.ssrc,
                              sequence,
                              PacketClass::media,
                              frame.queued,
                              last,
                              consumed(*packet, config_.extensions)};
  pop_part();
  return written;
}

void SendStream::pop_part() {
  Frame& frame = frames_[first_frame_];
  const std::size_t size =
      frame.parts.empty() ? frame.data.size() : frame.parts[frame.next_part].payload_size();
  --queued_packets_;
  queued_bytes_ -= size;
  frame.bytes_left -= size;
  ++frame.next_part;
  if (frame.next_part < frame.parts.size()) return;
  frame = Frame{};
  first_frame_ = (first_frame_ + 1) % frames_.size();
  --frame_count_;
}

std::optional<rtcp::SenderReport> SendStream::build_sender_report(Timestamp now) const {
  return build_report(now, config_.ssrc, stats_);
}

std::optional<rtcp::SenderReport> SendStream::build_rtx_sender_report(Timestamp now) const {
  return config_.rtx_ssrc ? build_report(now, *config_.rtx_ssrc, rtx_stats_) : std::nullopt;
}

std::optional<rtcp::SenderReport> SendStream::build_report(Timestamp now, Ssrc ssrc,
                                                           const SendStats& stats) const {
  if (stats.packets_sent == 0) return std::nullopt;
  rtcp::SenderReport report;
  report.sender = ssrc;
  report.ntp = config_.ntp.to_ntp(now);
  // RFC 3550 section 6.4.1: the same instant as the NTP timestamp, not that of the last packet.
  // RTX shares the clock of the media (RFC 4588 section 4).
  report.rtp_timestamp = last_timestamp_ + static_cast<std::uint32_t>(
                                               to_ticks(now - last_capture_, config_.clock_rate));
  report.packet_count = static_cast<std::uint32_t>(stats.packets_sent);
  report.octet_count = static_cast<std::uint32_t>(stats.bytes_sent);
  return report;
}

void SendStream::set_payload_type(PayloadType payload_type,
                                  std::optional<PayloadType> rtx_payload_type,
                                  std::optional<int> clock_rate) {
  config_.payload_type = payload_type;
  if (clock_rate) config_.clock_rate = *clock_rate;
  config_.rtx_payload_type = rtx_payload_type;
  if (!rtx_payload_type) return;
  std::erase_if(rtx_types_, [&](const auto& entry) { return entry.first == payload_type; });
  rtx_types_.emplace_back(payload_type, *rtx_payload_type);
}

PayloadType SendStream::rtx_type_of(PayloadType payload_type) const {
  for (const auto& [media, rtx] : rtx_types_) {
    if (media == payload_type) return rtx;
  }
  return *config_.rtx_payload_type;
}

void SendStream::handle_timeout(Timestamp) {}

Timestamp SendStream::next_timeout() const { return key_frame_due_; }

}  // namespace parley::rtp
