// A computer in a simulated network: a parley::Driver whose sockets and time are virtual.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parley/machine.hpp"
#include "parley/sim/link.hpp"

namespace parley::sim {

class Gateway;
class Network;

struct HostConfig {
  /// Unique in its network; the host's random streams depend on it and on the network's seed, not
  /// on the order in which hosts are made.
  std::string name{};
  /// Besides the loopback addresses, which every host has. Unique in the host's realm.
  std::vector<IpAddress> addresses{};
  /// From this host towards everybody, and back. Together the default is 5 ms each way, without
  /// loss or limit.
  LinkConfig up{.delay = 2500us};
  LinkConfig down{.delay = 2500us};
  /// The gateway this host is behind; null for a host with public addresses.
  Gateway* gateway = nullptr;
};

struct HostStats {
  std::uint64_t sent = 0;           ///< Datagrams that engines gave.
  std::uint64_t received = 0;       ///< Datagrams handed to engines.
  std::uint64_t unknown_local = 0;  ///< Not sent: `path.local` is no open socket of that engine.
  std::uint64_t no_socket = 0;      ///< Arrived for a port that nobody has open.
  std::uint64_t unreachable = 0;    ///< Arrived for an address that the host no longer has.
};

/// Something that an engine or a scenario did and must not do.
struct Fault {
  enum class Kind : std::uint8_t {
    busy_loop,         ///< A deadline at or before now stays there, round after round.
    endless_transmit,  ///< poll_transmit never comes to an end.
    endless_events,    ///< deliver_events never comes to an end.
    standstill,        ///< Tasks follow one another and time does not advance.
  };
  Kind kind;
  Timestamp at;
  std::string host;  ///< Empty for standstill.
};
std::string_view to_string(Fault::Kind kind);

/// A Driver in virtual time. Made by `Network::add_host` and owned by the network. Everything,
/// `post` too, belongs to the one thread that runs the network. Engines must be detached, or
/// outlive their last run of the network.
class Host final : public Driver {
 public:
  ~Host() override;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const std::string& name() const;
  const HostStats& stats() const;
  const Link& uplink() const;
  const Link& downlink() const;
  void set_uplink(LinkConfig config);
  void set_downlink(LinkConfig config);
  /// The host moves: sockets bound to a removed address stay open and hear nothing.
  void add_address(const IpAddress& address);
  void remove_address(const IpAddress& address);
  /// Virtual time that each job of `offload` takes; zero at first.
  void set_offload_cost(Duration cost);

  // Driver
  Timestamp now() const override;
  NtpMapping ntp_mapping() const override;
  Random& random() override;
  void attach(Engine& engine) override;
  void detach(Engine& engine) override;
  void wake(Engine& engine) override;
  /// Port 0 picks one of 49152 to 65535 (RFC 6335 section 6). Errors: io when the address is not
  /// of this host or the port is taken, invalid_state when the engine is not attached.
  Result<SocketAddress> open_socket(Engine& engine, const SocketAddress& local) override;
  void close_socket(Engine& engine, const SocketAddress& local) override;
  Result<void> lend_socket(Engine& owner, const SocketAddress& local, Engine& borrower) override;
  std::vector<NetworkInterface> interfaces() const override;
  /// By the table of the network (`Network::add_name`). Errors: not_found.
  void resolve(const std::string& host, ResolveHandler done) override;
  /// Runs `work` inside the call, or on the network's workers, and `done` after the virtual cost;
  /// lanes keep their order.
  void offload(const void* lane, std::function<void()> work, std::function<void()> done) override;
  void post(std::function<void()> task) override;
  void post_at(Timestamp at, std::function<void()> task) override;

 private:
  friend class Network;
  struct Carried;
  struct State;

  Host(Network& network, HostConfig config, std::uint64_t seed);
  /// A datagram came off the downlink (or from this host itself).
  void receive(Datagram datagram);
  void pump(const std::shared_ptr<Carried>& carried);
  bool drain_transmits(Carried& carried);
  void arm(const std::shared_ptr<Carried>& carried);
  void on_deadline(const std::shared_ptr<Carried>& carried);
  void fault(Carried& carried, Fault::Kind kind);
  void send(Carried& carried, const Transmit& transmit);
  /// Nobody may send from it any more.
  void forget_socket(const SocketAddress& local);
  bool owns(const IpAddress& address) const;

  Network& network_;
  std::unique_ptr<State> state_;
};

}  // namespace parley::sim
