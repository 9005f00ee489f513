// The retransmission timeout (RFC 9260 section 6.3.1).
#pragma once

#include <algorithm>
#include <optional>

#include "parley/base/time.hpp"

namespace parley::sctp {

/// Smooths round trips and says how long to wait for an acknowledgement.
class RtoEstimator {
 public:
  RtoEstimator(Duration initial, Duration min, Duration max)
      : min_(min), max_(max), rto_(std::clamp(initial, min, max)) {}

  /// A first guess from below, replaced by the first measurement.
  void seed(Duration round_trip) {
    if (!smoothed_) rto_ = std::clamp(3 * round_trip, min_, max_);
  }
  void measure(Duration round_trip) {
    if (!smoothed_) {
      smoothed_ = round_trip;
      variation_ = round_trip / 2;
      smallest_ = round_trip;
    } else {
      const Duration off =
          round_trip > *smoothed_ ? round_trip - *smoothed_ : *smoothed_ - round_trip;
      variation_ = (3 * variation_ + off) / 4;
      smoothed_ = (7 * *smoothed_ + round_trip) / 8;
      smallest_ = std::min(smallest_, round_trip);
    }
    rto_ = std::clamp(*smoothed_ + 4 * std::max(variation_, Duration{1ms}), min_, max_);
  }
  /// Section 6.3.3 rule E2.
  void back_off() { rto_ = std::min(2 * rto_, max_); }

  Duration rto() const { return rto_; }
  std::optional<Duration> smoothed() const { return smoothed_; }
  Duration smallest() const { return smallest_; }

 private:
  Duration min_;
  Duration max_;
  Duration rto_;
  std::optional<Duration> smoothed_;
  Duration variation_{};
  Duration smallest_{};
};

}  // namespace parley::sctp
