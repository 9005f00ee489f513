// What a first program does: two connections in the simulator, one offer, one answer, connected.
#include <parley/peer_connection.hpp>
#include <parley/sim/host.hpp>
#include <parley/sim/network.hpp>

#include <cstdio>

int main() {
  using namespace parley;
  sim::Network network{1};
  auto& here = network.add_host({.name = "here", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  auto& there = network.add_host({.name = "there", .addresses = {IpAddress::v4(10, 0, 0, 2)}});
  auto a = PeerConnection::create(here);
  auto b = PeerConnection::create(there);
  if (!a || !b) return 1;
  (*a)->on_ice_candidate(
      [&](const IceCandidate& c) { (void)(*b)->add_ice_candidate(c).has_value(); });
  (*b)->on_ice_candidate(
      [&](const IceCandidate& c) { (void)(*a)->add_ice_candidate(c).has_value(); });
  if (!(*a)->add_transceiver(MediaKind::audio)) return 1;
  const auto offer = (*a)->set_local_description();
  if (!offer || !(*b)->set_remote_description(*offer)) return 1;
  const auto answer = (*b)->set_local_description();
  if (!answer || !(*a)->set_remote_description(*answer)) return 1;
  const bool connected =
      network.run_until([&] { return (*a)->connection_state() == ConnectionState::connected; }, 5s);
  std::printf("%s\n", connected ? "connected" : "not connected");
  return connected ? 0 : 1;
}
