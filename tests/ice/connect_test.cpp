// Two agents on a small network: how they find a path, and how fast.
#include "ice/network.hpp"
#include "ice/scripted_peer.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

namespace {

const PairStats* selected_pair(const Stats& stats) {
  for (const PairStats& p : stats.pairs) {
    if (p.selected) return &p;
  }
  return nullptr;
}

const PairStats& require_selected(const Stats& stats) {
  const PairStats* const p = selected_pair(stats);
  REQUIRE(p != nullptr);
  return *p;
}

}  // namespace

TEST_CASE("two agents on a clean path complete on one nominated pair", "[ice][rfc8445]") {
  Network net;
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  net.signal(a, b);
  net.signal(b, a);
  REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 10ms));
  net.run_for(1s);
  CHECK(a.agent.state() == State::completed);
  CHECK(b.agent.state() == State::completed);
  CHECK(a.states == std::vector<State>{State::checking, State::connected, State::completed});
  CHECK(a.agent.selected_path() == Path{at("192.0.2.1:1000"), at("192.0.2.2:2000")});
  CHECK(b.agent.selected_path() == Path{at("192.0.2.2:2000"), at("192.0.2.1:1000")});
  const Stats stats = a.agent.stats();
  const PairStats& pair = require_selected(stats);
  CHECK(pair.nominated);
  CHECK(pair.state == PairState::succeeded);
  CHECK(stats.local_candidates[pair.local].type == CandidateType::host);
  CHECK(a.agent.accepts(*a.agent.selected_path()));
  CHECK_FALSE(a.agent.accepts(Path{at("192.0.2.1:1000"), at("192.0.2.2:2001")}));
}

TEST_CASE("set-up takes four one-way trips at most", "[ice]") {
  Network net{40ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  const Timestamp start = net.now;
  SECTION("both know each other at once") {
    net.signal(a, b);
    net.signal(b, a);
    REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 81ms));
  }
  SECTION("the answer takes its time") {
    net.signal(a, b);
    net.run_for(40ms);
    net.signal(b, a);
    REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 81ms));
  }
  CHECK(net.now - start <= 160ms);
  CHECK(a.agent.round_trip_time() == Duration{80ms});
}

TEST_CASE("the first check leaves at once and others at the pace", "[ice][rfc8445]") {
  Network net;
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:1"), at("192.0.2.3:1"), at("192.0.2.4:1")});
  b.is_cut = true;
  const Timestamp start = net.now;
  net.signal(b, a);
  net.run_for(149ms);
  REQUIRE(a.sent_at.size() == 3);
  CHECK(a.sent_at[0] == start);
  CHECK(a.sent_at[1] == start + 50ms);
  CHECK(a.sent_at[2] == start + 100ms);
}

TEST_CASE("agents connect over IPv6 and prefer it", "[ice][rfc8421]") {
  Network net;
  Node& a = net.add(controlling(), {at("192.0.2.1:1000"), at("[2001:db8::1]:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000"), at("[2001:db8::2]:2000")});
  net.signal(a, b);
  net.signal(b, a);
  net.run_for(1s);
  REQUIRE(a.agent.selected_path());
  CHECK(a.agent.selected_path()->remote == at("[2001:db8::2]:2000"));
  CHECK(b.agent.selected_path()->remote == at("[2001:db8::1]:1000"));
}

TEST_CASE("lost checks are repeated and the pair still connects", "[ice][rfc8489]") {
  Network net{10ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  a.lost = {0, 1, 3};
  b.lost = {0, 2};
  net.signal(a, b);
  net.signal(b, a);
  REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 3s));
  net.run_for(3s);
  CHECK(a.agent.state() == State::completed);
  CHECK(b.agent.state() == State::completed);
}

