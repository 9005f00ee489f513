#include "sim/workers.hpp"

#include <utility>

namespace parley::sim {

Workers::Workers(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_waits_.notify_all();
  for (auto& thread : threads_) thread.join();
}

std::shared_ptr<Workers::Job> Workers::start(const void* lane, std::function<void()> work) {
  auto job = std::make_shared<Job>(Job{lane, std::move(work)});
  {
    const std::lock_guard lock(mutex_);
    auto& queue = lanes_[lane];
    queue.push_back(job);
    if (queue.size() == 1) ready_.push_back(lane);
  }
  work_waits_.notify_one();
  return job;
}

void Workers::wait(const Job& job) {
  std::unique_lock lock(mutex_);
  job_done_.wait(lock, [&job] { return job.done; });
}

void Workers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_waits_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const void* const lane = ready_.front();
    ready_.pop_front();
    const auto job = lanes_[lane].front();
    lock.unlock();
    job->work();
    job->work = nullptr;  // what it holds is released here, not on the simulation's thread
    lock.lock();
    job->done = true;
    job_done_.notify_one();
    auto& queue = lanes_[lane];
    queue.pop_front();
    if (queue.empty()) {
      lanes_.erase(lane);
    } else {
      ready_.push_back(lane);
      work_waits_.notify_one();
    }
  }
}

}  // namespace parley::sim
