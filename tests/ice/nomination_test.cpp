// Nomination and selection (RFC 8445 section 8).
#include "ice/scripted_peer.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

namespace {

ScriptedPeer::Options nomination() {
  ScriptedPeer::Options o;
  o.controlling = 1;
  o.use_candidate = true;
  return o;
}

stun::TransactionId transaction(const Datagram& bytes) {
  return stun::MessageView::parse(bytes)->transaction_id();
}

}  // namespace

TEST_CASE("the controlling side repeats the check with USE-CANDIDATE", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  const auto check = *s.next_request();
  CHECK_FALSE(nominates(check));
  s.receive(s.success(check));
  // Data may flow on the valid pair already.
  CHECK(s.agent.selected_path() == s.path);
  CHECK_FALSE(s.agent.stats().pairs[0].nominated);
  const auto again = *s.next_request(0ms);  // not held back by the pace
  CHECK(nominates(again));
  s.receive(s.success(again));
  CHECK(s.agent.stats().pairs[0].nominated);
  const auto* last = std::get_if<SelectedPairChanged>(&s.events.back());
  REQUIRE(last != nullptr);
  CHECK(last->nominated);
}

TEST_CASE("only one pair is nominated and checks end with it", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.connect();
  REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate(at("192.0.2.3:3"), 0x7EFF'FFFF)));
  const auto request = s.next_request(3s);
  CHECK_FALSE(request);
}

TEST_CASE("a nomination that is not answered gives way to another pair", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate(at("192.0.2.3:3"), 1000)));
  Path other = s.path;
  other.remote = at("192.0.2.3:3");
  std::optional<Path> nominated;
  // The peer answers checks on both pairs but no nomination on the better one.
  for (int i = 0; i < 60 && !nominated; ++i) {
    const auto request = s.next_request(60s);
    REQUIRE(request);
    const Path by = s.sent_paths.back();
    if (nominates(*request) && by == other) nominated = by;
    if (!nominates(*request)) s.receive(s.success(*request), by);
  }
  CHECK(nominated == other);
}

TEST_CASE("a nomination whose answer is late is made again before it is retransmitted",
          "[ice][rfc8445]") {
  // With Firefox at 5 % loss: it waits for a nomination before it begins DTLS.
  ScriptedPeer s;
  s.start();
  s.receive(s.success(*s.next_request()));
  const auto lost = *s.next_request(0ms);
  REQUIRE(nominates(lost));
  const Timestamp sent_at = s.now;
  const auto again = *s.next_request(60ms);
  CHECK(nominates(again));
  CHECK(s.now == sent_at + 50ms);
  CHECK(transaction(again) != transaction(lost));
  SECTION("and an answer to the first will do") {
    s.receive(s.success(lost));
    CHECK(s.agent.stats().pairs[0].nominated);
  }
  SECTION("and an answer to the second will do") {
    s.receive(s.success(again));
    CHECK(s.agent.stats().pairs[0].nominated);
  }
  SECTION("three times at most") {
    for (int i = 0; i < 2; ++i) REQUIRE(s.next_request(50ms));
    REQUIRE(s.next_request());
    CHECK(s.now == sent_at + 150ms + 500ms);
  }
}

TEST_CASE("the controlled side uses a valid pair upon USE-CANDIDATE", "[ice][rfc8445]") {
  ScriptedPeer s{controlled()};
  s.start();
  s.receive(s.success(*s.next_request()));
  CHECK_FALSE(s.agent.stats().pairs[0].nominated);
  s.receive(s.request(nomination()));
  CHECK(s.agent.stats().pairs[0].nominated);
}

