// Datagrams between engines over real loopback sockets.
#if defined(__linux__)
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/udp.hpp>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>

#include "io/batch.hpp"
#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;

#if defined(__linux__) && !defined(PARLEY_IO_PORTABLE)
// Loopback takes a datagram off the sender's account at once, so that its socket is never full:
// this stands before the system's function and says so in its place.
namespace {
std::atomic<bool> sockets_are_full{false};
}
extern "C" int sendmmsg(int socket, mmsghdr* messages, unsigned count, int flags) {
  if (!sockets_are_full) {
    return static_cast<int>(::syscall(SYS_sendmmsg, socket, messages, count, flags));
  }
  errno = EAGAIN;
  return -1;
}
#endif

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

TEST_CASE("Without segmentation offload the same datagrams arrive", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context, {.segmentation_offload = false}};
  IoStation a{driver}, b{driver};
  make_echo(b);
  WindowSender sender{a, b.local, 1000, 64};
  REQUIRE(run_until(context, [&] { return sender.echoes == 1000; }));
  CHECK(sender.in_order);
  CHECK(driver.stats().sent == 2000);
  CHECK(driver.stats().send_messages == 2000);
}

TEST_CASE("What the application queues in an event leaves as joined datagrams", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  const bool segments = [&] {
    asio::ip::udp::socket probe{context, asio::ip::udp::v4()};
    return io::enable_offload(probe).segmentation;
  }();
  bool filled = false;
  a.engine.on_deliver = [&](Timestamp) {
    if (a.engine.received_count == 0 || std::exchange(filled, true)) return false;
    for (int i = 0; i < 100; ++i)
      a.engine.send({a.local, b.local}, std::vector<std::uint8_t>(1200));
    return true;
  };
  b.send(a.local, {1});
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 100; }));
  CHECK(driver.stats().sent == 101);
  if (segments) CHECK(driver.stats().send_messages == 3);
}

#if defined(__linux__) && !defined(PARLEY_IO_PORTABLE)
TEST_CASE("An engine keeps what a full socket cannot take", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  constexpr std::uint32_t kTotal = 300;
  std::uint32_t polled = 0;
  int events = 0;
  a.engine.on_deliver = [&](Timestamp) { return ++events, false; };
  a.engine.on_poll = [&](Timestamp, MutableBytes storage) -> std::optional<Transmit> {
    if (polled == kTotal) return std::nullopt;
    store_be32(storage.data(), polled++);
    return Transmit{{a.local, b.local}, storage.first(1000)};
  };
  sockets_are_full = true;
  driver.wake(a.engine);
  REQUIRE(run_until(context, [&] { return driver.stats().send_blocked > 0; }));
  const std::uint32_t held = polled;
  const int events_before = events;
  driver.wake(a.engine);
  a.engine.deadline = driver.now();
  REQUIRE(run_until(context, [&] { return a.engine.timeouts > 3; }));
  // It is not asked for more, and still gets its events and timeouts.
  CHECK(polled == held);
  CHECK(held <= 64);
  CHECK(driver.stats().send_blocked == 1);
  CHECK(events > events_before);

  a.engine.deadline = kNever;
  sockets_are_full = false;
  REQUIRE(run_until(context, [&] { return b.engine.received_count == kTotal; }));
  bool in_order = true;
  for (std::uint32_t i = 0; i < kTotal; ++i) {
    in_order = in_order && load_be32(b.engine.received[i].bytes.data()) == i;
  }
  CHECK(in_order);
  CHECK(driver.stats().sent == kTotal);
  CHECK(driver.stats().send_queued == held);
  CHECK(driver.stats().send_dropped == 0);
}

