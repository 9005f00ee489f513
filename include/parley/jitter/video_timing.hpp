// When to show a frame: late enough that the next ones come in time, no later.
#pragma once

#include <cstdint>
#include <optional>

#include "parley/base/sequence.hpp"
#include "parley/base/time.hpp"
#include "parley/jitter/delay_estimator.hpp"

namespace parley::jitter {

/// Turns the irregular completion of frames into even render times. A plug point: the receiver
/// takes any implementation. One sequence of execution.
class VideoTiming {
 public:
  virtual ~VideoTiming() = default;
  /// A frame became decodable at `now`. Returns when to show it: not before `now`, and not before
  /// what was returned for the frame before it. `delayed_by_loss` tells that it waited
  /// for a retransmission: that is not the path's ordinary jitter.
  virtual Timestamp on_frame(Timestamp now, std::uint32_t rtp_timestamp, bool delayed_by_loss) = 0;
  /// How long frames take from decodable to shown at least (decoding and rendering).
  virtual void set_decode_margin(Duration margin) = 0;
  /// The playout-delay extension. (0, 0) shows every frame at once.
  virtual void set_delay_bounds(Duration min, Duration max) = 0;
  /// What is added to the transit of the fastest recent frame at present.
  virtual Duration current_delay() const = 0;
  virtual void reset() = 0;
};

/// VideoTiming by a quantile of the frames' transit: 95 % of those that lost nothing are in time,
/// and 97 % of all, so that retransmissions are covered when they are frequent. The delay grows at
/// once and shrinks slowly, so that it is steady; jumps of the sender's timestamps start it anew.
class QuantileVideoTiming final : public VideoTiming {
 public:
  struct Config {
    Duration min_delay{};
    Duration max_delay = 500ms;
    Duration decode_margin = 5ms;
    double shrink_per_second = 0.02;  ///< seconds of delay given back per second
  };
  QuantileVideoTiming();
  explicit QuantileVideoTiming(const Config& config);

  Timestamp on_frame(Timestamp now, std::uint32_t rtp_timestamp, bool delayed_by_loss) override;
  void set_decode_margin(Duration margin) override { config_.decode_margin = margin; }
  void set_delay_bounds(Duration min, Duration max) override;
  Duration current_delay() const override { return delay_; }
  void reset() override;

 private:
  void adapt(Timestamp now);

  Config config_;
  QuantileDelayEstimator estimator_;  ///< of frames that lost nothing: the path's jitter
  QuantileDelayEstimator repairs_;    ///< of all frames: what retransmissions cost, when frequent
  TimestampUnwrapper unwrapper_;
  std::optional<Duration> last_media_;
  Timestamp last_now_{};
  Timestamp last_render_{};
  Duration delay_{};
};

}  // namespace parley::jitter
