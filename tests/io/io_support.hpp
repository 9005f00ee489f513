// A driver on an io_context that a test runs until its condition holds.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <functional>

#include "parley/io/udp_driver.hpp"
#include "support/test_engine.hpp"

namespace parley::test {

inline const IpAddress kLoopback4 = IpAddress::loopback(AddressFamily::ipv4);
inline const IpAddress kLoopback6 = IpAddress::loopback(AddressFamily::ipv6);

/// Runs handlers until `done` holds. False when that has not come true within `limit`: a guard
/// against hanging, far above what any test needs.
inline bool run_until(asio::io_context& context, const std::function<bool()>& done,
                      std::chrono::seconds limit = std::chrono::seconds{60}) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    context.restart();
    if (context.run_one_until(end) == 0 && std::chrono::steady_clock::now() >= end) return false;
  }
  return true;
}

/// An engine with one loopback socket on a driver.
struct IoStation {
  explicit IoStation(Driver& d, const IpAddress& ip = kLoopback4) : driver(d) {
    driver.attach(engine);
    local = *driver.open_socket(engine, {ip, 0});
  }
  ~IoStation() { driver.detach(engine); }
  void send(const SocketAddress& to, std::vector<std::uint8_t> bytes) {
    engine.send({local, to}, std::move(bytes));
    driver.wake(engine);
  }
  Driver& driver;
  TestEngine engine;
  SocketAddress local;
};

}  // namespace parley::test
