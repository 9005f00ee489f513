// Serial number arithmetic (RFC 1982) and unwrapping to 64 bits at the edge of a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace parley {

/// The signed distance from `b` to `a` on the circle of `T` (uint16_t or uint32_t). The distance of
/// exactly half the circle is negative, so that every pair has one answer.
template <class T>
constexpr auto serial_diff(T a, T b) {
  static_assert(std::is_unsigned_v<T>);
  return static_cast<std::make_signed_t<T>>(static_cast<T>(a - b));
}

/// True when `a` comes after `b` (RFC 1982 section 3.2).
template <class T>
constexpr bool serial_newer(T a, T b) {
  return serial_diff(a, b) > 0;
}

/// Gives wrapped numbers their place on a line of 64 bits. The first value is taken as it is, plus
/// one turn of the circle, so that what came before it unwraps to a positive number too.
template <class T>
class Unwrapper {
 public:
  /// The place of `value`, and remember the newest one seen.
  std::int64_t unwrap(T value) {
    const std::int64_t result = peek(value);
    if (!newest_ || result > *newest_) newest_ = result;
    return result;
  }
  /// The place of `value`, remembering nothing.
  std::int64_t peek(T value) const {
    if (!newest_) return kTurn + static_cast<std::int64_t>(value);
    return *newest_ + serial_diff(value, static_cast<T>(*newest_));
  }
  std::optional<std::int64_t> newest() const { return newest_; }
  void reset() { newest_.reset(); }

 private:
  static constexpr std::int64_t kTurn = std::int64_t{1} << (8 * sizeof(T));
  std::optional<std::int64_t> newest_;
};

using SequenceUnwrapper = Unwrapper<std::uint16_t>;
using TimestampUnwrapper = Unwrapper<std::uint32_t>;

}  // namespace parley
