// Datagrams between engines over real loopback sockets.
#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/ip/udp.hpp>
#include <thread>

#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;

namespace {

/// Sends numbered datagrams in windows: the next when the echo of an earlier one is back. Loopback
/// loses only when buffers overflow, which the window prevents.
struct WindowSender {
  WindowSender(IoStation& from, const SocketAddress& to, int total, int window)
      : from_(from), to_(to), left_(total) {
    from_.engine.keep_received = false;
    from_.engine.on_datagram = [this](Timestamp, const Path&, MutableBytes bytes) {
      in_order = in_order && load_be32(bytes.data()) == echoes;
      ++echoes;
      send_one();
    };
    for (int i = 0; i < window; ++i) send_one();
    from_.driver.wake(from_.engine);
  }
  void send_one() {
    if (left_ == 0) return;
    --left_;
    std::vector<std::uint8_t> bytes(200);
    store_be32(bytes.data(), next_++);
    from_.engine.send({from_.local, to_}, std::move(bytes));
  }
  std::uint32_t echoes = 0;
  bool in_order = true;

 private:
  IoStation& from_;
  SocketAddress to_;
  int left_;
  std::uint32_t next_ = 0;
};

void make_echo(IoStation& station) {
  station.engine.keep_received = false;
  station.engine.on_datagram = [&](Timestamp, const Path& path, MutableBytes bytes) {
    station.engine.send(path, {bytes.begin(), bytes.end()});
  };
}

}  // namespace

TEST_CASE("Ten thousand datagrams go out and come back", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  make_echo(b);
  WindowSender sender{a, b.local, 10'000, 64};
  REQUIRE(run_until(context, [&] { return sender.echoes == 10'000; }));
  CHECK(sender.in_order);
  CHECK(driver.stats().sent == 20'000);
  CHECK(driver.stats().received == 20'000);
  CHECK(driver.stats().sent_bytes == 20'000 * 200);
  CHECK(driver.stats().send_failed == 0);
  CHECK(driver.stats().receive_errors == 0);
  // Batches: far fewer calls than datagrams.
  CHECK(driver.stats().send_calls < 10'000);
}

TEST_CASE("Two drivers on two contexts of two threads exchange datagrams", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver};
  asio::io_context other_context;
  io::UdpDriver other{other_context};
  IoStation b{other};
  make_echo(b);
  WindowSender sender{a, b.local, 2000, 16};
  auto guard = asio::make_work_guard(other_context);
  std::thread thread{[&] { other_context.run(); }};
  CHECK(run_until(context, [&] { return sender.echoes == 2000; }));
  other_context.stop();
  thread.join();
}

TEST_CASE("Many engines share one driver", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  std::vector<std::unique_ptr<IoStation>> stations;
  std::vector<std::unique_ptr<WindowSender>> senders;
  for (int i = 0; i < 50; ++i) {
    auto& a = *stations.emplace_back(std::make_unique<IoStation>(driver));
    auto& b = *stations.emplace_back(std::make_unique<IoStation>(driver));
    make_echo(b);
    senders.push_back(std::make_unique<WindowSender>(a, b.local, 50, 4));
  }
  REQUIRE(run_until(context, [&] {
    return std::all_of(senders.begin(), senders.end(), [](auto& s) { return s->echoes == 50; });
  }));
}

TEST_CASE("IPv6 loopback carries datagrams where the system has it", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  TestEngine probe;
  driver.attach(probe);
  const bool available = driver.open_socket(probe, {kLoopback6, 0}).has_value();
  driver.detach(probe);
  if (!available) return;
  IoStation a{driver, kLoopback6}, b{driver, kLoopback6};
  make_echo(b);
  a.send(b.local, {1, 2, 3});
  REQUIRE(run_until(context, [&] { return a.engine.received_count == 1; }));
  CHECK(a.engine.received[0].path == Path{a.local, b.local});
}

TEST_CASE("One engine with many sockets sends each datagram from its own", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  std::vector<SocketAddress> locals{a.local};
  for (int i = 0; i < 4; ++i) locals.push_back(*driver.open_socket(a.engine, {kLoopback4, 0}));
  for (int i = 0; i < 100; ++i) {
    a.engine.send({locals[static_cast<std::size_t>(i) % 5], b.local},
                  {static_cast<std::uint8_t>(i)});
  }
  driver.wake(a.engine);
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 100; }));
  for (const auto& r : b.engine.received) {
    CHECK(r.path.remote == locals[r.bytes[0] % 5U]);
  }
}

TEST_CASE("ECN marks do not hinder sending in either family", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  int left = 3;
  a.engine.on_poll = [&](Timestamp, MutableBytes storage) -> std::optional<Transmit> {
    if (left == 0) return std::nullopt;
    --left;
    return Transmit{{a.local, b.local}, storage.first(1), left == 1 ? Ecn::not_ect : Ecn::ect0};
  };
  driver.wake(a.engine);
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 3; }));
  CHECK(driver.stats().send_failed == 0);
}

TEST_CASE("A datagram that overflows the receive slot is counted and dropped", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation b{driver};
  asio::ip::udp::socket raw{context, asio::ip::udp::v4()};
  const std::vector<std::uint8_t> big(4000), small(10);
  const asio::ip::udp::endpoint to{asio::ip::address_v4::loopback(), b.local.port};
  raw.send_to(asio::buffer(big), to);
  raw.send_to(asio::buffer(small), to);
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 1; }));
  CHECK(b.engine.received[0].bytes.size() == 10);
  CHECK(driver.stats().receive_errors == 1);
}

TEST_CASE("Sending where nobody listens and where no way leads is never fatal", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  const SocketAddress nobody = *driver.open_socket(b.engine, {kLoopback4, 0});
  driver.close_socket(b.engine, nobody);
  for (int i = 0; i < 20; ++i) a.engine.send({a.local, nobody}, {1});
  // A socket bound to loopback cannot reach a public address.
  a.engine.send({a.local, *SocketAddress::parse("192.0.2.1:9")}, {2});
  a.engine.send({a.local, b.local}, {3});
  driver.wake(a.engine);
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 1; }));
  CHECK(driver.stats().sent + driver.stats().send_failed == 22);
}

TEST_CASE("What is polled for a foreign or closed socket is counted", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  a.engine.send({b.local, a.local}, {1});
  a.engine.send({*SocketAddress::parse("127.0.0.1:1"), b.local}, {1});
  a.engine.send({a.local, *SocketAddress::parse("[::1]:9")}, {1});
  a.send(b.local, {2});
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 1; }));
  CHECK(b.engine.received[0].bytes[0] == 2);
  CHECK(driver.stats().unknown_local == 3);
}
