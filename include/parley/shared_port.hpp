// One UDP port for many connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "parley/machine.hpp"

namespace parley {

struct SharedPortConfig {
  /// UDP port on each local address. 0: the system picks one for the first address, and the others
  /// get the same where it is free.
  std::uint16_t port = 0;
  /// Paths by which data finds an engine; the oldest is forgotten for a new one and learnt again
  /// from the next check that comes by it.
  std::size_t max_paths_per_engine = 16;
};

struct SharedPortStats {
  std::uint64_t by_path = 0;  ///< Datagrams that found their engine by where they came from,
  std::uint64_t by_user_fragment = 0;   ///< checks by the user fragment in USERNAME,
  std::uint64_t by_transaction = 0;     ///< and answers by the request they belong to.
  std::uint64_t unknown = 0;            ///< Belonged to nobody here: dropped.
  std::uint64_t moved_paths = 0;        ///< Proven by an engine while another one had it.
  std::uint64_t refused_fragments = 0;  ///< Already another engine's.
};

/// A driver on a driver: connections that are made with it share one socket per local address of
/// `inner` (real or simulated) and use it for everything else.
///
///     parley::SharedPort port{driver, {.port = 3478}};
///     auto connection = parley::PeerConnection::create(port, config);
///
/// `open_socket` answers with the shared bound address, whatever port was asked for. An arriving
/// datagram goes to one engine, found in constant time: a check by the local ICE user fragment (RFC
/// 8445 section 7.2.2), an answer by the STUN transaction that was sent, everything else by its
/// path, which is learnt when the engine accepts it as proven (`Engine::accepts`). Nothing that is
/// not authenticated can move a path. Two sessions cannot use the same path (local and remote
/// address): data belongs to the one that proved it last.
///
/// Ownership: outlives its engines; `inner` outlives it. The sockets stay open until the end.
/// Thread rule: that of `inner`; everything below but `post` belongs to its sequence.
class SharedPort final : public Driver {
 public:
  explicit SharedPort(Driver& inner, SharedPortConfig config = {});
  /// Detaches the engines that are left.
  ~SharedPort() override;
  SharedPort(const SharedPort&) = delete;
  SharedPort& operator=(const SharedPort&) = delete;

  /// Opens the socket of this address before a connection asks for it: to know the port, or that it
  /// is taken. Errors: io.
  Result<SocketAddress> bind(const IpAddress& address);
  const SharedPortStats& stats() const;
  /// Paths that are known now: never more than engines times `max_paths_per_engine`.
  std::size_t paths() const;

  // Driver
  Timestamp now() const override;
  NtpMapping ntp_mapping() const override;
  Random& random() override;
  void attach(Engine& engine) override;
  void detach(Engine& engine) override;
  void wake(Engine& engine) override;
  /// Errors: io; invalid_state when the engine is not attached, or has a user fragment that is in
  /// use by another one.
  Result<SocketAddress> open_socket(Engine& engine, const SocketAddress& local) override;
  void close_socket(Engine& engine, const SocketAddress& local) override;
  /// Errors: unsupported: what is borrowed is not lent on.
  Result<void> lend_socket(Engine& owner, const SocketAddress& local, Engine& borrower) override;
  std::vector<NetworkInterface> interfaces() const override;
  void resolve(const std::string& host, ResolveHandler done) override;
  void offload(const void* lane, std::function<void()> work, std::function<void()> done) override;
  void post(std::function<void()> task) override;
  void post_at(Timestamp at, std::function<void()> task) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley
