// io::UdpDriver as a Driver: timers, events, names, jobs, tasks, interfaces, ends of lives.
#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;

TEST_CASE("Timers never ring early and not much late", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver};
  std::vector<Duration> late;
  a.engine.deadline = driver.now() + 2ms;
  a.engine.on_timeout = [&](Timestamp now) {
    late.push_back(now - a.engine.deadline);
    a.engine.deadline = late.size() == 20 ? kNever : now + 2ms;
  };
  REQUIRE(run_until(context, [&] { return late.size() == 20; }));
  std::sort(late.begin(), late.end());
  CHECK(late.front() >= 0us);
  // The median, and generously: the machine may be busy.
  CHECK(late[10] < 100ms);
}

TEST_CASE("A deadline that moves forward is kept and one that moves back is not missed", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver};
  const Timestamp start = driver.now();
  Timestamp rang{};
  a.engine.on_timeout = [&](Timestamp now) {
    rang = now;
    a.engine.deadline = kNever;
  };
  a.engine.deadline = start + 1h;
  driver.wake(a.engine);
  bool armed = false;
  driver.post([&] { armed = true; });
  REQUIRE(run_until(context, [&] { return armed; }));
  a.engine.deadline = start + 20ms;
  driver.wake(a.engine);
  armed = false;
  driver.post([&] { armed = true; });
  REQUIRE(run_until(context, [&] { return armed; }));
  a.engine.deadline = start + 40ms;  // The alarm at 20 ms rings in vain.
  driver.wake(a.engine);
  REQUIRE(run_until(context, [&] { return rang != Timestamp{}; }));
  CHECK(rang >= start + 40ms);
  CHECK(a.engine.timeouts == 1);
}

TEST_CASE("An engine whose deadline stays in the past does not starve the others", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation busy{driver}, a{driver};
  const Timestamp start = driver.now();
  busy.engine.deadline = Timestamp{};
  driver.wake(busy.engine);
  bool done = false;
  driver.post_at(start + 50ms, [&] { done = true; });
  REQUIRE(run_until(context, [&] { return done; }));
  // A hundred rounds at once, then at most one per millisecond; unlimited it would be thousands.
  const auto milliseconds = static_cast<std::uint64_t>((driver.now() - start) / 1ms);
  CHECK(busy.engine.timeouts >= 100);
  CHECK(busy.engine.timeouts <= 103 + milliseconds);
}

TEST_CASE("Many wakes in one turn are one pump and none happens inside the call", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver};
  context.poll();
  context.restart();
  int pumps = 0;
  a.engine.on_deliver = [&](Timestamp) { return ++pumps, false; };
  for (int i = 0; i < 10; ++i) driver.wake(a.engine);
  CHECK(pumps == 0);
  context.poll();
  CHECK(pumps == 1);
}

TEST_CASE("A socket may be closed by the engine's own event", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver}, b{driver};
  b.engine.on_deliver = [&](Timestamp) {
    if (b.engine.received_count > 0) driver.close_socket(b.engine, b.local);
    return false;
  };
  for (int i = 0; i < 200; ++i) a.engine.send({a.local, b.local}, {1});
  driver.wake(a.engine);
  REQUIRE(run_until(context, [&] { return b.engine.received_count > 0; }));
  context.restart();
  context.poll();
  // One batch at the most: the close comes after it.
  CHECK(b.engine.received_count <= 64);
  CHECK(driver.open_socket(b.engine, b.local).has_value());
}

TEST_CASE("An engine may be detached in its own event and another's", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver};
  auto b = std::make_unique<IoStation>(driver);
  auto c = std::make_unique<IoStation>(driver);
  bool detached = false;
  b->engine.on_deliver = [&](Timestamp) {
    if (b->engine.received_count == 0) return false;
    b->engine.send({b->local, a.local}, {7});  // The last word is still sent.
    c->engine.send({c->local, a.local}, {8});
    driver.detach(b->engine);
    driver.detach(c->engine);
    detached = true;
    return true;
  };
  a.send(b->local, {1});
  REQUIRE(run_until(context, [&] { return detached; }));
  b.reset();
  c.reset();
  REQUIRE(run_until(context, [&] { return a.engine.received_count == 2; }));
}

TEST_CASE("The driver may be destroyed in an event with engines attached", "[io]") {
  asio::io_context context;
  TestEngine a, b;
  auto driver = std::make_unique<io::UdpDriver>(context);
  driver->attach(a);
  driver->attach(b);
  const auto local = *driver->open_socket(a, {kLoopback4, 0});
  b.deadline = driver->now() + 1h;
  bool forbidden = false;
  a.on_deliver = [&](Timestamp) {
    if (a.received_count == 0) return false;
    driver->post([&] { forbidden = true; });
    driver->post_at(driver->now(), [&] { forbidden = true; });
    driver->resolve("127.0.0.1", [&](const auto&) { forbidden = true; });
    driver->wake(b);
    driver.reset();
    return true;
  };
  a.send({local, local}, {1});
  driver->wake(a);
  // run() returns: nothing is left behind that would keep it.
  context.run();
  CHECK_FALSE(driver);
  CHECK_FALSE(forbidden);
}

