#include "parley/sim/host.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <utility>

#include "sim/host_state.hpp"
#include "sim/network_state.hpp"

namespace parley::sim {
namespace {

// Bounds that no sound engine comes near; beyond them the run would not end.
constexpr int kMaxIdleRounds = 1000;
constexpr int kMaxTransmitsPerPump = 100'000;
constexpr int kMaxEventRoundsPerPump = 100'000;

constexpr std::uint32_t kFirstEphemeralPort = 49'152;  // RFC 6335 section 6
constexpr std::uint32_t kEphemeralPorts = 65'536 - kFirstEphemeralPort;

}  // namespace

Host::Host(Network& network, HostConfig config, std::uint64_t seed)
    : network_(network), state_(std::make_unique<State>(std::move(config), seed)) {}

Host::~Host() = default;

const std::string& Host::name() const { return state_->config.name; }
const HostStats& Host::stats() const { return state_->stats; }
const Link& Host::uplink() const { return state_->up->link; }
const Link& Host::downlink() const { return state_->down->link; }

void Host::set_uplink(LinkConfig config) { network_.change(*state_->up, std::move(config)); }
void Host::set_downlink(LinkConfig config) { network_.change(*state_->down, std::move(config)); }
void Host::set_offload_cost(Duration cost) { state_->offload_cost = cost; }

void Host::add_address(const IpAddress& address) {
  network_.claim(state_->config.gateway, address, *this);
  state_->config.addresses.push_back(address);
}

void Host::remove_address(const IpAddress& address) {
  auto& addresses = state_->config.addresses;
  const auto found = std::find(addresses.begin(), addresses.end(), address);
  if (found == addresses.end()) return;
  addresses.erase(found);
  network_.release(state_->config.gateway, address);
}

bool Host::owns(const IpAddress& address) const {
  const auto& addresses = state_->config.addresses;
  return address.is_loopback() ||
         std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

Timestamp Host::now() const { return network_.now(); }
NtpMapping Host::ntp_mapping() const { return network_.clock_.ntp_mapping(); }
Random& Host::random() { return state_->random; }

void Host::attach(Engine& engine) {
  auto& carried = state_->engines[&engine];
  if (carried) return;
  carried = std::make_shared<Carried>(engine);
  wake(engine);
}

void Host::detach(Engine& engine) {
  const auto found = state_->engines.find(&engine);
  if (found == state_->engines.end()) return;
  const auto carried = found->second;
  if (!carried->faulted) drain_transmits(*carried);
  carried->engine = nullptr;
  state_->engines.erase(found);
  std::vector<SocketAddress> owned;
  for (const auto& [local, owner] : state_->sockets) {
    if (owner == carried) owned.push_back(local);
  }
  for (const auto& local : owned) forget_socket(local);
}

void Host::forget_socket(const SocketAddress& local) {
  state_->sockets.erase(local);
  for (const auto& [engine, carried] : state_->engines) carried->borrowed.erase(local);
}

void Host::wake(Engine& engine) {
  const auto found = state_->engines.find(&engine);
  if (found == state_->engines.end() || found->second->wake_pending) return;
  found->second->wake_pending = true;
  network_.clock_.schedule(now(), [this, carried = found->second] {
    carried->wake_pending = false;
    pump(carried);
  });
}

bool Host::drain_transmits(Carried& carried) {
  std::array<std::uint8_t, kMaxDatagramSize> storage;
  int count = 0;
  while (const auto transmit = carried.engine->poll_transmit(now(), storage)) {
    if (++count > kMaxTransmitsPerPump) {
      fault(carried, Fault::Kind::endless_transmit);
      break;
    }
    send(carried, *transmit);
  }
  return count > 0;
}

void Host::pump(const std::shared_ptr<Carried>& carried) {
  for (int round = 0; carried->engine != nullptr && !carried->faulted; ++round) {
    if (round > kMaxEventRoundsPerPump) return fault(*carried, Fault::Kind::endless_events);
    if (drain_transmits(*carried)) carried->idle_rounds = 0;
    // The application may detach the engine in here, and destroy it afterwards.
    const bool delivered = carried->engine->deliver_events(now());
    if (!delivered || carried->engine == nullptr) break;
    carried->idle_rounds = 0;
  }
  if (carried->engine != nullptr && !carried->faulted) arm(carried);
}

void Host::arm(const std::shared_ptr<Carried>& carried) {
  const Timestamp deadline = std::max(carried->engine->next_timeout(), now());
  // An earlier alarm that is still set looks at the deadline again when it rings.
  if (deadline >= carried->armed) return;
  carried->armed = deadline;
  network_.clock_.schedule(deadline, [this, carried, deadline] {
    if (carried->armed == deadline) on_deadline(carried);
  });
}

void Host::on_deadline(const std::shared_ptr<Carried>& carried) {
  carried->armed = kNever;
  if (carried->engine == nullptr || carried->faulted) return;
  if (carried->engine->next_timeout() > now()) return arm(carried);
  if (carried->idle_at != now()) carried->idle_rounds = 0;
  carried->idle_at = now();
  if (++carried->idle_rounds > kMaxIdleRounds) return fault(*carried, Fault::Kind::busy_loop);
  carried->engine->handle_timeout(now());
  pump(carried);
}

void Host::fault(Carried& carried, Fault::Kind kind) {
  carried.faulted = true;
  network_.report({kind, now(), name()});
}

void Host::send(Carried& carried, const Transmit& transmit) {
  ++state_->stats.sent;
  const auto socket = state_->sockets.find(transmit.path.local);
  const bool may_send =
      socket != state_->sockets.end() &&
      (socket->second.get() == &carried || carried.borrowed.count(transmit.path.local) > 0);
  if (!may_send || transmit.path.remote.ip.family() != transmit.path.local.ip.family()) {
    ++state_->stats.unknown_local;
    return;
  }
  Datagram datagram{
      transmit.path, {transmit.datagram.begin(), transmit.datagram.end()}, transmit.ecn};
  if (datagram.path.local.ip.is_any()) {
    datagram.path.local.ip = state_->source_for(datagram.path.remote.ip);
  }
  network_.send(*this, std::move(datagram));
}

void Host::receive(Datagram datagram) {
  const SocketAddress& to = datagram.path.remote;
  if (!owns(to.ip)) {
    ++state_->stats.unreachable;
    return;
  }
  auto socket = state_->sockets.find(to);
  if (socket == state_->sockets.end()) {
    socket = state_->sockets.find({IpAddress::any(to.ip.family()), to.port});
  }
  if (socket == state_->sockets.end()) {
    ++state_->stats.no_socket;
    return;
  }
  ++state_->stats.received;
  const auto carried = socket->second;
  carried->engine->handle_datagram(now(), Path{socket->first, datagram.path.local}, datagram.bytes);
  pump(carried);
}

Result<SocketAddress> Host::open_socket(Engine& engine, const SocketAddress& local) {
  const auto carried = state_->engines.find(&engine);
  if (carried == state_->engines.end()) {
    return Error{Errc::invalid_state, "open_socket: the engine is not attached"};
  }
  if (!local.ip.is_any() && !owns(local.ip)) {
    return Error{Errc::io, local.to_string() + ": not an address of " + name()};
  }
  SocketAddress bound = local;
  if (local.port == 0) {
    const std::uint32_t first = state_->port_random.below(kEphemeralPorts);
    for (std::uint32_t i = 0; i < kEphemeralPorts; ++i) {
      bound.port = static_cast<std::uint16_t>(kFirstEphemeralPort + (first + i) % kEphemeralPorts);
      if (!state_->taken(bound)) break;
    }
  }
  if (state_->taken(bound)) return Error{Errc::io, bound.to_string() + ": address in use"};
  state_->sockets.emplace(bound, carried->second);
  return bound;
}

void Host::close_socket(Engine& engine, const SocketAddress& local) {
  const auto carried = state_->engines.find(&engine);
  const auto socket = state_->sockets.find(local);
  if (carried == state_->engines.end() || socket == state_->sockets.end()) return;
  const bool owned = socket->second == carried->second;
  if (!owned && carried->second->borrowed.count(local) == 0) return;
  // What the engine has queued for this socket was accepted before the close.
  drain_transmits(*carried->second);
  if (owned) {
    forget_socket(local);
  } else {
    carried->second->borrowed.erase(local);
  }
}

Result<void> Host::lend_socket(Engine& owner, const SocketAddress& local, Engine& borrower) {
  const auto to = state_->engines.find(&borrower);
  if (to == state_->engines.end() || state_->engines.count(&owner) == 0) {
    return Error{Errc::invalid_state, "lend_socket: an engine is not attached"};
  }
  const auto socket = state_->sockets.find(local);
  if (socket == state_->sockets.end() || socket->second->engine != &owner) {
    return Error{Errc::not_found, "lend_socket: " + local.to_string()};
  }
  if (socket->second != to->second) to->second->borrowed.insert(local);
  return {};
}

std::vector<NetworkInterface> Host::interfaces() const {
  std::vector<NetworkInterface> list{{"lo", IpAddress::loopback(AddressFamily::ipv4), true, false},
                                     {"lo", IpAddress::loopback(AddressFamily::ipv6), true, false}};
  for (const auto& address : state_->config.addresses) {
    list.push_back({"eth0", address, false, false});
  }
  return list;
}

void Host::resolve(const std::string& host, ResolveHandler done) {
  auto [answer, delay] = network_.look_up(host);
  network_.clock_.schedule(now() + delay,
                           [answer = std::move(answer), done = std::move(done)] { done(answer); });
}

void Host::offload(const void* lane, std::function<void()> work, std::function<void()> done) {
  std::shared_future<void> worked;
  if (auto& pool = network_.state_->workers) {
    // Shared, because a std::function can be copied and a promise cannot.
    auto promise = std::make_shared<std::promise<void>>();
    worked = promise->get_future().share();
    pool->submit(lane, [work = std::move(work), promise]() mutable {
      work();
      work = nullptr;  // What it holds is released here, not on the simulation's thread.
      promise->set_value();
    });
  } else {
    work();
  }
  Timestamp& free_at = state_->lanes[lane];
  free_at = std::max(free_at, now()) + state_->offload_cost;
  network_.clock_.schedule(free_at, [this, lane, worked, done = std::move(done)] {
    // However long it really took changes nothing that the simulation can see.
    if (worked.valid()) worked.wait();
    const auto found = state_->lanes.find(lane);
    if (found != state_->lanes.end() && found->second <= now()) state_->lanes.erase(found);
    done();
  });
}

void Host::post(std::function<void()> task) { post_at(now(), std::move(task)); }

void Host::post_at(Timestamp at, std::function<void()> task) {
  network_.clock_.schedule(at, std::move(task));
}

}  // namespace parley::sim
