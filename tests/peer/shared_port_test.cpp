// Whole connections, many of them, on one UDP port.
#include "parley/shared_port.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "parley/peer_connection.hpp"
#include "parley/sim/network.hpp"
#include "support/catch.hpp"

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
