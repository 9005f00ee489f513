#include "audio_playout.hpp"

#include <cmath>

namespace parley::jitter {
namespace {

/// Ours: what keeps a packet that arrives exactly at the quantile from being late by the reader's
/// own unevenness.
constexpr Duration kMargin = 5ms;
/// Ours: a change is made only when the least excess of this many turns asks for it, since readers
/// are woken late now and then and then see packets as overdue that are not.
constexpr int kTurns = 5;
/// Ours: between these the delay is left alone. No stretch is shorter than 2.5 ms.
constexpr Duration kTooLate = 8ms;
constexpr Duration kTooEarly = -3ms;
/// Ours: so much too late that every packet is shortened.
constexpr Duration kFarTooLate = 60ms;
/// Ours: loss from which room for the redundant copy pays, and below which it is given up.
constexpr double kLossOn = 0.01;
constexpr double kLossOff = 0.003;
constexpr double kLossWeight = 1.0 / 128;

}  // namespace

Timestamp ReadClock::tick(Timestamp now) {
  if (!running_) {
    running_ = true;
    next_ = now;
    in_window_ = 0;
    least_lag_ = previous_least_lag_ = 0ms;
  }
  const Timestamp scheduled = next_;
  next_ += 10ms;
  const Duration lag = now - scheduled;
  least_lag_ = in_window_ == 0 ? lag : std::min(least_lag_, lag);
  if (++in_window_ == kWindow) {
    previous_least_lag_ = least_lag_;
    in_window_ = 0;
  }
  return scheduled + std::min({least_lag_, previous_least_lag_, lag});
}

void PlayoutControl::set_bounds(Duration min, Duration max) {
  max_ = std::clamp<Duration>(max, 0ms, 10s);
  min_ = std::clamp<Duration>(min, 0ms, max_);
}

void PlayoutControl::on_turn(bool lost, bool stream_has_fec, Duration duration) {
  loss_ += ((lost ? 1.0 : 0.0) - loss_) * kLossWeight;
  if (!stream_has_fec || loss_ < kLossOff) {
    fec_room_ = 0ms;
  } else if (loss_ > kLossOn) {
    fec_room_ = duration;
  }
}

Duration PlayoutControl::target_delay() const {
  return std::clamp(minimum_delay(), min_, std::max(min_, max_));
}

Duration PlayoutControl::deviation(Timestamp now, Duration media) const {
  return now - Timestamp{} - media - estimator_->base();
}

Duration PlayoutControl::excess(Timestamp now, Duration media) const {
  return deviation(now, media) - target_delay() - kMargin;
}

Duration PlayoutControl::on_decode(Timestamp now, Duration media) {
  const Duration late = excess(now, media);
  least_excess_ = turns_ == 0 ? late : std::min(least_excess_, late);
  ++turns_;
  const bool enough = turns_ >= kTurns || (turns_ >= 2 && least_excess_ > kFarTooLate);
  if (!enough) return 0ms;
  const Duration least = least_excess_;
  if (turns_ >= 4 * kTurns) turns_ = 0;
  if (least > kTooLate || least < kTooEarly) return -least;
  return 0ms;
}

void PlayoutControl::reset() {
  estimator_->reset();
  restart_measurement();
}

}  // namespace parley::jitter
