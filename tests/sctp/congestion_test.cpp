// The parts of congestion control by themselves: the pacer, delivery rates, the bound after
// congestion, losses that are usual, and what the association makes of a pace.
#include "sctp/cubic_bound.hpp"
#include "sctp/delivery_rate.hpp"
#include "sctp/loss_monitor.hpp"
#include "sctp/pacer.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {
constexpr Timestamp kStart{1000s};

// A window that never limits, and a pace.
class PaceOnly final : public CongestionController {
 public:
  explicit PaceOnly(DataRate rate) : rate_(rate) {}
  void on_sent(Timestamp, std::size_t, std::size_t) override {}
  void on_ack(Timestamp, const AckSample&) override {}
  void on_loss(Timestamp, const LossSample&) override {}
  void on_timeout(Timestamp) override {}
  void on_idle(Duration, Duration) override {}
  void set_mtu(std::size_t) override {}
  std::size_t window() const override { return 100'000'000; }
  std::optional<DataRate> pacing_rate() const override { return rate_; }

 private:
  DataRate rate_;
};
}  // namespace

TEST_CASE("a burst is a millisecond of the rate between two packets and a batch",
          "[sctp][pacing]") {
  CHECK(pacing_quantum(DataRate::kilobits_per_second(100), 1200) == 2400);
  CHECK(pacing_quantum(DataRate::kilobits_per_second(100'000), 1200) == 12'500);
  CHECK(pacing_quantum(DataRate::kilobits_per_second(10'000'000), 1200) == 65'536);
  CHECK(pacing_quantum(DataRate::infinite(), 1200) == 65'536);
}

TEST_CASE("the pacer gives out whole bursts and catches up with late timers", "[sctp][pacing]") {
  const auto rate = DataRate::kilobits_per_second(96'000);  // 12000 bytes a millisecond
  Pacer pacer;
  pacer.update(kStart, rate, 1200);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(pacer.open());
    pacer.spend(1200);
  }
  CHECK_FALSE(pacer.open());
  CHECK(pacer.opens_at() == kStart + 1001us);
  pacer.update(kStart + 900us, rate, 1200);
  CHECK_FALSE(pacer.open());  // no part of a burst
  pacer.update(kStart + 1001us, rate, 1200);
  CHECK(pacer.open());
  pacer.spend(12'000);
  // A timer that is a second late is worth two milliseconds.
  pacer.update(kStart + 1s, rate, 1200);
  pacer.spend(23'000);
  CHECK(pacer.open());
  pacer.spend(1200);
  CHECK_FALSE(pacer.open());
  pacer.update(kStart + 1s, std::nullopt, 1200);
  CHECK(pacer.open());
}

TEST_CASE("data leaves at the pace of the controller with a timer for each burst only",
          "[sctp][pacing]") {
  Config config;
  config.congestion_control = [](std::size_t) {
    return std::make_unique<PaceOnly>(DataRate::kilobits_per_second(40'000));
  };
  TwoPeers peers{config, {}, {}};
  peers.connect();
  const auto before = peers.a.association->stats();
  const Timestamp begin = peers.now;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(peers.a.association->send(peers.now, StreamId{1}, 53, pattern(50'000)));
  }
  // 5 MB/s in bursts of 5000 bytes; two of them after the silence.
  peers.drain();
  CHECK(peers.a.association->stats().packets_sent - before.packets_sent <= 9);
  CHECK(peers.a.association->next_timeout() - begin >= 900us);
  peers.run_for(500ms);
  const auto sent = peers.a.association->stats().bytes_sent - before.bytes_sent;
  CHECK(sent > 2'450'000);
  CHECK(sent < 2'600'000);
  peers.run_for(1s);
  CHECK(peers.a.association->stats().buffered == 0);
}

TEST_CASE("a delivery rate is bytes over the longer of sending and acknowledging",
          "[sctp][congestion]") {
  DeliveryRate rate;
  std::vector<DeliveryRate::Mark> marks;
  for (int i = 0; i < 10; ++i) marks.push_back(rate.mark(kStart + i * 1ms, i == 0));
  // All acknowledged at once, 50 ms later: sent at 10 packets in 9 ms, but nothing came for 59 ms.
  rate.begin_sample();
  for (int i = 0; i < 10; ++i) {
    rate.note_acked(kStart + 59ms, marks[static_cast<std::size_t>(i)], kStart + i * 1ms, 1000);
  }
  REQUIRE(rate.rate(kStart + 59ms, 50ms));
  CHECK(rate.rate(kStart + 59ms, 50ms)->bits_per_second() / 1000 == 1355);  // 80000 bits in 59 ms
  CHECK_FALSE(rate.rate(kStart + 59ms, 60ms));
  rate.note_application_limited(0);
  CHECK(rate.mark(kStart + 60ms, true).application_limited == false);
  rate.note_application_limited(2000);
  CHECK(rate.mark(kStart + 60ms, false).application_limited);
}

TEST_CASE("the bound after congestion is that of RFC 9438", "[sctp][rfc9438]") {
  CubicBound bound;
  constexpr double kMtu = 1000;
  CHECK_FALSE(bound);
  bound.reduce(kStart, 100'000, kMtu);
  CHECK(bound.bytes() == Approx(70'000));
  // Back at the peak after K = cbrt(30 / 0.4) = 4.2 seconds.
  Timestamp now = kStart;
  const auto run = [&](Duration d) {
    for (const Timestamp end = now + d; now < end; now += 100ms) {
      bound.grow(now, bound.bytes(), 100ms, kMtu, true);
    }
  };
  run(2s);
  CHECK(bound.bytes() > 85'000);
  CHECK(bound.bytes() < 100'000);
  run(2500ms);
  CHECK(bound.bytes() > 98'000);
  CHECK(bound.bytes() < 106'000);
  // A second time below the peak leaves more to others.
  bound.reduce(now, 90'000, kMtu);
  CHECK(bound.bytes() == Approx(63'000));
  // Without use there is no growth.
  const double before = bound.bytes();
  for (int i = 0; i < 100; ++i) bound.grow(now += 100ms, 1000, 100ms, kMtu, false);
  CHECK(bound.bytes() == before);
  bound.release();
  CHECK_FALSE(bound);
}

TEST_CASE("losses mean congestion when they are more than usual", "[sctp][congestion]") {
  const auto rounds = [](LossMonitor& m, int count, double loss) {
    bool any = false;
    for (int i = 0; i < count; ++i) {
      m.note(500'000 * (1 - loss), 500'000 * loss);
      any = m.end_round(1000, 0) || any;
    }
    return any;
  };
  LossMonitor steady;
  CHECK_FALSE(rounds(steady, 50, 0.05));  // a radio link is like that
  CHECK(steady.usual() > 0.049);
  CHECK(rounds(steady, 1, 0.15));

  LossMonitor clean;
  CHECK_FALSE(rounds(clean, 20, 0));
  CHECK_FALSE(rounds(clean, 1, 0.02));
  CHECK(rounds(clean, 1, 0.04));

  LossMonitor short_rounds;  // one round with a quarter gone is enough
  short_rounds.note(15'000, 15'000);
  CHECK(short_rounds.end_round(1000, 0));
  short_rounds.note(100'000, 10'000);
  short_rounds.restart();
  CHECK_FALSE(short_rounds.end_round(1000, 0));
}
