// Handshake under loss, heartbeats, the two ways to end.
#include <algorithm>
#include <array>

#include "sctp/init_chunk.hpp"
#include "sctp/packet.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {
constexpr std::uint32_t kBinary = static_cast<std::uint32_t>(Ppid::binary);
const StreamId kOne{1};
}  // namespace

TEST_CASE("the handshake survives the loss of any of its packets", "[sctp][rfc9260]") {
  const int lost = GENERATE(0, 1, 2, 3);
  const bool of_a = GENERATE(true, false);
  const bool both_call = GENERATE(true, false);
  PathOptions path;
  (of_a ? path.lose_a : path.lose_b) = {lost};
  TwoPeers peers{{}, {}, path};
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(50)));
  peers.a.association->connect(peers.now);
  if (both_call) peers.b.association->connect(peers.now);
  peers.run_for(10s);
  CHECK(peers.a.association->state() == State::established);
  CHECK(peers.b.association->state() == State::established);
  CHECK(peers.b.messages.size() == 1);
  CHECK(peers.a.count<Connected>() == 1);
  CHECK(peers.b.count<Connected>() == 1);
}

TEST_CASE("a lost COOKIE ACK is repeated when data is not acknowledged", "[sctp][rfc9260]") {
  Config slow;
  slow.rto_initial = 3s;
  PathOptions path;
  path.lose_b = {1};  // the message rides with it
  TwoPeers peers{slow, {}, path};
  peers.a.association->connect(peers.now);
  REQUIRE(peers.b.association->send(peers.now, kOne, kBinary, pattern(1000)));
  peers.run_for(1s);
  CHECK(peers.a.association->state() == State::established);
  CHECK(peers.a.messages.size() == 1);
  CHECK(peers.b.association->stats().timeouts == 1);
}

TEST_CASE("an INIT that is repeated declares no zero checksums", "[sctp][rfc9653]") {
  TwoPeers peers;
  std::vector<bool> declared;
  peers.watch = [&](bool, const TwoPeers::Packet& bytes) {
    const auto packet = Packet::parse(bytes);
    REQUIRE(packet);
    const auto chunk = ChunkReader{packet->chunks}.next();
    REQUIRE(chunk);
    if (chunk->type == ChunkType::init) {
      declared.push_back(InitChunk::parse(chunk->value)->zero_checksum);
    }
  };
  peers.path.lose_a = {0, 1};
  peers.a.association->connect(peers.now);
  peers.run_for(5s);
  CHECK(declared == std::vector<bool>{true, false, false});
  CHECK(peers.b.association->state() == State::established);
}

TEST_CASE("a handshake without an answer goes on until it is ended", "[sctp][rfc9260]") {
  PathOptions path;
  path.loss = 1;
  TwoPeers peers{{}, {}, path};
  peers.a.association->connect(peers.now);
  peers.run_for(60s);
  CHECK(peers.a.association->state() == State::cookie_wait);
  CHECK(peers.a.sent > 10);
  Config limited;
  limited.max_retransmissions = 3;
  TwoPeers other{limited, {}, path};
  other.a.association->connect(other.now);
  other.run_for(60s);
  REQUIRE(other.a.last<Closed>() != nullptr);
  CHECK(other.a.last<Closed>()->cause == CloseCause::timed_out);
  CHECK(other.a.sent == 4);
}

TEST_CASE("the first retransmission timeout follows the round trip of ICE", "[sctp]") {
  PathOptions path;
  path.loss = 1;
  Config config;
  config.rto_min = 50ms;
  TwoPeers peers{config, {}, path};
  peers.a.association->set_round_trip_time(30ms);
  peers.a.association->connect(peers.now);
  CHECK(peers.a.association->next_timeout() == peers.now + 90ms);
}

