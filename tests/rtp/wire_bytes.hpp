// Bytes written as people read them, and the damage that networks do to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"

namespace parley::rtp {

using ByteVector = std::vector<std::uint8_t>;

/// "80 60 FF" as three bytes. Blanks are skipped, everything else is two hex digits per byte.
inline ByteVector from_hex(std::string_view text) {
  ByteVector out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  return out;
}

inline ByteVector to_vector(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Calls `parse` with every proper prefix of `whole`, each in storage of exactly its length, so
/// that a sanitizer sees the first byte that is read too far.
template <class Parse>
void for_each_prefix(Bytes whole, Parse parse) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const ByteVector prefix = to_vector(whole.first(size));
    parse(Bytes{prefix});
  }
}

/// Calls `parse` with `whole` after each single-bit flip.
template <class Parse>
void for_each_bit_flip(Bytes whole, Parse parse) {
  ByteVector damaged = to_vector(whole);
  for (std::size_t bit = 0; bit < 8 * damaged.size(); ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ mask);
    parse(Bytes{damaged});
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ mask);
  }
}

/// The bytes of an RTCP element.
template <class Element>
ByteVector write(const Element& element) {
  ByteVector storage(element.size());
  ByteWriter out{storage};
  return element.write_to(out) ? storage : ByteVector{};
}

}  // namespace parley::rtp
