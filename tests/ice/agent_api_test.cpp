// The owner's calls: errors, order, closing, and what is never told.
#include "ice/scripted_peer.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

TEST_CASE("local credentials have the strength that RFC 8445 asks for", "[ice][rfc8445]") {
  SeededRandom random{1};
  Agent one{Config{}, random, Timestamp{1s}};
  Agent two{Config{}, random, Timestamp{1s}};
  const Credentials c = one.local_credentials();
  CHECK(c.ufrag.size() * 6 >= 24);
  CHECK(c.password.size() >= 22);
  CHECK(c.password.size() * 6 >= 128);
  CHECK(c.ufrag != two.local_credentials().ufrag);
  for (const char ch : c.ufrag + c.password) {
    CHECK((std::isalnum(static_cast<unsigned char>(ch)) != 0 || ch == '+' || ch == '/'));
  }
}

TEST_CASE("remote credentials are checked by length and not by characters", "[ice][rfc8839]") {
  ScriptedPeer s;
  const auto set = [&](std::string ufrag, std::string password) {
    const auto r = s.agent.set_remote_credentials(s.now, {std::move(ufrag), std::move(password)});
    return r ? std::optional<Errc>{} : r.error().code;
  };
  const std::string good(22, 'p');
  CHECK(set("abc", good) == Errc::invalid_argument);
  CHECK(set("abcd", std::string(21, 'p')) == Errc::invalid_argument);
  CHECK(set(std::string(257, 'u'), good) == Errc::invalid_argument);
  CHECK(set("abcd", std::string(257, 'p')) == Errc::invalid_argument);
  CHECK_FALSE(set("a-b_", good));  // no ice-chars, and seen in the field
  CHECK_FALSE(set("a-b_", good));  // the same again
  CHECK(set("abcd", good) == Errc::invalid_state);
}

TEST_CASE("the longest credentials fit a check", "[ice]") {
  ScriptedPeer s;
  s.credentials = {std::string(256, 'u'), std::string(256, 'p')};
  s.start();
  std::array<std::uint8_t, 600> storage{};
  const auto t = s.agent.poll_transmit(s.now, storage);
  REQUIRE(t);
  CHECK(stun::MessageView::parse(t->datagram)->check_fingerprint() == stun::Verdict::right);
}

TEST_CASE("the first check carries what RFC 8445 asks for", "[ice][rfc8445]") {
  ScriptedPeer s;
  s.start();
  const auto request = *s.next_request();
  const auto m = stun::MessageView::parse(request);
  CHECK(m->text(stun::Attribute::username) ==
        s.credentials.ufrag + ":" + s.agent.local_credentials().ufrag);
  Hmac key{DigestAlgorithm::sha1, as_bytes(s.credentials.password)};
  CHECK(m->check_integrity(key) == stun::Verdict::right);
  CHECK(m->check_fingerprint() == stun::Verdict::right);
  CHECK(m->has(stun::Attribute::ice_controlling));
  CHECK_FALSE(m->has(stun::Attribute::ice_controlled));
  // The type preference of peer-reflexive candidates, the local preference of the host candidate.
  const std::uint32_t host = s.agent.stats().local_candidates[0].priority;
  CHECK(m->u32(stun::Attribute::priority) == (host & 0x00FF'FFFFU) + (110U << 24));
}

TEST_CASE("addresses that cannot be bases are refused", "[ice][rfc8445]") {
  ScriptedPeer s;
  SeededRandom random{1};
  Agent agent{Config{}, random, s.now};
  const auto text = GENERATE("192.0.2.1:0", "0.0.0.0:1", "224.0.0.1:1", "[fe80::1]:1",
                             "[::ffff:192.0.2.1]:1", "[::]:1", "[ff02::1]:1");
  CHECK(agent.add_local_socket(s.now, at(text), {}).error().code == Errc::invalid_argument);
}

TEST_CASE("a socket is added once and none after the end", "[ice]") {
  SeededRandom random{1};
  const Timestamp now{1s};
  Agent agent{Config{}, random, now};
  REQUIRE(agent.add_local_socket(now, at("192.0.2.1:1"), {}));
  CHECK(agent.add_local_socket(now, at("192.0.2.1:1"), {}).error().code == Errc::invalid_argument);
  REQUIRE(agent.add_local_socket(now, at("192.0.2.1:2"), {}));
  agent.end_of_local_sockets(now);
  CHECK(agent.add_local_socket(now, at("192.0.2.1:3"), {}).error().code == Errc::invalid_state);
}

TEST_CASE("candidates that cannot be used are counted", "[ice][rfc8839]") {
  ScriptedPeer s;
  s.set_credentials();
  const auto line = GENERATE(
      "candidate:1 1 tcp 1 192.0.2.9 9 typ host tcptype active",
      "candidate:1 1 udp 1 6d1b4c3e-1a2b.local 5000 typ host",
      "candidate:1 2 udp 1 192.0.2.9 9 typ host", "candidate:1 1 udp 1 192.0.2.9 0 typ host",
      "candidate:1 1 udp 1 fe80::1 9 typ host", "candidate:1 1 udp 1 0.0.0.0 9 typ host",
      "candidate:1 1 udp 1 ::ffff:192.0.2.1 9 typ host", "candidate:1 1 udp 1 239.0.0.1 9 typ host",
      "candidate:1 1 udp 1 192.0.2.9 9 typ host ufrag another");
  const auto candidate = Candidate::parse(line);
  REQUIRE(candidate);
  CHECK(s.agent.add_remote_candidate(s.now, *candidate));
  CHECK(s.agent.stats().drops.unusable_candidates == 1);
  CHECK(s.agent.stats().remote_candidates.empty());
}

TEST_CASE("a relayed candidate of the peer is an address like any other", "[ice]") {
  ScriptedPeer s;
  s.set_credentials();
  REQUIRE(s.agent.add_remote_candidate(
      s.now, *Candidate::parse("candidate:1 1 udp 5 192.0.2.9 9 typ relay raddr 0.0.0.0 rport 0 "
                               "ufrag peer generation 0 network-cost 50")));
  CHECK(s.agent.stats().pairs.size() == 1);
}

TEST_CASE("remote candidates stop at their limit", "[ice]") {
  ScriptedPeer s;
  s.set_credentials();
  for (std::uint16_t port = 1; port <= 100; ++port) {
    REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate({s.path.remote.ip, port})));
  }
  CHECK(s.agent.add_remote_candidate(s.now, s.candidate({s.path.remote.ip, 101})).error().code ==
        Errc::too_large);
  // One that is known already is no more.
  CHECK(s.agent.add_remote_candidate(s.now, s.candidate({s.path.remote.ip, 5})));
}

