#include "parley/rtp/rtcp/extended_report.hpp"

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {
namespace {

constexpr std::uint8_t kBlockReceiverReferenceTime = 4;  // RFC 3611 section 4.4
constexpr std::uint8_t kBlockDlrr = 5;                   // RFC 3611 section 4.5
constexpr std::size_t kBlockHeaderSize = 4;
constexpr std::size_t kDlrrSize = 12;

}  // namespace

std::optional<ExtendedReport> ExtendedReport::parse(const SubPacket& sub) {
  if (sub.type != PacketType::extended_report) return std::nullopt;
  ByteReader in{sub.body};
  ExtendedReport report;
  report.sender = read_ssrc(in);
  while (in.ok() && !in.at_end()) {
    const std::uint8_t type = in.u8();
    in.skip(1);
    ByteReader block{in.bytes(4U * in.u16())};  // RFC 3611 section 3: words without the header
    if (!in.ok()) break;
    if (type == kBlockReceiverReferenceTime) {
      report.receiver_reference_time = NtpTime{block.u64()};
      if (!block.ok()) return std::nullopt;
    } else if (type == kBlockDlrr) {
      if (block.remaining() % kDlrrSize != 0) return std::nullopt;
      while (!block.at_end()) {
        const Ssrc receiver = read_ssrc(block);
        const std::uint32_t last_rr = block.u32();
        report.dlrr.push_back({receiver, last_rr, block.u32()});
      }
    }
  }
  if (!in.ok()) return std::nullopt;
  return report;
}

std::size_t ExtendedReport::size() const {
  return 8 + (receiver_reference_time ? kBlockHeaderSize + 8 : 0) +
         (dlrr.empty() ? 0 : kBlockHeaderSize + kDlrrSize * dlrr.size());
}

bool ExtendedReport::write_to(ByteWriter& out) const {
  if (!begin_element(out, PacketType::extended_report, 0, size())) return false;
  out.u32(sender.value());
  if (receiver_reference_time) {
    out.u8(kBlockReceiverReferenceTime);
    out.u8(0);
    out.u16(2);
    out.u64(receiver_reference_time->value);
  }
  if (!dlrr.empty()) {
    out.u8(kBlockDlrr);
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(3 * dlrr.size()));
    for (const Dlrr& item : dlrr) {
      out.u32(item.receiver.value());
      out.u32(item.last_rr);
      out.u32(item.delay_since_last_rr);
    }
  }
  return true;
}

}  // namespace parley::rtp::rtcp
