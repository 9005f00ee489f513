// A small deterministic network for agents: one clock, links with delay and loss lists, address
// translators, a STUN server. It also checks the rules that every core keeps.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "parley/ice/agent.hpp"
#include "parley/stun/message.hpp"
#include "support/catch.hpp"

namespace parley::ice::test {

inline SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

enum class NatKind { none, cone, symmetric };

/// Translates the sockets behind it to ports of one public address. Both kinds let in only what an
/// inside socket sent to before (address and port); the symmetric one has a port per destination.
struct Nat {
  NatKind kind = NatKind::none;
  IpAddress public_ip;
  std::uint16_t next_port = 40'000;
  struct Mapping {
    SocketAddress inside;
    SocketAddress outside;
    std::set<SocketAddress> peers;
  };
  std::vector<Mapping> mappings;

  SocketAddress translate_out(const SocketAddress& inside, const SocketAddress& to) {
    for (Mapping& m : mappings) {
      if (m.inside != inside || (kind == NatKind::symmetric && m.peers.count(to) == 0)) continue;
      m.peers.insert(to);
      return m.outside;
    }
    mappings.push_back({inside, {public_ip, next_port++}, {to}});
    return mappings.back().outside;
  }
  std::optional<SocketAddress> translate_in(const SocketAddress& outside,
                                            const SocketAddress& from) const {
    for (const Mapping& m : mappings) {
      if (m.outside == outside && m.peers.count(from) != 0) return m.inside;
    }
    return std::nullopt;
  }
};

/// `Core` is an Agent or a Transport, which has the same calls.
template <class Core>
struct BasicNode {
  BasicNode(const Config& config, std::uint64_t seed, Timestamp now)
      : random(seed), agent(config, random, now) {}
  SeededRandom random;
  Core agent;
  std::vector<SocketAddress> sockets;
  Nat nat;
  std::set<int> lost;   // which of its datagrams do not arrive, counted from 0
  bool is_cut = false;  // nothing that it sends arrives
  int sent = 0;
  int checks_sent = 0;
  std::vector<Event> events;
  std::map<State, Timestamp> reached;
  std::vector<State> states;
  std::vector<Timestamp> sent_at;
  std::vector<std::vector<std::uint8_t>> datagrams;
};

using Node = BasicNode<Agent>;

template <class Core>
class BasicNetwork {
 public:
  using Node = BasicNode<Core>;

  explicit BasicNetwork(Duration delay = 0ms) : delay_(delay) {}

  Timestamp now{1000s};
  std::vector<std::unique_ptr<Node>> nodes;
  std::optional<SocketAddress> stun_server;

  Node& add(const Config& config, std::vector<SocketAddress> sockets, Nat nat = {}) {
    nodes.push_back(std::make_unique<Node>(config, 100 + nodes.size(), now));
    Node& node = *nodes.back();
    node.sockets = std::move(sockets);
    node.nat = nat;
    gather(node);
    return node;
  }

  /// Tells the node its sockets and the STUN server.
  void gather(Node& node) {
    if (stun_server) node.agent.add_stun_server(now, *stun_server);
    for (const auto& s : node.sockets) {
      NetworkInterface interface;
      interface.address = s.ip;
      interface.is_loopback = s.ip.is_loopback();
      REQUIRE(node.agent.add_local_socket(now, s, interface));
    }
    node.agent.end_of_local_sockets(now);
    drain(node);
  }

  /// The candidates that a node has signalled so far, through their text form.
  static std::vector<Candidate> candidates(const Node& node) {
    std::vector<Candidate> out;
    for (const Event& e : node.events) {
      if (const auto* g = std::get_if<CandidateGathered>(&e)) {
        out.push_back(*Candidate::parse(g->candidate.to_string()));
      }
    }
    return out;
  }

  /// What an answer or offer of `from` tells `to`.
  void signal(Node& from, Node& to, bool with_candidates = true) {
    REQUIRE(to.agent.set_remote_credentials(now, from.agent.local_credentials()));
    if (with_candidates) {
      for (const Candidate& c : candidates(from)) REQUIRE(to.agent.add_remote_candidate(now, c));
      to.agent.end_of_remote_candidates(now);
    }
    drain(to);
  }

