// What the other side says of a stream we send: NACK and the retransmissions it causes, key frame
// requests, report blocks.
#include <algorithm>

#include "parley/base/sequence.hpp"
#include "rtp/send_accounting.hpp"

namespace parley::rtp {
namespace {
// Room of mid and repaired rid in a retransmission, beyond what the original had: element headers
// in the two-byte form, a block header, padding.
constexpr std::size_t kIdentificationOverhead = 2 + 2 + 4 + 3;
constexpr std::size_t kFixedHeader = 12;
constexpr std::size_t kMaxPadding = 255;  // RFC 3550 section 5.1: the count is one byte
}  // namespace

void SendStream::handle_nack(Timestamp now, std::span<const std::uint16_t> sequence_numbers) {
  ++stats_.nack_count;
  const std::int64_t newest = media_.next_sequence - 1;
  for (const std::uint16_t number : sequence_numbers) {
    const std::int64_t sequence = newest + serial_diff(number, static_cast<std::uint16_t>(newest));
    PacketHistory::Entry* entry = history_.find(now, sequence);
    if (!entry || !may_resend(now, *entry) || !take_budget(now, entry->packet.size())) {
      ++stats_.retransmissions_refused;
      continue;
    }
    entry->queued = true;
    resends_[(first_resend_ + resend_count_++) % resends_.size()] = {sequence, entry->packet.size(),
                                                                     now};
    resend_bytes_ += entry->packet.size();
  }
}

bool SendStream::may_resend(Timestamp now, const PacketHistory::Entry& entry) const {
  if (entry.queued || resend_count_ == resends_.size()) return false;
  // Within a round trip of the last answer the question was asked before that answer could arrive.
  return entry.resent_count == 0 || now - entry.last_resent >= rtt_;
}

bool SendStream::take_budget(Timestamp now, std::size_t size) {
  const double rate = static_cast<double>(config_.retransmission_rate.bits_per_second()) / 8;
  if (budget_updated_ && now > *budget_updated_)
    budget_bytes_ = std::min(rate, budget_bytes_ + rate * to_seconds(now - *budget_updated_));
  budget_updated_ = now;
  if (budget_bytes_ < static_cast<double>(size)) return false;
  budget_bytes_ -= static_cast<double>(size);
  return true;
}

std::size_t SendStream::next_packet_size(PacketClass which) const {
  if (which == PacketClass::media) {
    if (frame_count_ == 0) return 0;
    const Frame& frame = head();
    const auto extensions =
        media_extensions(frame.queued, frame, frame.packets_left() == 1, std::uint16_t{0});
    const std::size_t payload =
        frame.parts.empty() ? frame.data.size() : frame.parts[frame.next_part].payload_size();
    return kFixedHeader + extensions.block_size(config_.extensions) + payload;
  }
  if (resend_count_ == 0) return 0;
  const std::size_t size = resends_[first_resend_].size;
  if (!has_rtx()) return size;
  const std::size_t identification =
      rtx_.acknowledged ? 0 : config_.mid.size() + config_.rid.size() + kIdentificationOverhead;
  return size + kRtxHeaderSize + identification;
}

std::optional<WrittenPacket> SendStream::write_retransmission(
    Timestamp now, std::optional<std::uint16_t> transport, MutableBytes storage) {
  while (resend_count_ > 0) {
    const Resend resend = resends_[first_resend_];
    PacketHistory::Entry* entry = history_.find(now, resend.sequence);
    std::optional<WrittenPacket> written;
    if (entry) {
      written =
          has_rtx() ? write_rtx(now, *entry, transport, storage) : write_plain(*entry, storage);
      if (!written) return std::nullopt;  // the storage is too small: it stays
      written->queued = resend.queued;
      entry->queued = false;
      entry->last_resent = now;
      ++entry->resent_count;
    }
    first_resend_ = (first_resend_ + 1) % resends_.size();
    --resend_count_;
    resend_bytes_ -= resend.size;
    if (written) return written;
  }
  return std::nullopt;
}

std::optional<WrittenPacket> SendStream::write_plain(const PacketHistory::Entry& entry,
                                                     MutableBytes storage) {
  if (storage.size() < entry.packet.size()) return std::nullopt;
  // Byte for byte what was sent: see the class comment on nonces.
  const MutableBytes packet = storage.first(entry.packet.size());
  std::copy(entry.packet.begin(), entry.packet.end(), packet.begin());
  count_packet(stats_, packet);
  ++stats_.retransmitted_packets_sent;
  if (const auto view = PacketView::parse(packet))
    stats_.retransmitted_bytes_sent += view->payload_size();
  WrittenPacket written;
  written.bytes = packet;
  written.ssrc = config_.ssrc;
  written.sequence_number = static_cast<std::uint16_t>(entry.sequence);
  written.which = PacketClass::retransmission;
  written.is_repeat = true;
  return written;
}

std::optional<WrittenPacket> SendStream::write_rtx(Timestamp now, const PacketHistory::Entry& entry,
                                                   std::optional<std::uint16_t> transport,
                                                   MutableBytes storage) {
  const auto original = PacketView::parse(entry.packet);
  if (!original) return std::nullopt;
  const auto extensions = rtx_extensions(now, *original, transport);
  PacketHeader header;
  header.marker = original->marker();
  header.payload_type = rtx_type_of(original->payload_type());
  header.sequence_number = static_cast<std::uint16_t>(rtx_.next_sequence);
  header.timestamp = original->timestamp();  // RFC 4588 section 4
  header.ssrc = *config_.rtx_ssrc;
  PacketWriter writer(storage, header, extensions.form(config_.extensions));
  extensions.write_to(writer, config_.extensions);
  ByteWriter payload(writer.reserve_payload(kRtxHeaderSize + original->payload_size()));
  payload.u16(original->sequence_number());
  payload.bytes(original->payload());
  const auto packet = writer.finish();
  if (!packet) return std::nullopt;
  ++rtx_.next_sequence;
  count_packet(rtx_stats_, *packet);
  ++stats_.retransmitted_packets_sent;
  stats_.retransmitted_bytes_sent += original->payload_size();
  WrittenPacket written;
  written.bytes = *packet;
  written.ssrc = header.ssrc;
  written.sequence_number = header.sequence_number;
  written.which = PacketClass::retransmission;
  written.consumed_transport_sequence = consumed(*packet, config_.extensions);
  return written;
}

HeaderExtensions SendStream::rtx_extensions(Timestamp now, const PacketView& original,
                                            std::optional<std::uint16_t> transport) const {
  // The original's extensions again (RFC 4588 section 4 SHOULD), but those that speak of this
  // sending.
  HeaderExtensions extensions = HeaderExtensions::parse(original, config_.extensions);
  identify(extensions, rtx_, true);
  stamp(extensions, now, transport);
  return extensions;
}

std::optional<WrittenPacket> SendStream::write_padding(Timestamp now, std::size_t size,
                                                       std::optional<std::uint16_t> transport,
                                                       MutableBytes storage) {
  if (!has_rtx() || stats_.packets_sent == 0) return std::nullopt;
  HeaderExtensions extensions;
  identify(extensions, rtx_, true);
  stamp(extensions, now, transport);
  const std::size_t overhead = kFixedHeader + extensions.block_size(config_.extensions);
  PacketHeader header;
  header.payload_type = *config_.rtx_payload_type;
  header.sequence_number = static_cast<std::uint16_t>(rtx_.next_sequence);
  header.timestamp = last_timestamp_;
  header.ssrc = *config_.rtx_ssrc;
  PacketWriter writer(storage, header, extensions.form(config_.extensions));
  extensions.write_to(writer, config_.extensions);
  writer.padding(std::clamp<std::size_t>(size > overhead ? size - overhead : 1, 1, kMaxPadding));
  const auto packet = writer.finish();
  if (!packet) return std::nullopt;
  ++rtx_.next_sequence;
  count_packet(rtx_stats_, *packet);
  WrittenPacket written;
  written.bytes = *packet;
  written.ssrc = header.ssrc;
  written.sequence_number = header.sequence_number;
  written.which = PacketClass::retransmission;
  written.queued = now;
  written.consumed_transport_sequence = consumed(*packet, config_.extensions);
  return written;
}

void SendStream::handle_pli(Timestamp now) {
  ++stats_.pli_count;
  want_key_frame(now);
}

void SendStream::handle_fir(Timestamp now, std::uint8_t sequence_number) {
  if (last_fir_ == sequence_number) return;
  last_fir_ = sequence_number;
  ++stats_.fir_count;
  want_key_frame(now);
}

void SendStream::want_key_frame(Timestamp now) {
  if (key_frame_due_ == kNever) key_frame_due_ = std::max(now, next_key_frame_request_);
}

bool SendStream::take_key_frame_request(Timestamp now) {
  if (now < key_frame_due_) return false;
  key_frame_due_ = kNever;
  next_key_frame_request_ = now + config_.min_key_frame_interval;
  return true;
}

std::optional<Duration> SendStream::handle_report_block(Timestamp now,
                                                        const rtcp::ReportBlock& block) {
  const bool rtx = block.source == config_.rtx_ssrc;
  if (!rtx && block.source != config_.ssrc) return std::nullopt;
  if ((rtx ? rtx_stats_ : stats_).packets_sent == 0) return std::nullopt;
  // Whoever reports on the SSRC has bound it to its media section.
  (rtx ? rtx_ : media_).acknowledged = true;
  if (!rtx) handle_remote_report(now, block);
  const auto measured =
      rtcp::round_trip_time(block.last_sr, block.delay_since_last_sr, config_.ntp.to_ntp(now));
  if (!measured) return std::nullopt;
  // Smoothed as in RFC 6298 section 2 (alpha = 1/8); the first measure replaces the guess.
  rtt_ = remote_.round_trip_measurements == 0 ? *measured : rtt_ + (*measured - rtt_) / 8;
  remote_.round_trip_time = *measured;
  remote_.total_round_trip_time += *measured;
  ++remote_.round_trip_measurements;
  return measured;
}

void SendStream::handle_remote_report(Timestamp now, const rtcp::ReportBlock& block) {
  ++remote_.reports;
  remote_.fraction_lost = block.fraction_lost / 256.0;
  remote_.packets_lost = block.cumulative_lost;
  remote_.jitter = MediaTime{block.jitter, config_.clock_rate}.to_duration();
  remote_.highest_sequence = block.highest_sequence;
  remote_.last_report = now;
}

}  // namespace parley::rtp
