// Threads for the work that applications hand to `offload`. Private to sim.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace parley::sim {

/// Runs jobs beside the simulation, those of one lane one after another in order. The simulation
/// waits for a job at the virtual instant at which it is due, so how long it really took changes
/// nothing. `start` and `wait` are called by the simulation's thread.
class Workers {
 public:
  explicit Workers(std::size_t threads);
  /// Lets running jobs end and forgets those not begun.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// A job that was started; kept until it was waited for.
  struct Job {
    const void* lane;
    std::function<void()> work;
    bool done = false;
  };
  std::shared_ptr<Job> start(const void* lane, std::function<void()> work);
  void wait(const Job& job);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable work_waits_;
  std::condition_variable job_done_;
  /// Lanes with something to do that no thread is busy with.
  std::deque<const void*> ready_;
  /// The jobs of each lane; the first is ready or running.
  std::map<const void*, std::deque<std::shared_ptr<Job>>> lanes_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace parley::sim
