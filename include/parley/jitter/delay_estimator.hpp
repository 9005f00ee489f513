// How long media must wait so that nearly all of it has arrived when its turn comes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "parley/base/time.hpp"

namespace parley::jitter {

/// One arrival on a stream: a packet of audio, or the last missing packet of a video frame.
struct Arrival {
  Timestamp at{};       ///< when it came in
  Duration media{};     ///< its place in media time: unwrapped RTP timestamp over the clock rate
  Duration interval{};  ///< media time from one arrival to the next (packet or frame duration)
};

/// Learns from arrivals when media is to be played. The *transit* of an arrival is `at - media`: a
/// number whose origin means nothing, whose spread is the jitter of the path. Media that is due at
/// `base() + target()` in the same measure has arrived in time with the wanted probability.
///
/// A plug point: buffers take any implementation. One sequence of execution.
class DelayEstimator {
 public:
  virtual ~DelayEstimator() = default;
  virtual void on_arrival(const Arrival& arrival) = 0;
  /// The transit of the fastest recent arrival. Meaningful after the first arrival.
  virtual Duration base() const = 0;
  /// How long after `base()` media is due: not negative.
  virtual Duration target() const = 0;
  /// The stream began anew or paused for long: old transits mean nothing any more. The spread of
  /// the path is still the best guess for what comes.
  virtual void reset() = 0;
};

/// A quantile of the transit above its recent minimum, from a histogram with exponential
/// forgetting.
///
/// Start-up: a plain histogram whose weights are equal, blended with `initial` until
/// `start_up_arrivals` came. Steady: each arrival weighs by its age with time constant `memory`.
/// Reset: the shape of the histogram stays, its position is learnt anew from the next arrivals.
/// Clock drift moves the histogram along. A value of 2 KB; no allocation.
class QuantileDelayEstimator final : public DelayEstimator {
 public:
  struct Config {
    double quantile = 0.97;   ///< share of arrivals that are in time, above 0 and below 1
    Duration memory = 6s;     ///< time constant of forgetting, in media time
    Duration initial = 30ms;  ///< target before anything is known
    int start_up_arrivals = 25;
  };
  QuantileDelayEstimator();
  explicit QuantileDelayEstimator(const Config& config);

  void on_arrival(const Arrival& arrival) override;
  Duration base() const override;
  Duration target() const override;
  void reset() override;

 private:
  static constexpr std::size_t kBuckets = 250;
  static constexpr Duration kBucket = 4ms;         ///< the histogram spans one second
  static constexpr std::size_t kMinima = 8;        ///< the recent minimum looks back
  static constexpr Duration kMinimumSpan = 500ms;  ///< kMinima times this

  struct Minimum {
    std::int64_t span = 0;  ///< number of the span of arrival time it belongs to
    Duration transit{};
  };
  void update_base(Timestamp at, Duration transit);
  void shift_to_base();
  void add(Duration transit, Duration interval);
  void update_quantile();

  Config config_;
  std::array<double, kBuckets> histogram_{};
  double total_ = 0.0;
  double weight_ = 1.0;  ///< of the next arrival; grows instead of the old ones shrinking
  std::int64_t arrivals_ = 0;
  std::array<Minimum, kMinima> minima_{};
  std::size_t minima_used_ = 0;
  Duration base_{};
  Duration anchor_{};  ///< transit at the left edge of the histogram
  Duration quantile_{};
  bool placed_ = false;  ///< `anchor_` and `base_` mean something
};

}  // namespace parley::jitter
