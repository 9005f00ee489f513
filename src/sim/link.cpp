#include "parley/sim/link.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

namespace parley::sim {
namespace {

// In microseconds. A century is as good as never, and far from overflow.
constexpr double kLongestService = 3e15;
// What sums of floating-point microseconds may be off.
constexpr double kRounding = 1e-6;

DataSize size_on_wire(const Datagram& datagram, const LinkConfig& config) {
  return DataSize::bytes(static_cast<std::int64_t>(datagram.bytes.size() + config.overhead_bytes));
}

// Exact service time in microseconds; infinite at a rate of zero.
double service_time(DataSize size, DataRate rate) {
  if (rate.is_infinite()) return 0;
  if (rate.bits_per_second() <= 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(size.bits()) * 1e6 / static_cast<double>(rate.bits_per_second());
}

bool in_outage(const LinkConfig& config, Timestamp now) {
  return std::any_of(config.outages.begin(), config.outages.end(),
                     [&](const Outage& o) { return o.from <= now && now < o.until; });
}

// One step of the Gilbert-Elliott chain. The bad state ends after each datagram with probability
// 1 / mean_length; the good state ends so often that the bad one holds `probability` of the time.
bool next_burst_state(bool in_burst, const BurstLoss& burst, double draw) {
  if (burst.probability <= 0) return false;
  if (burst.probability >= 1) return true;
  const double leave = 1.0 / std::max(burst.mean_length, 1.0);
  if (in_burst) return draw >= leave;
  return draw < leave * burst.probability / (1.0 - burst.probability);
}

}  // namespace

std::string_view to_string(LinkDrop reason) {
  switch (reason) {
    case LinkDrop::outage:
      return "outage";
    case LinkDrop::listed:
      return "listed";
    case LinkDrop::predicate:
      return "predicate";
    case LinkDrop::loss:
      return "loss";
    case LinkDrop::burst:
      return "burst";
    case LinkDrop::mtu:
      return "mtu";
    case LinkDrop::queue:
      return "queue";
  }
  return "unknown";
}

std::uint64_t LinkStats::total_dropped() const {
  return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
}

Duration LinkStats::mean_queue_delay() const {
  return queued == 0 ? Duration::zero() : queue_delay_sum / static_cast<Duration::rep>(queued);
}

Link::Link(LinkConfig config, std::uint64_t seed) : config_(std::move(config)), random_(seed) {}

bool Link::arrives_later(const InFlight& a, const InFlight& b) {
  return std::pair{a.arrives, a.number} > std::pair{b.arrives, b.number};
}

Link::Draws Link::draw() {
  Draws d{};
  d.loss = random_.unit();
  d.burst = random_.unit();
  d.jitter = random_.unit();
  d.jitter2 = random_.unit();
  d.reorder = random_.unit();
  d.duplicate = random_.unit();
  d.corrupt = random_.unit();
  d.corrupt_bit = random_.u32();
  return d;
}

std::optional<LinkDrop> Link::judge(Timestamp now, const Datagram& datagram, const Draws& draws) {
  in_burst_ = next_burst_state(in_burst_, config_.burst_loss, draws.burst);
  if (in_outage(config_, now)) return LinkDrop::outage;
  if (std::find(config_.lose.begin(), config_.lose.end(), stats_.sent) != config_.lose.end()) {
    return LinkDrop::listed;
  }
  if (config_.lose_if && config_.lose_if(now, datagram)) return LinkDrop::predicate;
  if (draws.loss < config_.loss) return LinkDrop::loss;
  if (in_burst_) return LinkDrop::burst;

  const DataSize size = size_on_wire(datagram, config_);
  if (size > DataSize::bytes(static_cast<std::int64_t>(config_.mtu))) return LinkDrop::mtu;
  if (queue_.empty()) return std::nullopt;
  if (queued_size_ + size > config_.queue_limit) return LinkDrop::queue;
  if (config_.queue_delay_limit != Duration::max() &&
      service_time(queued_size_, config_.rate) >
          static_cast<double>(config_.queue_delay_limit.count())) {
    return LinkDrop::queue;
  }
  return std::nullopt;
}

std::optional<LinkDrop> Link::push(Timestamp now, Datagram datagram) {
  advance_queue(now);
  const Draws draws = draw();
  const auto reason = judge(now, datagram, draws);
  ++stats_.sent;
  stats_.sent_size += DataSize::bytes(static_cast<std::int64_t>(datagram.bytes.size()));
  if (reason) {
    ++stats_.dropped[static_cast<std::size_t>(*reason)];
    return reason;
  }
  const DataSize size = size_on_wire(datagram, config_);
  queued_size_ += size;
  queue_.push_back({std::move(datagram), draws, now, size});
  if (queue_.size() == 1) {
    carry_ = 0;
    start_service(now);
    advance_queue(now);
  }
  return std::nullopt;
}

void Link::start_service(Timestamp at) {
  service_began_ = at;
  front_share_ = 1;
  const double exact = service_time(queue_.front().size, config_.rate) + carry_;
  if (exact > kLongestService) {
    front_leaves_ = kNever;
    return;
  }
  const double whole = std::floor(exact + kRounding);
  carry_ = exact - whole;
  front_leaves_ = at + Duration{static_cast<Duration::rep>(whole)};
}

void Link::advance_queue(Timestamp now) {
  while (!queue_.empty() && front_leaves_ <= now) {
    const Timestamp left = front_leaves_;
    Queued entry = std::move(queue_.front());
    queue_.pop_front();
    queued_size_ -= entry.size;
    const Duration waited = left - entry.entered;
    ++stats_.queued;
    stats_.queue_delay_sum += waited;
    stats_.queue_delay_max = std::max(stats_.queue_delay_max, waited);
    launch(left, std::move(entry));
    front_leaves_ = kNever;
    if (!queue_.empty()) start_service(left);
  }
}

Duration Link::jitter_for(const Draws& draws) const {
  if (config_.jitter <= Duration::zero()) return Duration::zero();
  const double scale = static_cast<double>(config_.jitter.count());
  // 1 - u lies in (0, 1], so that the logarithm is finite.
  const double u = 1.0 - draws.jitter;
  double factor = draws.jitter;
  if (config_.jitter_shape == JitterShape::exponential) factor = -std::log(u);
  if (config_.jitter_shape == JitterShape::normal) {
    // Box-Muller, folded to the positive half.
    factor =
        std::sqrt(-2.0 * std::log(u)) * std::abs(std::cos(2.0 * std::numbers::pi * draws.jitter2));
  }
  return Duration{static_cast<Duration::rep>(scale * factor)};
}

void Link::launch(Timestamp at, Queued entry) {
  Timestamp arrives = at + config_.delay + jitter_for(entry.draws);
  if (entry.draws.reorder < config_.reorder) {
    // Held back on purpose: later datagrams need not wait for it.
    arrives += config_.reorder_delay;
  } else if (config_.ordering == Ordering::kept) {
    arrives = last_arrival_ = std::max(arrives, last_arrival_);
  }
  Datagram& datagram = entry.datagram;
  if (entry.draws.corrupt < config_.corrupt && !datagram.bytes.empty()) {
    const std::size_t bit = entry.draws.corrupt_bit % (datagram.bytes.size() * 8);
    datagram.bytes[bit / 8] = static_cast<std::uint8_t>(datagram.bytes[bit / 8] ^ (1U << bit % 8));
    ++stats_.corrupted;
  }
  const bool twice = entry.draws.duplicate < config_.duplicate;
  if (twice) {
    ++stats_.duplicated;
    wire_.push_back({arrives, launched_++, datagram});
    std::push_heap(wire_.begin(), wire_.end(), arrives_later);
  }
  wire_.push_back({arrives, launched_++, std::move(datagram)});
  std::push_heap(wire_.begin(), wire_.end(), arrives_later);
}

std::optional<Datagram> Link::poll(Timestamp now) {
  advance_queue(now);
  if (wire_.empty() || wire_.front().arrives > now) return std::nullopt;
  std::pop_heap(wire_.begin(), wire_.end(), arrives_later);
  Datagram datagram = std::move(wire_.back().datagram);
  wire_.pop_back();
  ++stats_.delivered;
  stats_.delivered_size += DataSize::bytes(static_cast<std::int64_t>(datagram.bytes.size()));
  return datagram;
}

Timestamp Link::next_timeout() const {
  const Timestamp arrival = wire_.empty() ? kNever : wire_.front().arrives;
  return std::min(arrival, front_leaves_);
}

void Link::set_config(Timestamp now, LinkConfig config) {
  advance_queue(now);
  if (!queue_.empty() && config_.rate.bits_per_second() > 0) {
    // The front keeps the share of its service that it has already had.
    const double whole = service_time(queue_.front().size, config_.rate);
    const double served = static_cast<double>((now - service_began_).count());
    front_share_ = std::max(front_share_ - served / whole, 0.0);
  }
  config_ = std::move(config);
  if (queue_.empty()) return;
  const double left = service_time(queue_.front().size, config_.rate) * front_share_;
  service_began_ = now;
  carry_ = 0;
  front_leaves_ = left > kLongestService
                      ? kNever
                      : now + Duration{static_cast<Duration::rep>(std::ceil(left - kRounding))};
  advance_queue(now);
}

}  // namespace parley::sim
