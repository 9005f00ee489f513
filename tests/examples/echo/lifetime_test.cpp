// How long the server keeps a peer, in virtual time.
#include "echo_server/peers.hpp"
#include "parley/sdp/description.hpp"
#include "parley/sim/network.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;
using namespace std::chrono_literals;

namespace {

struct World {
  World() {
    client = *PeerConnection::create(far, {});
    (void)client->add_transceiver(MediaKind::audio).has_value();
    (void)client->set_local_description().has_value();
    network.run_for(1s);
  }

  /// The answer and the id, once the server has gathered.
  std::optional<Peers::Answer> call(const std::string& offer) {
    std::optional<Peers::Answer> got;
    peers.open(Role::echo, {}, offer, [&](Result<Peers::Answer> answer) {
      if (answer) got = *answer;
    });
    network.run_until([&] { return got.has_value(); }, 5s);
    return got;
  }

  sim::Network network{7};
  sim::Host& near = network.add_host({.name = "server", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  sim::Host& far = network.add_host({.name = "client", .addresses = {IpAddress::v4(10, 0, 0, 2)}});
  Peers peers{near, Options{}, Configuration{}};
  std::unique_ptr<PeerConnection> client;
};

}  // namespace

TEST_CASE("a peer that vanishes is released after its consent expired", "[echo][rfc7675]") {
  World world;
  const auto answer = world.call(world.client->local_description()->sdp);
  REQUIRE(answer);
  REQUIRE(world.client->set_remote_description({SdpType::answer, answer->sdp}));
  REQUIRE(world.network.run_until(
      [&] { return world.client->connection_state() == ConnectionState::connected; }, 5s));
  // It stays as long as it is there.
  world.network.run_for(60s);
  CHECK(world.peers.size() == 1);

  sim::LinkConfig dead;
  dead.loss = 1;
  world.far.set_uplink(dead);
  world.far.set_downlink(dead);
  world.network.run_for(10s);
  CHECK(world.peers.size() == 1);
  world.network.run_for(50s);
  CHECK(world.peers.size() == 0);
  const auto status = world.peers.status(answer->id);
  REQUIRE(status);
  CHECK(status->state == "closed");
  CHECK_FALSE(status->reason.empty());
}

TEST_CASE("a peer that never comes is released", "[echo]") {
  World world;
  // Without candidates: the server has nowhere to send to.
  auto offer = *sdp::Description::parse(world.client->local_description()->sdp);
  for (sdp::Media& media : offer.media) {
    media.candidates.clear();
    media.end_of_candidates = false;
  }
  const auto answer = world.call(sdp::to_string(offer));
  REQUIRE(answer);
  CHECK(world.peers.size() == 1);
  world.network.run_for(40s);
  CHECK(world.peers.size() == 0);
  CHECK_FALSE(world.peers.status(answer->id)->reason.empty());
}

TEST_CASE("at the end every peer hears goodbye", "[echo]") {
  World world;
  const auto answer = world.call(world.client->local_description()->sdp);
  REQUIRE(answer);
  REQUIRE(world.client->set_remote_description({SdpType::answer, answer->sdp}));
  REQUIRE(world.network.run_until(
      [&] { return world.client->connection_state() == ConnectionState::connected; }, 5s));
  world.network.run_for(1s);  // the server's end of the handshake
  world.peers.hang_up_all();
  CHECK(world.peers.size() == 0);
  CHECK(world.network.run_until(
      [&] { return world.client->connection_state() == ConnectionState::closed; }, 1s));
}
