#include "sctp/model_controller.hpp"

#include <cmath>

#include "sctp/pacer.hpp"

namespace parley::sctp {
namespace {

constexpr double kInitialPackets = 10;  // RFC 6928 section 2
constexpr double kMinPackets = 4;
// 4 ln 2: the smallest gain with which the rate doubles each round although acknowledgements are
// always of what was sent a round before.
constexpr double kStartupGain = 2.77;
constexpr double kDrainGain = 0.5;
constexpr double kDownGain = 0.9;
constexpr double kYieldGain = 0.85;  // at the least, while a queue stands
constexpr double kUpGain = 1.25;
constexpr double kMostUpGain = 2.0;
constexpr double kWindowGain = 2.0;   // acknowledgements come late and in lumps
constexpr double kBoundedGain = 1.2;  // bounded by the window, not by the pace
constexpr double kGrowth = 1.25;      // below this startup has found the rate
constexpr int kRoundsWithoutGrowth = 3;
constexpr Duration kBetweenProbes = 2500ms;
constexpr Duration kMeasureTime = 200ms;
constexpr Duration kForgetAfter = 10s;

}  // namespace

std::unique_ptr<CongestionController> make_model_controller(std::size_t mtu) {
  return std::make_unique<ModelController>(mtu);
}

ModelController::ModelController(std::size_t mtu) : mtu_(static_cast<double>(mtu)) {}

void ModelController::enter(Timestamp now, Phase phase) {
  phase_ = phase;
  phase_began_ = now;
  phase_rounds_ = 0;
}

// What may leave at once on top of what the path holds, so that a burst does not wait for the
// acknowledgement of the one before.
double ModelController::burst() const {
  const auto rate = DataRate::bits_per_second(static_cast<std::int64_t>(model_.rate()));
  return 3 * static_cast<double>(pacing_quantum(rate, static_cast<std::size_t>(mtu_)));
}

double ModelController::gain() const {
  switch (phase_) {
    case Phase::startup:
      return kStartupGain;
    case Phase::drain:
      return kDrainGain;
    case Phase::up:
      return up_gain_;
    case Phase::down:
      return kDownGain;
    case Phase::cruise:
    case Phase::measure:
      break;
  }
  // A queue that stands although nobody probes: the estimate is too high, or others want their
  // share. The longer it is, the more is left to them.
  const double over = to_seconds(model_.queue() - model_.noise());
  if (over <= 0) return 1.0;
  return std::max(1.0 - 0.5 * over / to_seconds(model_.round_trip()), kYieldGain);
}

std::size_t ModelController::window() const {
  const double least = kMinPackets * mtu_;
  if (after_timeout_) return static_cast<std::size_t>(least);
  if (!model_.known()) return static_cast<std::size_t>(kInitialPackets * mtu_);
  double window = kWindowGain * model_.product() + burst();
  if (phase_ == Phase::measure) window = model_.product() / 2;
  if (bound_) window = std::min(window, bound_.bytes());
  if (phase_ == Phase::startup) window = std::max(window, kInitialPackets * mtu_);
  return static_cast<std::size_t>(std::max(window, least));
}

std::optional<DataRate> ModelController::pacing_rate() const {
  if (!model_.known()) return std::nullopt;
  double rate = gain() * model_.rate();
  if (bound_ && phase_ == Phase::cruise) {
    rate = kBoundedGain * 8 * static_cast<double>(window()) /
           std::max(to_seconds(model_.smoothed()), 1e-4);
  }
  return DataRate::bits_per_second(static_cast<std::int64_t>(std::max(rate, 8 * mtu_)));
}

void ModelController::on_sent(Timestamp now, std::size_t, std::size_t) {
  if (phase_began_ == Timestamp{}) phase_began_ = now;
}

void ModelController::on_ack(Timestamp now, const AckSample& sample) {
  if (sample.acked == 0 && sample.needless == 0) return;
  after_timeout_ = false;
  delivered_ = sample.delivered;
  const auto acked = static_cast<double>(sample.acked);
  // What is found in the wake of congestion was met already.
  const bool in_wake = delivered_ < congestion_until_;
  if (!in_wake) losses_.note(acked, -mtu_ * static_cast<double>(sample.needless));
  const bool round_over = model_.take(now, sample);
  const bool in_full_use = static_cast<double>(sample.in_flight_before) + mtu_ + burst() >=
                           static_cast<double>(window());
  bound_.grow(now, acked, model_.round_trip(), mtu_, in_full_use);
  if (round_over) end_round(now, sample);
  step(now, sample);
}

void ModelController::end_round(Timestamp now, const AckSample& sample) {
  ++phase_rounds_;
  if (losses_.end_round(mtu_, model_.product())) {
    congestion(now, static_cast<double>(sample.in_flight_before));
  }
  if (phase_ == Phase::startup) end_startup_round(now, sample);
  if (phase_ == Phase::up) end_up_round(now);
}

// The rate was found when it no longer grows.
void ModelController::end_startup_round(Timestamp now, const AckSample& sample) {
  if (!sample.application_limited) {
    if (model_.rate() >= kGrowth * rate_to_beat_) {
      rate_to_beat_ = model_.rate();
      rounds_without_growth_ = 0;
    } else {
      ++rounds_without_growth_;
    }
  }
  if (rounds_without_growth_ >= kRoundsWithoutGrowth) enter(now, Phase::drain);
}

// Goes on, and faster, as long as the path takes it.
void ModelController::end_up_round(Timestamp now) {
  const bool queued = model_.queue() > std::max<Duration>(2ms, model_.round_trip() / 4);
  if (queued) {
    enter(now, Phase::down);
  } else if (phase_rounds_ >= 2) {
    if (model_.rate() < 1.1 * rate_to_beat_) {
      enter(now, Phase::down);
    } else {
      rate_to_beat_ = model_.rate();
      up_gain_ = std::min(up_gain_ * 1.25, kMostUpGain);
    }
  }
}

void ModelController::step(Timestamp now, const AckSample& sample) {
  const auto in_flight = static_cast<double>(sample.in_flight);
  const bool drained = in_flight <= model_.product() + burst() / 3;
  switch (phase_) {
    case Phase::startup:
      // RFC 9406 section 4.3: the round trip grows before anything is lost.
      if (model_.queue_now() > std::clamp<Duration>(model_.round_trip() / 8, 4ms, 16ms)) {
        enter(now, Phase::drain);
      }
      break;
    case Phase::drain:
      if (drained || phase_rounds_ >= 4) enter(now, Phase::cruise);
      break;
    case Phase::down:
      if (drained || phase_rounds_ >= 2) enter(now, Phase::cruise);
      break;
    case Phase::up:
      break;
    case Phase::cruise:
      if (bound_) {
        if (now - bounded_since_ > kForgetAfter) {
          bound_.release();
          enter(now, Phase::down);
        }
      } else if (now - phase_began_ > std::max<Duration>(kBetweenProbes, 10 * model_.smoothed()) &&
                 model_.queue() <= model_.noise() && !sample.application_limited) {
        up_gain_ = kUpGain;
        rate_to_beat_ = model_.rate();
        enter(now, Phase::up);
      }
      break;
    case Phase::measure:
      if (measure_until_ == kNever && in_flight <= static_cast<double>(window()) + mtu_) {
        measure_until_ = now + std::max<Duration>(kMeasureTime, model_.smoothed());
        model_.measure_anew(now);
      } else if (measure_until_ <= now) {
        enter(now, Phase::cruise);
      }
      return;
  }
  if (phase_ != Phase::startup && model_.round_trip_is_stale(now)) {
    measure_until_ = kNever;
    enter(now, Phase::measure);
  }
}

void ModelController::on_loss(Timestamp now, const LossSample& sample) {
  if (delivered_ < congestion_until_) return;
  losses_.note(0, static_cast<double>(sample.lost));
  // While this side does not ask for more, a full queue is of others.
  const bool full = phase_ == Phase::cruise && model_.short_queue_is_full(now);
  if (full || model_.queue_is_long()) congestion(now, static_cast<double>(sample.in_flight_before));
}

void ModelController::congestion(Timestamp now, double in_flight) {
  congestion_until_ = delivered_ + static_cast<std::uint64_t>(in_flight);
  losses_.restart();
  // Next to a TCP that fills a short queue, the bound stays for as long as there is congestion. A
  // long queue is this side's own at times, and then it has to be let go to drain.
  if (!bound_ || model_.queues_are_short()) bounded_since_ = now;
  // Startup ends with losses of its own making; what the path delivered meanwhile is known, and the
  // bound does not begin below it.
  const bool own = phase_ == Phase::startup || phase_ == Phase::drain;
  // What was lost is no longer in flight, and a full receive window or a gap that is repaired keep
  // more away: little in flight then says nothing about how much the path takes.
  const double held = bound_ ? std::min(bound_.bytes(), model_.product()) : model_.product();
  bound_.reduce(now, std::max(in_flight, own ? model_.product() / CubicBound::kBeta : held), mtu_);
  if (phase_ == Phase::startup || phase_ == Phase::up) {
    enter(now, phase_ == Phase::startup ? Phase::drain : Phase::cruise);
  }
}

// Everything in flight is thought lost: the next acknowledgement shows whether the path is back.
void ModelController::on_timeout(Timestamp) { after_timeout_ = true; }

void ModelController::on_idle(Duration idle, Duration) {
  // What the path was like so long ago says little.
  if (idle < kForgetAfter) return;
  *this = ModelController{static_cast<std::size_t>(mtu_)};
}

}  // namespace parley::sctp
