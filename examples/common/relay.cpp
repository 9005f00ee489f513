#include "common/relay.hpp"

#include <algorithm>
#include <utility>

#include "parley/ice/candidate.hpp"

namespace example {

using parley::MutableBytes;
using parley::Path;
using parley::Result;
using parley::SocketAddress;
using parley::Timestamp;
using parley::Transmit;
using parley::sim::LinkConfig;

namespace {
/// One address per interface and family is what an end has; more is not a call on loopback.
constexpr std::size_t kMostStandIns = 64;
}  // namespace

Relay::Relay(parley::Driver& driver, const LinkConfig& each_way, std::uint64_t seed)
    : driver_(driver),
      links_{parley::sim::Link(each_way, 2 * seed), parley::sim::Link(each_way, 2 * seed + 1)} {
  driver_.attach(*this);
}

Relay::~Relay() { driver_.detach(*this); }

Result<SocketAddress> Relay::stand_in(Side side, const SocketAddress& real) {
  for (const auto& [socket, known] : by_socket_)
    if (known.side == side && known.real == real) return socket;
  if (by_socket_.size() >= kMostStandIns)
    return parley::Error{parley::Errc::too_large, "more addresses than a relay stands in for"};
  auto socket = driver_.open_socket(*this, {real.ip, 0});
  if (socket) by_socket_.emplace(*socket, StandIn{side, real});
  return socket;
}

Result<std::string> Relay::rewrite(Side side, std::string_view line) {
  if (parley::ice::is_end_of_candidates(line)) return std::string(line);
  auto candidate = parley::ice::Candidate::parse(line);
  if (!candidate) return candidate.error();
  if (!candidate->is_usable()) return std::string(line);
  const auto socket = stand_in(side, candidate->address);
  if (!socket) return socket.error();
  candidate->address = *socket;
  candidate->related.reset();
  return candidate->to_string();
}

void Relay::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  const auto at = by_socket_.find(path.local);
  if (at == by_socket_.end()) return;
  const StandIn receiver = at->second;
  // The sender's own candidate may still be on its way through signalling.
  const auto source = stand_in(other(receiver.side), path.remote);
  if (!source) {
    ++unknown_;
    return;
  }
  parley::sim::Link& way = links_[static_cast<std::size_t>(other(receiver.side))];
  way.push(now, {{*source, receiver.real}, {bytes.begin(), bytes.end()}, parley::Ecn::not_ect});
}

void Relay::handle_timeout(Timestamp) {}

std::optional<Transmit> Relay::poll_transmit(Timestamp now, MutableBytes storage) {
  for (parley::sim::Link& way : links_) {
    while (const auto datagram = way.poll(now)) {
      if (datagram->bytes.size() > storage.size()) continue;
      std::copy(datagram->bytes.begin(), datagram->bytes.end(), storage.begin());
      return Transmit{datagram->path, storage.first(datagram->bytes.size()), datagram->ecn};
    }
  }
  return std::nullopt;
}

Timestamp Relay::next_timeout() const {
  return std::min(links_[0].next_timeout(), links_[1].next_timeout());
}

}  // namespace example