TEST_CASE("a better pair is waited for only shortly", "[ice]") {
  // The best pair of the four is dead; the other one answers after its turn.
  Network net{5ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000"), at("192.0.2.3:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  std::vector<Candidate> of_b = Network::candidates(b);
  Candidate dead = of_b[0];
  dead.address = at("192.0.2.99:9");
  dead.priority = of_b[0].priority + 1000;
  dead.foundation = "dead";
  net.signal(a, b);
  REQUIRE(a.agent.add_remote_candidate(net.now, dead));
  net.signal(b, a);
  const Timestamp start = net.now;
  REQUIRE(net.run_until([&] { return a.agent.state() == State::completed; }, 1s));
  CHECK(net.now - start < 300ms);
  CHECK(require_selected(a.agent.stats()).nominated);
}

TEST_CASE("agents behind address translators meet by server-reflexive candidates",
          "[ice][rfc8445]") {
  Network net{20ms};
  net.stun_server = at("198.51.100.1:3478");
  Nat nat_a{NatKind::cone, *IpAddress::parse("203.0.113.1"), 40'000, {}};
  Nat nat_b{NatKind::cone, *IpAddress::parse("203.0.113.2"), 50'000, {}};
  Node& a = net.add(controlling(), {at("10.0.0.1:1000")}, nat_a);
  Node& b = net.add(controlled(), {at("10.0.1.1:2000")}, nat_b);
  net.run_for(100ms);
  CHECK(a.agent.gathering_state() == GatheringState::complete);
  REQUIRE(Network::candidates(a).size() == 2);
  const Candidate srflx = Network::candidates(a)[1];
  CHECK(srflx.type == CandidateType::server_reflexive);
  CHECK(srflx.address == at("203.0.113.1:40000"));
  CHECK(srflx.related == at("10.0.0.1:1000"));
  net.signal(a, b);
  net.run_for(20ms);
  net.signal(b, a);
  REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 2s));
  net.run_for(1s);
  CHECK(a.agent.selected_path() == Path{at("10.0.0.1:1000"), at("203.0.113.2:50000")});
  const Stats stats = a.agent.stats();
  const PairStats& pair = require_selected(stats);
  CHECK(stats.local_candidates[pair.local].type == CandidateType::server_reflexive);
  CHECK(stats.remote_candidates[pair.remote].type == CandidateType::server_reflexive);
}

TEST_CASE("behind a symmetric translator both sides learn peer-reflexive candidates",
          "[ice][rfc8445]") {
  Network net{20ms};
  net.stun_server = at("198.51.100.1:3478");
  Nat nat{NatKind::symmetric, *IpAddress::parse("203.0.113.1"), 40'000, {}};
  const bool controlling_is_inside = GENERATE(true, false);
  Node& a =
      net.add(controlling_is_inside ? controlling() : controlled(), {at("10.0.0.1:1000")}, nat);
  Node& b = net.add(controlling_is_inside ? controlled() : controlling(), {at("192.0.2.2:2000")});
  net.run_for(100ms);
  net.signal(a, b);
  net.signal(b, a);
  REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 2s));
  net.run_for(1s);
  const Stats of_a = a.agent.stats();
  const Stats of_b = b.agent.stats();
  const PairStats& pair_a = require_selected(of_a);
  const PairStats& pair_b = require_selected(of_b);
  // The port towards b is another than the one that the STUN server saw.
  CHECK(of_a.local_candidates[pair_a.local].type == CandidateType::peer_reflexive);
  CHECK(of_a.local_candidates[pair_a.local].address == at("203.0.113.1:40001"));
  CHECK(of_b.remote_candidates[pair_b.remote].type == CandidateType::peer_reflexive);
  CHECK(pair_a.nominated);
  CHECK(pair_b.nominated);
  // RFC 8445 section 7.3.1.3: the priority is that of the PRIORITY attribute.
  CHECK(of_b.remote_candidates[pair_b.remote].priority ==
        of_a.local_candidates[pair_a.local].priority);
}

