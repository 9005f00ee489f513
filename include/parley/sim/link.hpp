// One direction of a link with everything that goes wrong on it, as a pure queue of datagrams.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/net.hpp"
#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley::sim {

/// A datagram under way. `path` is the sender's: local is the source, remote the destination.
struct Datagram {
  Path path{};
  std::vector<std::uint8_t> bytes{};
  Ecn ecn = Ecn::not_ect;
};

enum class JitterShape : std::uint8_t {
  uniform,      ///< Evenly in [0, jitter].
  normal,       ///< Half of a normal distribution with standard deviation `jitter`.
  exponential,  ///< Mean `jitter`, with the long tail of a contended radio link.
};

/// Whether jitter may let a datagram overtake an earlier one.
enum class Ordering : std::uint8_t { kept, free };

/// Losses in runs (Gilbert-Elliott with a bad state that loses everything).
struct BurstLoss {
  double probability = 0;  ///< Share of all datagrams lost, in the long run: [0, 1).
  double mean_length = 1;  ///< Mean number of datagrams lost in a row: at least 1.
};

/// A time in which nothing gets in. What is under way already still arrives.
struct Outage {
  Timestamp from;
  Timestamp until;  ///< The first instant after it.
};

/// The behaviour of one direction, as data. The default is a perfect wire without delay.
/// Probabilities are in [0, 1] and per datagram.
struct LinkConfig {
  /// Propagation, after the queue.
  Duration delay{};
  Duration jitter{};
  JitterShape jitter_shape = JitterShape::uniform;
  Ordering ordering = Ordering::kept;

  /// The bottleneck. A rate of zero holds everything until the rate changes.
  DataRate rate = DataRate::infinite();
  /// Tail drop: the bytes that may wait, the one in service included. One datagram always may.
  DataSize queue_limit = DataSize::kilobytes(1000);
  /// Tail drop: a datagram that would wait longer than this is dropped.
  Duration queue_delay_limit = Duration::max();
  /// Counted per datagram against rate, queue and MTU: an IPv4 and a UDP header.
  std::size_t overhead_bytes = 28;
  /// Larger packets (with overhead) are dropped, as with "don't fragment" and no ICMP answer.
  std::size_t mtu = 1500;

  double loss = 0;
  BurstLoss burst_loss{};
  /// Datagrams held back by `reorder_delay`, so that later ones overtake them.
  double reorder = 0;
  Duration reorder_delay{};
  double duplicate = 0;
  /// One bit flipped. (Real UDP checksums hide most of this; it tests what checksums miss.)
  double corrupt = 0;

  std::vector<Outage> outages{};
  /// Numbers of datagrams to lose, counted from 0 since the link was made.
  std::vector<std::uint64_t> lose{};
  /// Loses those for which it returns true.
  std::function<bool(Timestamp now, const Datagram&)> lose_if{};
};

enum class LinkDrop : std::uint8_t { outage, listed, predicate, loss, burst, mtu, queue };
inline constexpr std::size_t kLinkDropCount = 7;
/// The enumerator's name, for logs.
std::string_view to_string(LinkDrop reason);

/// At all times sent + duplicated = delivered + total_dropped() + in flight.
struct LinkStats {
  std::uint64_t sent = 0;  ///< Pushed in, dropped or not.
  std::uint64_t delivered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;
  std::array<std::uint64_t, kLinkDropCount> dropped{};  ///< By LinkDrop.
  DataSize sent_size;                                   ///< Without overhead.
  DataSize delivered_size;
  Duration queue_delay_sum{};  ///< Over the datagrams that left the queue: `queued` of them.
  Duration queue_delay_max{};
  std::uint64_t queued = 0;

  std::uint64_t dropped_for(LinkDrop reason) const {
    return dropped[static_cast<std::size_t>(reason)];
  }
  std::uint64_t total_dropped() const;
  Duration mean_queue_delay() const;
};

/// One direction of a link: datagrams in, the same datagrams out later, or not at all.
///
/// Depends on nothing but time handed in, so it can also stand between two real sockets. Every
/// datagram takes the same number of random draws whatever the configuration: switching one
/// impairment on leaves the pattern of the others as it was. Owns what is under way, which is
/// bounded by the queue limit and by rate times delay of what the caller pushes. Single-threaded.
class Link {
 public:
  Link(LinkConfig config, std::uint64_t seed);

  /// Takes a datagram; returns why it was dropped, or nullopt when it is under way.
  std::optional<LinkDrop> push(Timestamp now, Datagram datagram);
  /// The next datagram whose time has come by `now`, in order of arrival.
  std::optional<Datagram> poll(Timestamp now);
  /// When the next datagram arrives or leaves the queue; kNever when nothing is under way (or the
  /// rate is zero).
  Timestamp next_timeout() const;

  /// Changes the behaviour from `now` on. Queued datagrams leave at the new rate and take the new
  /// delay; those past the queue keep their arrival time.
  void set_config(Timestamp now, LinkConfig config);
  const LinkConfig& config() const { return config_; }
  const LinkStats& stats() const { return stats_; }
  std::size_t in_flight() const { return queue_.size() + wire_.size(); }

 private:
  /// The random numbers of one datagram.
  struct Draws {
    double loss, burst, jitter, jitter2, reorder, duplicate, corrupt;
    std::uint32_t corrupt_bit;
  };
  struct Queued {
    Datagram datagram;
    Draws draws;
    Timestamp entered;
    DataSize size;
  };
  struct InFlight {
    Timestamp arrives;
    std::uint64_t number;
    Datagram datagram;
  };
  static bool arrives_later(const InFlight& a, const InFlight& b);

  Draws draw();
  std::optional<LinkDrop> judge(Timestamp now, const Datagram& datagram, const Draws& draws);
  void start_service(Timestamp at);
  void advance_queue(Timestamp now);
  void launch(Timestamp at, Queued entry);
  Duration jitter_for(const Draws& draws) const;

  LinkConfig config_;
  SeededRandom random_;
  LinkStats stats_;
  std::deque<Queued> queue_;  ///< Waiting for the bottleneck; the front is in service.
  DataSize queued_size_;
  Timestamp front_leaves_ = kNever;
  Timestamp service_began_{};
  double front_share_ = 1;      ///< Share of the front's service that was left at service_began_.
  double carry_ = 0;            ///< Part of a microsecond that the last departure was too early.
  std::vector<InFlight> wire_;  ///< Heap by arrival.
  std::uint64_t launched_ = 0;
  Timestamp last_arrival_{};
  bool in_burst_ = false;
};

}  // namespace parley::sim
