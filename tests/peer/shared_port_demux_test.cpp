// How a shared port finds the engine that a datagram is for: engines without a protocol behind it.
#include "parley/shared_port.hpp"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "parley/sim/network.hpp"
#include "parley/stun/message.hpp"
#include "support/catch.hpp"
#include "support/test_engine.hpp"

using namespace parley;

namespace {

const IpAddress kServer = IpAddress::v4(192, 0, 2, 1);
constexpr std::uint16_t kPort = 3478;

/// An engine that shares a port as the test says.
class Lodger final : public Engine {
 public:
  Lodger(Driver& driver, std::vector<std::string> names)
      : fragments(std::move(names)), driver_(driver) {
    driver_.attach(*this);
  }
  ~Lodger() override { driver_.detach(*this); }
  void send(const Path& path, std::vector<std::uint8_t> bytes) {
    engine.send(path, std::move(bytes));
    driver_.wake(*this);
  }

  std::vector<std::string> fragments;
  std::function<bool(const Path&)> accept = [](const Path&) { return true; };
  test::TestEngine engine;

  // Engine
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) override {
    engine.handle_datagram(now, path, bytes);
  }
  void handle_timeout(Timestamp now) override { engine.handle_timeout(now); }
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) override {
    return engine.poll_transmit(now, storage);
  }
  Timestamp next_timeout() const override { return engine.next_timeout(); }
  bool deliver_events(Timestamp now) override { return engine.deliver_events(now); }
  void add_user_fragments(std::vector<std::string>& list) const override {
    list.insert(list.end(), fragments.begin(), fragments.end());
  }
  bool accepts(const Path& path) const override { return accept(path); }

 private:
  Driver& driver_;
};

std::vector<std::uint8_t> stun_message(stun::Class message_class, const stun::TransactionId& id,
                                       const std::string& username = {}) {
  std::array<std::uint8_t, 200> storage;
  stun::MessageWriter writer{storage, message_class, stun::Method::binding, id};
  if (!username.empty()) writer.add_text(stun::Attribute::username, username);
  const auto bytes = writer.finish();
  return {bytes.begin(), bytes.end()};
}
std::vector<std::uint8_t> check_for(const std::string& fragment) {
  return stun_message(stun::Class::request, {1}, fragment + ":peer");
}
const std::vector<std::uint8_t> kData{22, 1, 2, 3};

/// Lodgers at a port, and strangers who send to it.
struct Desk {
  Desk() : port(server, {.port = kPort, .max_paths_per_engine = 3}) {
    peer_local = *peer_host.open_socket(attached(peer), {IpAddress::v4(10, 0, 0, 1), 0});
    other_local = *peer_host.open_socket(attached(other), {IpAddress::v4(10, 0, 0, 1), 0});
  }
  ~Desk() {
    peer_host.detach(peer);
    peer_host.detach(other);
  }
  test::TestEngine& attached(test::TestEngine& engine) {
    peer_host.attach(engine);
    return engine;
  }
  /// From `peer`'s socket, or another of its sockets.
  void arrive(std::vector<std::uint8_t> bytes) { arrive(peer, peer_local, std::move(bytes)); }
  void arrive(test::TestEngine& from, const SocketAddress& local, std::vector<std::uint8_t> bytes) {
    from.send({local, shared}, std::move(bytes));
    peer_host.wake(from);
    network.run_for(20ms);
  }

  sim::Network network{1};
  sim::Host& server = network.add_host({.name = "server", .addresses = {kServer}});
  sim::Host& peer_host =
      network.add_host({.name = "peer", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  SharedPort port;
  const SocketAddress shared{kServer, kPort};
  test::TestEngine peer, other;
  SocketAddress peer_local, other_local;
};

}  // namespace

TEST_CASE("A user fragment in use is refused", "[peer][shared_port]") {
  Desk desk;
  Lodger first{desk.port, {"aaaa"}};
  REQUIRE(*desk.port.open_socket(first, {kServer, 0}) == desk.shared);
  {
    Lodger second{desk.port, {"aaaa"}};
    const auto refused = desk.port.open_socket(second, {kServer, 0});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_state);
    CHECK(desk.port.stats().refused_fragments == 1);
    // Until the other gives it up.
    first.fragments = {"bbbb"};
    desk.port.wake(first);
    CHECK(desk.port.open_socket(second, {kServer, 0}));
    desk.arrive(check_for("aaaa"));
    CHECK(second.engine.received_count == 1);
    CHECK(first.engine.received_count == 0);
  }
  desk.arrive(check_for("aaaa"));
  CHECK(desk.port.stats().unknown == 1);
  Lodger third{desk.port, {"aaaa"}};
  CHECK(desk.port.open_socket(third, {kServer, 0}));
}

