// Data sizes and rates that combine with durations and never mix bits with bytes.
#pragma once

#include <compare>
#include <cstdint>

#include "parley/base/time.hpp"

namespace parley {

/// An amount of data. Raw numbers come out only by naming the unit.
class DataSize {
 public:
  constexpr DataSize() = default;
  static constexpr DataSize bytes(std::int64_t n) { return DataSize{n}; }
  static constexpr DataSize kilobytes(std::int64_t n) { return DataSize{n * 1000}; }

  constexpr std::int64_t bytes() const { return bytes_; }
  constexpr std::int64_t bits() const { return bytes_ * 8; }

  constexpr DataSize& operator+=(DataSize o) {
    bytes_ += o.bytes_;
    return *this;
  }
  constexpr DataSize& operator-=(DataSize o) {
    bytes_ -= o.bytes_;
    return *this;
  }
  friend constexpr DataSize operator+(DataSize a, DataSize b) { return a += b; }
  friend constexpr DataSize operator-(DataSize a, DataSize b) { return a -= b; }
  friend constexpr DataSize operator*(DataSize a, double f) {
    return DataSize{static_cast<std::int64_t>(static_cast<double>(a.bytes_) * f)};
  }
  friend constexpr auto operator<=>(DataSize, DataSize) = default;

 private:
  explicit constexpr DataSize(std::int64_t n) : bytes_(n) {}
  std::int64_t bytes_ = 0;
};

/// A rate of data.
class DataRate {
 public:
  constexpr DataRate() = default;
  static constexpr DataRate bits_per_second(std::int64_t n) { return DataRate{n}; }
  static constexpr DataRate kilobits_per_second(std::int64_t n) { return DataRate{n * 1000}; }
  static constexpr DataRate infinite() { return DataRate{INT64_MAX}; }

  constexpr std::int64_t bits_per_second() const { return bps_; }
  constexpr double kilobits_per_second() const { return static_cast<double>(bps_) / 1000.0; }
  constexpr bool is_infinite() const { return bps_ == INT64_MAX; }

  friend constexpr DataRate operator+(DataRate a, DataRate b) { return DataRate{a.bps_ + b.bps_}; }
  friend constexpr DataRate operator-(DataRate a, DataRate b) { return DataRate{a.bps_ - b.bps_}; }
  friend constexpr DataRate operator*(DataRate a, double f) {
    return DataRate{static_cast<std::int64_t>(static_cast<double>(a.bps_) * f)};
  }
  friend constexpr double operator/(DataRate a, DataRate b) {
    return static_cast<double>(a.bps_) / static_cast<double>(b.bps_);
  }
  friend constexpr auto operator<=>(DataRate, DataRate) = default;

 private:
  explicit constexpr DataRate(std::int64_t n) : bps_(n) {}
  std::int64_t bps_ = 0;
};

/// How long `size` takes at `rate`. A rate of zero takes for ever, an infinite one no time.
constexpr Duration operator/(DataSize size, DataRate rate) {
  if (rate.is_infinite()) return Duration::zero();
  if (rate.bits_per_second() <= 0) return Duration::max();
  const double seconds =
      static_cast<double>(size.bits()) / static_cast<double>(rate.bits_per_second());
  return Duration{static_cast<std::int64_t>(seconds * 1e6)};
}

/// The rate at which `size` passes in `duration`; zero for an empty duration.
constexpr DataRate operator/(DataSize size, Duration duration) {
  if (duration.count() <= 0) return DataRate{};
  return DataRate::bits_per_second(static_cast<std::int64_t>(
      static_cast<double>(size.bits()) * 1e6 / static_cast<double>(duration.count())));
}

/// What `rate` carries in `duration`.
constexpr DataSize operator*(DataRate rate, Duration duration) {
  return DataSize::bytes(static_cast<std::int64_t>(static_cast<double>(rate.bits_per_second()) *
                                                   to_seconds(duration) / 8.0));
}

}  // namespace parley