TEST_CASE("Opening a socket fails for foreign addresses and taken ports and strangers", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  IoStation a{driver};
  TestEngine stranger;
  CHECK(driver.open_socket(a.engine, {*IpAddress::parse("192.0.2.1"), 0}).error().code == Errc::io);
  CHECK(driver.open_socket(a.engine, a.local).error().code == Errc::io);
  CHECK(driver.open_socket(stranger, {kLoopback4, 0}).error().code == Errc::invalid_state);
}

TEST_CASE("Tasks posted from many threads all run on the sequence", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  constexpr int kThreads = 4, kTasks = 500;
  int count = 0;  // Not atomic: only the sequence touches it.
  const auto sequence = std::this_thread::get_id();
  bool elsewhere = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        driver.post([&] {
          ++count;
          elsewhere = elsewhere || std::this_thread::get_id() != sequence;
        });
      }
    });
  }
  CHECK(run_until(context, [&] { return count == kThreads * kTasks; }));
  for (auto& thread : threads) thread.join();
  CHECK_FALSE(elsewhere);
}

TEST_CASE("Delayed tasks run in order of their times", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  std::string order;
  const Timestamp start = driver.now();
  driver.post_at(start + 20ms, [&] { order += 'c'; });
  driver.post_at(start + 10ms, [&] {
    order += 'b';
    driver.post_at(start + 15ms, [&] { order += 'x'; });
  });
  driver.post_at(start, [&] { order += 'a'; });
  driver.post_at(kNever, [&] { order += '!'; });
  CHECK(order.empty());
  REQUIRE(run_until(context, [&] { return order.size() == 4; }));
  CHECK(order == "abxc");
  CHECK(driver.now() >= start + 20ms);
}

TEST_CASE("Jobs run elsewhere and finish on the sequence in the order of their lane", "[io]") {
  asio::io_context context;
  io::UdpDriverConfig config;
  config.worker_threads = GENERATE(0U, 1U, 3U);
  io::UdpDriver driver{context, config};
  const auto sequence = std::this_thread::get_id();
  std::vector<int> work, done;  // Ordered by the lane, and by the sequence.
  std::atomic<bool> worked_here{false};
  for (int i = 0; i < 200; ++i) {
    driver.offload(
        &work,
        [&, i] {
          work.push_back(i);
          if (std::this_thread::get_id() == sequence) worked_here = true;
        },
        [&, i] {
          CHECK(std::this_thread::get_id() == sequence);
          done.push_back(i);
        });
  }
  // run() waits for the jobs by itself.
  context.run();
  CHECK(std::is_sorted(work.begin(), work.end()));
  CHECK(std::is_sorted(done.begin(), done.end()));
  CHECK(done.size() == 200);
  CHECK(worked_here == (config.worker_threads == 0));
}

TEST_CASE("A driver with jobs under way ends without their results", "[io]") {
  asio::io_context context;
  bool finished = false;
  {
    io::UdpDriver driver{context};
    for (int i = 0; i < 50; ++i)
      driver.offload(
          &context, [] {}, [&] { finished = true; });
  }
  context.run();
  CHECK_FALSE(finished);
}

TEST_CASE("Names resolve later and never inside the call", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  std::optional<Result<std::vector<IpAddress>>> answer;
  const auto ask = [&](const std::string& name) {
    answer.reset();
    driver.resolve(name, [&](Result<std::vector<IpAddress>> r) { answer.emplace(std::move(r)); });
    CHECK_FALSE(answer);
    REQUIRE(run_until(context, [&] { return answer.has_value(); }));
    return *answer;
  };
  CHECK(*ask("192.0.2.7") == std::vector<IpAddress>{*IpAddress::parse("192.0.2.7")});
  CHECK(*ask("2001:db8::7") == std::vector<IpAddress>{*IpAddress::parse("2001:db8::7")});
  const auto localhost = ask("localhost");
  REQUIRE(localhost);
  CHECK(localhost->front().is_loopback());
  CHECK(ask("").error().code == Errc::invalid_argument);
  // A label of more than 63 octets (RFC 1035 section 2.3.4) fails without asking any server.
  CHECK(ask(std::string(70, 'a') + ".invalid").error().code == Errc::not_found);
}

TEST_CASE("The interfaces hold the loopback and no address without use", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  const auto list = driver.interfaces();
  const auto loopback =
      std::find_if(list.begin(), list.end(), [](const auto& i) { return i.address == kLoopback4; });
  REQUIRE(loopback != list.end());
  CHECK(loopback->is_loopback);
  CHECK_FALSE(loopback->name.empty());
  for (const auto& entry : list) {
    CHECK_FALSE((entry.address.is_v6() && entry.address.is_link_local()));
    // Each can be bound.
    TestEngine engine;
    driver.attach(engine);
    CHECK(driver.open_socket(engine, {entry.address, 0}).has_value());
    driver.detach(engine);
  }
}

TEST_CASE("The mapping to NTP time shows the system's wall clock", "[io]") {
  asio::io_context context;
  io::UdpDriver driver{context};
  const auto ntp = driver.ntp_mapping().to_ntp(driver.now());
  const auto unix_seconds = std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
  CHECK(static_cast<double>(ntp.seconds()) - 2'208'988'800.0 ==
        Approx(static_cast<double>(unix_seconds)).margin(2.0));
}
