// How much of a link is used, and how long others wait: the measure of congestion control.
#include <cstdio>

#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

struct Use {
  double share = 0;  // of the link, payload
  Stats stats;
};

// A bulk transfer of 64 KiB messages for `length` over a link of 100 Mbit/s.
Use bulk(Duration round_trip, double loss, Duration length = 20s) {
  PathOptions path;
  path.delay = round_trip / 2;
  path.loss = loss;
  path.bytes_per_second = 12'500'000;
  path.queue_bytes = 12'500'000 / 20;  // 50 ms
  TwoPeers peers{{}, {}, path};
  peers.b.keep_messages = false;
  peers.connect();
  const auto message = pattern(64 * 1024);
  const Timestamp begin = peers.now;
  const auto received_before = peers.b.association->stats().bytes_received;
  while (peers.now - begin < length) {
    while (peers.a.association->stats().buffered < 15'000'000 &&
           peers.a.association->send(peers.now, StreamId{1}, 53, message)) {
    }
    peers.run_for(10ms);
  }
  Use use;
  use.share = static_cast<double>(peers.b.association->stats().bytes_received - received_before) /
              (12'500'000 * to_seconds(length));
  use.stats = peers.a.association->stats();
  return use;
}
}  // namespace

TEST_CASE("a link without loss is used", "[sctp][throughput]") {
  CHECK(bulk(10ms, 0).share > 0.9);
  CHECK(bulk(100ms, 0).share > 0.9);
}

TEST_CASE("random loss is not mistaken for congestion", "[sctp][throughput]") {
  CHECK(bulk(50ms, 0.001).share > 0.6);
  CHECK(bulk(50ms, 0.01).share > 0.6);
  CHECK(bulk(50ms, 0.05).share > 0.4);
  CHECK(bulk(200ms, 0.01).share > 0.6);
}

TEST_CASE("the use of a link at all round trips and losses", "[sctp][.figures]") {
  for (const int ms : {1, 10, 50, 100, 200}) {
    for (const double loss : {0.0, 0.001, 0.01, 0.05}) {
      const Use use = bulk(Duration{ms * 1000}, loss);
      std::printf("rtt %3d ms loss %4.1f %%: %5.1f %% of 100 Mbit/s, timeouts %llu\n", ms,
                  loss * 100, use.share * 100, static_cast<unsigned long long>(use.stats.timeouts));
    }
  }
}
