// What strangers and broken peers send.
#include "ice/scripted_peer.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

TEST_CASE("requests without or with wrong credentials change nothing", "[ice][rfc8489]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  o.controlled = 1;
  int expected = 401;
  SECTION("another local fragment") { o.username = "abcdefgh:peer"; }
  SECTION("no colon") { o.username = s.agent.local_credentials().ufrag; }
  SECTION("a prefix of the fragment") {
    o.username = s.agent.local_credentials().ufrag.substr(0, 4) + ":peer";
  }
  SECTION("wrong password") { o.password = "a password that is not right"; }
  SECTION("the password of the peer") { o.password = s.credentials.password; }
  SECTION("no integrity") {
    o.with_integrity = false;
    expected = 400;
  }
  CHECK(s.answer_to(s.request(o)) == expected);
  CHECK(s.agent.stats().drops.unauthenticated == 1);
  CHECK(s.agent.stats().pairs[0].requests_received == 0);
  CHECK_FALSE(s.agent.accepts(s.path));
  // And such an answer is not longer than the question.
  CHECK(s.last_answer.size() <= s.request(o).size());
}

TEST_CASE("a bare Binding request gets no answer that is longer", "[ice]") {
  ScriptedPeer s;
  Datagram bytes(stun::kHeaderSize);
  stun::MessageWriter out{bytes, stun::Class::request, stun::Method::binding,
                          stun::TransactionId{}};
  REQUIRE(out.finish().size() == bytes.size());
  s.receive(bytes);
  CHECK_FALSE(s.poll());
}

TEST_CASE("unknown required attributes in a check get 420 and optional ones are ignored",
          "[ice][rfc8489]") {
  ScriptedPeer s;
  ScriptedPeer::Options o;
  o.controlled = 1;
  o.extra = static_cast<stun::Attribute>(0x7001);
  CHECK(s.answer_to(s.request(o)) == 420);
  const auto list =
      stun::MessageView::parse(s.last_answer)->find(stun::Attribute::unknown_attributes);
  REQUIRE(list);
  REQUIRE(list->size() == 2);
  CHECK(load_be16(list->data()) == 0x7001);
  // libwebrtc's NETWORK-COST, NOMINATION and GOOG attributes, and those of SPED.
  const auto type = GENERATE(0xC057, 0xC001, 0xC059, 0xC060, 0xC070, 0xC071);
  o.extra = static_cast<stun::Attribute>(type);
  CHECK(s.answer_to(s.request(o)) == 0);
}

TEST_CASE("other methods and classes and wrong fingerprints are counted and dropped", "[ice]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  o.controlled = 1;
  Datagram m = s.request(o);
  SECTION("another method") { store_be16(m.data(), 0x0003); }
  SECTION("a wrong fingerprint") { m.back() = static_cast<std::uint8_t>(m.back() ^ 1); }
  SECTION("cut") { m.resize(m.size() - 4); }
  SECTION("DTLS") { m[0] = 22; }
  s.receive(m);
  CHECK(s.agent.stats().drops.not_stun == 1);
  CHECK(s.agent.stats().pairs[0].requests_received == 0);
}

TEST_CASE("datagrams for a socket that is none of ours are dropped", "[ice]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  Path path = s.path;
  path.local.port = 1001;
  s.receive(s.request(o), path);
  CHECK(s.agent.stats().drops.unknown_socket == 1);
}

TEST_CASE("a response that nobody asked for is dropped", "[ice]") {
  ScriptedPeer s;
  s.start();
  s.receive(s.success(s.request({})));
  CHECK(s.agent.stats().drops.unexpected_response == 1);
  const auto request = *s.next_request();
  s.receive(s.success(request));
  s.receive(s.success(request));  // a copy
  CHECK(s.agent.stats().drops.unexpected_response == 2);
}

TEST_CASE("every single-bit flip of a check is harmless", "[ice]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  o.controlled = 1;
  const Datagram good = s.request(o);
  // FINGERPRINT stands behind what integrity covers: a flip that hides it is no forgery.
  for (std::size_t bit = 0; bit < (good.size() - 8) * 8; ++bit) {
    Datagram bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    s.receive(bad);
    while (s.poll()) {
    }
  }
  CHECK(s.agent.stats().pairs[0].requests_received == 0);
  CHECK(s.agent.role() == Role::controlling);
}

TEST_CASE("every single-bit flip of a response is harmless", "[ice]") {
  ScriptedPeer s;
  s.start();
  const Datagram good = s.success(*s.next_request());
  for (std::size_t bit = 0; bit < (good.size() - 8) * 8; ++bit) {
    Datagram bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    s.receive(bad);
  }
  CHECK_FALSE(s.agent.selected_path());
  s.receive(good);
  CHECK(s.agent.selected_path());
}

