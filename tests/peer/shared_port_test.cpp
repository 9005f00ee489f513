// Many connections on one UDP port.
#include "parley/shared_port.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "parley/peer_connection.hpp"
#include "parley/sim/network.hpp"
#include "parley/stun/message.hpp"
#include "support/catch.hpp"
#include "support/test_engine.hpp"

using namespace parley;

namespace {

const IpAddress kServer = IpAddress::v4(192, 0, 2, 1);
constexpr std::uint16_t kPort = 3478;

/// A PeerConnection that sends and counts encoded sound.
struct Caller {
  Caller(Driver& driver, const Configuration& config)
      : pc(std::move(*PeerConnection::create(driver, config))) {
    pc->on_track([this](Transceiver t) { take(t); });
  }
  void take(Transceiver t) {
    sound = t;
    sound->on_encoded_audio([this](const EncodedAudio& packet, std::uint32_t) {
      ++heard;
      last = packet.data.back();
    });
  }
  bool connected() const { return pc->connection_state() == ConnectionState::connected; }
  void say(std::uint8_t word) {
    std::vector<std::uint8_t> packet(40, word);
    packet[0] = 0x48;
    REQUIRE(sound->send_encoded(EncodedAudio{.data = std::move(packet)}));
  }

  std::unique_ptr<PeerConnection> pc;
  std::optional<Transceiver> sound;
  int heard = 0;
  int last = -1;
};

/// `from` calls `to`; signalling costs no time.
void call(Caller& from, Caller& to) {
  from.take(*from.pc->add_transceiver(MediaKind::audio));
  from.pc->on_ice_candidate([&to](const IceCandidate& c) { REQUIRE(to.pc->add_ice_candidate(c)); });
  to.pc->on_ice_candidate(
      [&from](const IceCandidate& c) { REQUIRE(from.pc->add_ice_candidate(c)); });
  const auto offer = from.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(to.pc->set_remote_description(*offer));
  for (Transceiver& t : to.pc->transceivers()) {
    REQUIRE(t.set_direction(Direction::sendrecv));
    to.take(t);
  }
  const auto answer = to.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(from.pc->set_remote_description(*answer));
}

/// One identity for all: making a hundred would be most of the test.
Configuration quick() {
  static const auto identity = [] {
    SeededRandom random{1};
    const std::chrono::sys_seconds day{std::chrono::hours{24 * 20'000}};
    return *dtls::Identity::create({.not_before = day, .not_after = day + std::chrono::hours{24}},
                                   random);
  }();
  Configuration config;
  config.identity = identity;
  return config;
}

/// A server with one port, and clients on hosts of their own.
struct Scene {
  explicit Scene(SharedPortConfig config = {.port = kPort})
      : server(network.add_host({.name = "server", .addresses = {kServer}})),
        port(server, config) {}
  ~Scene() {
    clients.clear();  // Before the port and the network that carry them.
    sessions.clear();
  }
  sim::Host& add_host(int number, sim::Gateway* gateway = nullptr) {
    const auto low = static_cast<std::uint8_t>(number);
    return network.add_host({.name = "client " + std::to_string(number),
                             .addresses = {IpAddress::v4(10, 0, 0, low)},
                             .gateway = gateway});
  }
  /// The client of this number calls the server, or is called.
  void connect(sim::Host& host, bool server_offers = false) {
    auto& client = *clients.emplace_back(std::make_unique<Caller>(host, quick()));
    auto& session = *sessions.emplace_back(std::make_unique<Caller>(port, quick()));
    server_offers ? call(session, client) : call(client, session);
  }
  bool all_connected() const {
    for (const auto& list : {&clients, &sessions}) {
      for (const auto& caller : *list) {
        if (caller && !caller->connected()) return false;
      }
    }
    return true;
  }

  sim::Network network{1};
  sim::Host& server;
  SharedPort port;
  std::vector<std::unique_ptr<Caller>> clients;
  std::vector<std::unique_ptr<Caller>> sessions;
};

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

TEST_CASE("A hundred sessions live on one port", "[peer][shared_port]") {
  Scene scene;
  for (int i = 0; i < 100; ++i) scene.connect(scene.add_host(i + 1), i % 2 == 1);
  REQUIRE(scene.network.run_until([&] { return scene.all_connected(); }, 10s));
  for (std::size_t i = 0; i < 100; ++i) {
    scene.clients[i]->say(static_cast<std::uint8_t>(i));
    scene.sessions[i]->say(static_cast<std::uint8_t>(100 + i));
  }
  scene.network.run_for(200ms);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(scene.sessions[i]->heard == 1);
    CHECK(scene.sessions[i]->last == static_cast<int>(i));
    CHECK(scene.clients[i]->last == static_cast<int>(100 + i));
  }
  const auto local = scene.sessions[0]->pc->local_description();
  REQUIRE(local);
  CHECK(local->sdp.find("192.0.2.1 3478 typ host") != std::string::npos);
  CHECK(scene.port.paths() == 100);
  CHECK(scene.port.stats().by_path > 0);
  CHECK(scene.port.stats().by_user_fragment >= 100);
  CHECK(scene.port.stats().by_transaction >= 100);
  CHECK(scene.port.stats().refused_fragments == 0);
  CHECK(scene.port.stats().moved_paths == 0);
}

TEST_CASE("A closed session leaves nothing behind and the others go on", "[peer][shared_port]") {
  Scene scene;
  for (int i = 0; i < 3; ++i) scene.connect(scene.add_host(i + 1));
  REQUIRE(scene.network.run_until([&] { return scene.all_connected(); }, 10s));
  REQUIRE(scene.port.paths() == 3);
  scene.sessions[1].reset();
  CHECK(scene.port.paths() == 2);
  scene.network.run_for(1s);
  // Its last words arrived.
  CHECK(scene.clients[1]->pc->connection_state() == ConnectionState::closed);
  scene.clients[0]->say(7);
  scene.clients[2]->say(8);
  scene.network.run_for(100ms);
  CHECK(scene.sessions[0]->last == 7);
  CHECK(scene.sessions[2]->last == 8);
  // A new one takes its place on the same port.
  scene.connect(scene.add_host(9));
  scene.clients[1].reset();
  CHECK(scene.network.run_until([&] { return scene.all_connected(); }, 10s));
}

TEST_CASE("A session may end in its own handler", "[peer][shared_port]") {
  Scene scene;
  scene.connect(scene.add_host(1));
  scene.connect(scene.add_host(2));
  scene.sessions[0]->pc->on_connection_state_change([&](ConnectionState state) {
    if (state == ConnectionState::connected) scene.sessions[0].reset();
  });
  CHECK(scene.network.run_until(
      [&] { return !scene.sessions[0] && scene.sessions[1]->connected(); }, 10s));
  scene.network.run_for(1s);
  CHECK(scene.sessions[1]->connected());
}

namespace {

/// A NAT with one public address that forgets its mappings when told to.
struct Nat final : sim::Gateway {
  bool translate_outbound(Timestamp, sim::Datagram& datagram) override {
    auto& mapped = by_inside[datagram.path.local];
    if (mapped == 0) {
      mapped = next++;
      by_port[mapped] = datagram.path.local;
    }
    datagram.path.local = {IpAddress::v4(203, 0, 113, 1), mapped};
    return true;
  }
  bool translate_inbound(Timestamp, sim::Datagram& datagram) override {
    const auto inside = by_port.find(datagram.path.remote.port);
    if (inside == by_port.end()) return false;
    datagram.path.remote = inside->second;
    return true;
  }
  void rebind() {
    by_inside.clear();
    by_port.clear();
  }
  std::map<SocketAddress, std::uint16_t> by_inside;
  std::map<std::uint16_t, SocketAddress> by_port;
  std::uint16_t next = 20'000;
};

}  // namespace

TEST_CASE("Peers behind one address are told apart and found again after a rebinding",
          "[peer][shared_port]") {
  Nat nat;
  Scene scene;
  scene.network.add_gateway(nat, {IpAddress::v4(203, 0, 113, 1)});
  for (int i = 0; i < 3; ++i) scene.connect(scene.add_host(i + 1, &nat));
  REQUIRE(scene.network.run_until([&] { return scene.all_connected(); }, 10s));
  nat.rebind();
  // The next consent check (RFC 7675) comes from a new port and is known by its user fragment.
  // (What the server sends goes to the old port: ICE has no remedy for that but a restart.)
  scene.network.run_for(15s);
  for (std::size_t i = 0; i < 3; ++i) {
    scene.clients[i]->say(static_cast<std::uint8_t>(40 + i));
    scene.network.run_for(100ms);
    CHECK(scene.sessions[i]->last == static_cast<int>(40 + i));
  }
  CHECK(scene.port.paths() > 3);
}

TEST_CASE("A server behind a 1:1 NAT names its public address", "[peer][shared_port][rfc8445]") {
  struct OneToOne final : sim::Gateway {
    bool translate_outbound(Timestamp, sim::Datagram& datagram) override {
      datagram.path.local.ip = outside;
      return true;
    }
    bool translate_inbound(Timestamp, sim::Datagram& datagram) override {
      datagram.path.remote.ip = inside;
      return true;
    }
    const IpAddress inside = IpAddress::v4(172, 16, 0, 5), outside = IpAddress::v4(203, 0, 113, 5);
  } nat;
  sim::Network network{1};
  network.add_gateway(nat, {nat.outside});
  auto& server = network.add_host({.name = "server", .addresses = {nat.inside}, .gateway = &nat});
  auto& host = network.add_host({.name = "client", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  SharedPort port{server, {.port = kPort}};
  Configuration config = quick();
  config.network.public_addresses = {*IpAddress::parse("2001:db8::5"), nat.outside};
  config.network.include_loopback = true;
  Caller session{port, config}, client{host, quick()};
  call(client, session);
  REQUIRE(network.run_until([&] { return client.connected() && session.connected(); }, 10s));
  client.say(1);
  network.run_for(100ms);
  CHECK(session.last == 1);
  const std::string sdp = session.pc->local_description()->sdp;
  CHECK(sdp.find("203.0.113.5 3478 typ host") != std::string::npos);
  CHECK(sdp.find("127.0.0.1 3478 typ host") != std::string::npos);
  CHECK(sdp.find("172.16.0.5") == std::string::npos);
}

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