TEST_CASE("checks before the answer are answered and triggered when it comes", "[ice][rfc8445]") {
  Network net{10ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  net.signal(a, b);  // b answers, but its answer is on the way
  net.run_for(300ms);
  CHECK(is_connected(b));  // a has answered with its own password alone
  CHECK(a.agent.state() == State::new_);
  CHECK(a.agent.accepts(Path{at("192.0.2.1:1000"), at("192.0.2.2:2000")}));
  const Timestamp start = net.now;
  net.signal(b, a, false);  // credentials without any candidate
  REQUIRE(net.run_until([&] { return is_connected(a); }, 1s));
  CHECK(net.now - start == 20ms);
  const Stats stats = a.agent.stats();
  REQUIRE(stats.remote_candidates.size() == 1);
  CHECK(stats.remote_candidates[0].type == CandidateType::peer_reflexive);
}

TEST_CASE("a signalled candidate takes over the learned one and keeps its pair", "[ice][rfc8445]") {
  Network net{10ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  net.signal(a, b);
  net.signal(b, a, false);
  net.run_for(200ms);
  const auto id = require_selected(a.agent.stats()).id;
  const auto learned = require_selected(a.agent.stats()).priority;
  net.signal(b, a);
  const Stats stats = a.agent.stats();
  REQUIRE(stats.remote_candidates.size() == 1);
  REQUIRE(stats.pairs.size() == 1);
  CHECK(stats.remote_candidates[0].type == CandidateType::host);
  CHECK(stats.remote_candidates[0].foundation == Network::candidates(b)[0].foundation);
  CHECK(require_selected(stats).id == id);
  CHECK(require_selected(stats).priority > learned);
}

TEST_CASE("early checks are bounded", "[ice]") {
  Network net;
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Hmac key{DigestAlgorithm::sha1, as_bytes(a.agent.local_credentials().password)};
  for (std::uint16_t port = 1; port <= 100; ++port) {
    std::array<std::uint8_t, 300> storage;
    stun::MessageWriter out{storage, stun::Class::request, stun::Method::binding,
                            stun::TransactionId{}};
    out.add_text(stun::Attribute::username, a.agent.local_credentials().ufrag + ":peer");
    out.add_u32(stun::Attribute::priority, 1);
    out.add_integrity(key);
    const Bytes m = out.finish();
    a.agent.handle_datagram(net.now, Path{at("192.0.2.1:1000"), {at("192.0.2.9:1").ip, port}},
                            MutableBytes{storage}.first(m.size()));
  }
  // 32 remembered, 64 responses queued.
  CHECK(a.agent.stats().drops.over_limit == 68 + 36);
}

TEST_CASE("without any candidate the agent fails when its patience ends", "[ice][rfc8863]") {
  Network net{10ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  REQUIRE(a.agent.set_remote_credentials(net.now, b.agent.local_credentials()));
  REQUIRE(b.agent.set_remote_credentials(net.now, a.agent.local_credentials()));
  net.run_for(39s);
  CHECK(a.agent.state() == State::new_);
  net.run_for(1s);
  CHECK(a.agent.state() == State::failed);
  CHECK(std::get<StateChanged>(a.events.back()).cause == Cause::no_pairs);
  CHECK(a.agent.next_timeout() == kNever);
}

TEST_CASE("candidates trickle in both directions", "[ice][rfc8838]") {
  Network net{10ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  REQUIRE(a.agent.set_remote_credentials(net.now, b.agent.local_credentials()));
  REQUIRE(b.agent.set_remote_credentials(net.now, a.agent.local_credentials()));
  net.run_for(20s);
  CHECK(a.agent.state() == State::new_);
  REQUIRE(a.agent.add_remote_candidate(net.now, Network::candidates(b)[0]));
  net.drain(a);
  REQUIRE(net.run_until([&] { return is_connected(a) && is_connected(b); }, 200ms));
  net.run_for(1s);
  CHECK(a.agent.state() == State::connected);  // more candidates may come
  a.agent.end_of_remote_candidates(net.now);
  net.drain(a);
  CHECK(a.agent.state() == State::completed);
}

TEST_CASE("a check from loopback to another address of the host proves its path",
          "[ice][rfc8445]") {
  // Chromium on the same host: its 127.0.0.1 asks all our addresses.
  ScriptedPeer s{controlled()};
  s.set_credentials();
  const Path path{s.path.local, at("127.0.0.1:3000")};
  ScriptedPeer::Options o;
  o.controlling = 1;
  s.receive(s.request(o), path);
  CHECK(s.agent.accepts(path));
  REQUIRE(s.next_request());
  CHECK(s.sent_paths.back() == path);
}

TEST_CASE("loopback is not asked from another address unless it asked first", "[ice][rfc8445]") {
  ScriptedPeer s{controlled()};
  s.set_credentials();
  REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate(at("127.0.0.1:3000"))));
  CHECK_FALSE(s.next_request(5s));
}
