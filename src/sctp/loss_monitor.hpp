// Whether more is lost than this path always loses.
#pragma once

#include <array>
#include <cstddef>

namespace parley::sctp {

/// Compares the share of bytes lost now with what the path lost at its best lately. A radio link
/// that loses five percent at any rate is not congested; one that begins to lose is.
class LossMonitor {
 public:
  void note(double acked, double lost) {
    round_acked_ += acked;
    round_lost_ += lost;
  }
  /// A round trip is over: true when its losses mean congestion. `product`: bytes that fill the
  /// path.
  bool end_round(double mtu, double product);

  /// What was counted is no longer of interest; what is usual is kept.
  void restart() { round_acked_ = round_lost_ = span_acked_ = span_lost_ = 0; }
  /// The share that is usual, 0 to 1.
  double usual() const;

 private:
  static constexpr std::size_t kHistory = 8;
  double ceiling() const;

  double round_acked_ = 0, round_lost_ = 0;
  double span_acked_ = 0, span_lost_ = 0;  // of enough packets to tell one percent from two
  std::array<double, kHistory> history_{};
  std::size_t known_ = 0;
  std::size_t next_ = 0;
};

}  // namespace parley::sctp
