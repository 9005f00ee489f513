#include "parley/sim/network.hpp"

#include <algorithm>
#include <utility>

#include "parley/base/assert.hpp"
#include "sim/host_state.hpp"
#include "sim/network_state.hpp"

namespace parley::sim {
namespace {

constexpr Duration kLoopbackDelay = 20us;
constexpr Duration kUnknownNameDelay = 20ms;
constexpr int kMaxHops = 8;                              // Gateways within gateways.
constexpr std::uint64_t kMaxTasksAtInstant = 1'000'000;  // No sound scenario comes near.

// FNV-1a, a word at a time.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x100000001B3ULL;
  return hash ^ (hash >> 29);
}

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = mix(hash, static_cast<unsigned char>(c));
  return mix(hash, text.size());
}

}  // namespace

std::string_view to_string(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::busy_loop:
      return "the engine's deadline does not advance";
    case Fault::Kind::endless_transmit:
      return "the engine's poll_transmit does not end";
    case Fault::Kind::endless_events:
      return "the engine's deliver_events does not end";
    case Fault::Kind::standstill:
      return "tasks follow one another and time stands still";
  }
  return "unknown";
}

Network::Network(std::uint64_t seed)
    : seed_(seed), clock_(seed), state_(std::make_unique<State>()) {}

Network::~Network() = default;

std::uint64_t Network::seed_for(std::string_view purpose, std::string_view name) const {
  return mix(mix(mix(0xCBF29CE484222325ULL, seed_), purpose), name);
}

Host& Network::add_host(HostConfig config) {
  for (const auto& other : state_->hosts) {
    PARLEY_ASSERT(other->name() != config.name, "random streams are told apart by host name");
  }
  const std::string name = config.name;
  state_->hosts.push_back(
      std::unique_ptr<Host>(new Host(*this, std::move(config), seed_for("host", name))));
  Host& host = *state_->hosts.back();
  Host::State& inner = *host.state_;
  for (const auto& address : inner.config.addresses) claim(inner.config.gateway, address, host);
  inner.up = &add_pipe(inner.config.up, seed_for("up", name), [this, &host](Datagram datagram) {
    forward(host.state_->config.gateway, std::move(datagram), kMaxHops);
  });
  const auto to_host = [this, &host](Datagram datagram) { deliver(host, std::move(datagram)); };
  inner.down = &add_pipe(inner.config.down, seed_for("down", name), to_host);
  LinkConfig loopback;
  loopback.delay = kLoopbackDelay;
  loopback.mtu = 65'536;
  inner.loop = &add_pipe(std::move(loopback), seed_for("loop", name), to_host);
  return host;
}

void Network::add_gateway(Gateway& gateway, std::vector<IpAddress> addresses, Gateway* behind) {
  for (const auto& address : addresses) {
    const bool is_new = state_->owners.count({behind, address}) == 0 &&
                        state_->gateways.emplace(std::pair{behind, address}, &gateway).second;
    PARLEY_ASSERT(is_new, "an address belongs to one host or gateway of its realm");
  }
  state_->outside_of[&gateway] = behind;
}

void Network::claim(Gateway* realm, const IpAddress& address, Host& host) {
  const bool is_new = state_->gateways.count({realm, address}) == 0 &&
                      state_->owners.emplace(std::pair{realm, address}, &host).second;
  PARLEY_ASSERT(is_new, "an address belongs to one host or gateway of its realm");
}

void Network::release(Gateway* realm, const IpAddress& address) {
  state_->owners.erase({realm, address});
}

void Network::connect(Host& from, Host& to, LinkConfig config) {
  Pipe*& pipe = state_->direct[{&from, &to}];
  if (pipe != nullptr) return change(*pipe, std::move(config));
  pipe = &add_pipe(std::move(config), seed_for(from.name(), to.name()),
                   [this, &to](Datagram datagram) { deliver(to, std::move(datagram)); });
}

const Link* Network::link(const Host& from, const Host& to) const {
  const auto found = state_->direct.find({&from, &to});
  return found == state_->direct.end() ? nullptr : &found->second->link;
}

void Network::add_name(std::string name, std::vector<IpAddress> addresses, Duration delay) {
  state_->names[std::move(name)] = {std::move(addresses), delay};
}

std::pair<Result<std::vector<IpAddress>>, Duration> Network::look_up(
    const std::string& name) const {
  if (const auto literal = IpAddress::parse(name)) {
    return {std::vector<IpAddress>{*literal}, Duration::zero()};
  }
  const auto found = state_->names.find(name);
  const Error not_found{Errc::not_found, name + ": no such host"};
  if (found == state_->names.end()) return {not_found, kUnknownNameDelay};
  const auto& [addresses, delay] = found->second;
  if (addresses.empty()) return {not_found, delay};
  return {addresses, delay};
}

Network::Pipe& Network::add_pipe(LinkConfig config, std::uint64_t seed,
                                 std::function<void(Datagram)> out) {
  state_->pipes.push_back(std::make_unique<Pipe>(std::move(config), seed, std::move(out)));
  return *state_->pipes.back();
}

