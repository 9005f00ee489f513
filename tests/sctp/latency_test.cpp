// How long a short message takes while another stream is full.
#include <algorithm>

#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

struct Pings {
  Duration median{};
  Duration p95{};
  std::size_t count = 0;
};

// Messages of 256 KiB without end on one stream, and a ping every 50 ms on another, over 100
// Mbit/s.
Pings ping_under_load(Duration round_trip, double loss, bool interleaving) {
  PathOptions path;
  path.delay = round_trip / 2;
  path.loss = loss;
  path.bytes_per_second = 12'500'000;
  path.queue_bytes = 1'250'000;  // 100 ms
  Config config;
  config.interleaving = interleaving;
  TwoPeers peers{config, config, path};
  peers.connect();
  const auto bulk = pattern(256 * 1024);
  const Timestamp begin = peers.now;
  std::vector<Duration> times;
  std::uint32_t number = 0;
  Timestamp next = begin;
  std::vector<std::uint8_t> ping(16);
  while (peers.now - begin < 20s) {
    while (peers.a.association->stats().buffered < 8'000'000 &&
           peers.a.association->send(peers.now, StreamId{1}, 53, bulk)) {
    }
    if (peers.now >= next) {
      next += 50ms;
      store_be32(ping.data(), ++number);
      store_be64(ping.data() + 4, static_cast<std::uint64_t>((peers.now - begin).count()));
      REQUIRE(peers.a.association->send(peers.now, StreamId{2}, 53, ping));
    }
    peers.run_for(1ms);
    for (const Message& m : peers.b.messages) {
      if (m.stream == StreamId{2}) {
        REQUIRE(peers.b.association->send(peers.now, StreamId{2}, 53, m.data));
      }
    }
    peers.b.messages.clear();
    for (const Message& m : peers.a.messages) {
      const Timestamp sent = begin + Duration{static_cast<std::int64_t>(load_be64(&m.data[4]))};
      if (sent - begin > 4s) times.push_back(peers.now - sent);
    }
    peers.a.messages.clear();
  }
  std::sort(times.begin(), times.end());
  REQUIRE(times.size() > 200);
  return {times[times.size() / 2], times[times.size() * 95 / 100], times.size()};
}
}  // namespace

TEST_CASE("a ping during a transfer takes little more than the round trip",
          "[sctp][rfc8260][latency]") {
  for (const Duration round_trip : {Duration{10ms}, Duration{50ms}, Duration{100ms}}) {
    const Pings p = ping_under_load(round_trip, 0, true);
    INFO("round trip " << to_seconds(round_trip) << " s, p95 " << to_seconds(p.p95) << " s");
    CHECK(p.p95 < round_trip * 3 / 2 + 2ms);
  }
  const Pings lossy = ping_under_load(50ms, 0.01, true);
  CHECK(lossy.median < 75ms);
}