TEST_CASE("shutdown delivers what was accepted and closes both sides", "[sctp][rfc9260]") {
  PathOptions path;
  path.loss = GENERATE(0.0, 0.15);
  TwoPeers peers{{}, {}, path};
  peers.connect();
  peers.run_for(5s);
  for (std::uint64_t i = 0; i < 30; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(5000, i)));
    REQUIRE(peers.b.association->send(peers.now, kOne, kBinary, pattern(700, i)));
  }
  peers.a.association->shutdown(peers.now);
  CHECK(peers.a.association->send(peers.now, kOne, kBinary, pattern(5)).error().code ==
        Errc::closed);
  peers.run_for(60s);
  CHECK(peers.b.messages.size() == 30);
  CHECK(peers.a.messages.size() == 30);
  for (const auto* side : {&peers.a, &peers.b}) {
    REQUIRE(side->last<Closed>() != nullptr);
    CHECK(side->last<Closed>()->cause == CloseCause::shutdown);
    CHECK(side->count<Closed>() == 1);
  }
  CHECK(peers.a.association->next_timeout() == kNever);
}

TEST_CASE("both sides may shut down at the same time", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  peers.a.association->shutdown(peers.now);
  peers.b.association->shutdown(peers.now);
  peers.run_for(10s);
  REQUIRE(peers.a.last<Closed>() != nullptr);
  REQUIRE(peers.b.last<Closed>() != nullptr);
  CHECK(peers.a.last<Closed>()->cause == CloseCause::shutdown);
  CHECK(peers.b.last<Closed>()->cause == CloseCause::shutdown);
}

TEST_CASE("abort ends both sides and tells the reason", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  peers.a.association->abort(peers.now, "enough");
  peers.run_for(1s);
  REQUIRE(peers.b.last<Closed>() != nullptr);
  CHECK(peers.a.last<Closed>()->cause == CloseCause::aborted_locally);
  CHECK(peers.b.last<Closed>()->cause == CloseCause::aborted_by_peer);
  CHECK(peers.b.last<Closed>()->code == 12);
  CHECK(peers.b.last<Closed>()->reason == "enough");
}

TEST_CASE("a peer that missed the abort learns of it with its next packet", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  peers.path.lose_a = {peers.a.sent};
  peers.a.association->abort(peers.now, "enough");
  peers.run_for(1s);
  CHECK(peers.b.association->state() == State::established);
  REQUIRE(peers.b.association->send(peers.now, kOne, kBinary, pattern(5)));
  peers.run_for(1s);
  REQUIRE(peers.b.last<Closed>() != nullptr);
  CHECK(peers.b.last<Closed>()->cause == CloseCause::aborted_by_peer);
}

TEST_CASE("heartbeats measure a silent path and are answered", "[sctp][rfc9260]") {
  Config config;
  config.heartbeat_interval = 5s;
  TwoPeers peers{config, config};
  peers.connect();
  const int before = peers.a.sent;
  peers.run_for(30s);
  CHECK(peers.a.sent - before >= 8);  // its own and the answers
  CHECK(peers.a.sent - before <= 14);
  REQUIRE(peers.a.association->stats().smoothed_round_trip);
  CHECK(*peers.a.association->stats().smoothed_round_trip == 20ms);
}

TEST_CASE("silence of the path ends nothing unless a limit says so", "[sctp]") {
  Config config;
  config.heartbeat_interval = 2s;
  TwoPeers peers{config};
  peers.connect();
  peers.path.loss = 1;
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(5)));
  peers.run_for(120s);
  CHECK(peers.a.association->state() == State::established);
  peers.path.loss = 0;
  peers.run_for(10s);
  CHECK(peers.b.messages.size() == 1);
}

TEST_CASE("checksums are left out only towards a peer that takes it so", "[sctp][rfc9653]") {
  Config without;
  without.zero_checksum = false;
  const bool b_offers = GENERATE(true, false);
  TwoPeers peers{{}, b_offers ? Config{} : without};
  int zero = 0;
  int whole = 0;
  bool init_or_cookie_without = false;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& p) {
    if (!from_a) return;
    const bool is_zero = load_be32(&p[8]) == 0;
    ++(is_zero ? zero : whole);
    if (is_zero && (p[12] == 1 || p[12] == 2 || p[12] == 10)) init_or_cookie_without = true;
  };
  peers.connect();
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(5000)));
  peers.run_for(1s);
  CHECK(peers.b.messages.size() == 1);
  CHECK_FALSE(init_or_cookie_without);
  CHECK((zero > 0) == b_offers);
  CHECK(whole > 0);
}

