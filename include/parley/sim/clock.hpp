// Virtual time: a clock that moves only when it is told to, and the tasks that wait for it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "parley/base/time.hpp"

namespace parley::sim {

/// The clock of a simulation and its queue of tasks, ordered by time and, within one instant, by
/// the order of insertion. Owned by `Network`; usable alone. Single-threaded.
class Clock {
 public:
  using Task = std::function<void()>;

  /// The start lies between one hour and about twelve days after the epoch, by `seed`: code that
  /// takes zero for "no time" is found out.
  explicit Clock(std::uint64_t seed);

  Timestamp now() const { return now_; }
  /// Where this clock began.
  Timestamp start() const { return start_; }
  /// A virtual wall clock that showed 2024-01-01 00:00:00 UTC at `start()`.
  NtpMapping ntp_mapping() const;

  /// Runs `task` when the clock reaches `when`; a time that has passed means now. kNever drops it.
  void schedule(Timestamp when, Task task);
  /// When the next task is due; kNever when none waits.
  Timestamp next() const;
  /// Moves to the next task and runs it, unless it is due after `limit`. False when nothing ran.
  bool run_one(Timestamp limit);
  /// Moves the clock forward without running anything. Never past `next()`, never back.
  void advance_to(Timestamp when);
  /// Number of tasks run since the start.
  std::uint64_t tasks_run() const { return tasks_run_; }

 private:
  struct Entry {
    Timestamp when;
    std::uint64_t number;
    Task task;
  };
  static bool later(const Entry& a, const Entry& b);

  Timestamp start_;
  Timestamp now_;
  std::uint64_t inserted_ = 0;
  std::uint64_t tasks_run_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace parley::sim
