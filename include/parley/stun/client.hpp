// STUN client side: the retransmission schedule of a request and server-reflexive discovery.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "parley/base/net.hpp"
#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/machine.hpp"
#include "parley/stun/message.hpp"

namespace parley::stun {

/// The constants of RFC 8489 section 6.2.1. With the defaults requests leave at 0, 0.5, 1.5, 3.5,
/// 7.5, 15.5 and 31.5 s, and the transaction fails at 39.5 s.
struct RetransmitSchedule {
  Duration rto = 500ms;
  int max_sends = 7;          ///< Rc, at least 1
  int last_wait_factor = 16;  ///< Rm: the last wait is this many times the first RTO
};

/// When one request is sent again and when it has failed. A plain value.
class RetransmitTimer {
 public:
  /// The first send is due at `start`.
  RetransmitTimer(const RetransmitSchedule& schedule, Timestamp start)
      : schedule_(schedule), deadline_(start), wait_(schedule.rto) {}

  /// When something is due: a send, or after the last wait the failure.
  Timestamp deadline() const { return deadline_; }
  bool send_is_due(Timestamp now) const { return now >= deadline_ && sends_ < schedule_.max_sends; }
  bool has_failed(Timestamp now) const { return now >= deadline_ && sends_ >= schedule_.max_sends; }
  int sends() const { return sends_; }
  /// Tell that the request was sent; counts the next wait from `now`.
  void note_sent(Timestamp now);

 private:
  RetransmitSchedule schedule_;
  Timestamp deadline_;
  Duration wait_;
  int sends_ = 0;
};

/// A server answered: this is how the path's local end looks from there.
struct Mapped {
  Path path;
  SocketAddress mapped;
};

/// A request got no usable answer.
struct BindingFailed {
  Path path;
  /// The server's error code; 0 when there was no answer in time.
  int code = 0;
  std::string reason;
};

/// Asks STUN servers for server-reflexive addresses, over any number of (socket, server) paths in
/// parallel: a dead server delays nobody else. Requests carry no credentials (RFC 8445 section
/// 5.1.1.2).
///
/// Owns nothing but its transactions. One sequence of execution. RFC 8489 sections 6 and 7,
/// ALTERNATE-SERVER is reported as a failure with code 300 and not followed.
class BindingClient {
 public:
  struct Config {
    RetransmitSchedule schedule;
    /// SOFTWARE attribute; empty sends none.
    std::string software;
    /// Transactions at the same time; `start` refuses more.
    std::size_t max_transactions = 64;
  };
  using Event = std::variant<Mapped, BindingFailed>;

  BindingClient(Config config, Random& random) : config_(std::move(config)), random_(&random) {}

  /// Sends a Binding request from `path.local` to `path.remote` at `at` or later.
  /// Errors: invalid_argument when the families differ or the port is 0; queue_full.
  Result<void> start(Timestamp at, const Path& path);
  /// Forgets all transactions without events.
  void cancel() { transactions_.clear(); }
  bool idle() const { return transactions_.empty(); }
  /// Whether a response with this id would answer one of our requests.
  bool awaits(const TransactionId& id) const;

  /// Takes responses to its own requests, from the address asked and on the socket asked from.
  /// Returns true when the datagram was one (used up), false when it is somebody else's.
  bool handle_response(Timestamp now, const Path& path, Bytes datagram);
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
    handle_response(now, path, bytes);
  }
  void handle_timeout(Timestamp now);
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage);
  std::optional<Event> poll_event();
  Timestamp next_timeout() const;

 private:
  struct Transaction {
    Path path;
    TransactionId id{};
    RetransmitTimer timer;
  };
  Config config_;
  Random* random_;
  std::vector<Transaction> transactions_;
  std::list<Event> events_;  // nearly always empty, which a deque pays 600 bytes for
};
static_assert(DatagramCore<BindingClient>);

}  // namespace parley::stun
