// A network between two ends on real sockets: a relay that loses, delays and reorders datagrams on
// their way, and holds them to a rate.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "parley/base/result.hpp"
#include "parley/machine.hpp"
#include "parley/sim/link.hpp"

namespace example {

/// One of the two ends: a made the offer.
enum class Side : std::uint8_t { a, b };
constexpr Side other(Side side) { return side == Side::a ? Side::b : Side::a; }

/// Stands between the two ends. For each address of an end it opens a socket of its own, the
/// stand-in, which is what the other end is told. A datagram that reaches a's stand-in came from b:
/// it goes through the link from b to a and leaves by the stand-in of the b address it came from.
///
/// An engine like a connection, so a driver gives it sockets and time. Created on and used from the
/// driver's sequence; the driver outlives it.
class Relay final : public parley::Engine {
 public:
  /// The stand-ins are on the IP of the addresses they stand for, with ports of their own.
  Relay(parley::Driver& driver, const parley::sim::LinkConfig& each_way, std::uint64_t seed);
  ~Relay() override;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// A candidate line of `side` ("candidate:...") as the other end shall see it. Lines that name no
  /// IP address come back unchanged. Errors: syntax, io (no socket).
  parley::Result<std::string> rewrite(Side side, std::string_view candidate);

  const parley::sim::LinkStats& stats(Side from) const { return link(from).stats(); }
  /// Datagrams dropped because no socket could be opened for their source.
  std::uint64_t unknown() const { return unknown_; }

  // Engine
  void handle_datagram(parley::Timestamp now, const parley::Path& path,
                       parley::MutableBytes bytes) override;
  void handle_timeout(parley::Timestamp now) override;
  std::optional<parley::Transmit> poll_transmit(parley::Timestamp now,
                                                parley::MutableBytes storage) override;
  parley::Timestamp next_timeout() const override;
  bool deliver_events(parley::Timestamp) override { return false; }

 private:
  struct StandIn {
    Side side;
    parley::SocketAddress real;
  };
  parley::Result<parley::SocketAddress> stand_in(Side side, const parley::SocketAddress& real);
  const parley::sim::Link& link(Side from) const { return links_[static_cast<std::size_t>(from)]; }

  parley::Driver& driver_;
  std::array<parley::sim::Link, 2> links_;  ///< By the side that sends.
  std::map<parley::SocketAddress, StandIn> by_socket_;
  std::uint64_t unknown_ = 0;
};

}  // namespace example