// Pion 3 nominates the best pair that was answered when another check comes on it.
TEST_CASE("a check on the best valid pair is returned once until there is a nomination", "[ice]") {
  ScriptedPeer s{controlled()};
  s.start();
  s.receive(s.success(*s.next_request()));
  CHECK_FALSE(s.next_request(0ms));
  ScriptedPeer::Options check;
  check.controlling = 1;
  s.receive(s.request(check));
  const auto another = s.next_request(0ms);
  REQUIRE(another);
  s.receive(s.success(*another));
  s.receive(s.request(check));
  CHECK_FALSE(s.next_request(0ms));
  s.receive(s.request(nomination()));
  CHECK_FALSE(s.next_request(0ms));
}

TEST_CASE("USE-CANDIDATE before the pair is valid nominates it when it is", "[ice][rfc8445]") {
  ScriptedPeer s{controlled()};
  s.set_credentials();
  s.receive(s.request(nomination()));
  CHECK_FALSE(s.agent.selected_path());
  const auto triggered = s.next_request(50ms);
  REQUIRE(triggered);
  s.receive(s.success(*triggered));
  CHECK(s.agent.stats().pairs[0].nominated);
  CHECK(s.agent.selected_path() == s.path);
}

TEST_CASE("USE-CANDIDATE before the answer nominates when the answer came", "[ice][rfc8445]") {
  ScriptedPeer s{controlled()};
  s.receive(s.request(nomination()));
  s.set_credentials();
  s.receive(s.success(*s.next_request(50ms)));
  CHECK(s.agent.stats().pairs[0].nominated);
}

TEST_CASE("a controlling side does not take orders", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  o.controlled = 1;
  o.use_candidate = true;
  s.receive(s.request(o));
  s.receive(s.success(*s.next_request()));
  CHECK_FALSE(s.agent.stats().pairs[0].nominated);
}

TEST_CASE("of several nominations the highest priority is used", "[ice][rfc5245]") {
  // An aggressive peer nominates each pair as it checks it: the worse one first.
  ScriptedPeer s{controlled()};
  s.set_credentials();
  Path worse = s.path;
  worse.remote = at("192.0.2.3:3");
  auto o = nomination();
  o.priority = 0x6E00'0001;
  s.receive(s.request(o), worse);
  s.receive(s.success(*s.next_request(50ms)), worse);
  CHECK(s.agent.selected_path() == worse);
  o.priority = 0x6E00'01FF;
  s.now += 300ms;
  s.receive(s.request(o));
  s.receive(s.success(*s.next_request(50ms)));
  CHECK(s.agent.selected_path() == s.path);
  // The worse one again, shortly after: no change.
  o.priority = 0x6E00'0001;
  s.now += 300ms;
  s.receive(s.request(o), worse);
  CHECK(s.agent.selected_path() == s.path);
}

TEST_CASE("a later nomination of a worse pair moves data to it", "[ice]") {
  // A renominating peer changes its network.
  ScriptedPeer s{controlled()};
  s.connect();
  Path worse = s.path;
  worse.remote = at("198.51.100.3:3");
  auto o = nomination();
  o.priority = 1;
  s.now += 3s;
  s.receive(s.request(o), worse);
  s.receive(s.success(*s.next_request(50ms)), worse);
  CHECK(s.agent.selected_path() == worse);
  CHECK(s.agent.accepts(worse));
  CHECK(s.agent.accepts(s.path));
}

TEST_CASE("after the conclusion checks are answered and not triggered", "[ice][rfc8445]") {
  ScriptedPeer s{controlled()};
  s.connect();
  Path other = s.path;
  other.remote = at("192.0.2.3:3");
  ScriptedPeer::Options o;
  o.controlling = 1;
  s.receive(s.request(o), other);
  CHECK(s.poll());
  CHECK_FALSE(s.next_request(1s));
}

TEST_CASE("a triggered check replaces the one in progress whose answer still counts",
          "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  const auto first = *s.next_request();
  s.now += 60ms;
  ScriptedPeer::Options o;
  o.controlled = 1;
  s.receive(s.request(o));
  CHECK(s.agent.stats().pairs[0].state == PairState::waiting);
  const auto second = *s.next_request(1ms);
  CHECK(stun::MessageView::parse(first)->transaction_id() !=
        stun::MessageView::parse(second)->transaction_id());
  s.receive(s.success(first));
  CHECK(s.agent.stats().pairs[0].state == PairState::succeeded);
}