  void run_for(Duration span) { run_until(now + span); }
  void run_until(Timestamp end) {
    while (step(end)) {
    }
    now = end;
  }
  /// Runs until `done` or until `limit` has passed; returns whether it is done.
  bool run_until(auto done, Duration limit) {
    const Timestamp end = now + limit;
    while (!done()) {
      if (!step(end)) {
        now = end;
        return done();
      }
    }
    return true;
  }

  /// Puts a datagram on the wire by hand.
  void inject(const SocketAddress& from, const SocketAddress& to, Bytes bytes) {
    in_flight_.push_back({now + delay_, order_++, from, to, {bytes.begin(), bytes.end()}});
  }
  void drain(Node& node) {
    std::array<std::uint8_t, kMaxDatagramSize> storage;
    while (auto t = node.agent.poll_transmit(now, storage)) send(node, *t);
    CHECK_FALSE(node.agent.poll_transmit(now, storage));  // draining twice changes nothing
    while (auto e = node.agent.poll_event()) {
      if (const auto* s = std::get_if<StateChanged>(&*e)) {
        node.reached.emplace(s->state, now);
        node.states.push_back(s->state);
      }
      node.events.push_back(std::move(*e));
    }
  }

 private:
  struct Datagram {
    Timestamp due;
    int order;
    SocketAddress from;
    SocketAddress to;
    std::vector<std::uint8_t> bytes;
  };

  void send(Node& node, const Transmit& t) {
    node.sent_at.push_back(now);
    node.datagrams.emplace_back(t.datagram.begin(), t.datagram.end());
    const auto m = stun::MessageView::parse(t.datagram);
    if (m && m->message_class() == stun::Class::request) ++node.checks_sent;
    if (node.lost.count(node.sent++) != 0 || node.is_cut) return;
    SocketAddress from = t.path.local;
    if (node.nat.kind != NatKind::none) from = node.nat.translate_out(from, t.path.remote);
    inject(from, t.path.remote, t.datagram);
  }

  void deliver(const Datagram& d) {
    if (stun_server && d.to == *stun_server) {
      const auto request = stun::MessageView::parse(d.bytes);
      REQUIRE(request);
      std::array<std::uint8_t, 200> storage;
      stun::MessageWriter out{storage, stun::Class::success_response, stun::Method::binding,
                              request->transaction_id()};
      out.add_xor_address(stun::Attribute::xor_mapped_address, d.from);
      return inject(d.to, d.from, out.finish());
    }
    for (auto& node : nodes) {
      std::optional<SocketAddress> to = d.to;
      if (node->nat.kind != NatKind::none) to = node->nat.translate_in(d.to, d.from);
      if (!to || std::find(node->sockets.begin(), node->sockets.end(), *to) == node->sockets.end())
        continue;
      auto bytes = d.bytes;
      node->agent.handle_datagram(now, Path{*to, d.from}, bytes);
      drain(*node);
    }
  }

  // One thing that happens next, at or before `end`.
  bool step(Timestamp end) {
    Timestamp next = kNever;
    for (const auto& d : in_flight_) next = std::min(next, d.due);
    for (const auto& n : nodes) next = std::min(next, n->agent.next_timeout());
    if (next > end) return false;
    now = std::max(now, next);  // time never goes back
    const auto due = std::min_element(
        in_flight_.begin(), in_flight_.end(), [](const Datagram& a, const Datagram& b) {
          return std::pair{a.due, a.order} < std::pair{b.due, b.order};
        });
    if (due != in_flight_.end() && due->due <= now) {
      const Datagram d = *due;
      in_flight_.erase(due);
      deliver(d);
      return true;
    }
    for (auto& n : nodes) {
      if (n->agent.next_timeout() > now) continue;
      const auto before = n->sent + static_cast<int>(n->events.size());
      n->agent.handle_timeout(now);
      drain(*n);
      // The rule of every core: something came out, or the next deadline is later.
      const bool came_out = n->sent + static_cast<int>(n->events.size()) > before;
      REQUIRE((came_out || n->agent.next_timeout() > now));
      REQUIRE(++turns_ < 200'000);
    }
    return true;
  }

  Duration delay_;
  int order_ = 0;
  int turns_ = 0;
  std::vector<Datagram> in_flight_;
};

using Network = BasicNetwork<Agent>;

template <class Core>
bool is_connected(const BasicNode<Core>& n) {
  return n.agent.state() == State::connected || n.agent.state() == State::completed;
}

inline Config controlling() { return Config{}; }
inline Config controlled() {
  Config c;
  c.role = Role::controlled;
  return c;
}

}  // namespace parley::ice::test