TEST_CASE("A full socket holds all back who send from it", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation owner{driver}, b{driver};
  TestEngine borrower;
  driver.attach(borrower);
  REQUIRE(driver.lend_socket(owner.engine, owner.local, borrower));
  for (std::uint8_t i = 0; i < 10; ++i) borrower.send({owner.local, b.local}, {i});
  sockets_are_full = true;
  owner.send(b.local, {100});
  REQUIRE(run_until(context, [&] { return driver.stats().send_blocked == 1; }));
  driver.wake(borrower);
  REQUIRE(run_until(context, [&] { return driver.stats().send_blocked == 2; }));
  CHECK(driver.stats().send_queued == 2);  // One of each.
  sockets_are_full = false;
  REQUIRE(run_until(context, [&] { return b.engine.received_count == 11; }));
  CHECK(b.engine.received[0].bytes[0] == 100);
  CHECK(b.engine.received[10].bytes[0] == 9);
  CHECK(driver.stats().send_dropped == 0);
  driver.detach(borrower);
}

TEST_CASE("An engine may leave while its socket is full", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation b{driver};
  {
    IoStation a{driver};
    sockets_are_full = true;
    a.send(b.local, {1});
    REQUIRE(run_until(context, [&] { return driver.stats().send_blocked > 0; }));
    a.send(b.local, {2});
  }
  sockets_are_full = false;
  CHECK(driver.stats().send_dropped == 2);
  context.restart();
  context.poll();
}
#endif

TEST_CASE("A lent socket sends for the borrower and receives for its owner", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation owner{driver}, peer{driver};
  TestEngine borrower, stranger;
  driver.attach(borrower);
  CHECK(driver.lend_socket(owner.engine, owner.local, stranger).error().code ==
        Errc::invalid_state);
  CHECK(driver.lend_socket(peer.engine, owner.local, borrower).error().code == Errc::not_found);
  REQUIRE(driver.lend_socket(owner.engine, owner.local, borrower));
  make_echo(peer);
  owner.engine.keep_received = true;
  borrower.send({owner.local, peer.local}, {1});
  driver.wake(borrower);
  REQUIRE(run_until(context, [&] { return owner.engine.received_count == 1; }));
  CHECK(borrower.received_count == 0);

  // The last words of a borrower that leaves or gives back still go out, and no more after them.
  borrower.send({owner.local, peer.local}, {2});
  driver.close_socket(borrower, owner.local);
  REQUIRE(run_until(context, [&] { return owner.engine.received_count == 2; }));
  borrower.send({owner.local, peer.local}, {3});
  driver.wake(borrower);
  REQUIRE(run_until(context, [&] { return driver.stats().unknown_local == 1; }));

  REQUIRE(driver.lend_socket(owner.engine, owner.local, borrower));
  borrower.send({owner.local, peer.local}, {4});
  driver.detach(borrower);
  REQUIRE(run_until(context, [&] { return owner.engine.received_count == 3; }));
}

TEST_CASE("A socket that its owner closes is nobody's", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation owner{driver}, peer{driver}, borrower{driver};
  REQUIRE(driver.lend_socket(owner.engine, owner.local, borrower.engine));
  driver.close_socket(owner.engine, owner.local);
  // Not even when somebody opens the same address again.
  REQUIRE(driver.open_socket(peer.engine, owner.local));
  borrower.engine.send({owner.local, peer.local}, {1});
  driver.wake(borrower.engine);
  REQUIRE(run_until(context, [&] { return driver.stats().unknown_local == 1; }));
  CHECK(peer.engine.received_count == 0);
}

TEST_CASE("An engine that never ends to send leaves the others their turn", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation busy{driver}, a{driver}, b{driver};
  busy.engine.on_poll = [&](Timestamp, MutableBytes storage) -> std::optional<Transmit> {
    return Transmit{{busy.local, busy.local}, storage.first(1200)};
  };
  busy.engine.keep_received = false;
  a.engine.deadline = driver.now() + 5ms;
  a.engine.on_timeout = [&](Timestamp) { a.engine.deadline = kNever; };
  driver.wake(busy.engine);
  a.send(b.local, {1});
  bool posted = false;
  driver.post([&] { posted = true; });
  CHECK(run_until(context, [&] {
    return a.engine.timeouts == 1 && b.engine.received_count == 1 && posted &&
           busy.engine.received_count > 1000;
  }));
  busy.engine.on_poll = nullptr;
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
