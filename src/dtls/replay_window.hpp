// Which record numbers have been seen.
#pragma once

#include <cstdint>

namespace parley::dtls {

/// The sliding window of RFC 6347 section 4.1.2.6, 64 records wide as it prefers. What is left of
/// it counts as seen.
class ReplayWindow {
 public:
  bool is_new(std::uint64_t sequence) const {
    if (sequence >= next_) return true;
    const std::uint64_t age = next_ - 1 - sequence;
    return age < kWidth && ((seen_ >> age) & 1) == 0;
  }

  /// Only of authentic records: others would move the window past those that are to come.
  void mark(std::uint64_t sequence) {
    if (sequence >= next_) {
      const std::uint64_t advance = sequence + 1 - next_;
      seen_ = advance < kWidth ? seen_ << advance : 0;
      next_ = sequence + 1;
    }
    const std::uint64_t age = next_ - 1 - sequence;
    if (age < kWidth) seen_ |= std::uint64_t{1} << age;
  }

 private:
  static constexpr std::uint64_t kWidth = 64;
  std::uint64_t next_ = 0;  ///< One above the highest seen.
  std::uint64_t seen_ = 0;  ///< Bit n: the record n below the highest.
};

}  // namespace parley::dtls
