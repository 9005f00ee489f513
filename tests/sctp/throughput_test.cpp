// How much of a link is used: the measure of congestion control.
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

// A bulk transfer of 64 KiB messages for `length`, slow start included, over a link of 100 Mbit/s
// with a queue of 50 ms.
Use bulk(PathOptions path, Duration length = 20s) {
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
Use bulk(Duration round_trip, double loss, Duration length = 20s) {
  PathOptions path;
  path.delay = round_trip / 2;
  path.loss = loss;
  return bulk(path, length);
}
}  // namespace

TEST_CASE("a link without loss is used", "[sctp][throughput]") {
  CHECK(bulk(10ms, 0).share > 0.9);
  CHECK(bulk(100ms, 0).share > 0.9);
}

TEST_CASE("random loss is not mistaken for congestion", "[sctp][throughput]") {
  CHECK(bulk(50ms, 0.001).share > 0.6);
  CHECK(bulk(50ms, 0.01).share > 0.6);
}

TEST_CASE("a link is used at every round trip and loss", "[sctp][throughput]") {
  for (const int ms : {0, 10, 50, 100, 200}) {
    for (const double loss : {0.0, 0.001, 0.01, 0.05}) {
      const Use use = bulk(Duration{ms * 1000}, loss, 10s);
      INFO("round trip " << ms << " ms, loss " << loss << ", use " << use.share);
      // At 200 ms ten seconds are fifty round trips, startup included.
      CHECK(use.share > (ms == 200 ? 0.2 : 0.55));
    }
  }
}

TEST_CASE("five percent of random loss on a long path is not mistaken for congestion",
          "[sctp][throughput]") {
  // The receive window holds five round trips of 200 ms: what is lost thrice must not take longer
  // to repair, and nothing of it must look like congestion.
  CHECK(bulk(100ms, 0.05).share > 0.8);
  CHECK(bulk(200ms, 0.05).share > 0.75);
}

TEST_CASE("a link that reorders and doubles is used", "[sctp][throughput]") {
  PathOptions path;
  path.delay = 25ms;
  path.jitter = 5ms;
  CHECK(bulk(path).share > 0.6);
  path.jitter = {};
  path.duplicate = 0.05;
  CHECK(bulk(path).share > 0.8);
}

TEST_CASE("a transfer goes on after an outage of two seconds", "[sctp][throughput]") {
  for (const double loss : {0.0, 0.01}) {
    PathOptions path;
    path.delay = 25ms;
    path.loss = loss;
    path.outages = {{6s, 8s}};
    const Use use = bulk(path);
    INFO("loss " << loss << ", use " << use.share);
    CHECK(use.share > 0.75);  // 0.9 is left by the outage itself
  }
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
