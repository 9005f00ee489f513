// Messages from end to end over good and bad paths.
#include "sctp/data_chunk.hpp"
#include "sctp/packet.hpp"
#include "sctp/sack_chunk.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {
constexpr std::uint32_t kBinary = static_cast<std::uint32_t>(Ppid::binary);
const StreamId kOne{1};

// Sends `count` messages of `size` from a to b and expects them in order, equal, once.
void transfer(TwoPeers& peers, int count, std::size_t size, Duration limit = 60s) {
  std::vector<std::vector<std::uint8_t>> sent;
  for (int i = 0; i < count; ++i) {
    sent.push_back(pattern(size, static_cast<std::uint64_t>(i)));
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, sent.back()));
  }
  REQUIRE(peers.run_until_done(
      limit, [&] { return peers.b.messages.size() == static_cast<std::size_t>(count); }));
  for (int i = 0; i < count; ++i) {
    INFO("message " << i);
    REQUIRE(peers.b.messages[static_cast<std::size_t>(i)].data ==
            sent[static_cast<std::size_t>(i)]);
  }
  peers.run_for(1s);
  CHECK(peers.b.messages.size() == static_cast<std::size_t>(count));
  CHECK(peers.a.association->stats().buffered == 0);
}

Config without_interleaving() {
  Config c;
  c.interleaving = false;
  return c;
}
}  // namespace

TEST_CASE("both sides open at the same time and exchange messages", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  REQUIRE(peers.a.association->state() == State::established);
  REQUIRE(peers.b.association->state() == State::established);
  CHECK(peers.a.count<Connected>() == 1);
  CHECK(peers.b.count<Connected>() == 1);
  CHECK(peers.a.last<Connected>()->interleaving);
  CHECK(peers.a.last<Connected>()->zero_checksum);
  transfer(peers, 20, 100);
}

TEST_CASE("one side opens and the other answers", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.a.association->connect(peers.now);
  peers.run_for(1s);
  REQUIRE(peers.b.association->state() == State::established);
  transfer(peers, 3, 5000);
}

TEST_CASE("the first message rides with the third packet of the handshake", "[sctp][rfc9260]") {
  TwoPeers peers;
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(50)));
  peers.a.association->connect(peers.now);
  peers.run_for(35ms);  // one and a half round trips are 30 ms
  REQUIRE(peers.b.messages.size() == 1);
}

TEST_CASE("with the INIT chunks in signalling a message needs half a round trip", "[sctp]") {
  TwoPeers peers;
  const auto of_a = peers.a.association->local_init();
  const auto of_b = peers.b.association->local_init();
  REQUIRE(peers.a.association->connect_with(peers.now, of_b));
  REQUIRE(peers.b.association->connect_with(peers.now, of_a));
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(50)));
  peers.run_for(11ms);
  REQUIRE(peers.b.messages.size() == 1);
  CHECK(peers.a.association->connect_with(peers.now, of_b).error().code == Errc::invalid_state);
}

TEST_CASE("large messages are cut and put together", "[sctp][rfc9260]") {
  const bool interleaving = GENERATE(true, false);
  TwoPeers peers{interleaving ? Config{} : without_interleaving()};
  peers.connect();
  CHECK(peers.a.last<Connected>()->interleaving == interleaving);
  transfer(peers, 10, 256 * 1024);
}

TEST_CASE("every size around the borders of a packet arrives", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  std::vector<std::size_t> sizes;
  for (std::size_t s = 1; s < 10; ++s) sizes.push_back(s);
  for (std::size_t s = 1110; s < 1170; ++s) sizes.push_back(s);
  for (std::size_t s = 2255; s < 2290; ++s) sizes.push_back(s);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(sizes[i], i)));
  }
  peers.run_for(5s);
  REQUIRE(peers.b.messages.size() == sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    REQUIRE(peers.b.messages[i].data == pattern(sizes[i], i));
  }
}

