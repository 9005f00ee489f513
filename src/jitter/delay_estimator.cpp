#include "parley/jitter/delay_estimator.hpp"

#include <algorithm>
#include <cmath>

namespace parley::jitter {
namespace {

/// Minima older than this say nothing about the path any more, and clock drift has moved them.
constexpr Duration kMinimumAge = 30s;
/// Weights are scaled down to 1 before they reach the limits of a double.
constexpr double kLargestWeight = 1e60;

}  // namespace

QuantileDelayEstimator::QuantileDelayEstimator() : QuantileDelayEstimator(Config{}) {}
QuantileDelayEstimator::QuantileDelayEstimator(const Config& config) : config_(config) {}

void QuantileDelayEstimator::on_arrival(const Arrival& arrival) {
  const Duration transit = arrival.at - Timestamp{} - arrival.media;
  if (!placed_) {
    minima_used_ = 0;
    base_ = anchor_ = transit;
    placed_ = true;
  }
  update_base(arrival.at, transit);
  shift_to_base();
  add(transit, arrival.interval);
  update_quantile();
}

/// The minimum over the last spans of time in which something arrived. Spans without arrivals do
/// not push others out: a pause must not leave one slow packet as the measure.
void QuantileDelayEstimator::update_base(Timestamp at, Duration transit) {
  const std::int64_t span = (at - Timestamp{}) / kMinimumSpan;
  const std::int64_t oldest = span - kMinimumAge / kMinimumSpan;
  if (minima_used_ > 0 && minima_[minima_used_ - 1].span >= span) {
    minima_[minima_used_ - 1].transit = std::min(minima_[minima_used_ - 1].transit, transit);
  } else {
    if (minima_used_ == kMinima) {
      std::move(minima_.begin() + 1, minima_.end(), minima_.begin());
      --minima_used_;
    }
    minima_[minima_used_++] = {span, transit};
  }
  base_ = transit;
  for (std::size_t i = 0; i < minima_used_; ++i) {
    if (minima_[i].span >= oldest) base_ = std::min(base_, minima_[i].transit);
  }
}

/// Keeps the histogram's left edge within one bucket of the base, so that drift and changes of
/// route move what was learnt along instead of spoiling it.
void QuantileDelayEstimator::shift_to_base() {
  std::int64_t buckets = (base_ - anchor_) / kBucket;
  if (base_ < anchor_ + buckets * kBucket) --buckets;  // round down
  if (buckets == 0) return;
  anchor_ += buckets * kBucket;
  const auto size = static_cast<std::int64_t>(kBuckets);
  // Further than the histogram is wide: the origin of media time changed, the spread did not.
  if (buckets >= size || buckets <= -size) return;
  if (buckets > 0) {
    const auto middle = histogram_.begin() + buckets;
    for (auto it = histogram_.begin(); it != middle; ++it) *middle += *it;
    std::fill(std::move(middle, histogram_.end(), histogram_.begin()), histogram_.end(), 0.0);
  } else {
    const auto middle = histogram_.end() + buckets;
    for (auto it = middle; it != histogram_.end(); ++it) *(middle - 1) += *it;
    std::fill(histogram_.begin(), std::move_backward(histogram_.begin(), middle, histogram_.end()),
              0.0);
  }
}

void QuantileDelayEstimator::add(Duration transit, Duration interval) {
  const std::int64_t bucket = std::clamp<std::int64_t>((transit - anchor_) / kBucket, 0,
                                                       static_cast<std::int64_t>(kBuckets) - 1);
  histogram_[static_cast<std::size_t>(bucket)] += weight_;
  total_ += weight_;
  ++arrivals_;
  const double aging = to_seconds(std::clamp<Duration>(interval, 0ms, 200ms));
  weight_ *= std::exp(aging / to_seconds(config_.memory));
  if (weight_ < kLargestWeight) return;
  for (double& share : histogram_) share /= weight_;
  total_ /= weight_;
  weight_ = 1.0;
}

/// Searched from above: the quantile is high, so the tail is short.
void QuantileDelayEstimator::update_quantile() {
  double tail = (1.0 - config_.quantile) * total_;
  std::size_t bucket = kBuckets;
  while (bucket > 1 && histogram_[bucket - 1] < tail) tail -= histogram_[--bucket];
  const double share = histogram_[bucket - 1];
  const double inside = share > 0.0 ? 1.0 - std::clamp(tail / share, 0.0, 1.0) : 1.0;
  const double buckets = static_cast<double>(bucket - 1) + inside;
  quantile_ = Duration{static_cast<std::int64_t>(buckets * static_cast<double>(kBucket / 1us))};
}

Duration QuantileDelayEstimator::base() const { return base_; }

Duration QuantileDelayEstimator::target() const {
  const Duration learnt =
      arrivals_ == 0 ? Duration{} : std::max<Duration>(anchor_ + quantile_ - base_, 0ms);
  if (arrivals_ >= config_.start_up_arrivals) return learnt;
  const double known =
      static_cast<double>(arrivals_) / static_cast<double>(config_.start_up_arrivals);
  const Duration blend =
      from_seconds(to_seconds(config_.initial) * (1.0 - known) + to_seconds(learnt) * known);
  return std::max(learnt, blend);
}

void QuantileDelayEstimator::reset() { placed_ = false; }

}  // namespace parley::jitter
