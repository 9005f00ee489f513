// sim::Host as a Driver: sockets, timers, events, names, jobs, and engines that misbehave.
#include <array>
#include <future>
#include <string>
#include <vector>

#include "sim/sim_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;
using sim::Fault;
using sim::Network;

TEST_CASE("Ephemeral ports are distinct and in their range", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < 200; ++i) {
    const auto local = a.host.open_socket(a.engine, {ip("192.0.2.1"), 0});
    REQUIRE(local);
    CHECK(local->port >= 49'152);
    ports.push_back(local->port);
  }
  std::sort(ports.begin(), ports.end());
  CHECK(std::unique(ports.begin(), ports.end()) == ports.end());
}

TEST_CASE("Opening a socket fails for foreign addresses and taken ports", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  TestEngine stranger;
  CHECK(a.host.open_socket(a.engine, {ip("192.0.2.99"), 0}).error().code == Errc::io);
  CHECK(a.host.open_socket(a.engine, a.local).error().code == Errc::io);
  CHECK(a.host.open_socket(a.engine, {ip("0.0.0.0"), a.local.port}).error().code == Errc::io);
  CHECK(a.host.open_socket(stranger, {ip("192.0.2.1"), 0}).error().code == Errc::invalid_state);
  a.host.close_socket(a.engine, a.local);
  CHECK(a.host.open_socket(a.engine, a.local).has_value());
}

TEST_CASE("A socket bound to any address hears all and sends from the host's own", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  const auto any = *b.host.open_socket(b.engine, {ip("0.0.0.0"), 4000});
  a.send({b.local.ip, 4000}, {1});
  network.run_for(1s);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].path.local == any);
  b.engine.send(b.engine.received[0].path, {2});
  b.host.wake(b.engine);
  network.run_for(1s);
  REQUIRE(a.engine.received.size() == 1);
  CHECK(a.engine.received[0].path.remote == SocketAddress{b.local.ip, 4000});
}

TEST_CASE("Engines of one host talk over loopback in both families", "[sim]") {
  Network network{1};
  auto& host = network.add_host({.name = "a"});
  TestEngine one, two;
  host.attach(one);
  host.attach(two);
  for (const char* address : {"127.0.0.1", "::1"}) {
    const auto from = *host.open_socket(one, {ip(address), 0});
    const auto to = *host.open_socket(two, {ip(address), 0});
    one.send({from, to}, {1});
    host.wake(one);
  }
  network.run_for(1s);
  CHECK(two.received.size() == 2);
  CHECK(host.interfaces().size() == 2);
}

TEST_CASE("A host that moves loses its old address and hears at the new one", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  a.send(b.local, {1});
  b.host.remove_address(b.local.ip);
  b.host.add_address(ip("192.0.2.77"));
  const auto moved = *b.host.open_socket(b.engine, {ip("192.0.2.77"), 0});
  a.send(moved, {2});
  network.run_for(1s);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].path.local == moved);
  CHECK(b.host.interfaces().back().address == ip("192.0.2.77"));
}

TEST_CASE("A datagram under way to an address that is removed is counted", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  a.send(b.local, {1});
  network.run_for(4ms);  // Past the cloud, on the downlink.
  b.host.remove_address(b.local.ip);
  network.run_for(1s);
  CHECK(b.host.stats().unreachable == 1);
}