TEST_CASE("closing stops everything and is told once", "[ice]") {
  ScriptedPeer s;
  s.connect();
  s.events.clear();
  s.agent.close();
  s.agent.close();
  s.poll_events();
  REQUIRE(s.events.size() == 1);
  CHECK(std::get<StateChanged>(s.events[0]).state == State::closed);
  CHECK(s.agent.next_timeout() == kNever);
  CHECK_FALSE(s.agent.selected_path());
  CHECK_FALSE(s.agent.accepts(s.path));
  // Inputs after that are harmless.
  s.receive(s.request({}));
  s.agent.handle_timeout(s.now + 100s);
  s.agent.note_sent(s.path, 1, s.now);
  s.agent.end_of_local_sockets(s.now);
  s.agent.end_of_remote_candidates(s.now);
  s.agent.add_stun_server(s.now, at("192.0.2.77:1"));
  CHECK_FALSE(s.poll());
  CHECK_FALSE(s.agent.poll_event());
  CHECK(s.agent.set_remote_credentials(s.now, s.credentials).error().code == Errc::closed);
  CHECK(s.agent.add_local_socket(s.now, at("192.0.2.1:7"), {}).error().code == Errc::closed);
  CHECK(s.agent.add_remote_candidate(s.now, s.candidate(at("192.0.2.7:7"))).error().code ==
        Errc::closed);
}

TEST_CASE("passwords and fragments are never logged", "[ice]") {
  struct Sink : LogSink {
    std::string all;
    bool wants(Severity) const override { return true; }
    void write(Severity, std::string_view, std::string_view line) override {
      all += line;
      all += '\n';
    }
  } sink;
  Config config;
  config.log = &sink;
  ScriptedPeer s{config};
  s.connect();
  s.agent.close();
  CHECK(sink.all.find("state connected") != std::string::npos);
  for (const auto& secret : {s.credentials.password, s.agent.local_credentials().password,
                             s.agent.local_credentials().ufrag}) {
    CHECK(sink.all.find(secret) == std::string::npos);
  }
}

TEST_CASE("an agent can be moved in the middle", "[ice]") {
  ScriptedPeer s;
  s.connect();
  Agent moved = std::move(s.agent);
  CHECK(moved.selected_path() == s.path);
  std::array<std::uint8_t, kMaxDatagramSize> storage;
  const Timestamp due = moved.next_timeout();
  moved.handle_timeout(due);
  CHECK(moved.poll_transmit(due, storage));
}