TEST_CASE("an INIT ACK declares zero checksums only to a peer that did", "[sctp][rfc9653]") {
  // Pion drops an INIT ACK with a parameter that it does not know.
  Config without;
  without.zero_checksum = false;
  const bool b_offers = GENERATE(true, false);
  TwoPeers peers{{}, b_offers ? Config{} : without};
  int acks = 0;
  int declared = 0;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& p) {
    if (!from_a || p[12] != 2) return;
    ++acks;
    constexpr std::array<std::uint8_t, 8> kParameter{0x80, 1, 0, 8, 0, 0, 0, 1};
    if (std::search(p.begin(), p.end(), kParameter.begin(), kParameter.end()) != p.end())
      ++declared;
  };
  peers.connect();
  REQUIRE(acks > 0);
  CHECK(declared == (b_offers ? acks : 0));
}

TEST_CASE("numbers wrap without anybody noticing", "[sctp][rfc9260]") {
  // Seeds whose first TSN is near the wrap are rare; SSNs wrap with 70000 messages.
  Config plain;
  plain.interleaving = false;
  PathOptions path;
  path.delay = 1ms;
  TwoPeers peers{plain, {}, path};
  peers.connect();
  for (int i = 0; i < 70'000; ++i) {
    std::array<std::uint8_t, 4> number{};
    store_be32(number.data(), static_cast<std::uint32_t>(i));
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, Bytes{number}));
    if (i % 500 == 499) peers.run_for(10ms);
  }
  peers.run_for(5s);
  REQUIRE(peers.b.messages.size() == 70'000);
  bool in_order = true;
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    in_order = in_order && load_be32(peers.b.messages[i].data.data()) == i;
  }
  CHECK(in_order);
}

TEST_CASE("the association keeps the rule of deadlines", "[sctp]") {
  PathOptions path;
  path.loss = 0.3;
  TwoPeers peers{{}, {}, path, 9};
  peers.connect();
  for (std::uint64_t i = 0; i < 20; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(3000, i)));
  }
  for (int i = 0; i < 2000; ++i) {
    peers.run_for(5ms);
    peers.a.association->handle_timeout(peers.now);
    peers.drain();
    REQUIRE(peers.a.association->next_timeout() > peers.now);
  }
}

TEST_CASE("control chunks have their golden bytes", "[sctp][rfc9260]") {
  // ABORT and SHUTDOWN with a known number were also made by aiortc 1.4.0.
  std::vector<TwoPeers::Packet> seen;
  TwoPeers peers;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& p) {
    if (from_a) seen.push_back({p.begin() + 12, p.end()});
  };
  peers.a.association->connect(peers.now);
  peers.run_for(1s);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0][0] == 1);
  CHECK((seen[1][0] == 10 && seen[1][1] == 0 && load_be16(&seen[1][2]) == 4 + 65));

  TwoPeers::Packet from_b;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& p) {
    if (!from_a) from_b.assign(p.begin() + 12, p.end());
    if (from_a) seen.push_back({p.begin() + 12, p.end()});
  };
  const std::uint32_t last_of_b = load_be32(&peers.b.association->local_init()[16]) - 1;
  peers.a.association->shutdown(peers.now);
  peers.run_for(1s);
  TwoPeers::Packet shutdown{7, 0, 0, 8, 0, 0, 0, 0};
  store_be32(&shutdown[4], last_of_b);
  CHECK(seen[2] == shutdown);
  CHECK(from_b == TwoPeers::Packet{8, 0, 0, 4});
  CHECK(seen[3] == TwoPeers::Packet{14, 0, 0, 4});

  TwoPeers others;
  others.connect();
  TwoPeers::Packet abort;
  others.watch = [&](bool, const TwoPeers::Packet& p) { abort.assign(p.begin() + 12, p.end()); };
  others.a.association->abort(others.now, "bye");
  others.drain();
  CHECK(abort == TwoPeers::Packet{6, 0, 0, 11, 0, 12, 0, 7, 'b', 'y', 'e', 0});
}
