// When the next packet of an audio buffer is due, and whether sound must be stretched for that.
#pragma once

#include <algorithm>
#include <memory>

#include "parley/base/media.hpp"
#include "parley/jitter/delay_estimator.hpp"

namespace parley::jitter {

/// Media time of an unwrapped 48 kHz timestamp.
constexpr Duration media_time(std::int64_t timestamp) {
  // Split so that the product stays within 64 bits for any unwrapped timestamp.
  return Duration{timestamp / kAudioSampleRate * 1'000'000 +
                  timestamp % kAudioSampleRate * 1'000'000 / kAudioSampleRate};
}

/// The time at which a block would have been read if the reader were punctual. A reader that is
/// woken late and then catches up keeps its schedule; one that stays behind gets a new schedule
/// within a second. Never later than the true time.
class ReadClock {
 public:
  /// One block is read at `now`; returns its punctual time.
  Timestamp tick(Timestamp now);
  void reset() { running_ = false; }

 private:
  static constexpr int kWindow = 50;  ///< reads after which the schedule may move
  Timestamp next_{};                  ///< when the next read is due by the schedule
  bool running_ = false;
  int in_window_ = 0;
  Duration least_lag_{};
  Duration previous_least_lag_{};
};

/// Compares how late packets are decoded with how late they should be. Lateness is in the measure
/// of DelayEstimator: the time minus media time. One value of AudioBuffer.
class PlayoutControl {
 public:
  explicit PlayoutControl(std::unique_ptr<DelayEstimator> estimator)
      : estimator_(std::move(estimator)) {}

  void on_arrival(const Arrival& arrival) { estimator_->on_arrival(arrival); }
  void set_bounds(Duration min, Duration max);
  Duration max_delay() const { return max_; }
  /// A packet's turn came, and it was there or not; `duration` is that of a packet. While packets
  /// are lost whose copies the next ones carry, the delay makes room for one packet more.
  void on_turn(bool lost, bool stream_has_fec, Duration duration);

  /// The wanted delay above the fastest recent packet, without and with the application's bounds.
  Duration minimum_delay() const { return estimator_->target() + fec_room_; }
  Duration target_delay() const;
  /// How much later than wanted a packet of media time `media` is at `now`; negative when its time
  /// has not come.
  Duration excess(Timestamp now, Duration media) const;
  /// How far a transit is from what the path does now: large when the sender's clock jumped.
  Duration deviation(Timestamp now, Duration media) const;

  /// A packet is decoded in order at its turn. Returns by how much the sound should become longer
  /// (positive) or shorter (negative); zero for leave it.
  Duration on_decode(Timestamp now, Duration media);
  /// Sound was stretched or skipped: what was measured before means nothing any more.
  void restart_measurement() { turns_ = 0; }
  void reset();

 private:
  std::unique_ptr<DelayEstimator> estimator_;
  Duration min_{};
  Duration max_ = 1s;
  Duration fec_room_{};
  double loss_ = 0.0;  ///< recent share of packets missing at their turn
  int turns_ = 0;      ///< since the last change
  Duration least_excess_{};
};

}  // namespace parley::jitter
