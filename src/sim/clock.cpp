#include "parley/sim/clock.hpp"

#include <algorithm>
#include <utility>

#include "parley/base/random.hpp"

namespace parley::sim {
namespace {

// 2024-01-01 00:00:00 UTC in seconds since 1900: 2208988800 (RFC 868) + 1704067200.
constexpr std::uint64_t kFirstOf2024 = 3'913'056'000;

Timestamp start_for(std::uint64_t seed) {
  SeededRandom random{seed};
  return Timestamp{1h + Duration{static_cast<Duration::rep>(random.u64() % 1'000'000'000'000ULL)}};
}

}  // namespace

Clock::Clock(std::uint64_t seed) : start_(start_for(seed)), now_(start_) {}

NtpMapping Clock::ntp_mapping() const { return {start_, NtpTime{kFirstOf2024 << 32}}; }

bool Clock::later(const Entry& a, const Entry& b) {
  return std::pair{a.when, a.number} > std::pair{b.when, b.number};
}

void Clock::schedule(Timestamp when, Task task) {
  if (when == kNever) return;
  heap_.push_back({std::max(when, now_), inserted_++, std::move(task)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

Timestamp Clock::next() const { return heap_.empty() ? kNever : heap_.front().when; }

bool Clock::run_one(Timestamp limit) {
  if (heap_.empty() || heap_.front().when > limit) return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Entry entry = std::move(heap_.back());
  heap_.pop_back();
  now_ = entry.when;
  ++tasks_run_;
  entry.task();
  return true;
}

void Clock::advance_to(Timestamp when) { now_ = std::max(now_, std::min(when, next())); }

}  // namespace parley::sim
