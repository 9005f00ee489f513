// A network in a seed: hosts, links, names and one virtual clock, all reproducible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parley/sim/clock.hpp"
#include "parley/sim/host.hpp"
#include "parley/sim/link.hpp"

namespace parley::sim {

/// What stands between a private network and the one outside: the place of a NAT or firewall.
/// Implemented by the application or by a NAT model; registered with `Network::add_gateway`.
class Gateway {
 public:
  virtual ~Gateway() = default;
  /// A datagram from inside to an address that is not inside. Changes its source as it likes;
  /// false drops it.
  virtual bool translate_outbound(Timestamp now, Datagram& datagram) = 0;
  /// A datagram from outside to an address of the gateway. Changes its destination to one inside;
  /// false drops it.
  virtual bool translate_inbound(Timestamp now, Datagram& datagram) = 0;
};

enum class TapPoint : std::uint8_t { sent, delivered, dropped };

/// A datagram as it passes. `bytes` borrows and ends with the call.
struct TapRecord {
  Timestamp at;
  TapPoint point;
  const Host* host;  ///< Of the sender (sent), the receiver (delivered); null when dropped.
  Path path;         ///< The sender's view: local is the source.
  Bytes bytes;
  std::string_view reason;  ///< Why it was dropped.
};

/// What goes into the transcript hash beside time, path and length.
enum class HashContents : std::uint8_t { no, yes };

struct NetworkStats {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;  ///< To a host, whether or not a socket is open there.
  std::uint64_t no_route = 0;
  std::uint64_t refused_by_gateway = 0;
};

/// Hosts on one virtual clock. A datagram takes the direct link of its two hosts when there is one
/// (`connect`), otherwise the sender's uplink, the cloud, which costs no time, and the receiver's
/// downlink; gateways translate at their border.
///
/// Two runs of the same program from the same seed give the same `transcript_hash()`. Every host
/// and every link has random streams of its own. Owns hosts and links; gateways and engines belong
/// to the caller. Single-threaded: everything happens inside the `run_` functions and the calls of
/// the one thread that makes them.
class Network {
 public:
  explicit Network(std::uint64_t seed);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// The host lives as long as the network. Name and addresses must be new (asserted).
  Host& add_host(HostConfig config);
  /// `gateway` gets the datagrams for `addresses` and those of the hosts that name it. `behind` is
  /// a further gateway outside of it, as with carrier-grade NAT.
  void add_gateway(Gateway& gateway, std::vector<IpAddress> addresses, Gateway* behind = nullptr);
  /// Makes, or changes, the direct link from `from` to `to` (one direction).
  void connect(Host& from, Host& to, LinkConfig config);
  /// The direct link from `from` to `to`; null when there is none.
  const Link* link(const Host& from, const Host& to) const;
  /// A name for `Host::resolve`. No addresses: resolving it fails after `delay`. Unknown names
  /// fail after 20 ms.
  void add_name(std::string name, std::vector<IpAddress> addresses, Duration delay = 20ms);

  Timestamp now() const { return clock_.now(); }
  Clock& clock() { return clock_; }
  /// Runs everything that is due up to and including `until`, and sets the clock there.
  void run_until(Timestamp until);
  void run_for(Duration duration) { run_until(now() + duration); }
  /// Runs until `done` holds (asked before the first and after every task), at most `limit` of
  /// virtual time. True when it held.
  bool run_until(const std::function<bool()>& done, Duration limit);

  /// Threads on which the work of `Host::offload` runs, beside the simulation: it is begun inside
  /// the call and waited for at the instant it is due (`Host::set_offload_cost`), so that results
  /// stay the same as long as each job touches only what belongs to its lane. Zero at first: work
  /// runs inside the call. Not to be changed while jobs are under way.
  void set_workers(std::size_t threads);

  /// What to do about a fault; afterwards the engine gets no more timeouts (or, at a standstill,
  /// the run ends). Without a handler the program is aborted with a sentence on standard error, so
  /// that no test passes over a busy engine.
  void set_fault_handler(std::function<void(const Fault&)> handler);
  /// Sees every datagram sent, delivered and dropped. Must not change the network.
  void set_tap(std::function<void(const TapRecord&)> tap);
  /// Contents are off at first: DTLS keys are truly random, so ciphertext differs between runs.
  void set_hash_contents(HashContents contents) { hash_contents_ = contents; }
  /// Over every datagram sent and delivered: time since the start, point, path, length.
  std::uint64_t transcript_hash() const { return hash_; }
  const NetworkStats& stats() const { return stats_; }

 private:
  friend class Host;
  struct Pipe;
  struct State;

  std::uint64_t seed_for(std::string_view purpose, std::string_view name) const;
  Pipe& add_pipe(LinkConfig config, std::uint64_t seed, std::function<void(Datagram)> out);
  void change(Pipe& pipe, LinkConfig config);
  void push(Pipe& pipe, Datagram datagram);
  void arm(Pipe& pipe);
  void send(Host& from, Datagram datagram);
  void forward(Gateway* realm, Datagram datagram, int hops);
  void deliver(Host& to, Datagram datagram);
  void claim(Gateway* realm, const IpAddress& address, Host& host);
  void release(Gateway* realm, const IpAddress& address);
  std::pair<Result<std::vector<IpAddress>>, Duration> look_up(const std::string& name) const;
  void record(TapPoint point, const Host* host, const Datagram& datagram,
              std::string_view reason = {});
  void report(const Fault& fault);
  bool step(Timestamp limit);

  const std::uint64_t seed_;
  Clock clock_;
  std::unique_ptr<State> state_;
  NetworkStats stats_;
  HashContents hash_contents_ = HashContents::no;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

}  // namespace parley::sim
