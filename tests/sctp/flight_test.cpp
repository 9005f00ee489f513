// What a sender makes of SACKs: gaps, lists that were cut short, losses found by SACKs and by time.
#include "sctp/flight.hpp"

#include <set>

#include "sctp/packet.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

constexpr Timestamp kStart{1000s};
constexpr std::size_t kSize = 1000;
constexpr std::size_t kFullList = 260;
constexpr Duration kRoundTrip = 100ms;

// Parts of one endless message, and SACKs by hand. Offsets count from the first TSN, which is 1.
struct Sender {
  Sender() {
    flight.start(1);
    message = pool.take();
    pool[message].data.resize(1);
    pool[message].queued = true;  // more of it may come
  }
  void send(int count) {
    for (int i = 0; i < count; ++i) {
      Part part;
      part.message = message;
      part.size = kSize;
      part.begin = flight.next_tsn() == first;
      flight.add(now, part, kSize);
    }
  }
  AckOutcome sack(std::uint32_t cumulative, const std::vector<GapBlock>& gaps) {
    std::vector<std::uint8_t> value(SackChunk::kFixedSize + 4 * gaps.size());
    write_sack(value, cumulative, 1'000'000, gaps, {});
    return flight.acknowledge(now, *SackChunk::parse(value), kRoundTrip, kFullList);
  }
  std::int64_t tsn(std::int64_t number) const { return first + number - 1; }
  void resend_all() {
    while (const auto lost = flight.next_lost(now)) flight.note_retransmitted(now, *lost);
  }

  Timestamp now = kStart;
  MessagePool pool;
  SendQueue queue{pool};
  Flight flight{pool, queue};
  MessageIndex message = kNoMessage;
  const std::int64_t first = (std::int64_t{1} << 32) + 1;
};

// Two of three came.
std::vector<GapBlock> every_third_missing(std::size_t blocks) {
  std::vector<GapBlock> gaps;
  for (std::size_t i = 0; i < blocks; ++i) {
    const auto start = static_cast<std::uint16_t>(3 * i + 2);
    gaps.push_back({start, static_cast<std::uint16_t>(start + 1)});
  }
  return gaps;
}
}  // namespace

TEST_CASE("what a long list of gaps had no room for is not taken back", "[sctp][rfc9260]") {
  Sender s;
  s.send(1500);
  s.now += kRoundTrip;
  s.sack(0, every_third_missing(400));
  const std::size_t in_flight = s.flight.in_flight();
  const std::size_t lost = s.flight.lost_count();
  // The same again, with fewer blocks.
  CHECK(s.sack(0, every_third_missing(kFullList)).acked == 0);
  CHECK(s.flight.in_flight() == in_flight);
  CHECK(s.flight.lost_count() == lost);
  // A short list that ends earlier says that the rest was dropped.
  s.sack(0, every_third_missing(3));
  CHECK(s.flight.in_flight() + s.flight.lost_count() * kSize == (1500 - 6) * kSize);
}

TEST_CASE("what could not be told earlier gives no round trip", "[sctp][rfc9260]") {
  Sender s;
  s.send(1500);
  s.now += kRoundTrip;
  CHECK(s.sack(0, every_third_missing(kFullList)).round_trip == kRoundTrip);
  s.now += 300ms;  // it came with the others, and there is room for it now
  std::vector<GapBlock> longer = every_third_missing(kFullList);
  longer.back().end = 1000;
  CHECK_FALSE(s.sack(0, longer).round_trip);
  s.send(1);
  s.now += kRoundTrip;
  CHECK(s.sack(780, {{2, 220}, {721, 721}}).round_trip == kRoundTrip);
}

TEST_CASE("three SACKs that pass a part make it lost", "[sctp][rfc9260]") {
  Sender s;
  s.send(10);
  s.now += kRoundTrip / 2;
  CHECK(s.sack(1, {{2, 2}}).lost == 0);
  CHECK(s.sack(1, {{2, 3}}).lost == 0);
  CHECK(s.sack(1, {{2, 3}}).lost == 0);  // nothing new: does not count
  CHECK(s.sack(1, {{2, 4}}).lost == kSize);
  CHECK(s.flight.next_lost(s.now) == s.tsn(2));
}

