// What a simulated network holds. Private to sim.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parley/sim/network.hpp"
#include "workers/worker_pool.hpp"

namespace parley::sim {

/// A link in its place: where its datagrams come out, and the alarm that is set for it.
struct Network::Pipe {
  Pipe(LinkConfig config, std::uint64_t seed, std::function<void(Datagram)> o)
      : link(std::move(config), seed), out(std::move(o)) {}
  Link link;
  std::function<void(Datagram)> out;
  Timestamp armed = kNever;
};

struct Network::State {
  struct Name {
    std::vector<IpAddress> addresses;
    Duration delay;
  };
  /// One private network, or (null) the public one.
  using Realm = Gateway*;

  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<std::unique_ptr<Pipe>> pipes;
  std::map<std::pair<const Host*, const Host*>, Pipe*> direct;
  std::map<std::pair<Realm, IpAddress>, Host*> owners;
  std::map<std::pair<Realm, IpAddress>, Gateway*> gateways;
  std::map<Gateway*, Realm> outside_of;
  std::map<std::string, Name> names;
  std::function<void(const Fault&)> fault_handler;
  std::function<void(const TapRecord&)> tap;
  std::uint64_t tasks_at_instant = 0;
  bool halted = false;
  std::unique_ptr<workers::WorkerPool> workers;  ///< Null: jobs run inside `offload`.
};

}  // namespace parley::sim
