// Reads bits, most significant first, for the few fields of codec headers that are of interest
// here. Never past the end: after the first read that did not fit `ok()` is false.
#pragma once

#include <cstdint>

#include "parley/base/bytes.hpp"

namespace parley::rtp {

class BitReader {
 public:
  explicit BitReader(Bytes data) : data_(data) {}

  bool ok() const { return ok_; }
  bool bit() { return bits(1) != 0; }
  /// `count` from 0 to 32.
  std::uint32_t bits(unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
      const std::size_t byte = at_ / 8;
      if (byte >= data_.size()) return fail();
      value = (value << 1) | ((data_[byte] >> (7 - at_ % 8)) & 1U);
      ++at_;
    }
    return value;
  }
  void skip(unsigned count) {
    for (; count > 32; count -= 32) bits(32);
    bits(count);
  }
  /// Exp-Golomb code ue(v) of H.264 section 9.1.
  std::uint32_t ue() {
    unsigned zeros = 0;
    while (ok_ && !bit()) {
      if (++zeros > 31) return fail();
    }
    return ok_ ? (1U << zeros) - 1 + bits(zeros) : 0;
  }
  /// se(v): the same, signed; 1, -1, 2, -2 and so on.
  std::int32_t se() {
    const std::uint32_t code = ue();
    const auto half = static_cast<std::int32_t>(code / 2);
    return code % 2 == 0 ? -half : half + 1;
  }

 private:
  std::uint32_t fail() {
    ok_ = false;
    return 0;
  }
  Bytes data_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace parley::rtp
