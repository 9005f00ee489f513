// How much may be in flight after congestion (RFC 9438).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "parley/base/time.hpp"

namespace parley::sctp {

/// A bound on what is in flight that falls and grows as CUBIC's window does, so that next to a TCP
/// this side behaves as one more TCP. There is none until the first congestion.
class CubicBound {
 public:
  static constexpr double kBeta = 0.7;

  explicit operator bool() const { return bytes_.has_value(); }
  double bytes() const { return *bytes_; }
  void release() {
    bytes_.reset();
    peak_ = 0;
  }

  /// Congestion was met with so much in flight.
  void reduce(Timestamp now, double in_flight, double mtu) {
    // Section 4.7: when peaks fall, others want a share, and more is left for them.
    const bool falling = in_flight < peak_;
    peak_ = falling ? in_flight * (1 + kBeta) / 2 : in_flight;
    bytes_ = std::max(in_flight * kBeta, 4 * mtu);
    linear_ = *bytes_;
    began_ = now;
    // Section 4.2, in seconds, with a window in packets.
    rise_ = std::cbrt(std::max(0.0, peak_ - *bytes_) / mtu / kC);
  }

  /// `used`: the window was full, so that growth means something.
  void grow(Timestamp now, double acked, Duration round_trip, double mtu, bool used) {
    if (!bytes_) return;
    const Duration passed = last_ > began_ ? now - last_ : now - began_;
    last_ = now;
    if (!used) {
      began_ += passed;  // time without use does not count
      return;
    }
    // Section 4.3: at least as fast as a TCP that grows by a constant.
    constexpr double kAlpha = 3 * (1 - kBeta) / (1 + kBeta);
    linear_ += (linear_ < peak_ ? kAlpha : 1.0) * mtu * acked / *bytes_;
    const double t = to_seconds(now - began_ + round_trip) - rise_;
    const double cubic = kC * t * t * t * mtu + peak_;
    // Section 4.4: no more than half as much again in one round trip.
    const double target = std::clamp(cubic, *bytes_, 1.5 * *bytes_);
    *bytes_ += (target - *bytes_) * std::min(1.0, acked / *bytes_);
    *bytes_ = std::max(*bytes_, linear_);
  }

 private:
  static constexpr double kC = 0.4;
  std::optional<double> bytes_;
  double peak_ = 0;
  double linear_ = 0;
  double rise_ = 0;
  Timestamp began_{};
  Timestamp last_{};
};

}  // namespace parley::sctp
