// Routing, determinism, counters, taps, gateways.
#include "parley/sim/network.hpp"

#include <algorithm>

#include "sim/sim_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;
using sim::Network;
using sim::TapPoint;

namespace {

sim::LinkConfig with_delay(Duration delay) {
  sim::LinkConfig config;
  config.delay = delay;
  return config;
}

/// A lossy, jittery ping-pong of two engines for ten seconds.
std::uint64_t ping_pong_hash(std::uint64_t seed, double loss,
                             sim::HashContents contents = sim::HashContents::no,
                             std::uint8_t fill = 0) {
  Network network{seed};
  network.set_hash_contents(contents);
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  auto link = with_delay(10ms);
  link.jitter = 5ms;
  link.loss = loss;
  a.host.set_uplink(link);
  b.host.set_uplink(link);
  b.engine.on_datagram = [&](Timestamp, const Path& path, MutableBytes bytes) {
    b.engine.send(path, {bytes.begin(), bytes.end()});
  };
  a.engine.deadline = network.now();
  a.engine.on_timeout = [&](Timestamp now) {
    a.engine.deadline = now + 20ms;
    a.engine.send({a.local, b.local}, std::vector<std::uint8_t>(40, fill));
  };
  network.run_for(10s);
  return network.transcript_hash();
}

/// A port-preserving translator between one inside and one outside address: the smallest gateway.
struct PlainGateway final : sim::Gateway {
  IpAddress inside, outside;
  bool open = true;
  bool translate_outbound(Timestamp, sim::Datagram& d) override {
    d.path.local.ip = outside;
    return true;
  }
  bool translate_inbound(Timestamp, sim::Datagram& d) override {
    d.path.remote.ip = inside;
    return open;
  }
};

}  // namespace

TEST_CASE("A datagram crosses uplink and downlink and tells its true source", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  const Timestamp start = network.now();
  a.send(b.local, {1, 2, 3});
  network.run_for(1s);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].bytes == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(b.engine.received[0].path == Path{b.local, a.local});
  CHECK(b.engine.received[0].at == start + 5ms);
  CHECK(network.now() == start + 1s);
  CHECK(a.host.uplink().stats().delivered == 1);
  CHECK(b.host.downlink().stats().delivered == 1);
  CHECK(network.stats().delivered == 1);
}

TEST_CASE("A direct link is taken in its direction and the cloud in the other", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  network.connect(a.host, b.host, with_delay(1ms));
  const Timestamp start = network.now();
  a.send(b.local, {1});
  b.send(a.local, {2});
  network.run_for(1s);
  CHECK(b.engine.received.at(0).at == start + 1ms);
  CHECK(a.engine.received.at(0).at == start + 5ms);
  CHECK(network.link(a.host, b.host)->stats().delivered == 1);
  CHECK(network.link(b.host, a.host) == nullptr);
  network.connect(a.host, b.host, with_delay(2ms));
  CHECK(network.link(a.host, b.host)->config().delay == 2ms);
}

TEST_CASE("Links change while the network runs", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  auto dead = with_delay(0us);
  dead.loss = 1;
  b.host.set_downlink(dead);
  a.send(b.local, {1});
  network.run_for(1s);
  CHECK(b.engine.received.empty());
  b.host.set_downlink(with_delay(30ms));
  a.send(b.local, {2});
  network.run_for(1s);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].bytes[0] == 2);
}

TEST_CASE("The same seed gives the same transcript and another seed another", "[sim]") {
  CHECK(ping_pong_hash(1, 0.1) == ping_pong_hash(1, 0.1));
  CHECK(ping_pong_hash(1, 0.1) != ping_pong_hash(2, 0.1));
  CHECK(ping_pong_hash(1, 0.1) != ping_pong_hash(1, 0.11));
}

TEST_CASE("Contents count in the transcript only when asked", "[sim]") {
  using sim::HashContents;
  CHECK(ping_pong_hash(1, 0, HashContents::no, 1) == ping_pong_hash(1, 0, HashContents::no, 2));
  CHECK(ping_pong_hash(1, 0, HashContents::yes, 1) != ping_pong_hash(1, 0, HashContents::yes, 2));
}

TEST_CASE("Another host does not disturb the random streams of those present", "[sim]") {
  const auto first_draw = [](bool crowded) {
    Network network{5};
    if (crowded) network.add_host({.name = "other"});
    return network.add_host({.name = "a"}).random().u64();
  };
  CHECK(first_draw(false) == first_draw(true));
  Network network{5};
  CHECK(network.add_host({.name = "a"}).random().u64() !=
        network.add_host({.name = "b"}).random().u64());
}

