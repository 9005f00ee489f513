#include "sctp/loss_monitor.hpp"

#include <algorithm>

namespace parley::sctp {
namespace {
constexpr double kSpanPackets = 400;
constexpr double kFirstCeiling = 0.1;  // before the path is known
constexpr double kTolerance = 0.03;    // above twice what is usual
constexpr double kHighestCeiling = 0.2;
// A single round that loses so much needs no comparison.
constexpr double kRoundCeiling = 0.25;
constexpr double kRoundPackets = 20;
}  // namespace

double LossMonitor::usual() const {
  if (known_ == 0) return 0;
  return *std::min_element(history_.begin(),
                           history_.begin() + static_cast<std::ptrdiff_t>(known_));
}

double LossMonitor::ceiling() const {
  if (known_ < 2) return kFirstCeiling;
  return std::min(kTolerance + 2 * usual(), kHighestCeiling);
}

bool LossMonitor::end_round(double mtu, double product) {
  const double round = round_acked_ + round_lost_;
  bool excessive = round >= kRoundPackets * mtu && round_lost_ > kRoundCeiling * round;
  span_acked_ += round_acked_;
  span_lost_ += round_lost_;
  round_acked_ = round_lost_ = 0;
  const double span = span_acked_ + span_lost_;
  // Losses are found a part of a round trip after what was sent around them is acknowledged: when
  // the flow stalls, a shorter span holds losses of more than it delivered.
  if (span < std::max(kSpanPackets * mtu, product)) return excessive;
  // What turned out not to be lost may have been counted in a span before: less than nothing says
  // nothing about what is usual.
  if (span_lost_ >= 0) {
    const double share = span_lost_ / span;
    excessive = excessive || share > ceiling();
    history_[next_] = share;
    next_ = (next_ + 1) % kHistory;
    known_ = std::min(known_ + 1, kHistory);
  }
  span_acked_ = span_lost_ = 0;
  return excessive;
}

}  // namespace parley::sctp
