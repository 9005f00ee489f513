// What a simulated host holds. Private to sim.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "parley/sim/host.hpp"
#include "parley/sim/network.hpp"

namespace parley::sim {

/// An engine on its host. Tasks that wait in the clock share it; `engine` is null once detached.
struct Host::Carried {
  explicit Carried(Engine& e) : engine(&e) {}
  Engine* engine;
  Timestamp armed = kNever;          ///< The alarm that counts; others that ring are ignored.
  std::set<SocketAddress> borrowed;  ///< Sockets of others that it may send from.
  bool wake_pending = false;
  bool faulted = false;
  Timestamp idle_at{};  ///< Timeouts at this instant that brought nothing: idle_rounds.
  int idle_rounds = 0;
};

struct Host::State {
  State(HostConfig c, std::uint64_t seed)
      : config(std::move(c)), random(seed), port_random(~seed) {}

  bool taken(const SocketAddress& wanted) const {
    return std::any_of(sockets.begin(), sockets.end(), [&](const auto& entry) {
      const SocketAddress& other = entry.first;
      return other.port == wanted.port && other.ip.family() == wanted.ip.family() &&
             (other.ip == wanted.ip || other.ip.is_any() || wanted.ip.is_any());
    });
  }

  /// The address that a socket bound to "any" sends from.
  IpAddress source_for(const IpAddress& destination) const {
    if (destination.is_loopback()) return destination;
    for (const auto& address : config.addresses) {
      if (address.family() == destination.family()) return address;
    }
    return IpAddress::loopback(destination.family());
  }

  HostConfig config;
  SeededRandom random;       ///< Given to engines.
  SeededRandom port_random;  ///< Apart, so that an engine's draws do not move the ports.
  HostStats stats;
  Network::Pipe* up = nullptr;
  Network::Pipe* down = nullptr;
  Network::Pipe* loop = nullptr;
  std::map<Engine*, std::shared_ptr<Carried>> engines;
  std::map<SocketAddress, std::shared_ptr<Carried>> sockets;
  std::map<const void*, Timestamp> lanes;  ///< When each busy lane is free again.
  Duration offload_cost{};
};

}  // namespace parley::sim