TEST_CASE("What has no route or no socket is counted", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  a.send(*SocketAddress::parse("203.0.113.9:9"), {1});
  a.send({b.local.ip, static_cast<std::uint16_t>(b.local.port ^ 1)}, {2});
  a.engine.send({*SocketAddress::parse("192.0.2.1:1"), b.local}, {3});
  network.run_for(1s);
  CHECK(network.stats().no_route == 1);
  CHECK(b.host.stats().no_socket == 1);
  CHECK(a.host.stats().unknown_local == 1);
  CHECK(b.engine.received.empty());
}

TEST_CASE("The tap sees each datagram sent, delivered and dropped with its reason", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  std::vector<std::string> log;
  network.set_tap([&](const sim::TapRecord& r) {
    const std::string host = r.host ? r.host->name() : std::string{r.reason};
    const char* point = r.point == TapPoint::sent        ? "sent "
                        : r.point == TapPoint::delivered ? "delivered "
                                                         : "dropped ";
    log.push_back(point + host + " " + std::to_string(r.bytes.size()));
  });
  a.send(b.local, {1, 2, 3});
  network.run_for(1s);
  a.send(b.local, std::vector<std::uint8_t>(1480));
  network.run_for(1s);
  CHECK(log ==
        std::vector<std::string>{"sent a 3", "delivered b 3", "sent a 1480", "dropped mtu 1480"});
}

TEST_CASE("A gateway translates at the border of its realm", "[sim]") {
  Network network{1};
  PlainGateway gateway;
  gateway.inside = ip("10.0.0.2");
  gateway.outside = ip("198.51.100.7");
  network.add_gateway(gateway, {gateway.outside});
  Station a{network, "a", "10.0.0.2", &gateway};
  Station b{network, "b", "192.0.2.2"};
  b.engine.on_datagram = [&](Timestamp, const Path& path, MutableBytes) {
    b.engine.send(path, {9});
  };
  a.send(b.local, {1});
  network.run_for(1s);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].path.remote == SocketAddress{gateway.outside, a.local.port});
  REQUIRE(a.engine.received.size() == 1);
  CHECK(a.engine.received[0].path == Path{a.local, b.local});

  gateway.open = false;
  b.send({gateway.outside, a.local.port}, {2});
  network.run_for(1s);
  CHECK(a.engine.received.size() == 1);
  CHECK(network.stats().refused_by_gateway == 1);
  // A private address means nothing outside.
  b.send(a.local, {3});
  network.run_for(1s);
  CHECK(network.stats().no_route == 1);
}

TEST_CASE("Gateways nest and two realms may use the same addresses", "[sim]") {
  Network network{1};
  PlainGateway home, carrier, other;
  home.inside = ip("10.0.0.2");
  home.outside = ip("100.64.0.2");
  carrier.inside = home.outside;
  carrier.outside = ip("198.51.100.7");
  other.inside = ip("10.0.0.2");
  other.outside = ip("198.51.100.8");
  network.add_gateway(carrier, {carrier.outside});
  network.add_gateway(home, {home.outside}, &carrier);
  network.add_gateway(other, {other.outside});
  Station a{network, "a", "10.0.0.2", &home};
  Station b{network, "b", "10.0.0.2", &other};
  a.send({other.outside, b.local.port}, {1});
  network.run_for(1s);
  REQUIRE(b.engine.received.size() == 1);
  CHECK(b.engine.received[0].path.remote == SocketAddress{carrier.outside, a.local.port});
}

TEST_CASE("A run until a condition ends with it or at its limit", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  Station b{network, "b", "192.0.2.2"};
  a.send(b.local, {1});
  const Timestamp start = network.now();
  CHECK(network.run_until([&] { return !b.engine.received.empty(); }, 1s));
  CHECK(network.now() == start + 5ms);
  CHECK_FALSE(network.run_until([] { return false; }, 1s));
  CHECK(network.now() == start + 1005ms);
}

TEST_CASE("A day of virtual time with nothing to do costs nothing", "[sim]") {
  Network network{1};
  Station a{network, "a", "192.0.2.1"};
  const Timestamp start = network.now();
  network.run_for(24h);
  CHECK(network.now() == start + 24h);
  CHECK(network.clock().tasks_run() <= 2);
}
