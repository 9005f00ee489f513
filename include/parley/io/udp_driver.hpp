// The driver of real programs: UDP sockets, the steady clock and worker threads, by Asio.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "parley/machine.hpp"

namespace asio {
class io_context;
}

namespace parley::io {

struct UdpDriverConfig {
  /// Asked of the system per socket (SO_RCVBUF, SO_SNDBUF); it may give less. Zero leaves its
  /// default.
  int receive_buffer_bytes = 1 << 20;
  int send_buffer_bytes = 1 << 19;
  /// Messages per system call: 1 to 64. A message is a datagram, or as many as the system joins.
  std::size_t batch = 32;
  /// Batches of 64 datagrams that one socket reads, or one engine sends, before others get their
  /// turn.
  std::size_t batches_per_turn = 4;
  /// UDP_SEGMENT and UDP_GRO, where the system has them: equal datagrams in a row to one address
  /// cost one way through the system.
  bool segmentation_offload = true;
  /// Threads for `offload`: 0 to 64. They start with the first job; 0 runs jobs on the sequence.
  std::size_t worker_threads = 1;
};

struct UdpDriverStats {
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t receive_calls = 0;  ///< System calls.
  std::uint64_t send_calls = 0;
  std::uint64_t receive_messages = 0;  ///< What they carried: datagrams, or joined ones.
  std::uint64_t send_messages = 0;
  std::uint64_t segmentation_refused = 0;  ///< Joined, and had to go one by one.
  std::uint64_t send_blocked = 0;          ///< An engine began to wait for room in a socket buffer.
  std::uint64_t send_queued = 0;           ///< Datagrams that were polled and had to wait.
  std::uint64_t send_dropped = 0;          ///< Of these, lost because their socket closed.
  std::uint64_t send_failed = 0;     ///< Refused by the system: no route, not permitted, too long.
  std::uint64_t unknown_local = 0;   ///< `path.local` is no open socket of that engine.
  std::uint64_t receive_errors = 0;  ///< ICMP errors and the like, and datagrams cut off.
};

/// Carries engines over real sockets on an `asio::io_context` of the application.
///
/// Thread rule: one thread runs the io_context. That thread is the sequence: every engine call,
/// event and callback happens on it, and all functions here except `post` belong to it (or to any
/// thread while nobody runs the io_context). Nothing is locked on the way of a packet.
///
/// Nothing runs inside a caller's own call: handlers of `resolve`, `offload` and `post` come later,
/// and `wake` pumps the engine once at the end of the turn however often it is called. Sockets and
/// engines may be closed and detached inside any of them.
///
/// The io_context must outlive the driver. The destructor sends what attached engines still have
/// to send, detaches them, waits for running jobs and forgets those not yet begun: after it, no
/// handler runs.
class UdpDriver final : public Driver {
 public:
  explicit UdpDriver(asio::io_context& context, UdpDriverConfig config = {});
  ~UdpDriver() override;
  UdpDriver(const UdpDriver&) = delete;
  UdpDriver& operator=(const UdpDriver&) = delete;

  const UdpDriverStats& stats() const;

  Timestamp now() const override;
  /// The system's wall clock, read in this call.
  NtpMapping ntp_mapping() const override;
  /// SystemRandom.
  Random& random() override;
  void attach(Engine& engine) override;
  void detach(Engine& engine) override;
  void wake(Engine& engine) override;
  /// Errors: io (with the system's reason), invalid_state when the engine is not attached.
  Result<SocketAddress> open_socket(Engine& engine, const SocketAddress& local) override;
  void close_socket(Engine& engine, const SocketAddress& local) override;
  Result<void> lend_socket(Engine& owner, const SocketAddress& local, Engine& borrower) override;
  /// Interfaces that are up. Not in the list: IPv6 link-local addresses, and those that are
  /// deprecated or not yet confirmed (RFC 4862 section 5.5.4). The list is up to 100 ms old.
  std::vector<NetworkInterface> interfaces() const override;
  /// By the system's resolver, on a thread of Asio. Errors: invalid_argument for an empty name,
  /// not_found.
  void resolve(const std::string& host, ResolveHandler done) override;
  void offload(const void* lane, std::function<void()> work, std::function<void()> done) override;
  void post(std::function<void()> task) override;
  void post_at(Timestamp at, std::function<void()> task) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace parley::io