TEST_CASE("A restart is found by its new user fragment beside the old one", "[peer][shared_port]") {
  Desk desk;
  Lodger lodger{desk.port, {"old1"}};
  REQUIRE(desk.port.open_socket(lodger, {kServer, 0}));
  desk.arrive(check_for("new1"));
  CHECK(desk.port.stats().unknown == 1);
  lodger.fragments = {"old1", "new1"};
  desk.port.wake(lodger);
  desk.arrive(check_for("new1"));
  desk.arrive(check_for("old1"));
  CHECK(lodger.engine.received_count == 2);
  lodger.fragments = {"new1"};
  desk.port.wake(lodger);
  desk.arrive(check_for("what"));  // Makes it look at what has changed.
  desk.arrive(desk.other, desk.other_local, check_for("old1"));
  CHECK(lodger.engine.received_count == 3);  // "what" came by its path: the engine will refuse it.
  CHECK(desk.port.stats().unknown == 2);
}

TEST_CASE("Data follows the path that was proven last", "[peer][shared_port]") {
  Desk desk;
  Lodger a{desk.port, {"aaaa"}}, b{desk.port, {"bbbb"}};
  REQUIRE(desk.port.open_socket(a, {kServer, 0}));
  REQUIRE(desk.port.open_socket(b, {kServer, 0}));
  desk.arrive(kData);
  CHECK(desk.port.stats().unknown == 1);  // Nothing is proven yet.
  desk.arrive(check_for("aaaa"));
  desk.arrive(kData);
  CHECK(a.engine.received_count == 2);

  // A check that the engine does not accept moves nothing, whatever fragment it names.
  b.accept = [](const Path&) { return false; };
  desk.arrive(check_for("bbbb"));
  CHECK(b.engine.received_count == 1);
  desk.arrive(kData);
  CHECK(a.engine.received_count == 3);

  b.accept = [](const Path&) { return true; };
  desk.arrive(check_for("bbbb"));
  desk.arrive(kData);
  CHECK(b.engine.received_count == 3);
  CHECK(desk.port.stats().moved_paths == 1);
  CHECK(desk.port.paths() == 1);
}

TEST_CASE("Answers find the engine that asked", "[peer][shared_port]") {
  Desk desk;
  Lodger a{desk.port, {"aaaa"}}, b{desk.port, {"bbbb"}};
  a.accept = b.accept = [](const Path&) { return false; };
  REQUIRE(desk.port.open_socket(a, {kServer, 0}));
  REQUIRE(desk.port.open_socket(b, {kServer, 0}));
  // Both ask the same server from the same port.
  const stun::TransactionId of_a{1, 1}, of_b{2, 2};
  a.send({desk.shared, desk.peer_local}, stun_message(stun::Class::request, of_a));
  b.send({desk.shared, desk.peer_local}, stun_message(stun::Class::request, of_b));
  desk.network.run_for(20ms);
  REQUIRE(desk.peer.received_count == 2);
  CHECK(desk.peer.received[0].path.remote == desk.shared);
  desk.arrive(stun_message(stun::Class::success_response, of_b));
  CHECK(b.engine.received_count == 1);
  desk.arrive(stun_message(stun::Class::success_response, of_a));
  CHECK(a.engine.received_count == 1);
  desk.arrive(stun_message(stun::Class::success_response, {3, 3}));
  CHECK(desk.port.stats().unknown == 1);
}

TEST_CASE("The tables stay within their bounds", "[peer][shared_port]") {
  Desk desk;
  Lodger lodger{desk.port, {"aaaa"}};
  REQUIRE(desk.port.open_socket(lodger, {kServer, 0}));
  std::vector<SocketAddress> locals;
  for (int i = 0; i < 5; ++i) {
    locals.push_back(*desk.peer_host.open_socket(desk.peer, {IpAddress::v4(10, 0, 0, 1), 0}));
    desk.arrive(desk.peer, locals.back(), check_for("aaaa"));
  }
  CHECK(desk.port.paths() == 3);
  const auto before = lodger.engine.received_count;
  desk.arrive(desk.peer, locals[0], kData);  // The oldest is forgotten,
  CHECK(lodger.engine.received_count == before);
  desk.arrive(desk.peer, locals[0], check_for("aaaa"));  // until it proves itself again.
  desk.arrive(desk.peer, locals[0], kData);
  CHECK(lodger.engine.received_count == before + 2);

  // Answers to a request that many newer ones have pushed out are unknown.
  for (std::uint8_t i = 1; i <= 40; ++i) {
    lodger.send({desk.shared, desk.other_local}, stun_message(stun::Class::request, {9, i}));
  }
  desk.network.run_for(20ms);
  desk.arrive(desk.other, desk.other_local, stun_message(stun::Class::success_response, {9, 1}));
  CHECK(desk.port.stats().unknown == 2);
  desk.arrive(desk.other, desk.other_local, stun_message(stun::Class::success_response, {9, 40}));
  CHECK(desk.port.stats().unknown == 2);
}

TEST_CASE("Garbage is counted and answered by nobody", "[peer][shared_port]") {
  Desk desk;
  Lodger lodger{desk.port, {"aaaa"}};
  REQUIRE(desk.port.open_socket(lodger, {kServer, 0}));
  SeededRandom random{3};
  constexpr std::uint64_t kCount = 500;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    std::vector<std::uint8_t> bytes(random.below(200));
    random.fill(bytes);
    if (i % 3 == 0) bytes = stun_message(stun::Class::request, {1}, random.ice_chars(4));
    if (i % 3 == 1 && !bytes.empty()) bytes[0] = 22;
    desk.peer.send({desk.peer_local, desk.shared}, std::move(bytes));
  }
  desk.peer_host.wake(desk.peer);
  desk.network.run_for(1s);
  CHECK(desk.port.stats().unknown == kCount);
  CHECK(lodger.engine.received_count == 0);
  CHECK(desk.peer.received_count == 0);
  CHECK(desk.port.paths() == 0);
}

TEST_CASE("A lodger sends only from the sockets that it opened", "[peer][shared_port]") {
  Desk desk;
  Lodger in{desk.port, {"aaaa"}}, out{desk.port, {"bbbb"}};
  REQUIRE(desk.port.open_socket(in, {kServer, 0}));
  out.send({desk.shared, desk.peer_local}, kData);
  desk.network.run_for(20ms);
  CHECK(desk.peer.received_count == 0);
  CHECK(desk.server.stats().unknown_local == 1);
  in.send({desk.shared, desk.peer_local}, kData);
  desk.network.run_for(20ms);
  CHECK(desk.peer.received_count == 1);
  desk.arrive(check_for("aaaa"));
  desk.port.close_socket(in, desk.shared);
  CHECK(desk.port.paths() == 0);
  in.send({desk.shared, desk.peer_local}, kData);
  desk.network.run_for(20ms);
  CHECK(desk.peer.received_count == 1);
}

TEST_CASE("The port is taken before a session asks for it or its error told",
          "[peer][shared_port]") {
  Desk desk;
  CHECK(*desk.port.bind(kServer) == desk.shared);
  CHECK(*desk.port.bind(kServer) == desk.shared);
  SharedPort again{desk.server, {.port = kPort}};
  CHECK(again.bind(kServer).error().code == Errc::io);
  SharedPort any{desk.server};
  const auto picked = any.bind(kServer);
  REQUIRE(picked);
  CHECK(any.bind(IpAddress::loopback(AddressFamily::ipv4))->port == picked->port);
}