TEST_CASE("garbage in any amount grows nothing", "[ice]") {
  ScriptedPeer s;
  s.start();
  SeededRandom random{3};
  for (int i = 0; i < 2000; ++i) {
    Datagram bytes(random.below(200));
    random.fill(bytes);
    if (bytes.size() >= 20 && i % 2 == 0) {
      bytes[0] = 0;
      bytes[1] = static_cast<std::uint8_t>(1 + 16 * random.below(2));
      store_be16(&bytes[2], static_cast<std::uint16_t>(bytes.size() - 20));
      store_be32(&bytes[4], stun::kMagicCookie);
    }
    s.receive(bytes);
  }
  const Stats stats = s.agent.stats();
  CHECK(stats.pairs.size() == 1);
  CHECK(stats.remote_candidates.size() == 1);
  CHECK(stats.drops.not_stun + stats.drops.unauthenticated + stats.drops.unexpected_response +
            stats.drops.over_limit >=
        1500);
}

TEST_CASE("checks from countless addresses stop at the limits", "[ice]") {
  ScriptedPeer s;
  s.set_credentials();
  ScriptedPeer::Options o;
  o.controlled = 1;
  for (std::uint16_t port = 1; port <= 300; ++port) {
    s.receive(s.request(o), Path{s.path.local, {s.path.remote.ip, port}});
    s.now += 1ms;
    while (s.poll()) {
    }
  }
  const Stats stats = s.agent.stats();
  CHECK(stats.remote_candidates.size() == 100);
  CHECK(stats.pairs.size() == 100);
  CHECK(stats.drops.over_limit == 200);
}

TEST_CASE("mapped addresses that never repeat do not grow the list without end", "[ice]") {
  Config config;
  config.max_local_candidates = 4;
  ScriptedPeer s{config};
  s.set_credentials();
  for (std::uint16_t port = 1; port <= 20; ++port) {
    REQUIRE(s.agent.add_remote_candidate(s.now, s.candidate({s.path.remote.ip, port})));
  }
  for (int i = 0; i < 15; ++i) {
    const auto request = s.next_request(1s);
    if (!request) break;
    const Path by = s.sent_paths.back();
    s.receive(s.response(*request, 0,
                         [&](stun::MessageWriter& w) {
                           w.add_xor_address(
                               stun::Attribute::xor_mapped_address,
                               {s.path.local.ip, static_cast<std::uint16_t>(5000 + i)});
                         }),
              by);
  }
  CHECK(s.agent.stats().local_candidates.size() <= 4);
}

// A peer that restarts may check the old candidates before it has the answer; whom it heard from it
// would choose.
TEST_CASE("a check of another session of the peer is neither answered nor followed",
          "[ice][rfc8445]") {
  ScriptedPeer s;
  s.set_credentials();
  ScriptedPeer::Options o;
  o.controlled = 1;
  o.username = s.agent.local_credentials().ufrag + ":fork";
  CHECK(s.answer_to(s.request(o)) == -1);
  CHECK(s.agent.stats().pairs.empty());
}

TEST_CASE("a repeated request gets the same answer", "[ice][rfc8489]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  o.controlled = 1;
  const Datagram request = s.request(o);
  REQUIRE(s.answer_to(request) == 0);
  const Datagram first = s.last_answer;
  s.now += 500ms;
  REQUIRE(s.answer_to(request) == 0);
  CHECK(s.last_answer == first);
}

TEST_CASE("indications are ignored whatever they carry", "[ice][rfc8489]") {
  ScriptedPeer s;
  s.start();
  ScriptedPeer::Options o;
  o.controlled = 1;
  o.extra = static_cast<stun::Attribute>(0x7001);
  Datagram m = s.request(o);
  m.resize(m.size() - 8);  // FINGERPRINT would notice the change
  store_be16(&m[2], static_cast<std::uint16_t>(m.size() - stun::kHeaderSize));
  m[1] |= 0x10;
  const auto requests = s.agent.stats().pairs[0].requests_received;
  s.receive(m);
  CHECK(s.agent.stats().pairs[0].requests_received == requests);
  CHECK_FALSE(s.agent.accepts(s.path));
}

TEST_CASE("an error without integrity leaves the check to its retransmissions", "[ice][rfc8489]") {
  // What a peer answers that does not know our fragment yet, or any more.
  ScriptedPeer s;
  s.start();
  const auto request = *s.next_request();
  Datagram bytes(100);
  stun::MessageWriter out{bytes, stun::Class::error_response, stun::Method::binding,
                          stun::MessageView::parse(request)->transaction_id()};
  out.add_error(401, "");
  out.add_fingerprint();
  bytes.resize(out.finish().size());
  s.receive(bytes);
  CHECK(s.agent.stats().pairs[0].state == PairState::in_progress);
  s.receive(s.success(*s.next_request(500ms)));
  CHECK(s.agent.selected_path() == s.path);
}

TEST_CASE("a check tells which agent it is for", "[ice][rfc8445]") {
  ScriptedPeer s;
  const Datagram check = s.request({});
  CHECK(addressed_ufrag(check) == s.agent.local_credentials().ufrag);
  CHECK_FALSE(addressed_ufrag(s.success(check)));
  ScriptedPeer::Options o;
  o.username = "nocolon";
  CHECK_FALSE(addressed_ufrag(s.request(o)));
  CHECK_FALSE(addressed_ufrag({}));
}
