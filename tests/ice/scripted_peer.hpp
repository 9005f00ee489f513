// One agent under test and a peer whose every message the test writes itself.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "ice/network.hpp"

namespace parley::ice::test {

using Datagram = std::vector<std::uint8_t>;

struct ScriptedPeer {
  explicit ScriptedPeer(const Config& config = controlling()) : agent(config, random, now) {
    NetworkInterface interface;
    REQUIRE(agent.add_local_socket(now, path.local, interface));
    agent.end_of_local_sockets(now);
    poll_events();
  }

  SeededRandom random{11};
  Timestamp now{1000s};
  Path path{at("192.0.2.1:1000"), at("192.0.2.2:2000")};  // as the agent sees it
  Agent agent;
  Credentials credentials{"peer", "the password of the peer"};
  std::vector<Event> events;
  std::vector<Path> sent_paths;
  std::uint8_t next_id = 1;

  void set_credentials() { REQUIRE(agent.set_remote_credentials(now, credentials)); }
  Candidate candidate(const SocketAddress& address, std::uint32_t priority = 0x7E00'0000) {
    Candidate c;
    c.foundation = "f" + std::to_string(address.port);
    c.address = address;
    c.priority = priority;
    return c;
  }
  void add_candidate() { REQUIRE(agent.add_remote_candidate(now, candidate(path.remote))); }
  void start() {
    set_credentials();
    add_candidate();
  }

  struct Options {
    std::optional<std::uint64_t> controlling, controlled;
    bool use_candidate = false;
    std::uint32_t priority = 0x6E00'01FF;
    std::string username;  // empty is the right one
    std::string password;  // empty is the right one
    bool with_integrity = true;
    std::optional<stun::Attribute> extra;
  };
  Datagram request(const Options& o) {
    Datagram bytes(500);
    stun::TransactionId id{};
    id[0] = next_id++;
    stun::MessageWriter out{bytes, stun::Class::request, stun::Method::binding, id};
    const Credentials& theirs = agent.local_credentials();
    out.add_text(stun::Attribute::username,
                 o.username.empty() ? theirs.ufrag + ":" + credentials.ufrag : o.username);
    out.add_u32(stun::Attribute::priority, o.priority);
    if (o.controlling) out.add_u64(stun::Attribute::ice_controlling, *o.controlling);
    if (o.controlled) out.add_u64(stun::Attribute::ice_controlled, *o.controlled);
    if (o.use_candidate) out.add_flag(stun::Attribute::use_candidate);
    if (o.extra) out.add_u32(*o.extra, 0);
    Hmac key{DigestAlgorithm::sha1, as_bytes(o.password.empty() ? theirs.password : o.password)};
    if (o.with_integrity) out.add_integrity(key);
    out.add_fingerprint();
    bytes.resize(out.finish().size());
    return bytes;
  }
  /// Signed with the password of the peer, as responses to the agent's requests are.
  Datagram response(Bytes to, int error, auto fill) {
    Datagram bytes(500);
    const auto m = stun::MessageView::parse(to);
    stun::MessageWriter out{
        bytes, error == 0 ? stun::Class::success_response : stun::Class::error_response,
        stun::Method::binding, m->transaction_id()};
    if (error != 0) out.add_error(error, "");
    fill(out);
    Hmac key{DigestAlgorithm::sha1, as_bytes(credentials.password)};
    out.add_integrity(key);
    out.add_fingerprint();
    bytes.resize(out.finish().size());
    return bytes;
  }
  Datagram success(Bytes to) {
    return response(to, 0, [&](stun::MessageWriter& w) {
      w.add_xor_address(stun::Attribute::xor_mapped_address, path.local);
    });
  }
  Datagram failure(Bytes to, int error) {
    return response(to, error, [](stun::MessageWriter&) {});
  }

  void receive(Datagram bytes) { receive(std::move(bytes), path); }
  void receive(Datagram bytes, const Path& by) {
    agent.handle_datagram(now, by, bytes);
    poll_events();
  }
  std::optional<Datagram> poll() {
    std::array<std::uint8_t, kMaxDatagramSize> storage;
    const auto t = agent.poll_transmit(now, storage);
    if (!t) return std::nullopt;
    sent_paths.push_back(t->path);
    return Datagram{t->datagram.begin(), t->datagram.end()};
  }
  /// The next datagram, moving time as far as `limit`.
  std::optional<Datagram> next(Duration limit = 60s) {
    const Timestamp end = now + limit;
    while (true) {
      if (auto d = poll()) return d;
      const Timestamp due = agent.next_timeout();
      if (due > end) return std::nullopt;
      now = std::max(now, due);
      agent.handle_timeout(now);
      poll_events();
    }
  }
  /// The next request of the agent; responses and indications before it are dropped.
  std::optional<Datagram> next_request(Duration limit = 60s) {
    while (auto d = next(limit)) {
      if (stun::MessageView::parse(*d)->message_class() == stun::Class::request) return d;
    }
    return std::nullopt;
  }
  /// What the agent answers at once to `bytes`: the error code, 0 for success, -1 for no answer.
  int answer_to(Datagram bytes) {
    const auto id = stun::MessageView::parse(bytes)->transaction_id();
    receive(std::move(bytes));
    while (auto d = poll()) {
      const auto m = stun::MessageView::parse(*d);
      if (m->transaction_id() != id) continue;
      last_answer = *d;
      const auto error = m->error_code();
      return error ? error->code : 0;
    }
    return -1;
  }
  /// Lets the time pass without answering anything.
  void run_for(Duration span) {
    const Timestamp end = now + span;
    while (next(end - now)) {
    }
    now = end;
  }
  /// Answers checks until the pair is valid and, for a controlling agent, nominated.
  void connect() {
    start();
    while (agent.state() != State::connected && agent.state() != State::completed) {
      receive(success(*next_request()));
    }
    if (agent.role() == Role::controlling) {
      receive(success(*next_request()));
    } else {
      Options o;
      o.controlling = 1;
      o.use_candidate = true;
      receive(request(o));
    }
    while (poll()) {
    }
    poll_events();
  }
  void poll_events() {
    while (auto e = agent.poll_event()) events.push_back(std::move(*e));
  }
  template <class T>
  int count() const {
    int n = 0;
    for (const Event& e : events) n += std::holds_alternative<T>(e) ? 1 : 0;
    return n;
  }
  Datagram last_answer;
};

inline bool is_controlling_request(Bytes m) {
  return stun::MessageView::parse(m)->has(stun::Attribute::ice_controlling);
}
inline std::uint64_t tie_breaker_of(Bytes m) {
  const auto view = stun::MessageView::parse(m);
  return view->u64(stun::Attribute::ice_controlling)
      .value_or(view->u64(stun::Attribute::ice_controlled).value_or(0));
}
inline bool nominates(Bytes m) {
  return stun::MessageView::parse(m)->has(stun::Attribute::use_candidate);
}

}  // namespace parley::ice::test