TEST_CASE("A deadline is kept to the microsecond and follows changes", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  std::vector<Duration> rang;
  const Timestamp start = network.now();
  a.engine.on_timeout = [&](Timestamp now) {
    rang.push_back(now - start);
    a.engine.deadline = kNever;
  };
  a.engine.deadline = start + 123'457us;
  network.run_for(1s);
  // Earlier than what is armed, then later.
  a.engine.deadline = start + 5s;
  a.host.wake(a.engine);
  network.run_for(1s);
  a.engine.deadline = start + 3s;
  a.host.wake(a.engine);
  network.run_for(1500ms);
  a.engine.deadline = start + 4s;
  a.host.wake(a.engine);
  network.run_for(100ms);
  a.engine.deadline = start + 7s;
  a.host.wake(a.engine);
  network.run_for(10s);
  CHECK(rang == std::vector<Duration>{123'457us, 3s, 7s});
}

TEST_CASE("Many wakes in one turn are one pump", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  network.run_for(1s);
  int pumps = 0;
  a.engine.on_deliver = [&](Timestamp) { return ++pumps, false; };
  for (int i = 0; i < 10; ++i) a.host.wake(a.engine);
  CHECK(pumps == 0);
  network.run_for(1s);
  CHECK(pumps == 1);
}

TEST_CASE("Datagrams are out before events are delivered and after each of them", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  network.run_for(1s);
  int events = 0;
  a.engine.on_deliver = [&](Timestamp) {
    CHECK(a.host.stats().sent == static_cast<std::uint64_t>(events + 1));
    if (events == 3) return false;
    ++events;
    a.engine.send({a.local, b.local}, {2});
    return true;
  };
  a.send(b.local, {1});
  network.run_for(1s);
  CHECK(b.engine.received.size() == 4);
}

TEST_CASE("An engine may be detached and destroyed in its own event", "[sim]") {
  Network network{1};
  Station b{network, "b", "192.0.2.2"};
  auto& host = network.add_host({.name = "a", .addresses = {ip("192.0.2.1")}});
  auto engine = std::make_unique<TestEngine>();
  host.attach(*engine);
  const auto local = *host.open_socket(*engine, {ip("192.0.2.1"), 0});
  engine->deadline = network.now() + 1s;
  bool detached = false;
  engine->on_deliver = [&](Timestamp) {
    engine->send({local, b.local}, {7});  // The last word is still sent.
    host.detach(*engine);
    detached = true;
    return true;
  };
  host.post_at(network.now() + 100ms, [&] { engine.reset(); });
  network.run_for(5s);
  CHECK(detached);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].bytes[0] == 7);
  b.send(local, {1});
  network.run_for(1s);
  CHECK(host.stats().no_socket == 1);
}

TEST_CASE("Closing a socket sends what was queued and then hears nothing", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  a.engine.send({a.local, b.local}, {1});
  a.host.close_socket(a.engine, a.local);
  b.send(a.local, {2});
  network.run_for(1s);
  CHECK(b.engine.received.size() == 1);
  CHECK(a.engine.received.empty());
  CHECK(a.host.stats().no_socket == 1);
}

TEST_CASE("Names resolve later by the table of the network", "[sim]") {
  Network network{1};
  auto& host = network.add_host({.name = "a"});
  network.add_name("turn.example", {ip("192.0.2.5"), ip("2001:db8::5")}, 30ms);
  network.add_name("broken.example", {}, 2s);
  std::string log;
  const Timestamp start = network.now();
  const auto note = [&](const char* name) {
    return [&, name](Result<std::vector<IpAddress>> r) {
      log += std::string{name} + (r ? "=" + r->front().to_string() : "!") + "@" +
             std::to_string((network.now() - start) / 1ms) + " ";
    };
  };
  host.resolve("turn.example", note("turn"));
  host.resolve("192.0.2.9", note("literal"));
  host.resolve("broken.example", note("broken"));
  host.resolve("nowhere.example", note("unknown"));
  CHECK(log.empty());
  network.run_for(5s);
  CHECK(log == "literal=192.0.2.9@0 unknown!@20 turn=192.0.2.5@30 broken!@2000 ");
}

TEST_CASE("Jobs of a lane finish in order at their virtual cost and lanes do not wait", "[sim]") {
  Network network{1};
  auto& host = network.add_host({.name = "a"});
  host.set_offload_cost(10ms);
  const int lane_a = 0, lane_b = 0;
  std::string log;
  const Timestamp start = network.now();
  const auto done = [&](char c) {
    return [&, c] { log += c + std::to_string((network.now() - start) / 1ms) + " "; };
  };
  int worked = 0;
  host.offload(
      &lane_a, [&] { ++worked; }, done('a'));
  host.offload(
      &lane_a, [&] { ++worked; }, done('b'));
  host.offload(
      &lane_b, [&] { ++worked; }, done('c'));
  CHECK(worked == 3);
  CHECK(log.empty());
  network.run_for(1s);
  CHECK(log == "a10 c10 b20 ");
}

