#include "parley/cc/controller.hpp"

#include <algorithm>

namespace parley::cc {
namespace {

// draft-ietf-rmcat-gcc-02 section 6.
constexpr double kLowLoss = 0.02;
constexpr double kHighLoss = 0.10;
constexpr double kGrowthPerSecond = 0.08;
// Ours: how often the rate may shrink at most; at least one round trip passes before a change shows
// in the feedback.
constexpr Duration kDecreaseInterval = 300ms;
// Ours: the span over which losses are counted.
constexpr Duration kWindow = 500ms;
constexpr int kMinWindowPackets = 20;
// Ours: receivers report on video once a second or more often.
constexpr Duration kReportInterval = 1s;
// Ours: a frame of a steady encoder leaves in 40 % of its interval.
constexpr double kPacingFactor = 2.5;

}  // namespace

LossBasedController::LossBasedController(const Limits& limits)
    : limits_(limits), target_(std::clamp(limits.start, limits.min, limits.max)) {}

Update LossBasedController::on_feedback(Timestamp now, const TransportFeedback& feedback) {
  if (window_packets_ == 0) window_start_ = now;
  for (const PacketResult& result : feedback.packets) {
    if (result.packet.sent < path_since_) continue;  // says nothing of this path
    ++window_packets_;
    if (!result.received) ++window_lost_;
  }
  if (now - window_start_ < kWindow || window_packets_ < kMinWindowPackets) return {};
  const double lost = static_cast<double>(window_lost_) / window_packets_;
  window_packets_ = window_lost_ = 0;
  return apply(now, lost);
}

Update LossBasedController::on_loss_report(Timestamp now, const LossReport& report) {
  // It counts since the report before, which was of the other path.
  if (path_since_ != Timestamp::min() && now < path_since_ + kReportInterval) return {};
  return apply(now, std::clamp(report.fraction_lost, 0.0, 1.0));
}

Update LossBasedController::on_remote_estimate(Timestamp, DataRate estimate) {
  remote_limit_ = estimate;
  return changed_to(target_);
}

Update LossBasedController::set_limits(Timestamp, const Limits& limits) {
  limits_ = limits;
  return changed_to(target_);
}

Update LossBasedController::on_path_change(Timestamp now) {
  path_since_ = now;
  window_packets_ = window_lost_ = 0;
  has_changed_ = false;
  remote_limit_ = DataRate::infinite();
  return changed_to(limits_.start);
}

Update LossBasedController::apply(Timestamp now, double fraction_lost) {
  const Duration since = has_changed_ ? std::min<Duration>(now - last_change_, 1s) : Duration{1s};
  if (fraction_lost > kHighLoss) {
    if (has_changed_ && since < kDecreaseInterval) return {};
    last_change_ = now;
    has_changed_ = true;
    return changed_to(target_ * (1.0 - 0.5 * fraction_lost));
  }
  last_change_ = now;
  has_changed_ = true;
  if (fraction_lost >= kLowLoss) return {};
  return changed_to(target_ * (1.0 + kGrowthPerSecond * to_seconds(since)));
}

Update LossBasedController::changed_to(DataRate rate) {
  const DataRate before = target_;
  target_ = std::max(limits_.min, std::min({rate, limits_.max, remote_limit_}));
  if (target_ == before) return {};
  return {.target = target_, .pacing_rate = target_ * kPacingFactor};
}

}  // namespace parley::cc
