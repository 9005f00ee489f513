// Role conflicts (RFC 8445 sections 7.2.5.1 and 7.3.1.1).
#include "ice/scripted_peer.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

TEST_CASE("two agents of the same role sort it out and complete", "[ice][rfc8445]") {
  const Config config = GENERATE(controlling(), controlled());
  const bool simultaneous = GENERATE(true, false);
  Network net{10ms};
  Node& a = net.add(config, {at("192.0.2.1:1000")});
  Node& b = net.add(config, {at("192.0.2.2:2000")});
  net.signal(a, b);
  if (!simultaneous) net.run_for(100ms);
  net.signal(b, a);
  net.run_for(5s);
  CHECK(a.agent.state() == State::completed);
  CHECK(b.agent.state() == State::completed);
  CHECK(a.agent.role() != b.agent.role());
  int changes = 0;
  for (const auto* node : {&a, &b}) {
    for (const Event& e : node->events) changes += std::holds_alternative<RoleChanged>(e) ? 1 : 0;
  }
  CHECK(changes == 1);
}

TEST_CASE("a request of the same role is answered by the tie-breakers", "[ice][rfc8445]") {
  struct Row {
    Role ours;
    std::uint64_t rival;
    int answer;
    Role after;
  };
  // The tie-breaker of the agent is neither 0 nor the largest.
  const auto row = GENERATE(Row{Role::controlling, 0, 487, Role::controlling},
                            Row{Role::controlling, UINT64_MAX, 0, Role::controlled},
                            Row{Role::controlled, 0, 0, Role::controlling},
                            Row{Role::controlled, UINT64_MAX, 487, Role::controlled});
  Config config;
  config.role = row.ours;
  ScriptedPeer s{config};
  ScriptedPeer::Options o;
  (row.ours == Role::controlling ? o.controlling : o.controlled) = row.rival;
  CHECK(s.answer_to(s.request(o)) == row.answer);
  CHECK(s.agent.role() == row.after);
  CHECK(s.count<RoleChanged>() == (row.ours == row.after ? 0 : 1));
  // A 487 carries integrity with the password of the agent.
  Hmac key{DigestAlgorithm::sha1, as_bytes(s.agent.local_credentials().password)};
  CHECK(stun::MessageView::parse(s.last_answer)->check_integrity(key) == stun::Verdict::right);
}

TEST_CASE("equal tie-breakers keep or give the controlling role to the receiver",
          "[ice][rfc8445]") {
  const Role ours = GENERATE(Role::controlling, Role::controlled);
  Config config;
  config.role = ours;
  ScriptedPeer s{config};
  s.start();
  const std::uint64_t tie = tie_breaker_of(*s.next_request());
  ScriptedPeer::Options o;
  (ours == Role::controlling ? o.controlling : o.controlled) = tie;
  CHECK(s.answer_to(s.request(o)) == (ours == Role::controlling ? 487 : 0));
  CHECK(s.agent.role() == Role::controlling);
}

TEST_CASE("opposite roles are no conflict whatever the tie-breakers", "[ice][rfc8445]") {
  ScriptedPeer s;
  ScriptedPeer::Options o;
  o.controlled = UINT64_MAX;
  CHECK(s.answer_to(s.request(o)) == 0);
  CHECK(s.agent.role() == Role::controlling);
}

TEST_CASE("a 487 switches the role and the tie-breaker and repeats the check", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  const auto first = *s.next_request();
  REQUIRE(is_controlling_request(first));
  const auto priority_before = s.agent.stats().pairs[0].priority;
  s.receive(s.failure(first, 487));
  CHECK(s.agent.role() == Role::controlled);
  CHECK(s.count<RoleChanged>() == 1);
  CHECK(s.agent.stats().pairs[0].priority != priority_before);
  const auto second = s.next_request(50ms);
  REQUIRE(second);
  CHECK_FALSE(is_controlling_request(*second));
  CHECK(tie_breaker_of(*second) != tie_breaker_of(first));
}

TEST_CASE("487s to several requests in flight switch the role once", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate(at("192.0.2.3:3"))));
  const auto one = *s.next_request();
  const auto two = *s.next_request();
  s.receive(s.failure(one, 487));
  // The second 487 is about a request that claimed the old role: there is nothing to switch.
  Path other = s.path;
  other.remote = at("192.0.2.3:3");
  s.receive(s.failure(two, 487), s.sent_paths[0] == other ? s.path : other);
  CHECK(s.agent.role() == Role::controlled);
  CHECK(s.count<RoleChanged>() == 1);
}

TEST_CASE("an endless row of 487s ends with a failed pair", "[ice]") {
  ScriptedPeer s;
  s.start();
  int answers = 0;
  while (auto request = s.next_request(2s)) {
    s.receive(s.failure(*request, 487));
    REQUIRE(++answers < 20);
  }
  CHECK(s.agent.stats().pairs[0].state == PairState::failed);
}

TEST_CASE("an unauthenticated 487 changes nothing", "[ice][rfc8489]") {
  ScriptedPeer s;
  s.start();
  const auto request = *s.next_request();
  s.credentials.password = "not the password of the peer";
  s.receive(s.failure(request, 487));
  CHECK(s.agent.role() == Role::controlling);
  CHECK(s.agent.stats().drops.unauthenticated == 1);
}

TEST_CASE("set_role recomputes priorities without an event", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  const auto before = s.agent.stats().pairs[0].priority;
  s.agent.set_role(Role::controlled);
  s.poll_events();
  CHECK(s.agent.stats().pairs[0].priority != before);
  CHECK(s.count<RoleChanged>() == 0);
  CHECK_FALSE(is_controlling_request(*s.next_request()));
}
