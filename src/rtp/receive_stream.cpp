#include "parley/rtp/receive_stream.hpp"

#include <algorithm>
#include <utility>

namespace parley::rtp {

ReceiveStream::ReceiveStream(Config config)
    : config_(std::move(config)),
      media_(config_.clock_rate),
      rtx_(config_.clock_rate),
      clock_(config_.clock_rate),
      rtx_clock_(config_.clock_rate) {
  if (config_.nack) nack_.emplace(*config_.nack);
}

Received ReceiveStream::handle_packet(Timestamp now, const PacketView& packet) {
  ++stats_.packets_received;
  stats_.bytes_received += packet.payload_size();
  stats_.header_bytes_received += packet.header_size() + packet.padding_size();
  stats_.last_packet = now;
  const bool padding_only = packet.payload_size() == 0;
  if (padding_only) ++stats_.padding_packets;
  // A packet of padding has the timestamp of some earlier packet: no jitter in that.
  const auto placed = media_.handle_packet(
      now, packet.sequence_number(),
      padding_only ? std::nullopt : std::optional<std::uint32_t>{packet.timestamp()});
  return finish(now, placed, Origin::media, packet);
}

Received ReceiveStream::handle_retransmission(Timestamp now, MutableBytes packet) {
  Received result;
  result.origin = Origin::retransmission;
  const auto wrapped = PacketView::parse(packet);
  if (!wrapped) return result;
  rtx_.handle_packet(now, wrapped->sequence_number(), std::nullopt);
  stats_.last_packet = now;
  const auto known = std::find_if(
      config_.rtx.begin(), config_.rtx.end(),
      [&](const Config::Rtx& rtx) { return rtx.payload_type == wrapped->payload_type(); });
  if (wrapped->payload_size() < kRtxHeaderSize || known == config_.rtx.end()) {
    ++(wrapped->payload_size() == 0 ? stats_.padding_packets : stats_.packets_discarded);
    return result;
  }
  const auto original = unwrap_rtx(packet, config_.ssrc, known->original);
  if (!original) return result;
  ++stats_.retransmitted_packets_received;
  stats_.retransmitted_bytes_received += original->payload_size();
  return finish(now, media_.handle_recovered(original->sequence_number()), Origin::retransmission,
                *original);
}

Received ReceiveStream::finish(Timestamp now, ReceptionStatistics::Placed placed, Origin origin,
                               const PacketView& packet) {
  Received result{placed.arrival, origin, placed.sequence, std::nullopt};
  if (!is_usable(placed.arrival)) {
    ++(placed.arrival == Arrival::duplicate ? stats_.packets_duplicated : stats_.packets_discarded);
    return result;
  }
  if (placed.arrival == Arrival::restart) {
    ++stats_.restarts;
    reported_media_ = 0;
    clock_.reset();
    if (nack_) nack_->reset();
  }
  if (nack_) nack_->handle_packet(now, placed.sequence, origin);
  if (packet.payload_size() > 0) result.packet = packet;
  return result;
}

void ReceiveStream::set_rtx_ssrc(Ssrc ssrc) {
  if (config_.rtx_ssrc == ssrc || ssrc == config_.ssrc) return;
  config_.rtx_ssrc = ssrc;
  rtx_ = ReceptionStatistics{config_.clock_rate};
  rtx_clock_.reset();
  reported_rtx_ = 0;
}

void ReceiveStream::handle_sender_report(Timestamp now, const rtcp::SenderReport& report) {
  if (report.sender == config_.rtx_ssrc) return rtx_clock_.handle_sender_report(now, report);
  if (report.sender != config_.ssrc) return;
  clock_.handle_sender_report(now, report);
  ++stats_.sender_reports;
  stats_.remote_packets_sent = report.packet_count;
  stats_.remote_bytes_sent = report.octet_count;
  stats_.remote_timestamp = report.ntp;
}

void ReceiveStream::handle_bye() {
  media_.handle_bye();
  clock_.reset();
  if (nack_) nack_->reset();
}

void ReceiveStream::handle_key_frame(std::int64_t first_sequence) {
  if (nack_) nack_->handle_key_frame(first_sequence);
}

void ReceiveStream::set_rtt(Duration rtt) {
  if (nack_) nack_->set_rtt(rtt);
}

void ReceiveStream::build_report_blocks(Timestamp now, std::vector<rtcp::ReportBlock>& out) {
  const auto build = [&](Ssrc ssrc, ReceptionStatistics& statistics, const SenderClock& clock,
                         std::uint64_t& reported) {
    if (!statistics.started() || statistics.received() == reported) return;
    reported = statistics.received();
    rtcp::ReportBlock block;
    block.source = ssrc;
    statistics.fill_report_block(block);
    clock.fill_report_block(now, block);
    out.push_back(block);
  };
  build(config_.ssrc, media_, clock_, reported_media_);
  if (config_.rtx_ssrc) build(*config_.rtx_ssrc, rtx_, rtx_clock_, reported_rtx_);
}

std::size_t ReceiveStream::poll_nack(Timestamp now, std::span<std::uint16_t> out) {
  const std::size_t count = nack_ ? nack_->poll(now, out) : 0;
  if (count > 0) ++stats_.nack_count;
  return count;
}

bool ReceiveStream::take_key_frame_needed() { return nack_ && nack_->take_key_frame_needed(); }

void ReceiveStream::handle_timeout(Timestamp now) {
  if (nack_) nack_->handle_timeout(now);
}

Timestamp ReceiveStream::next_timeout() const { return nack_ ? nack_->next_timeout() : kNever; }

}  // namespace parley::rtp
