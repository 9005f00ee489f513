// The link as a queue: delay, rate, limits, changes while running.
#include "parley/sim/link.hpp"

#include "sim/link_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;
using sim::Link;
using sim::LinkConfig;
using sim::LinkDrop;

TEST_CASE("A link without impairments delivers everything at once and in order", "[sim]") {
  Link link{{}, 1};
  const auto arrivals = run_link(link, 100, 1ms);
  REQUIRE(arrivals.size() == 100);
  for (std::uint32_t i = 0; i < 100; ++i) {
    CHECK(arrivals[i].number == i);
    CHECK(arrivals[i].at == arrivals[i].sent);
  }
  CHECK(link.next_timeout() == kNever);
  CHECK(balanced(link));
}

TEST_CASE("Delay is exact without jitter", "[sim]") {
  LinkConfig config;
  config.delay = 37ms;
  Link link{config, 1};
  for (const auto& a : run_link(link, 50, 3ms)) CHECK(a.at - a.sent == 37ms);
}

TEST_CASE("Nothing is handed out before its time", "[sim]") {
  LinkConfig config;
  config.delay = 10ms;
  Link link{config, 1};
  link.push(kLinkStart, numbered(0, kLinkStart, 100));
  CHECK_FALSE(link.poll(kLinkStart + 9999us));
  CHECK(link.next_timeout() == kLinkStart + 10ms);
  CHECK(link.poll(kLinkStart + 10ms));
  CHECK_FALSE(link.poll(kLinkStart + 10ms));
}

TEST_CASE("The bottleneck passes exactly its rate over a long run", "[sim]") {
  // 972 bytes and 28 of overhead are 8000 bits. At 3 Mbit/s that is 2666 and two thirds
  // microseconds each, which must not be rounded away.
  LinkConfig config;
  config.rate = DataRate::kilobits_per_second(3000);
  config.queue_limit = DataSize::kilobytes(100'000);
  Link link{config, 1};
  const auto arrivals = run_link(link, 3000, 1ms, 972);
  REQUIRE(arrivals.size() == 3000);
  CHECK(arrivals.back().at - kLinkStart == 8s);
  CHECK(arrivals.front().at - kLinkStart == 2666us);
}

TEST_CASE("A full queue drops the newest and keeps the order of the rest", "[sim]") {
  LinkConfig config;
  config.rate = DataRate::kilobits_per_second(800);  // One packet of 1000 bytes per 10 ms.
  config.queue_limit = DataSize::bytes(5000);
  Link link{config, 1};
  std::vector<Arrival> out;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const auto reason = link.push(kLinkStart, numbered(i, kLinkStart, 972));
    CHECK(reason == (i < 5 ? std::nullopt : std::optional{LinkDrop::queue}));
  }
  collect(link, kLinkStart + 1s, out);
  REQUIRE(out.size() == 5);
  for (std::uint32_t i = 0; i < 5; ++i) {
    CHECK(out[i].number == i);
    CHECK(out[i].at == kLinkStart + (i + 1) * 10ms);
  }
  CHECK(link.stats().dropped_for(LinkDrop::queue) == 3);
  CHECK(link.stats().queue_delay_max == 50ms);
  CHECK(link.stats().mean_queue_delay() == 30ms);
  CHECK(balanced(link));
}

