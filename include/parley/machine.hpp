// The contract of every protocol core, of an engine as a driver sees it, and of a driver as an
// application object sees it. Bytes and time go in; bytes, events and the next deadline come out.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/net.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"

namespace parley {

/// A core with timers only. After `handle_timeout(t)` at or past the deadline, either something
/// can be polled or the next deadline is later than `t`.
template <class M>
concept TimedCore = requires(M m, const M cm, Timestamp now) {
  m.handle_timeout(now);
  { cm.next_timeout() } -> std::same_as<Timestamp>;
};

/// A core that speaks datagrams.
///
/// Inputs may come in any order and any number of times before draining: draining late costs
/// latency, never correctness. `poll_*` are free when there is nothing. `poll_transmit` fills the
/// caller's storage and returns a view of it. No callbacks, no exceptions, no locks: returning is
/// how a core talks to its owner.
template <class M>
concept DatagramCore = TimedCore<M> &&
    requires(M m, Timestamp now, const Path& path, MutableBytes bytes) {
  m.handle_datagram(now, path, bytes);
  { m.poll_transmit(now, bytes) } -> std::same_as<std::optional<Transmit>>;
  { m.poll_event().has_value() } -> std::convertible_to<bool>;
};

/// Storage a driver hands to `poll_transmit`: what an Ethernet path carries, and more than any
/// datagram that parley makes.
inline constexpr std::size_t kMaxDatagramSize = 1500;

/// What a driver drives: a session, or anything else that meets the contract. The virtual calls are
/// the border between the two drivers (`io`, `sim`) and the engines they carry; all are made on the
/// engine's one sequence of execution.
class Engine {
 public:
  virtual ~Engine() = default;
  /// A datagram came in on one of the engine's sockets. `bytes` may be changed in place.
  virtual void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) = 0;
  virtual void handle_timeout(Timestamp now) = 0;
  virtual std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) = 0;
  /// kNever when nothing is pending.
  virtual Timestamp next_timeout() const = 0;
  /// Hands pending events to the application. Called when the engine is at rest, after its
  /// datagrams are out; the application may call anything from here, `Driver::detach` included.
  /// Returns true when something was delivered (the driver then polls again).
  virtual bool deliver_events(Timestamp now) = 0;

  // --- For engines that share a socket (SharedPort); others need neither ---

  /// Appends the user fragments (RFC 8445 section 5.3) by which a peer's check means this engine.
  /// They may change with every call of the application, which ends in `Driver::wake`.
  virtual void add_user_fragments(std::vector<std::string>& fragments) const {
    static_cast<void>(fragments);
  }
  /// True when the peer has proven that it is at the other end of `path`.
  virtual bool accepts(const Path& path) const {
    static_cast<void>(path);
    return false;
  }
};

/// What carries engines: real sockets and a real clock (`io::UdpDriver`) or virtual ones
/// (`sim::Host`). One driver is one sequence of execution: every call below and every call into an
/// engine happens on it, except `post`, which any thread may call.
class Driver {
 public:
  virtual ~Driver() = default;

  virtual Timestamp now() const = 0;
  /// The wall clock, read once per session for sender reports.
  virtual NtpMapping ntp_mapping() const = 0;
  /// Randomness fit for the driver's purpose: the system's, or seeded in simulation.
  virtual Random& random() = 0;

  /// Starts to carry `engine`, which stays alive until `detach`.
  virtual void attach(Engine& engine) = 0;
  /// Closes the engine's sockets and forgets it. What the engine still had to send is polled and
  /// sent first. Allowed inside `deliver_events`.
  virtual void detach(Engine& engine) = 0;
  /// The application changed something in `engine`: poll it at the end of this turn.
  virtual void wake(Engine& engine) = 0;

  /// Opens a UDP socket bound to `local` (port 0 picks one) whose datagrams go to `engine`;
  /// returns the bound address, which is the `local` of its paths. Errors: io.
  virtual Result<SocketAddress> open_socket(Engine& engine, const SocketAddress& local) = 0;
  /// Of a lent socket: gives it back.
  virtual void close_socket(Engine& engine, const SocketAddress& local) = 0;
  /// `borrower`, attached too, may send from this socket of `owner` until either of them closes it
  /// or is detached. What arrives goes to `owner` as before. Errors: invalid_state when one is not
  /// attached, not_found when `owner` has no such socket, unsupported.
  virtual Result<void> lend_socket(Engine& owner, const SocketAddress& local, Engine& borrower) = 0;
  /// The addresses of this host that are up, loopback included.
  virtual std::vector<NetworkInterface> interfaces() const = 0;

  /// Resolves a host name or IP literal. `done` runs on this sequence, never inside the call.
  using ResolveHandler = std::function<void(Result<std::vector<IpAddress>>)>;
  virtual void resolve(const std::string& host, ResolveHandler done) = 0;

  /// Runs `work` outside the sequence where the driver has workers (at once, in simulation), then
  /// `done` on the sequence. Jobs with the same `lane` run one after another in order: one lane
  /// per encoder or decoder. `lane` is any address that stays valid until `done` ran.
  virtual void offload(const void* lane, std::function<void()> work,
                       std::function<void()> done) = 0;
  /// Runs `task` on the sequence, later. Callable from any thread.
  virtual void post(std::function<void()> task) = 0;
  /// Runs `task` on the sequence at or after `at`. Not cancellable: tasks check what they find.
  virtual void post_at(Timestamp at, std::function<void()> task) = 0;
};

}  // namespace parley
