#include "parley/cc/controller.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace parley;
using namespace parley::cc;

namespace {

constexpr Timestamp kStart{1000s};

Limits limits() {
  return {.start = DataRate::kilobits_per_second(1000),
          .min = DataRate::kilobits_per_second(100),
          .max = DataRate::kilobits_per_second(2000)};
}

// Feedback for 100 packets of which `lost` are missing.
Update feed(LossBasedController& controller, Timestamp now, int lost) {
  std::vector<PacketResult> packets(100);
  for (int i = 0; i < 100; ++i) {
    if (i >= lost) packets[static_cast<std::size_t>(i)].received = now;
  }
  return controller.on_feedback(now, {.packets = packets, .round_trip_time = {}});
}

}  // namespace

TEST_CASE("without loss the rate grows by 8 percent a second up to its maximum", "[cc]") {
  LossBasedController controller{limits()};
  feed(controller, kStart, 0);
  feed(controller, kStart + 1s, 0);
  const auto first = controller.target();
  CHECK(first.kilobits_per_second() == Approx(1080.0).margin(1));
  for (int i = 2; i < 60; ++i) feed(controller, kStart + i * 1s, 0);
  CHECK(controller.target() == limits().max);
}

TEST_CASE("a loss of 5 percent neither raises nor lowers the rate", "[cc]") {
  LossBasedController controller{limits()};
  for (int i = 0; i < 60; ++i) {
    const auto update = controller.on_loss_report(kStart + i * 1s, {.fraction_lost = 0.05});
    CHECK_FALSE(update.target);
  }
  CHECK(controller.target() == limits().start);
}

TEST_CASE("a loss of 20 percent lowers the rate by a tenth and not twice within 300 ms", "[cc]") {
  LossBasedController controller{limits()};
  CHECK(controller.on_loss_report(kStart, {.fraction_lost = 0.2}).target ==
        DataRate::kilobits_per_second(900));
  CHECK_FALSE(controller.on_loss_report(kStart + 100ms, {.fraction_lost = 0.2}).target);
  CHECK(controller.on_loss_report(kStart + 300ms, {.fraction_lost = 0.2}).target ==
        DataRate::kilobits_per_second(810));
  for (int i = 1; i < 100; ++i) {
    (void)controller.on_loss_report(kStart + i * 1s, {.fraction_lost = 1.0});
  }
  CHECK(controller.target() == limits().min);
}

TEST_CASE("one lost packet of a handful does not count as heavy loss", "[cc]") {
  LossBasedController controller{limits()};
  std::vector<PacketResult> few(3);
  few[0].received = few[1].received = kStart;
  for (int i = 0; i < 5; ++i) {
    const Timestamp now = kStart + i * 10ms;
    CHECK_FALSE(controller.on_feedback(now, {.packets = few, .round_trip_time = {}}).target);
  }
}

TEST_CASE("the estimate of the receiver is an upper limit and its absence is none", "[cc]") {
  LossBasedController controller{limits()};
  const auto update = controller.on_remote_estimate(kStart, DataRate::kilobits_per_second(300));
  CHECK(update.target == DataRate::kilobits_per_second(300));
  REQUIRE(update.pacing_rate);
  CHECK(*update.pacing_rate > DataRate::kilobits_per_second(300));
}

TEST_CASE("new limits take effect at once", "[cc]") {
  LossBasedController controller{limits()};
  Limits low = limits();
  low.max = DataRate::kilobits_per_second(500);
  CHECK(controller.set_limits(kStart, low).target == DataRate::kilobits_per_second(500));
}

TEST_CASE("on another path the rate begins anew and what is told of the old one is passed over",
          "[cc][rfc8085]") {
  LossBasedController controller{limits()};
  for (int i = 0; i < 60; ++i) feed(controller, kStart + i * 1s, 0);
  (void)controller.on_remote_estimate(kStart + 60s, DataRate::kilobits_per_second(1900));
  const Timestamp change = kStart + 61s;
  CHECK(controller.on_path_change(change).target == limits().start);
  // Packets of the old path that never came: feed() says they left at the beginning of time.
  feed(controller, change + 1ms, 100);
  feed(controller, change + 600ms, 100);
  CHECK_FALSE(controller.on_loss_report(change + 700ms, {.fraction_lost = 1.0}).target);
  CHECK(controller.target() == limits().start);
  // The estimate was of the old path, too.
  for (int i = 2; i < 60; ++i) (void)controller.on_loss_report(change + i * 1s, {});
  CHECK(controller.target() == limits().max);
}
