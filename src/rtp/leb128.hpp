// Numbers of variable size, as AV1 writes them (AV1 bitstream specification section 4.10.5).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/bytes.hpp"

namespace parley::rtp {

/// nullopt when it is cut off, longer than 8 bytes or above 2^32 - 1.
inline std::optional<std::uint32_t> read_leb128(ByteReader& in) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const std::uint8_t byte = in.u8();
    if (!in.ok()) return std::nullopt;
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if ((byte & 0x80) != 0) continue;
    if (value > 0xFFFF'FFFF) return std::nullopt;
    return static_cast<std::uint32_t>(value);
  }
  return std::nullopt;
}

inline std::size_t leb128_size(std::size_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

inline void append_leb128(std::size_t value, std::vector<std::uint8_t>& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>((value & 0x7F) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace parley::rtp
