#include "parley/io/runtime.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace parley::io {

struct Runtime::State {
  explicit State(UdpDriverConfig config) : driver(context, config) {}
  asio::io_context context{1};  // A hint: one thread runs it.
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  UdpDriver driver;
  // None of these is on the way of a packet.
  std::mutex mutex;  ///< Of the two flags.
  std::condition_variable ended;
  bool stopped = false;             ///< Nothing more is posted.
  bool joined = false;              ///< The thread is gone.
  std::recursive_mutex afterwards;  ///< Whoever holds it is the sequence, once the thread is gone.
  std::thread thread;
  std::thread::id thread_id;
};

Runtime::Runtime(UdpDriverConfig config) : state_(std::make_unique<State>(config)) {
  state_->thread = std::thread{[&context = state_->context] { context.run(); }};
  state_->thread_id = state_->thread.get_id();
}

Runtime::~Runtime() { stop(); }

UdpDriver& Runtime::driver() { return state_->driver; }

void Runtime::post(std::function<void()> task) {
  const std::lock_guard lock{state_->mutex};
  if (!state_->stopped) asio::post(state_->context, std::move(task));
}

void Runtime::run_and_wait(const std::function<void()>& task) {
  if (std::this_thread::get_id() == state_->thread_id) return task();
  std::unique_lock lock{state_->mutex};
  if (state_->stopped) {
    state_->ended.wait(lock, [&] { return state_->joined; });
    lock.unlock();
    const std::lock_guard sequence{state_->afterwards};
    return task();
  }
  // Shared: the waiter may be gone before set_value has returned.
  const auto finished = std::make_shared<std::promise<void>>();
  asio::post(state_->context, [&task, finished] {
    task();
    finished->set_value();
  });
  lock.unlock();
  finished->get_future().wait();
}

void Runtime::stop() {
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->stopped) return;
    state_->stopped = true;
    // Behind everything posted so far.
    asio::post(state_->context, [this] { state_->context.stop(); });
  }
  state_->thread.join();
  const std::lock_guard lock{state_->mutex};
  state_->joined = true;
  state_->ended.notify_all();
}

}  // namespace parley::io
