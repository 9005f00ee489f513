// The default congestion controller.
#pragma once

#include "sctp/cubic_bound.hpp"
#include "sctp/loss_monitor.hpp"
#include "sctp/path_model.hpp"

namespace parley::sctp {

/// Sends at the rate at which the path delivers, and keeps about what fills the path in flight.
///
/// Alone it finds the rate by doubling, then holds it without a queue and asks for a quarter more
/// every few seconds, for a round trip, when no queue stands. Loss by itself says nothing. Loss
/// with a queue in the upper half of what is seen on this path, or more loss than this path always
/// has, is congestion: from then on what is in flight is bounded as CUBIC's window, until there was
/// no congestion for a while.
class ModelController final : public CongestionController {
 public:
  explicit ModelController(std::size_t mtu);
  void on_sent(Timestamp now, std::size_t bytes, std::size_t in_flight) override;
  void on_ack(Timestamp now, const AckSample& sample) override;
  void on_loss(Timestamp now, const LossSample& sample) override;
  void on_timeout(Timestamp now) override;
  void on_idle(Duration idle, Duration rto) override;
  void set_mtu(std::size_t mtu) override { mtu_ = static_cast<double>(mtu); }
  std::size_t window() const override;
  std::optional<DataRate> pacing_rate() const override;

 private:
  enum class Phase : std::uint8_t {
    startup,  ///< twice as much each round
    drain,    ///< what startup queued
    cruise,   ///< at the rate of the path
    up,       ///< a little more, to see whether the path takes it
    down,     ///< what `up` queued
    measure,  ///< little in flight, to see the round trip without a queue
  };
  void enter(Timestamp now, Phase phase);
  void end_round(Timestamp now, const AckSample& sample);
  void end_startup_round(Timestamp now, const AckSample& sample);
  void end_up_round(Timestamp now);
  void step(Timestamp now, const AckSample& sample);
  void congestion(Timestamp now, double in_flight);
  double gain() const;
  double burst() const;

  double mtu_;
  Phase phase_ = Phase::startup;
  Timestamp phase_began_{};
  int phase_rounds_ = 0;
  PathModel model_;
  LossMonitor losses_;
  CubicBound bound_;
  double rate_to_beat_ = 0;
  int rounds_without_growth_ = 0;
  Timestamp bounded_since_{};
  std::uint64_t delivered_ = 0;
  std::uint64_t congestion_until_ = 0;  // in bytes delivered: before, it is the same congestion
  double up_gain_ = 1.25;
  Timestamp measure_until_ = kNever;
  bool after_timeout_ = false;
};

}  // namespace parley::sctp
