// Spreads packets over time, so that a frame does not arrive at a bottleneck as a burst.
#pragma once

#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley::cc {

/// A leaky bucket. What is sent fills it, the pacing rate drains it; a packet may leave while the
/// bucket holds less than `burst` takes at that rate. Holds no packets: the session asks
/// `next_send` and picks what goes first (audio is never paced, retransmissions go before new
/// video).
class Pacer {
 public:
  /// `burst` is how far sending may run ahead: one wake-up's worth (5 ms) keeps timers few.
  explicit Pacer(DataRate rate, Duration burst = 5ms) : rate_(rate), burst_(burst) {}

  void set_rate(Timestamp now, DataRate rate);
  DataRate rate() const { return rate_; }
  /// The earliest time at which the next packet may leave; `now` when it may at once.
  Timestamp next_send(Timestamp now) const;
  void on_sent(Timestamp now, DataSize size);

 private:
  DataRate rate_;
  Duration burst_;
  Timestamp empty_at_{};  ///< when the bucket will have drained
};

}  // namespace parley::cc
