// What the writers and parsers of RTCP elements share.
#pragma once

#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// Writes the common header of an element of `size` bytes, if all of it will fit. False when it
/// will not: nothing is written then. `size` is a multiple of 4.
inline bool begin_element(ByteWriter& out, PacketType type, std::size_t count, std::size_t size) {
  if (!out.ok() || out.remaining() < size || count > kMaxCount || size / 4 > 0x10000) return false;
  out.u8(static_cast<std::uint8_t>(0x80 | count));
  out.u8(static_cast<std::uint8_t>(type));
  out.u16(static_cast<std::uint16_t>(size / 4 - 1));  // RFC 3550 section 6.4.1: words minus one
  return true;
}

/// `n` rounded up to whole words.
constexpr std::size_t padded_to_word(std::size_t n) { return (n + 3) / 4 * 4; }

inline Ssrc read_ssrc(ByteReader& in) { return Ssrc{in.u32()}; }

}  // namespace parley::rtp::rtcp
