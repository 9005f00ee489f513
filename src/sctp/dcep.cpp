#include "sctp/dcep.hpp"

namespace parley::sctp {
namespace {
// Section 5.1: the low bits say what limits the reliability, the high bit that order is not kept.
constexpr std::uint8_t kReliable = 0x00;
constexpr std::uint8_t kRetransmits = 0x01;
constexpr std::uint8_t kLifetime = 0x02;
constexpr std::uint8_t kUnordered = 0x80;

// Any number is allowed on the wire (RFC 8831 section 6.4); four have names.
ChannelPriority nearest(std::uint16_t wire) {
  if (wire <= 128) return ChannelPriority::very_low;
  if (wire <= 256) return ChannelPriority::low;
  if (wire <= 512) return ChannelPriority::medium;
  return ChannelPriority::high;
}
}  // namespace

std::optional<DcepOpen> DcepOpen::parse(Bytes message) {
  ByteReader r{message};
  if (r.u8() != static_cast<std::uint8_t>(DcepType::open)) return std::nullopt;
  const std::uint8_t type = r.u8();
  const std::uint16_t priority = r.u16();
  const std::uint32_t reliability = r.u32();
  const std::size_t label = r.u16();
  const std::size_t protocol = r.u16();
  DcepOpen out;
  out.options.label = as_text(r.bytes(label));
  out.options.protocol = as_text(r.bytes(protocol));
  if (!r.ok()) return std::nullopt;
  out.options.ordered = (type & kUnordered) == 0;
  out.options.priority = nearest(priority);
  switch (type & static_cast<std::uint8_t>(~kUnordered)) {
    case kReliable:
      break;
    case kRetransmits:
      out.options.max_retransmits =
          static_cast<std::uint16_t>(reliability > 65'535 ? 65'535 : reliability);
      break;
    case kLifetime:
      out.options.max_packet_lifetime = std::chrono::milliseconds{reliability};
      break;
    default:
      return std::nullopt;
  }
  return out;
}

std::vector<std::uint8_t> DcepOpen::to_bytes() const {
  std::vector<std::uint8_t> bytes(12 + options.label.size() + options.protocol.size());
  ByteWriter w{bytes};
  std::uint8_t type = options.ordered ? 0 : kUnordered;
  std::uint32_t reliability = 0;
  if (options.max_retransmits) {
    type |= kRetransmits;
    reliability = *options.max_retransmits;
  } else if (options.max_packet_lifetime) {
    type |= kLifetime;
    reliability = static_cast<std::uint32_t>(options.max_packet_lifetime->count());
  }
  w.u8(static_cast<std::uint8_t>(DcepType::open));
  w.u8(type);
  w.u16(static_cast<std::uint16_t>(options.priority));
  w.u32(reliability);
  w.u16(static_cast<std::uint16_t>(options.label.size()));
  w.u16(static_cast<std::uint16_t>(options.protocol.size()));
  w.bytes(as_bytes(options.label));
  w.bytes(as_bytes(options.protocol));
  return bytes;
}

}  // namespace parley::sctp
