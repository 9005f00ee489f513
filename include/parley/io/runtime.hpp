// A driver with a thread of its own, for programs that have no event loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "parley/io/udp_driver.hpp"

namespace parley::io {

/// Owns an io_context, a `UdpDriver` on it and the one thread that runs both.
///
/// `post`, `run_sync` and `stop` may be called from any thread; `driver()` belongs to the runtime's
/// thread, so use it inside functions given to `post` and `run_sync`. What those functions throw
/// ends the program: they run beside the network. Detach engines (in `run_sync`) before destroying
/// them.
class Runtime {
 public:
  explicit Runtime(UdpDriverConfig config = {});
  /// `stop()`, then destroys the driver, which detaches what is attached.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  UdpDriver& driver();
  /// Runs `task` on the runtime's thread, later. Dropped after `stop()`.
  void post(std::function<void()> task);
  /// Runs `f` on the runtime's thread, waits for it and returns what it returned (by value). Called
  /// on that thread, or after `stop()`, it runs `f` at once.
  template <class F>
  auto run_sync(F&& f) -> std::decay_t<std::invoke_result_t<F&>> {
    using R = std::decay_t<std::invoke_result_t<F&>>;
    if constexpr (std::is_void_v<R>) {
      run_and_wait([&f] { f(); });
    } else {
      std::optional<R> result;
      run_and_wait([&] { result.emplace(f()); });
      return std::move(*result);
    }
  }
  /// Ends the loop and joins the thread; tasks posted before are run. Not to be called on the
  /// runtime's thread. A second call does nothing.
  void stop();

 private:
  void run_and_wait(const std::function<void()>& task);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::io
