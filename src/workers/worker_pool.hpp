// Threads for the work that applications hand to `Driver::offload`. Private to the drivers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace parley::workers {

/// Jobs of one lane run one after another in order, lanes side by side. Thread rule: one thread
/// calls `submit` and the destructor, which waits for running jobs and forgets the rest; jobs run
/// on the pool's threads and are destroyed there.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void submit(const void* lane, std::function<void()> job);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable work_;
  bool stopping_ = false;
  /// Jobs by lane. A lane is in the map while it has jobs or one of them runs, and in `ready_`
  /// while it has jobs and none runs.
  std::map<const void*, std::deque<std::function<void()>>> lanes_;
  std::deque<const void*> ready_;
  std::vector<std::thread> threads_;
};

}  // namespace parley::workers
