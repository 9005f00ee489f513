#include "workers/worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <vector>

#include "support/catch.hpp"

using parley::workers::WorkerPool;

TEST_CASE("Jobs of one lane run in order however many threads there are", "[workers]") {
  constexpr int kLanes = 4, kJobs = 500;
  std::vector<std::vector<int>> seen(kLanes);  // Each written by one lane only.
  std::atomic<int> left{kLanes * kJobs};
  std::promise<void> finished;
  WorkerPool pool{3};
  for (int job = 0; job < kJobs; ++job) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      pool.submit(&seen[lane], [&, lane, job] {
        seen[lane].push_back(job);
        if (--left == 0) finished.set_value();
      });
    }
  }
  finished.get_future().wait();
  for (const auto& lane : seen) {
    REQUIRE(lane.size() == kJobs);
    CHECK(std::is_sorted(lane.begin(), lane.end()));
  }
}

TEST_CASE("Two lanes run side by side on two threads", "[workers]") {
  const int lane_a = 0, lane_b = 0;
  // Each waits for the other: with one thread, or one lane, this would not end.
  std::promise<void> a, b, both;
  WorkerPool pool{2};  // Last: its destructor waits for whoever still uses the promises.
  pool.submit(&lane_a, [&] {
    a.set_value();
    b.get_future().wait();
    both.set_value();
  });
  pool.submit(&lane_b, [&] {
    b.set_value();
    a.get_future().wait();
  });
  both.get_future().wait();
}

TEST_CASE("The destructor waits for what runs and forgets the rest", "[workers]") {
  std::promise<void> started, may_end;
  std::atomic<bool> first{false}, second{false};
  const int lane = 0;
  std::thread opener;
  {
    WorkerPool pool{1};
    pool.submit(&lane, [&] {
      started.set_value();
      may_end.get_future().wait();
      first = true;
    });
    pool.submit(&lane, [&] { second = true; });
    started.get_future().wait();
    opener = std::thread{[&] { may_end.set_value(); }};
  }
  opener.join();
  CHECK(first);
  // Whether the second began depends on who was faster; it never runs after the destructor.
  const bool at_return = second;
  CHECK(second == at_return);
}
