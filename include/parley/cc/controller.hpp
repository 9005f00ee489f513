// Congestion control as numbers in and numbers out: runnable on recorded traces without a network.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley::cc {

/// A packet that left. `size` is what the path carries: UDP payload with RTP header and SRTP tag.
struct SentPacket {
  std::int64_t sequence = 0;  ///< unwrapped transport-wide sequence number
  Timestamp sent{};
  DataSize size;
};

/// What feedback says of one packet. `received` is on the receiver's clock, whose offset to ours is
/// unknown: only differences mean something. nullopt when the packet did not arrive.
struct PacketResult {
  SentPacket packet;
  std::optional<Timestamp> received;
};

/// Transport-wide feedback or RFC 8888 feedback, translated; packets in order of sequence.
struct TransportFeedback {
  std::span<const PacketResult> packets;
  std::optional<Duration> round_trip_time;
};

/// What a receiver report says of our streams together (RFC 3550 section 6.4.1).
struct LossReport {
  double fraction_lost = 0;  ///< 0 to 1, since the last report
  std::optional<Duration> round_trip_time;
};

/// What the controller wants from now on. Empty fields mean no change.
struct Update {
  std::optional<DataRate> target;       ///< what encoders and retransmissions may send together
  std::optional<DataRate> pacing_rate;  ///< at which queued packets leave
};

struct Limits {
  DataRate start = DataRate::kilobits_per_second(1000);
  DataRate min = DataRate::kilobits_per_second(50);
  DataRate max = DataRate::kilobits_per_second(2500);
};

/// A congestion controller. One per path, owned by the session, on its sequence; no thread rule of
/// its own. Implementations keep no clock: every call brings the time.
class Controller {
 public:
  virtual ~Controller() = default;
  virtual void on_sent(Timestamp now, const SentPacket& packet) = 0;
  [[nodiscard]] virtual Update on_feedback(Timestamp now, const TransportFeedback& feedback) = 0;
  [[nodiscard]] virtual Update on_loss_report(Timestamp now, const LossReport& report) = 0;
  /// A receiver's own estimate (REMB): an upper limit until the next one.
  [[nodiscard]] virtual Update on_remote_estimate(Timestamp now, DataRate estimate) = 0;
  [[nodiscard]] virtual Update set_limits(Timestamp now, const Limits& limits) = 0;
  /// What leaves from now on takes another path, of which nothing is known (RFC 8085 section 3.1).
  [[nodiscard]] virtual Update on_path_change(Timestamp now) = 0;
  virtual Timestamp next_timeout() const = 0;
  [[nodiscard]] virtual Update handle_timeout(Timestamp now) = 0;
  virtual DataRate target() const = 0;
};

/// Loss-based control as in draft-ietf-rmcat-gcc-02 section 6: below 2 % loss the rate grows by
/// 8 % a second, between 2 and 10 % it stays, above 10 % it shrinks by half the loss. It sees no
/// delay, so it fills the queue of a slow path before it reacts: the delay-based half stands behind
/// the same interface and is left out here (docs/cc.md).
class LossBasedController final : public Controller {
 public:
  explicit LossBasedController(const Limits& limits);

  void on_sent(Timestamp, const SentPacket&) override {}
  Update on_feedback(Timestamp now, const TransportFeedback& feedback) override;
  Update on_loss_report(Timestamp now, const LossReport& report) override;
  Update on_remote_estimate(Timestamp now, DataRate estimate) override;
  Update set_limits(Timestamp now, const Limits& limits) override;
  /// Begins anew with the start rate.
  Update on_path_change(Timestamp now) override;
  Timestamp next_timeout() const override { return kNever; }
  Update handle_timeout(Timestamp) override { return {}; }
  DataRate target() const override { return target_; }

 private:
  Update apply(Timestamp now, double fraction_lost);
  Update changed_to(DataRate rate);

  Limits limits_;
  DataRate target_;
  DataRate remote_limit_ = DataRate::infinite();
  Timestamp last_change_{};
  bool has_changed_ = false;
  // Losses are counted over a window: one lost packet of the three that a feedback names is no
  // loss of 33 %.
  Timestamp window_start_{};
  int window_packets_ = 0;
  int window_lost_ = 0;
  Timestamp path_since_ = Timestamp::min();
};

}  // namespace parley::cc
