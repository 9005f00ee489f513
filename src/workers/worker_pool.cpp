#include "workers/worker_pool.hpp"

#include <utility>

namespace parley::workers {

WorkerPool::WorkerPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void WorkerPool::submit(const void* lane, std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    const auto [entry, is_idle] = lanes_.try_emplace(lane);
    entry->second.push_back(std::move(job));
    if (!is_idle) return;  // Whoever runs this lane takes the next job.
    ready_.push_back(lane);
  }
  work_.notify_one();
}

void WorkerPool::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    work_.wait(lock, [&] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const void* const lane = ready_.front();
    ready_.pop_front();
    std::function<void()> job = std::move(lanes_.at(lane).front());
    lanes_.at(lane).pop_front();

    lock.unlock();
    job();
    job = nullptr;  // What it captured is released here, not under the lock.
    lock.lock();

    // To the end of the line, so that a long lane does not starve the others.
    const auto entry = lanes_.find(lane);
    if (entry->second.empty()) {
      lanes_.erase(entry);
    } else {
      ready_.push_back(lane);
      work_.notify_one();
    }
  }
}

}  // namespace parley::workers