TEST_CASE("packets are never longer than the path carries", "[sctp]") {
  TwoPeers peers;
  std::size_t longest = 0;
  peers.watch = [&](bool, const auto& p) { longest = std::max(longest, p.size()); };
  peers.connect();
  transfer(peers, 5, 20'000);
  CHECK(longest <= Config{}.mtu);
  CHECK(longest > Config{}.mtu - 8);
}

TEST_CASE("ordered messages stay in order over a bad path", "[sctp][rfc9260]") {
  const bool interleaving = GENERATE(true, false);
  const auto seed = static_cast<std::uint64_t>(GENERATE(1, 2, 3, 4, 5));
  PathOptions path;
  path.loss = 0.1;
  path.duplicate = 0.1;
  path.jitter = 30ms;
  TwoPeers peers{interleaving ? Config{} : without_interleaving(), {}, path, seed};
  peers.connect();
  peers.run_for(20s);
  transfer(peers, 100, 3000, 200s);
}

TEST_CASE("an outage of two seconds delays and loses nothing", "[sctp]") {
  PathOptions path;
  path.outages = {{1500ms, 3500ms}};
  TwoPeers peers{{}, {}, path};
  peers.connect();
  for (int i = 0; i < 300; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary,
                                      pattern(500, static_cast<std::uint64_t>(i))));
    peers.run_for(10ms);
  }
  peers.run_for(5s);
  CHECK(peers.b.messages.size() == 300);
  // Recovery begins soon after the path is back.
  const auto first_after = std::find_if(peers.b.arrivals.begin(), peers.b.arrivals.end(),
                                        [&](Timestamp t) { return t - peers.start > 3500ms; });
  REQUIRE(first_after != peers.b.arrivals.end());
  CHECK(*first_after - peers.start < 5500ms);
}

TEST_CASE("unordered messages do not wait for one another", "[sctp][rfc9260]") {
  const bool interleaving = GENERATE(true, false);
  PathOptions path;
  TwoPeers peers{interleaving ? Config{} : without_interleaving(), {}, path};
  peers.connect();
  SendOptions options;
  options.ordered = false;
  peers.path.lose_a = {peers.a.sent};
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1100, 0), options));
  peers.drain();
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1100, 1), options));
  peers.run_for(2s);
  REQUIRE(peers.b.messages.size() == 2);
  CHECK(peers.b.messages[0].data == pattern(1100, 1));
  CHECK(peers.b.messages[1].data == pattern(1100, 0));
}

TEST_CASE("a lost packet is sent again long before the timeout", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  peers.path.lose_a = {peers.a.sent + 2};
  const Timestamp begin = peers.now;
  for (std::uint64_t i = 0; i < 20; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1000, i)));
  }
  peers.run_for(3s);
  REQUIRE(peers.b.messages.size() == 20);
  CHECK(peers.b.arrivals.back() - begin < 100ms);
  CHECK(peers.a.association->stats().timeouts == 0);
  CHECK(peers.a.association->stats().fast_recoveries == 1);
}

TEST_CASE("a lost tail is found by a probe before the timeout", "[sctp][rfc8985]") {
  TwoPeers peers;
  peers.connect();
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(100)));
  peers.run_for(1s);
  peers.path.lose_a = {peers.a.sent + 3, peers.a.sent + 4};
  const Timestamp begin = peers.now;
  for (std::uint64_t i = 0; i < 5; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1100, i)));
  }
  peers.run_for(3s);
  REQUIRE(peers.b.messages.size() == 6);
  CHECK(peers.b.arrivals.back() - begin < 350ms);
  CHECK(peers.a.association->stats().tail_probes >= 1);
  CHECK(peers.a.association->stats().timeouts == 0);
}