TEST_CASE("An overloaded link settles at its rate and at its queueing delay", "[sim]") {
  LinkConfig config;
  config.rate = DataRate::kilobits_per_second(1000);
  config.queue_delay_limit = 100ms;
  Link link{config, 1};
  const auto arrivals = run_link(link, 10'000, 2ms, 472);  // 2 Mbit/s for 20 s.
  const Duration span = arrivals.back().at - kLinkStart;
  const double kbps = static_cast<double>(arrivals.size()) * 500 * 8 / to_milliseconds(span);
  CHECK(kbps == Approx(1000).epsilon(0.005));
  CHECK(link.stats().queue_delay_max <= 100ms + 8ms);
  CHECK(link.stats().queue_delay_max >= 100ms);
  CHECK(static_cast<double>(link.stats().dropped_for(LinkDrop::queue)) / 10'000 ==
        Approx(0.5).margin(0.01));
}

TEST_CASE("A datagram larger than the queue limit still passes an empty queue", "[sim]") {
  LinkConfig config;
  config.rate = DataRate::kilobits_per_second(1000);
  config.queue_limit = DataSize::bytes(100);
  Link link{config, 1};
  CHECK_FALSE(link.push(kLinkStart, numbered(0, kLinkStart, 500)));
  CHECK(link.push(kLinkStart, numbered(1, kLinkStart, 500)) == LinkDrop::queue);
}

TEST_CASE("The MTU counts the headers", "[sim]") {
  LinkConfig config;
  config.mtu = 1228;
  Link link{config, 1};
  CHECK_FALSE(link.push(kLinkStart, numbered(0, kLinkStart, 1200)));
  CHECK(link.push(kLinkStart, numbered(1, kLinkStart, 1201)) == LinkDrop::mtu);
}

TEST_CASE("A rate change reaches what is queued and the datagram in service", "[sim]") {
  LinkConfig slow;
  slow.rate = DataRate::kilobits_per_second(800);
  Link link{slow, 1};
  link.push(kLinkStart, numbered(0, kLinkStart, 972));
  link.push(kLinkStart, numbered(1, kLinkStart, 972));
  LinkConfig fast = slow;
  fast.rate = DataRate::kilobits_per_second(8000);  // 1 ms per packet.
  // After 4 of 10 ms, six tenths of the first remain: 0.6 ms at the new rate.
  link.set_config(kLinkStart + 4ms, fast);
  std::vector<Arrival> out;
  collect(link, kLinkStart + 1s, out);
  REQUIRE(out.size() == 2);
  CHECK(out[0].at == kLinkStart + 4600us);
  CHECK(out[1].at == kLinkStart + 5600us);
}

TEST_CASE("Repeated rate changes keep the share of service already had", "[sim]") {
  LinkConfig config;
  config.rate = DataRate::kilobits_per_second(800);
  Link link{config, 1};
  link.push(kLinkStart, numbered(0, kLinkStart, 972));
  for (int i = 1; i < 10; ++i) link.set_config(kLinkStart + i * 1ms, config);
  CHECK(link.next_timeout() == kLinkStart + 10ms);
}

TEST_CASE("A rate of zero holds everything until the rate returns", "[sim]") {
  LinkConfig stopped;
  stopped.rate = DataRate{};
  Link link{stopped, 1};
  link.push(kLinkStart, numbered(0, kLinkStart, 972));
  CHECK(link.next_timeout() == kNever);
  LinkConfig config;
  config.rate = DataRate::kilobits_per_second(800);
  link.set_config(kLinkStart + 1s, config);
  CHECK(link.next_timeout() == kLinkStart + 1010ms);
}

TEST_CASE("Draining late costs latency and no datagram", "[sim]") {
  LinkConfig config;
  config.delay = 5ms;
  config.rate = DataRate::kilobits_per_second(800);
  Link link{config, 1};
  for (std::uint32_t i = 0; i < 5; ++i) link.push(kLinkStart, numbered(i, kLinkStart, 972));
  std::uint32_t expected = 0;
  while (const auto datagram = link.poll(kLinkStart + 10s)) {
    CHECK(load_be32(datagram->bytes.data()) == expected++);
  }
  CHECK(expected == 5);
  // The queue worked at its own pace all the same.
  CHECK(link.stats().queue_delay_max == 50ms);
}

TEST_CASE("A link carries paths and ECN marks unchanged", "[sim]") {
  Link link{{}, 1};
  auto datagram = numbered(0, kLinkStart, 100);
  datagram.path = {*SocketAddress::parse("192.0.2.1:5"), *SocketAddress::parse("[2001:db8::1]:9")};
  datagram.ecn = Ecn::ect1;
  link.push(kLinkStart, datagram);
  const auto out = link.poll(kLinkStart);
  REQUIRE(out);
  CHECK(out->path == datagram.path);
  CHECK(out->ecn == Ecn::ect1);
}
