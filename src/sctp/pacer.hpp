// When packets may leave, by a rate.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley::sctp {

/// How much leaves at once at `rate`: a millisecond's worth, so that neither timers nor batched
/// system calls work for single packets; at least two packets, at most one full UDP_SEGMENT batch.
inline std::size_t pacing_quantum(DataRate rate, std::size_t mtu) {
  constexpr std::size_t kBatch = 64 * 1024;
  if (rate.is_infinite()) return kBatch;
  const auto millisecond = static_cast<std::size_t>(rate.bits_per_second() / 8000);
  return std::clamp(millisecond, 2 * mtu, std::max(kBatch, 2 * mtu));
}

/// A bucket that fills at the rate and gives out a quantum at a time: once it is empty nothing
/// leaves until it holds a quantum again. What timers are late is caught up with, up to a bound.
class Pacer {
 public:
  /// Call before sending. No rate: everything may leave.
  void update(Timestamp now, std::optional<DataRate> rate, std::size_t mtu) {
    rate_ = rate;
    if (!rate_) {
      open_ = true;
      return;
    }
    quantum_ = static_cast<double>(pacing_quantum(*rate_, mtu));
    if (updated_ == Timestamp::min()) credit_ = quantum_;
    // Lateness of timers, which a busy host makes longer than the quantum.
    constexpr Duration kCatchUp = 2ms;
    const double most = std::max(quantum_, bytes_in(kCatchUp));
    const Duration passed = updated_ == Timestamp::min()
                                ? Duration::zero()
                                : std::min<Duration>(now - updated_, Duration{1s});
    credit_ = std::min(credit_ + bytes_in(passed), most);
    updated_ = now;
    if (credit_ >= quantum_ - 0.5) open_ = true;
  }
  bool open() const { return open_; }
  void spend(std::size_t bytes) {
    if (!rate_) return;
    credit_ -= static_cast<double>(bytes);
    if (credit_ <= 0) open_ = false;
  }
  /// When it opens, as of the last `update`.
  Timestamp opens_at() const {
    if (open_) return updated_;
    if (rate_->bits_per_second() <= 0) return kNever;
    const double wait = (quantum_ - credit_) * 8e6 / static_cast<double>(rate_->bits_per_second());
    return updated_ + Duration{static_cast<std::int64_t>(std::min(wait, 1e9)) + 1};
  }

 private:
  double bytes_in(Duration d) const {
    if (rate_->is_infinite()) return quantum_;
    return static_cast<double>(rate_->bits_per_second()) / 8e6 * static_cast<double>(d.count());
  }
  std::optional<DataRate> rate_;
  double quantum_ = 0;  // bytes, as the next
  double credit_ = 0;
  Timestamp updated_ = Timestamp::min();
  bool open_ = true;
};

}  // namespace parley::sctp