// A sender that looks for losses as RFC 9260 section 7.2.4 does waits for three SACKs that pass a
// gap.
TEST_CASE("packets that come at the same time are acknowledged by up to three packets",
          "[sctp][rfc9260]") {
  TwoPeers peers{without_interleaving(), without_interleaving()};
  peers.connect();
  // Of each SACK the cumulative TSN and the highest one, counted from the first.
  using Told = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  Told told;
  std::optional<std::uint32_t> before;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& bytes) {
    const auto packet = Packet::parse(bytes);
    REQUIRE(packet);
    const auto chunk = ChunkReader{packet->chunks}.next();
    REQUIRE(chunk);
    if (from_a && chunk->type == ChunkType::data && !before) {
      before = DataChunk::parse(*chunk)->tsn - 1;
    } else if (!from_a && chunk->type == ChunkType::sack) {
      const auto sack = SackChunk::parse(chunk->value);
      REQUIRE(sack);
      const std::size_t gaps = sack->gap_count();
      const std::uint32_t cumulative = sack->cumulative_tsn - *before;
      told.emplace_back(cumulative, cumulative + (gaps == 0 ? 0 : sack->gap(gaps - 1).end));
    }
  };
  const auto send = [&](int count) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1100)));
    }
    peers.run_for(11ms);
  };
  SECTION("few by one") {
    send(3);
    CHECK(told == Told{{3, 3}});
  }
  SECTION("many by three") {
    send(9);
    CHECK(told == Told{{4, 4}, {6, 6}, {9, 9}});
    told.clear();
    send(2);
    CHECK(told == Told{{11, 11}});
  }
  SECTION("very many by one") {
    for (int i = 0; i < 4; ++i) send(12);
    peers.run_for(300ms);
    told.clear();
    for (int i = 0; i < 20; ++i) {
      REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1100)));
    }
    peers.run_for(4ms);
    REQUIRE(peers.in_flight.size() == 20);
    auto apart = std::exchange(peers.in_flight, {});
    for (auto& [at, packet] : apart) peers.in_flight.emplace(peers.now + 5ms, std::move(packet));
    peers.run_for(11ms);
    CHECK(told == Told{{68, 68}});
  }
  SECTION("those that pass a gap one by one") {
    peers.path.lose_a = {peers.a.sent + 2};
    send(9);
    CHECK(told == Told{{2, 7}, {2, 8}, {2, 9}});
  }
}

TEST_CASE("what waits in order goes out unordered when the peer is heard before any event is read",
          "[sctp][rfc8832]") {
  TwoPeers peers{without_interleaving(), without_interleaving()};
  peers.connect();
  peers.a.reading = false;
  int ordered = 0;
  int unordered = 0;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& bytes) {
    const auto packet = Packet::parse(bytes);
    REQUIRE(packet);
    ChunkReader chunks{packet->chunks};
    while (const auto chunk = chunks.next()) {
      if (!from_a || chunk->type != ChunkType::data) continue;
      ++(DataChunk::parse(*chunk)->unordered ? unordered : ordered);
    }
  };
  peers.a.association->unorder_when_heard(kOne);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(1100)));
  }
  REQUIRE(peers.b.association->send(peers.now, kOne, kBinary, pattern(10)));
  peers.run_for(2s);
  CHECK(ordered > 0);
  CHECK(unordered > ordered);
  CHECK(ordered + unordered == 100);
}

