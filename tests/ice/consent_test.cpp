// Consent freshness (RFC 7675), silence and keepalives.
#include "ice/scripted_peer.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

TEST_CASE("consent checks leave every 4 to 6 seconds each a new transaction", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  std::vector<Duration> gaps;
  std::set<stun::TransactionId> ids;
  Timestamp last = s.now;
  for (int i = 0; i < 40; ++i) {
    const auto request = s.next_request();
    REQUIRE(request);
    gaps.push_back(s.now - last);
    last = s.now;
    ids.insert(stun::MessageView::parse(*request)->transaction_id());
    s.now += 10ms;
    s.receive(s.success(*request));
  }
  CHECK(*std::min_element(gaps.begin(), gaps.end()) >= 4s);
  CHECK(*std::max_element(gaps.begin(), gaps.end()) <= 6s);
  CHECK(*std::max_element(gaps.begin(), gaps.end()) - *std::min_element(gaps.begin(), gaps.end()) >
        500ms);  // randomised
  CHECK(ids.size() == 40);
  CHECK(s.agent.stats().pairs[0].consent_requests_sent == 40);
  CHECK(s.agent.state() == State::connected);
}

TEST_CASE("consent is not retransmitted and expires after 30 seconds", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  const Timestamp start = s.now;
  std::vector<Timestamp> sends;
  while (s.next_request()) sends.push_back(s.now);
  s.poll_events();
  CHECK(sends.size() >= 5);
  CHECK(sends.size() <= 7);
  for (std::size_t i = 1; i < sends.size(); ++i) CHECK(sends[i] - sends[i - 1] >= 4s);
  CHECK(s.now - start == 30s);
  CHECK(s.agent.state() == State::failed);
  CHECK(std::get<StateChanged>(s.events.back()).cause == Cause::consent_expired);
  CHECK_FALSE(s.agent.selected_path());
  CHECK_FALSE(s.agent.accepts(s.path));
  CHECK(s.agent.next_timeout() == kNever);
}

TEST_CASE("only authenticated responses renew consent", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  const Credentials right = s.credentials;
  const Timestamp start = s.now;
  while (auto request = s.next_request()) {
    s.credentials.password = "a password that is not right";
    s.receive(s.success(*request));
    s.credentials = right;
    // Requests and data of the peer do not renew it either.
    ScriptedPeer::Options o;
    o.controlled = 1;
    s.receive(s.request(o));
    s.agent.note_received(s.path, 100, s.now);
  }
  CHECK(s.agent.state() == State::failed);
  CHECK(s.now - start == 30s);
}

TEST_CASE("an answer to an earlier consent check counts", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  const auto first = *s.next_request();
  s.next_request();
  s.next_request();
  const Timestamp answered = s.now;
  s.receive(s.success(first));
  while (s.next_request()) {
  }
  CHECK(s.now - answered == 30s);
}

TEST_CASE("silence is reported as disconnected and ends with the next sign of life", "[ice]") {
  ScriptedPeer s;
  s.connect();
  const Timestamp start = s.now;
  Datagram request;
  while (s.agent.state() == State::connected) {
    if (auto d = s.next_request(1ms)) request = *d;
    s.now += 1ms;
    s.agent.handle_timeout(s.now);
    s.poll_events();
    REQUIRE(s.now - start < 20s);
  }
  CHECK(s.agent.state() == State::disconnected);
  CHECK(s.now - start >= 8s);
  CHECK(s.now - start < 8'100ms);
  CHECK(s.agent.selected_path());  // still the path to use
  SECTION("a consent response") { s.receive(s.success(request)); }
  SECTION("data") {
    s.agent.note_received(s.path, 10, s.now);
    s.poll_events();
  }
  SECTION("a check of the peer") {
    ScriptedPeer::Options o;
    o.controlled = 1;
    s.receive(s.request(o));
  }
  CHECK(s.agent.state() == State::connected);
}

TEST_CASE("a 403 to a consent check ends consent at once", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  s.receive(s.failure(*s.next_request(), 403));
  CHECK(s.agent.state() == State::failed);
}

TEST_CASE("other errors to a consent check only fail to renew it", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  s.receive(s.failure(*s.next_request(), 500));
  CHECK(s.agent.state() == State::connected);
  CHECK(s.agent.selected_path());
}

TEST_CASE("a lapsed path is not used again with the same credentials", "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  while (s.next_request()) {
  }
  REQUIRE(s.agent.state() == State::failed);
  ScriptedPeer::Options o;
  o.controlled = 1;
  CHECK(s.answer_to(s.request(o)) == 0);  // answered, and that is all
  CHECK_FALSE(s.next_request(10s));
  CHECK_FALSE(s.agent.accepts(s.path));
}

