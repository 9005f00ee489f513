// Reads a fuzz input as a script: small numbers and runs of bytes, never past the end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parley/base/bytes.hpp"

namespace parley::test {

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : rest_(size == 0 ? Bytes{} : Bytes{data, size}) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t u8() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(u8() << 8 | u8()); }
  std::uint32_t u32() { return std::uint32_t{u16()} << 16 | u16(); }
  /// A copy, so that whoever reads past its end is caught.
  std::vector<std::uint8_t> bytes(std::size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return {taken.begin(), taken.end()};
  }
  std::vector<std::uint8_t> sized_bytes() { return bytes(u8()); }

 private:
  Bytes rest_;
};

}  // namespace parley::test
