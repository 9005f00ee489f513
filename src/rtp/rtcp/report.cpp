#include "parley/rtp/rtcp/report.hpp"

#include <algorithm>

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {
namespace {

constexpr std::int32_t kMaxCumulativeLost = 0x7F'FFFF;
constexpr std::int32_t kMinCumulativeLost = -0x80'0000;

ReportBlock read_block(ByteReader& in) {
  ReportBlock block;
  block.source = read_ssrc(in);
  block.fraction_lost = in.u8();
  const std::uint32_t lost = in.u24();
  block.cumulative_lost = static_cast<std::int32_t>(lost) - (lost >= 0x80'0000 ? 0x100'0000 : 0);
  block.highest_sequence = in.u32();
  block.jitter = in.u32();
  block.last_sr = in.u32();
  block.delay_since_last_sr = in.u32();
  return block;
}

void write_block(ByteWriter& out, const ReportBlock& block) {
  out.u32(block.source.value());
  out.u8(block.fraction_lost);
  // RFC 3550 section 6.4.1 has 24 bits signed; more than they hold is told as the most they hold.
  out.u24(static_cast<std::uint32_t>(
              std::clamp(block.cumulative_lost, kMinCumulativeLost, kMaxCumulativeLost)) &
          0xFF'FFFF);
  out.u32(block.highest_sequence);
  out.u32(block.jitter);
  out.u32(block.last_sr);
  out.u32(block.delay_since_last_sr);
}

/// The announced blocks; what follows them is a profile-specific extension and is skipped.
std::vector<ReportBlock> read_blocks(ByteReader& in, std::size_t count) {
  std::vector<ReportBlock> blocks;
  if (in.remaining() < count * ReportBlock::kSize) return blocks;
  blocks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(read_block(in));
  return blocks;
}

}  // namespace

std::optional<Duration> round_trip_time(std::uint32_t last_sr, std::uint32_t delay_since_last_sr,
                                        NtpTime now) {
  if (last_sr == 0) return std::nullopt;  // RFC 3550 section 6.4.1: no SR received yet
  const std::uint32_t units = now.compact() - last_sr - delay_since_last_sr;
  if (units >= 0x8000'0000) return std::nullopt;
  return from_compact_ntp(units);
}

std::optional<SenderReport> SenderReport::parse(const SubPacket& sub) {
  if (sub.type != PacketType::sender_report) return std::nullopt;
  ByteReader in{sub.body};
  SenderReport report;
  report.sender = read_ssrc(in);
  report.ntp = NtpTime{in.u64()};
  report.rtp_timestamp = in.u32();
  report.packet_count = in.u32();
  report.octet_count = in.u32();
  report.blocks = read_blocks(in, sub.count);
  if (!in.ok() || report.blocks.size() != sub.count) return std::nullopt;
  return report;
}

bool SenderReport::write_to(ByteWriter& out) const {
  if (!begin_element(out, PacketType::sender_report, blocks.size(), size())) return false;
  out.u32(sender.value());
  out.u64(ntp.value);
  out.u32(rtp_timestamp);
  out.u32(packet_count);
  out.u32(octet_count);
  for (const ReportBlock& block : blocks) write_block(out, block);
  return true;
}

std::optional<ReceiverReport> ReceiverReport::parse(const SubPacket& sub) {
  if (sub.type != PacketType::receiver_report) return std::nullopt;
  ByteReader in{sub.body};
  ReceiverReport report;
  report.sender = read_ssrc(in);
  report.blocks = read_blocks(in, sub.count);
  if (!in.ok() || report.blocks.size() != sub.count) return std::nullopt;
  return report;
}

bool ReceiverReport::write_to(ByteWriter& out) const {
  if (!begin_element(out, PacketType::receiver_report, blocks.size(), size())) return false;
  out.u32(sender.value());
  for (const ReportBlock& block : blocks) write_block(out, block);
  return true;
}

}  // namespace parley::rtp::rtcp