TEST_CASE("a slow reader stops the sender and loses nothing", "[sctp][rfc9260]") {
  Config small;
  small.receive_window = 100'000;
  small.max_receive_message = 20'000;
  TwoPeers peers{{}, small};
  peers.connect();
  peers.b.reading = false;
  for (std::uint64_t i = 0; i < 50; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(10'000, i)));
  }
  peers.run_for(20s);
  CHECK(peers.a.association->stats().buffered > 300'000);
  CHECK(peers.a.association->state() == State::established);
  peers.b.reading = true;
  peers.run_for(20s);
  REQUIRE(peers.b.messages.size() == 50);
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(peers.b.messages[i].data == pattern(10'000, i));
}

TEST_CASE("many unfinished messages at once do not stop one another for ever", "[sctp][rfc8260]") {
  Config small;
  small.receive_window = 200'000;
  small.max_receive_message = 100'000;
  TwoPeers peers{{}, small};
  peers.connect();
  for (std::uint16_t s = 0; s < 6; ++s) {
    REQUIRE(peers.a.association->send(peers.now, StreamId{s}, kBinary, pattern(100'000, s)));
  }
  peers.run_for(60s);
  CHECK(peers.b.messages.size() == 6);
}

TEST_CASE("send refuses what it cannot take", "[sctp]") {
  Config config;
  config.send_buffer = 10'000;
  TwoPeers peers{config};
  peers.connect();
  auto& a = *peers.a.association;
  CHECK(a.send(peers.now, kOne, kBinary, Bytes{}).error().code == Errc::invalid_argument);
  CHECK(a.send(peers.now, StreamId{65'535}, kBinary, pattern(1)).error().code ==
        Errc::invalid_argument);
  REQUIRE(a.send(peers.now, kOne, kBinary, pattern(50'000)));
  CHECK(a.send(peers.now, kOne, kBinary, pattern(1)).error().code == Errc::queue_full);
  CHECK(a.buffered_amount(kOne) == 50'000);
  peers.run_for(5s);
  CHECK(peers.a.count<SendBufferAvailable>() == 1);
  CHECK(peers.a.count<BufferedAmountLow>() == 1);
  CHECK(a.buffered_amount(kOne) == 0);
  CHECK(a.send(peers.now, kOne, kBinary, pattern(1)));
}

TEST_CASE("a ping beside bulk waits for a packet and not for a message", "[sctp][rfc8260]") {
  PathOptions path;
  path.delay = 20ms;
  path.bytes_per_second = 1'250'000;
  path.queue_bytes = 25'000;
  TwoPeers peers{{}, {}, path};
  peers.connect();
  for (std::uint64_t i = 0; i < 10; ++i) {
    REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(256 * 1024, i)));
  }
  peers.run_for(500ms);
  peers.b.messages.clear();
  const Timestamp begin = peers.now;
  REQUIRE(peers.a.association->send(peers.now, StreamId{3}, kBinary, pattern(20)));
  REQUIRE(peers.run_until_done(2s, [&] {
    return std::any_of(peers.b.messages.begin(), peers.b.messages.end(),
                       [](const Message& m) { return m.stream == StreamId{3}; });
  }));
  CHECK(peers.now - begin < 150ms);
}

TEST_CASE("heavier streams get more of the path", "[sctp][rfc8260]") {
  PathOptions path;
  path.bytes_per_second = 500'000;
  TwoPeers peers{{}, {}, path};
  peers.connect();
  peers.a.association->set_weight(StreamId{1}, 128);
  peers.a.association->set_weight(StreamId{2}, 1024);
  for (std::uint64_t i = 0; i < 200; ++i) {
    REQUIRE(peers.a.association->send(peers.now, StreamId{1}, kBinary, pattern(4000, i)));
    REQUIRE(peers.a.association->send(peers.now, StreamId{2}, kBinary, pattern(4000, i)));
  }
  peers.run_for(1s);
  long counts[3] = {};
  for (const Message& m : peers.b.messages) ++counts[m.stream.value()];
  REQUIRE(counts[1] > 0);
  CHECK(counts[2] > 6 * counts[1]);
  CHECK(counts[2] < 10 * counts[1]);
}

TEST_CASE("a path that becomes narrower gets smaller packets and the old parts as they were",
          "[sctp]") {
  TwoPeers peers;
  peers.connect();
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(10'000)));
  peers.path.lose_a = {peers.a.sent + 1};
  peers.drain();
  peers.a.association->set_mtu(600);
  std::size_t longest = 0;
  int longer = 0;
  peers.watch = [&](bool from_a, const auto& p) {
    if (from_a && p.size() > 600) ++longer;
    if (from_a) longest = std::max(longest, p.size());
  };
  REQUIRE(peers.a.association->send(peers.now, kOne, kBinary, pattern(10'000)));
  peers.run_for(5s);
  CHECK(peers.b.messages.size() == 2);
  CHECK(longer == 1);
}
