// What acknowledgements tell of a path: its rate, its round trip, and the queue in it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "parley/sctp/congestion.hpp"

namespace parley::sctp {

/// Estimates the rate of the bottleneck (the largest delivery rate of the last two spans), the
/// round trip without a queue (the smallest of the last ten seconds) and the queue that stands (the
/// smallest round trip of a whole round, less that). Maxima and minima, because noise goes one way:
/// nothing makes a path look faster or shorter than it is for long.
class PathModel {
 public:
  /// Takes a SACK. True when a round trip of packets is over.
  bool take(Timestamp now, const AckSample& sample);

  bool known() const { return rate_ > 0 && shortest_.has_value(); }
  /// Bits per second.
  double rate() const { return std::max(rate_, previous_rate_); }
  Duration round_trip() const { return shortest_.value_or(Duration::zero()); }
  Duration smoothed() const { return smoothed_; }
  /// What fills the path without a queue, in bytes.
  double product() const { return rate() / 8 * to_seconds(round_trip()); }

  /// The queue that stood during the last whole round, as time.
  Duration queue() const { return queue_; }
  /// The longest of these lately.
  Duration longest_queue() const { return std::max(longest_, previous_longest_); }
  /// Below this a queue is not told from noise.
  Duration noise() const { return std::max<Duration>(1ms, round_trip() / 16); }
  /// The queue is more than noise, and in the upper half of what is seen here.
  bool queue_is_long() const {
    const Duration standing = std::min(queue_, queue_now());
    return standing > noise() && standing > longest_queue() / 2;
  }
  /// The same of the round so far, or `queue` while that has told little.
  Duration queue_now() const {
    const bool told = round_samples_ >= kEnoughSamples && shortest_;
    return told ? *round_smallest_ - *shortest_ : queue_;
  }

  /// Queues here are shorter than a third of a round trip.
  bool queues_are_short() const { return std::max(deepest_, previous_deepest_) < round_trip() / 3; }
  /// The last packets that were acknowledged met a queue, and one in the upper half of what such
  /// packets meet here: so it is when a short queue overflows, in which nothing stands for long.
  bool short_queue_is_full(Timestamp now) const {
    return queues_are_short() && now - recent_at_ <= round_trip() / 4 + 1ms &&
           recent_queue_ > std::max<Duration>(1ms, round_trip() / 32) &&
           recent_queue_ > std::max(deepest_, previous_deepest_) / 2;
  }

  bool round_trip_is_stale(Timestamp now) const { return shortest_ && now - confirmed_ > 10s; }
  /// The next round trip counts, whatever was before.
  void measure_anew(Timestamp now);

 private:
  static constexpr int kEnoughSamples = 8;  // as HyStart++, RFC 9406 section 4.2
  void take_round_trip(Timestamp now, Duration round_trip);
  void take_rate(Timestamp now, const AckSample& sample);
  void take_recent(Timestamp now, Duration round_trip);
  void end_round(Timestamp now);

  double rate_ = 0, previous_rate_ = 0;
  bool span_has_rate_ = false;
  Timestamp span_began_{};
  std::optional<Duration> shortest_;
  bool replace_ = false;
  Timestamp confirmed_{};
  Duration smoothed_{};
  std::optional<Duration> round_smallest_;
  int round_samples_ = 0;
  Duration queue_{}, longest_{}, previous_longest_{};
  Timestamp longest_began_{};
  std::array<Duration, kEnoughSamples> recent_{};  // round trips, the newest over the oldest
  std::size_t next_recent_ = 0;
  Timestamp recent_at_{};
  Duration recent_queue_{};                  // of the shortest of these
  Duration deepest_{}, previous_deepest_{};  // and its maximum, as longest_
  std::uint64_t round_end_ = 0;              // in bytes delivered
};

}  // namespace parley::sctp