TEST_CASE("a lost retransmission is found when a round trip is over", "[sctp][rfc8985]") {
  Sender s;
  s.send(10);
  s.now += kRoundTrip;
  for (std::uint16_t end = 2; end <= 4; ++end) s.sack(1, {{2, end}});
  REQUIRE(s.flight.next_lost(s.now) == s.tsn(2));
  s.resend_all();
  CHECK_FALSE(s.flight.worth_repeating(s.tsn(2)));
  s.now += 1ms;
  s.send(5);
  s.now += kRoundTrip;
  CHECK(s.sack(1, {{2, 10}}).lost == kSize);  // 11 was sent later and came
  CHECK(s.flight.next_lost(s.now) == s.tsn(2));
  s.resend_all();
  CHECK(s.flight.worth_repeating(s.tsn(2)));
}

TEST_CASE("a part is late by time alone in the order of sending", "[sctp][rfc8985]") {
  Sender s;
  s.send(1);
  s.now += 10ms;
  s.send(1);
  s.now += kRoundTrip;
  CHECK(s.sack(0, {{2, 2}}).lost == 0);
  // The first was sent 10 ms before: a quarter of the round trip is waited for.
  CHECK(s.flight.reordering_deadline() == kStart + kRoundTrip + kRoundTrip / 4);
  s.now = s.flight.reordering_deadline();
  CHECK(s.flight.handle_reordering_timeout(s.now) == kSize);
  CHECK(s.flight.reordering_deadline() == kNever);
}

TEST_CASE("a sender counts what is in flight as a set of parts would", "[sctp][property]") {
  SeededRandom random{5};
  for (int round = 0; round < 50; ++round) {
    Sender s;
    std::set<std::int64_t> received;  // numbers above the cumulative one
    std::int64_t cumulative = 0;
    for (int step = 0; step < 300; ++step) {
      s.now += Duration{random.below(20'000)};
      if (s.flight.size() < 300) s.send(static_cast<int>(random.below(20)));
      s.resend_all();
      const std::int64_t sent = s.flight.next_tsn() - s.first;
      for (std::uint32_t i = random.below(30); i > 0 && sent > cumulative; --i) {
        const auto ahead = static_cast<std::uint32_t>(sent - cumulative);
        received.insert(cumulative + 1 + random.below(ahead));
      }
      if (random.below(40) == 0 && !received.empty()) received.erase(std::prev(received.end()));
      while (received.erase(cumulative + 1) == 1) ++cumulative;
      std::vector<GapBlock> gaps;
      for (const std::int64_t n : received) {
        const auto offset = static_cast<std::uint16_t>(n - cumulative);
        if (!gaps.empty() && gaps.back().end + 1 == offset) {
          gaps.back().end = offset;
        } else if (gaps.size() < 31) {  // more might be a list that was cut
          gaps.push_back({offset, offset});
        } else {
          received.erase(received.find(n), received.end());
          break;
        }
      }
      REQUIRE(s.sack(static_cast<std::uint32_t>(cumulative), gaps).valid);
      const auto missing = static_cast<std::size_t>(sent - cumulative) - received.size();
      REQUIRE(s.flight.in_flight() == (missing - s.flight.lost_count()) * kSize);
    }
  }
}

TEST_CASE("what was lost twice is sent in two packets", "[sctp][rfc8985]") {
  Config config;
  config.zero_checksum = false;
  TwoPeers peers{config, config, {}};
  peers.connect();
  // The first three packets with the fifth part of the transfer are lost.
  std::optional<std::uint32_t> first;
  std::vector<Timestamp> copies;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& bytes) {
    if (!from_a) return;
    ChunkReader chunks{Packet::parse(bytes)->chunks};
    while (const auto chunk = chunks.next()) {
      if (chunk->type != ChunkType::i_data) continue;
      const std::uint32_t tsn = load_be32(chunk->value.data());
      if (!first) first = tsn;
      if (tsn != *first + 4) continue;
      copies.push_back(peers.now);
      if (copies.size() <= 3) peers.path.lose_a.insert(peers.a.sent - 1);
    }
  };
  for (int i = 0; i < 50; ++i) {
    REQUIRE(peers.a.association->send(peers.now, StreamId{1}, 53, pattern(30'000)));
    peers.run_for(5ms);
  }
  peers.run_for(2s);
  REQUIRE(peers.b.messages.size() == 50);
  REQUIRE(copies.size() == 4);
  CHECK(copies[3] - copies[2] < 5ms);  // the pacer's
  CHECK(peers.b.association->stats().duplicates_received == 0);
  CHECK(peers.a.association->stats().timeouts == 0);
}
