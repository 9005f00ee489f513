#include "parley/jitter/video_timing.hpp"

#include <algorithm>

namespace parley::jitter {
namespace {

constexpr std::int64_t kVideoClock = 90'000;
/// Ours: timestamps that go this much faster or slower than time have jumped.
constexpr Duration kJump = 2s;

QuantileDelayEstimator::Config estimator_config() {
  QuantileDelayEstimator::Config config;
  config.quantile = 0.95;  // a frame shown some milliseconds late is no gap, as it is in sound
  config.memory = 10s;
  config.initial = 10ms;
  return config;
}

// Ours. With one frame in thirty late by a retransmission the eye sees a stutter every second, so
// the delay covers the repair; rarer ones are not worth the delay of every other frame.
QuantileDelayEstimator::Config repair_config() {
  QuantileDelayEstimator::Config config = estimator_config();
  config.quantile = 0.97;
  return config;
}

/// Split so that the product stays within 64 bits for any unwrapped timestamp.
Duration media_time(std::int64_t timestamp) {
  return Duration{timestamp / kVideoClock * 1'000'000 +
                  timestamp % kVideoClock * 1'000'000 / kVideoClock};
}

}  // namespace

QuantileVideoTiming::QuantileVideoTiming() : QuantileVideoTiming(Config{}) {}
QuantileVideoTiming::QuantileVideoTiming(const Config& config)
    : config_(config), estimator_(estimator_config()), repairs_(repair_config()) {}

Timestamp QuantileVideoTiming::on_frame(Timestamp now, std::uint32_t rtp_timestamp,
                                        bool delayed_by_loss) {
  Duration media = media_time(unwrapper_.unwrap(rtp_timestamp));
  if (last_media_) {
    const Duration slip = (now - last_now_) - (media - *last_media_);
    if (slip > kJump || slip < -kJump) {
      reset();
      media = media_time(unwrapper_.unwrap(rtp_timestamp));
    }
  }
  const bool first = !last_media_;
  const Duration interval = first ? Duration{} : std::max<Duration>(media - *last_media_, 0ms);
  repairs_.on_arrival({now, media, interval});
  if (first || !delayed_by_loss) estimator_.on_arrival({now, media, interval});
  adapt(now);
  last_media_ = media;
  last_now_ = now;
  if (config_.max_delay == 0ms) return last_render_ = std::max(now, last_render_);
  const Timestamp even = Timestamp{} + estimator_.base() + media + delay_;
  const Timestamp latest = now + config_.max_delay;
  last_render_ = std::max({now, last_render_, std::min(even, latest)});
  return last_render_;
}

/// Up at once, since every frame that is late is seen; down slowly, since nobody waits for it.
void QuantileVideoTiming::adapt(Timestamp now) {
  const Duration wanted =
      std::clamp(std::max(estimator_.target(), repairs_.target()) + config_.decode_margin,
                 config_.min_delay, config_.max_delay);
  const Duration passed = last_media_ ? now - last_now_ : Duration{};
  const Duration shrunk = delay_ - from_seconds(to_seconds(passed) * config_.shrink_per_second);
  delay_ = last_media_ ? std::max(wanted, shrunk) : wanted;
  delay_ = std::min(delay_, config_.max_delay);
}

void QuantileVideoTiming::set_delay_bounds(Duration min, Duration max) {
  config_.max_delay = std::clamp<Duration>(max, 0ms, 10s);
  config_.min_delay = std::clamp<Duration>(min, 0ms, config_.max_delay);
}

void QuantileVideoTiming::reset() {
  estimator_.reset();
  repairs_.reset();
  unwrapper_.reset();
  last_media_.reset();
}

}  // namespace parley::jitter