TEST_CASE("keepalives fill the gap when consent checks are rarer", "[ice][rfc8445]") {
  Config config;
  config.consent_interval = 100s;
  config.consent_expiry = 1000s;
  config.disconnected_after = 1000s;
  ScriptedPeer s{config};
  s.connect();
  const Timestamp start = s.now;
  const auto keepalive = s.next(20s);
  REQUIRE(keepalive);
  CHECK(s.now - start == 15s);
  const auto m = stun::MessageView::parse(*keepalive);
  CHECK(m->message_class() == stun::Class::indication);
  CHECK(m->check_fingerprint() == stun::Verdict::right);
  // Data of the owner is as good.
  s.now += 10s;
  s.agent.note_sent(s.path, 100, s.now);
  const Timestamp data = s.now;
  REQUIRE(s.next(20s));
  CHECK(s.now - data == 15s);
}

TEST_CASE("data is counted per pair", "[ice]") {
  ScriptedPeer s;
  s.connect();
  s.agent.note_sent(s.path, 100, s.now + 1ms);
  s.agent.note_sent(s.path, 50, s.now + 2ms);
  s.agent.note_received(s.path, 7, s.now + 3ms);
  s.agent.note_received(Path{s.path.local, at("198.51.100.9:9")}, 7, s.now);  // unknown: nothing
  const PairStats pair = s.agent.stats().pairs[0];
  CHECK(pair.packets_sent == 2);
  CHECK(pair.bytes_sent == 150);
  CHECK(pair.packets_received == 1);
  CHECK(pair.bytes_received == 7);
  CHECK(pair.last_packet_sent == s.now + 2ms);
  CHECK(pair.last_packet_received == s.now + 3ms);
}

TEST_CASE("two agents stay connected for ten minutes of silence and notice a cut", "[ice]") {
  Network net{25ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000")});
  net.signal(a, b);
  net.signal(b, a);
  net.run_for(600s);
  CHECK(a.states.back() == State::completed);
  CHECK(b.states.back() == State::completed);
  const std::vector<State> steady{State::checking, State::connected, State::completed};
  CHECK(a.states == steady);
  CHECK(b.states == steady);
  const Timestamp cut = net.now;
  a.is_cut = b.is_cut = true;
  REQUIRE(net.run_until([&] { return a.agent.state() == State::failed; }, 40s));
  CHECK(net.now - cut <= 30s);
  CHECK(net.now - cut >= 23s);
  CHECK(a.states[3] == State::disconnected);
}

TEST_CASE("pairs that were never checked do not delay failure when consent is lost",
          "[ice][rfc7675]") {
  ScriptedPeer s;
  s.connect();
  REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate(at("192.0.2.3:3"), 5)));
  const Timestamp start = s.now;
  while (s.next_request()) {
  }
  CHECK(s.agent.state() == State::failed);
  CHECK(s.now - start == 30s);
}

TEST_CASE("valid pairs keep their consent until one is nominated", "[ice][rfc7675]") {
  ScriptedPeer s{controlled()};
  s.start();
  REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate(at("192.0.2.3:3"), 5)));
  std::map<SocketAddress, int> requests;
  while (s.now < Timestamp{1040s}) {
    const auto request = s.next_request(10s);
    REQUIRE(request);
    ++requests[s.sent_paths.back().remote];
    s.receive(s.success(*request), s.sent_paths.back());
  }
  CHECK(requests.size() == 2);
  for (const auto& [address, n] : requests) CHECK(n >= 7);
  // The worse one is nominated after 40 s and needs no new check.
  ScriptedPeer::Options o;
  o.controlling = 1;
  o.use_candidate = true;
  Path worse = s.path;
  worse.remote = at("192.0.2.3:3");
  s.receive(s.request(o), worse);
  CHECK(s.agent.selected_path() == worse);
}
