#include "parley/sim/clock.hpp"

#include <string>

#include "support/catch.hpp"

using namespace parley;
using sim::Clock;

TEST_CASE("Tasks run by time and within one instant by insertion", "[sim]") {
  Clock clock{1};
  const Timestamp start = clock.now();
  std::string order;
  clock.schedule(start + 2ms, [&] { order += 'c'; });
  clock.schedule(start + 1ms, [&] { order += 'a'; });
  clock.schedule(start + 2ms, [&] { order += 'd'; });
  clock.schedule(start + 1ms, [&] { order += 'b'; });
  clock.schedule(start + 9ms, [&] { order += 'z'; });
  while (clock.run_one(start + 5ms)) {
  }
  CHECK(order == "abcd");
  CHECK(clock.now() == start + 2ms);
  CHECK(clock.next() == start + 9ms);
  CHECK(clock.tasks_run() == 4);
}

TEST_CASE("A task for a time that has passed runs now and time does not go back", "[sim]") {
  Clock clock{1};
  const Timestamp start = clock.now();
  clock.advance_to(start + 1s);
  Timestamp ran_at{};
  clock.schedule(start, [&] { ran_at = clock.now(); });
  REQUIRE(clock.run_one(start + 1s));
  CHECK(ran_at == start + 1s);
  clock.advance_to(start);
  CHECK(clock.now() == start + 1s);
}

TEST_CASE("Advancing stops at the next task", "[sim]") {
  Clock clock{1};
  const Timestamp due = clock.now() + 10ms;
  clock.schedule(due, [] {});
  clock.advance_to(due + 1s);
  CHECK(clock.now() == due);
}

TEST_CASE("A task for never is dropped", "[sim]") {
  Clock clock{1};
  clock.schedule(kNever, [] { FAIL("never came"); });
  CHECK(clock.next() == kNever);
  CHECK_FALSE(clock.run_one(kNever));
}

TEST_CASE("The clock starts at a time given by the seed and never near zero", "[sim]") {
  CHECK(Clock{1}.now() == Clock{1}.now());
  CHECK(Clock{1}.now() != Clock{2}.now());
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CHECK(Clock{seed}.now() >= Timestamp{1h});
    CHECK(Clock{seed}.now() < Timestamp{300h});
  }
}

TEST_CASE("The virtual wall clock begins in 2024 and runs with the clock", "[sim]") {
  Clock clock{7};
  // 2024-01-01 is 45290 days after 1900-01-01: 124 years of 365 days and 30 leap days.
  CHECK(clock.ntp_mapping().to_ntp(clock.start()).seconds() == 45'290U * 86'400U);
  CHECK(clock.ntp_mapping().to_ntp(clock.start() + 90s).seconds() == 45'290U * 86'400U + 90U);
}
