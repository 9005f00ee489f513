// Congestion control of an association as an interface, and the two that there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley::sctp {

/// What one SACK told. All amounts are bytes of DATA or I-DATA chunks, headers included.
struct AckSample {
  std::size_t acked = 0;               ///< newly acknowledged, by gaps too
  std::size_t in_flight_before = 0;    ///< when the SACK came
  std::size_t in_flight = 0;           ///< now, without what is thought lost
  bool cumulative_advanced = false;    ///< the cumulative TSN moved
  bool in_recovery = false;            ///< a loss of this window was reacted to already
  std::optional<Duration> round_trip;  ///< of a chunk that was sent once
  /// Parts that the peer says came twice: what was thought lost and was not.
  std::size_t needless = 0;
  /// All that was acknowledged so far; and so far when the newest part of this SACK left, which
  /// tells round trips apart.
  std::uint64_t delivered = 0;
  std::uint64_t delivered_before = 0;
  /// How fast the path delivered between these two; nullopt when too little was acknowledged to
  /// say.
  std::optional<DataRate> delivery_rate;
  /// Nothing more was to be sent then, so the path may be faster than `delivery_rate`.
  bool application_limited = false;
};

/// Parts were found lost, by SACKs or by time. Bytes as above.
struct LossSample {
  std::size_t lost = 0;
  std::size_t in_flight_before = 0;  ///< with what was lost
  bool first_of_window = false;      ///< the others of the same window follow with false
};

/// Says how much may be in flight and, if it wants, how fast it leaves. One per association; owned
/// by it; called on its sequence.
class CongestionController {
 public:
  virtual ~CongestionController() = default;
  /// A packet with `bytes` of chunks left; `in_flight` includes them.
  virtual void on_sent(Timestamp now, std::size_t bytes, std::size_t in_flight) = 0;
  virtual void on_ack(Timestamp now, const AckSample& sample) = 0;
  /// After `on_ack` when a SACK showed the loss (RFC 9260 section 7.2.4).
  virtual void on_loss(Timestamp now, const LossSample& sample) = 0;
  /// T3-rtx expired (RFC 9260 section 7.2.3).
  virtual void on_timeout(Timestamp now) = 0;
  /// Nothing was sent for `idle` though there was nothing in flight.
  virtual void on_idle(Duration idle, Duration rto) = 0;
  virtual void set_mtu(std::size_t mtu) = 0;
  virtual std::size_t window() const = 0;
  virtual std::size_t slow_start_threshold() const { return 0; }
  /// The rate at which packets may leave; nullopt: as fast as the window allows.
  virtual std::optional<DataRate> pacing_rate() const { return std::nullopt; }
};

/// RFC 9260 section 7.2, with an initial window of ten packets (as TCP's RFC 6928) and growth by
/// all the bytes acknowledged: acknowledgements of many packets at once are the rule with batched
/// system calls, and growth by one MTU for each would starve the window.
class StandardController final : public CongestionController {
 public:
  explicit StandardController(std::size_t mtu);
  void on_sent(Timestamp now, std::size_t bytes, std::size_t in_flight) override;
  void on_ack(Timestamp now, const AckSample& sample) override;
  void on_loss(Timestamp now, const LossSample& sample) override;
  void on_timeout(Timestamp now) override;
  void on_idle(Duration idle, Duration rto) override;
  void set_mtu(std::size_t mtu) override { mtu_ = mtu; }
  std::size_t window() const override { return window_; }
  std::size_t slow_start_threshold() const override { return threshold_; }

 private:
  std::size_t mtu_;
  std::size_t window_;
  std::size_t threshold_;
  std::size_t partial_acked_ = 0;
};

/// The default: follows a model of the path (rate of delivery and round trip without a queue), so
/// that random loss is no reason to slow down. It yields to a queue, and like TCP (RFC 9438) when
/// losses come with a queue or are more than the path usually has. docs/sctp.md has the rules.
std::unique_ptr<CongestionController> make_model_controller(std::size_t mtu);

}  // namespace parley::sctp
