#include "parley/rtp/rtcp/remb.hpp"

#include <algorithm>
#include <bit>

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {
namespace {

constexpr std::uint32_t kIdentifier = 0x52454D42;  // "REMB"
constexpr int kMantissaBits = 18;

int width_in_bits(std::uint64_t v) { return 64 - std::countl_zero(v); }

DataRate read_bitrate(std::uint32_t exponent_and_mantissa) {
  const int exponent = static_cast<int>(exponent_and_mantissa >> kMantissaBits);
  const std::uint64_t mantissa = exponent_and_mantissa & ((1U << kMantissaBits) - 1);
  if (mantissa == 0) return DataRate{};  // whatever the exponent: no shift by 64 and more
  if (width_in_bits(mantissa) + exponent > 63) return DataRate::infinite();
  return DataRate::bits_per_second(static_cast<std::int64_t>(mantissa << exponent));
}

std::uint32_t build_bitrate(DataRate rate) {
  const auto bits = static_cast<std::uint64_t>(std::max<std::int64_t>(rate.bits_per_second(), 0));
  const int exponent = std::max(width_in_bits(bits) - kMantissaBits, 0);
  return (static_cast<std::uint32_t>(exponent) << kMantissaBits) |
         static_cast<std::uint32_t>(bits >> exponent);
}

}  // namespace

std::optional<Remb> Remb::parse(const SubPacket& sub) {
  if (!sub.is(PacketType::payload_feedback, kFormatApplicationLayer)) return std::nullopt;
  ByteReader in{sub.body};
  Remb remb;
  remb.sender = read_ssrc(in);
  in.skip(4);  // media SSRC, always 0
  if (in.u32() != kIdentifier) return std::nullopt;
  const std::size_t count = in.u8();
  remb.bitrate = read_bitrate(in.u24());
  if (!in.ok() || in.remaining() < 4 * count) return std::nullopt;
  remb.sources.reserve(count);
  for (std::size_t i = 0; i < count; ++i) remb.sources.push_back(read_ssrc(in));
  return remb;
}

bool Remb::write_to(ByteWriter& out) const {
  if (sources.size() > 255 ||
      !begin_element(out, PacketType::payload_feedback, kFormatApplicationLayer, size())) {
    return false;
  }
  out.u32(sender.value());
  out.u32(0);
  out.u32(kIdentifier);
  out.u8(static_cast<std::uint8_t>(sources.size()));
  out.u24(build_bitrate(bitrate));
  for (const Ssrc source : sources) out.u32(source.value());
  return true;
}

}  // namespace parley::rtp::rtcp