TEST_CASE("a check on a failed pair revives it", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  s.receive(s.failure(*s.next_request(), 500));
  CHECK(s.agent.stats().pairs[0].state == PairState::failed);
  ScriptedPeer::Options o;
  o.controlled = 1;
  s.receive(s.request(o));
  const auto again = s.next_request(50ms);
  REQUIRE(again);
  s.receive(s.success(*again));
  CHECK(s.agent.selected_path() == s.path);
}

TEST_CASE("an asymmetric response fails the pair", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  const auto request = *s.next_request();
  Path by = s.path;
  by.remote = at("192.0.2.2:2001");
  s.receive(s.success(request), by);
  CHECK(s.agent.stats().pairs[0].state == PairState::failed);
  CHECK_FALSE(s.agent.selected_path());
}

TEST_CASE("responses that say nothing useful fail the pair", "[ice][rfc8489]") {
  ScriptedPeer s;
  s.start();
  const auto request = *s.next_request();
  SECTION("without a mapped address") {
    s.receive(s.response(request, 0, [](stun::MessageWriter&) {}));
  }
  SECTION("with an unknown required attribute") {
    s.receive(s.response(request, 0, [&](stun::MessageWriter& w) {
      w.add_xor_address(stun::Attribute::xor_mapped_address, s.path.local);
      w.add_u32(static_cast<stun::Attribute>(0x7FFF), 0);
    }));
  }
  SECTION("an error") { s.receive(s.failure(request, 400)); }
  CHECK(s.agent.stats().pairs[0].state == PairState::failed);
}

TEST_CASE("an unanswered check fails after its transaction and the agent with it",
          "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  s.agent.end_of_remote_candidates(s.now);
  const Timestamp start = s.now;
  const auto scheduled = transaction(*s.next_request());
  int sends = 1, beside = 0;
  while (const auto request = s.next_request()) {
    ++(transaction(*request) == scheduled ? sends : beside);
  }
  CHECK(sends == 7);
  CHECK(beside == 8);
  s.poll_events();
  CHECK(s.now - start == 39'500ms);
  CHECK(s.agent.state() == State::failed);
  CHECK(std::get<StateChanged>(s.events.back()).cause == Cause::checks_failed);
}

TEST_CASE("failure waits for the patience of RFC 8863", "[ice][rfc8863]") {
  ScriptedPeer s;
  s.start();
  s.agent.end_of_remote_candidates(s.now);
  s.receive(s.failure(*s.next_request(), 500));
  CHECK(s.agent.state() == State::checking);
  s.run_for(39s);
  CHECK(s.agent.state() == State::checking);
  // A check of the peer in the last moment saves the session.
  ScriptedPeer::Options o;
  o.controlled = 1;
  s.receive(s.request(o));
  s.receive(s.success(*s.next_request(50ms)));
  CHECK(s.agent.state() == State::connected);
}

TEST_CASE("the round trip of a repeated check is not measured", "[ice]") {
  Config config = controlling();
  config.check_again = 1s;
  ScriptedPeer s{config};
  s.start();
  s.next_request();
  const auto second = *s.next_request();  // 500 ms later
  s.now += 30ms;
  s.receive(s.success(second));
  CHECK_FALSE(s.agent.round_trip_time());
  const auto nomination_request = *s.next_request();
  s.now += 30ms;
  s.receive(s.success(nomination_request));
  CHECK(s.agent.round_trip_time() == Duration{30ms});
  const PairStats pair = s.agent.stats().pairs[0];
  CHECK(pair.total_round_trip_time == 30ms);
  CHECK(pair.requests_sent == 3);
  CHECK(pair.responses_received == 2);
}