void Network::change(Pipe& pipe, LinkConfig config) {
  pipe.link.set_config(now(), std::move(config));
  arm(pipe);
}

void Network::push(Pipe& pipe, Datagram datagram) {
  // A copy for the tap: the link consumes what it is given. Without a tap nothing is copied.
  const Datagram copy = state_->tap ? datagram : Datagram{};
  if (const auto reason = pipe.link.push(now(), std::move(datagram))) {
    record(TapPoint::dropped, nullptr, copy, to_string(*reason));
  }
  arm(pipe);
}

void Network::arm(Pipe& pipe) {
  const Timestamp next = pipe.link.next_timeout();
  if (next >= pipe.armed) return;
  pipe.armed = next;
  clock_.schedule(next, [this, &pipe] {
    pipe.armed = kNever;
    while (auto datagram = pipe.link.poll(now())) pipe.out(std::move(*datagram));
    arm(pipe);
  });
}

void Network::send(Host& from, Datagram datagram) {
  ++stats_.sent;
  record(TapPoint::sent, &from, datagram);
  const IpAddress& destination = datagram.path.remote.ip;
  if (from.owns(destination)) return push(*from.state_->loop, std::move(datagram));
  for (auto it = state_->direct.lower_bound({&from, nullptr});
       it != state_->direct.end() && it->first.first == &from; ++it) {
    if (it->first.second->owns(destination)) return push(*it->second, std::move(datagram));
  }
  push(*from.state_->up, std::move(datagram));
}

void Network::forward(Gateway* realm, Datagram datagram, int hops) {
  const IpAddress destination = datagram.path.remote.ip;
  const auto host = state_->owners.find({realm, destination});
  if (host != state_->owners.end()) return push(*host->second->state_->down, std::move(datagram));

  const auto gateway = state_->gateways.find({realm, destination});
  const bool inwards = gateway != state_->gateways.end();
  if (hops == 0 || (!inwards && realm == nullptr)) {
    ++stats_.no_route;
    return record(TapPoint::dropped, nullptr, datagram, "no route");
  }
  const bool passed = inwards ? gateway->second->translate_inbound(now(), datagram)
                              : realm->translate_outbound(now(), datagram);
  if (!passed) {
    ++stats_.refused_by_gateway;
    return record(TapPoint::dropped, nullptr, datagram, "gateway");
  }
  forward(inwards ? gateway->second : state_->outside_of[realm], std::move(datagram), hops - 1);
}

void Network::deliver(Host& to, Datagram datagram) {
  ++stats_.delivered;
  record(TapPoint::delivered, &to, datagram);
  to.receive(std::move(datagram));
}

void Network::record(TapPoint point, const Host* host, const Datagram& datagram,
                     std::string_view reason) {
  if (state_->tap) {
    state_->tap({now(), point, host, datagram.path, datagram.bytes, reason});
  }
  if (point == TapPoint::dropped) return;
  hash_ = mix(hash_, static_cast<std::uint64_t>((now() - clock_.start()).count()));
  hash_ = mix(hash_, static_cast<std::uint64_t>(point));
  hash_ = mix(hash_, std::hash<Path>{}(datagram.path));
  if (hash_contents_ == HashContents::yes) hash_ = mix(hash_, as_text(datagram.bytes));
  hash_ = mix(hash_, datagram.bytes.size());
}

void Network::set_fault_handler(std::function<void(const Fault&)> handler) {
  state_->fault_handler = std::move(handler);
}

void Network::set_tap(std::function<void(const TapRecord&)> tap) { state_->tap = std::move(tap); }

void Network::report(const Fault& fault) {
  if (state_->fault_handler) return state_->fault_handler(fault);
  const std::string sentence = fault.host + ": " + std::string{to_string(fault.kind)};
  detail::assertion_failed("simulation without fault", sentence.c_str(), __FILE__, __LINE__);
}

void Network::set_workers(std::size_t threads) {
  state_->workers = threads == 0 ? nullptr : std::make_unique<workers::WorkerPool>(threads);
}

bool Network::step(Timestamp limit) {
  const Timestamp before = now();
  if (state_->halted || !clock_.run_one(limit)) return false;
  state_->tasks_at_instant = now() == before ? state_->tasks_at_instant + 1 : 0;
  if (state_->tasks_at_instant > kMaxTasksAtInstant) {
    state_->halted = true;
    report({Fault::Kind::standstill, now(), {}});
  }
  return true;
}

void Network::run_until(Timestamp until) {
  while (step(until)) {
  }
  if (!state_->halted) clock_.advance_to(until);
}

bool Network::run_until(const std::function<bool()>& done, Duration limit) {
  const Timestamp end = now() + limit;
  while (!done()) {
    if (step(end)) continue;
    if (!state_->halted) clock_.advance_to(end);
    return false;
  }
  return true;
}

}  // namespace parley::sim