TEST_CASE("Jobs on workers run side by side and give the same transcript", "[sim]") {
  struct Step {
    int lane;
    int job;
    Timestamp at;
    bool operator==(const Step&) const = default;
  };
  const auto run = [](std::size_t workers, bool meet) {
    Network network{7};
    network.set_workers(workers);
    sim::Host& host = network.add_host({.name = "a"});
    host.set_offload_cost(3ms);
    std::vector<Step> steps;
    std::array<std::vector<int>, 2> order;  // Each written by its lane only.
    std::promise<void> first_runs;
    std::promise<void> second_runs;
    for (int job = 0; job < 4; ++job) {
      for (int lane = 0; lane < 2; ++lane) {
        const auto work = [&, job, lane] {
          order[static_cast<std::size_t>(lane)].push_back(job);
          if (!meet || job != 0) return;
          // Neither ends before the other has begun: only possible side by side.
          (lane == 0 ? first_runs : second_runs).set_value();
          (lane == 0 ? second_runs : first_runs).get_future().wait();
        };
        host.offload(&order[static_cast<std::size_t>(lane)], work, [&, job, lane] {
          steps.push_back({lane, job, Timestamp{network.now() - network.clock().start()}});
        });
      }
    }
    network.run_for(1s);
    CHECK(order[0] == std::vector{0, 1, 2, 3});
    CHECK(order[1] == std::vector{0, 1, 2, 3});
    return steps;
  };
  const auto inside = run(0, false);
  CHECK(inside.size() == 8);
  CHECK(run(2, true) == inside);
  CHECK(run(1, false) == inside);
}

TEST_CASE("Posted tasks run later in order", "[sim]") {
  Network network{1};
  auto& host = network.add_host({.name = "a"});
  std::string log;
  host.post_at(network.now() + 5ms, [&] { log += 'c'; });
  host.post([&] {
    log += 'a';
    host.post([&] { log += 'b'; });
  });
  CHECK(log.empty());
  network.run_for(1s);
  CHECK(log == "abc");
}

TEST_CASE("An engine whose deadline does not advance is reported once and muted", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  std::vector<Fault> faults;
  network.set_fault_handler([&](const Fault& f) { faults.push_back(f); });
  a.engine.deadline = network.now() + 1s;
  const Timestamp due = a.engine.deadline;
  network.run_for(10s);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].kind == Fault::Kind::busy_loop);
  CHECK(faults[0].at == due);
  CHECK(faults[0].host == "a");
}

TEST_CASE("Many deadlines in the past that advance are no fault", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  network.set_fault_handler([](const Fault&) { FAIL("no fault here"); });
  a.engine.on_timeout = [&](Timestamp) { a.engine.deadline += 20ms; };
  a.engine.deadline = network.now() - 10s;
  network.run_for(1s);
  CHECK(a.engine.timeouts == 551);
}

TEST_CASE("Endless transmits and endless events are reported", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  std::vector<Fault::Kind> kinds;
  network.set_fault_handler([&](const Fault& f) { kinds.push_back(f.kind); });
  a.engine.on_poll = [&](Timestamp, MutableBytes storage) {
    return Transmit{{a.local, a.local}, storage.first(1)};
  };
  network.run_for(1ms);
  b.engine.on_deliver = [](Timestamp) { return true; };
  b.host.wake(b.engine);
  network.run_for(1ms);
  CHECK(kinds == std::vector{Fault::Kind::endless_transmit, Fault::Kind::endless_events});
}

TEST_CASE("Tasks that follow one another without end stop the run", "[sim]") {
  Network network{1};
  auto& host = network.add_host({.name = "a"});
  std::vector<Fault::Kind> kinds;
  network.set_fault_handler([&](const Fault& f) { kinds.push_back(f.kind); });
  std::function<void()> again = [&] { host.post(again); };
  again();
  network.run_for(1s);
  CHECK(kinds == std::vector{Fault::Kind::standstill});
}
