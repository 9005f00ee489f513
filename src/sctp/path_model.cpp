#include "sctp/path_model.hpp"

#include <utility>

namespace parley::sctp {

bool PathModel::take(Timestamp now, const AckSample& sample) {
  if (sample.round_trip) take_round_trip(now, *sample.round_trip);
  take_rate(now, sample);
  if (sample.acked == 0 || sample.delivered_before < round_end_) return false;
  round_end_ = sample.delivered;
  end_round(now);
  return true;
}

void PathModel::take_round_trip(Timestamp now, Duration round_trip) {
  smoothed_ = smoothed_ == Duration::zero() ? round_trip : (7 * smoothed_ + round_trip) / 8;
  ++round_samples_;
  round_smallest_ = std::min(round_smallest_.value_or(round_trip), round_trip);
  if (!shortest_ || replace_ || round_trip < *shortest_) {
    replace_ = false;
    shortest_ = round_trip;
    confirmed_ = now;
  } else if (round_trip <= *shortest_ + *shortest_ / 16 + 200us) {
    confirmed_ = now;
  }
  take_recent(now, round_trip);
}

// The shortest of several, because single packets are late for many reasons.
void PathModel::take_recent(Timestamp now, Duration round_trip) {
  recent_at_ = now;
  recent_[next_recent_++ % recent_.size()] = round_trip;
  if (next_recent_ < recent_.size()) return;
  const Duration shortest = *std::min_element(recent_.begin(), recent_.end());
  recent_queue_ = std::max<Duration>(shortest - *shortest_, Duration::zero());
  deepest_ = std::max(deepest_, recent_queue_);
}

void PathModel::take_rate(Timestamp now, const AckSample& sample) {
  if (!sample.delivery_rate) return;
  const auto measured = static_cast<double>(sample.delivery_rate->bits_per_second());
  if (sample.application_limited && measured <= rate()) return;
  // Time without a full path is no evidence that the path became slower.
  const Duration span = std::max<Duration>(2s, 10 * smoothed_);
  if (now - span_began_ > span) {
    if (span_has_rate_) {
      previous_rate_ = rate_;
      rate_ = 0;
    }
    span_began_ = now;
    span_has_rate_ = false;
  }
  rate_ = std::max(rate_, measured);
  span_has_rate_ = true;
}

void PathModel::end_round(Timestamp now) {
  if (round_smallest_ && shortest_) {
    queue_ = *round_smallest_ - *shortest_;
    if (now - longest_began_ > 10s) {
      previous_longest_ = longest_;
      longest_ = Duration::zero();
      previous_deepest_ = std::exchange(deepest_, Duration::zero());
      longest_began_ = now;
    }
    longest_ = std::max(longest_, queue_);
  } else {
    // While losses are repaired hardly anything tells a round trip: what was seen before them is no
    // evidence of now.
    queue_ = Duration::zero();
  }
  round_smallest_.reset();
  round_samples_ = 0;
}

void PathModel::measure_anew(Timestamp now) {
  replace_ = true;
  round_smallest_.reset();
  round_samples_ = 0;
  queue_ = longest_ = previous_longest_ = Duration::zero();
  recent_queue_ = deepest_ = previous_deepest_ = Duration::zero();
  next_recent_ = 0;
  confirmed_ = now;
}

}  // namespace parley::sctp
