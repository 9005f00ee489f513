#include "parley/jitter/video_timing.hpp"

#include <cmath>

#include "parley/base/random.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

const Timestamp kBegin = Timestamp{} + 800s;
std::uint32_t timestamp_of(int n) { return 0xFFFF'F000U + static_cast<std::uint32_t>(n) * 3000U; }
Timestamp sent(int n) { return kBegin + n * Duration{33'333}; }

}  // namespace

TEST_CASE("irregular arrivals become even render times", "[jitter][video]") {
  QuantileVideoTiming timing;
  SeededRandom random{1};
  Timestamp last{};
  double uneven = 0.0;
  int late = 0;
  for (int n = 0; n < 900; ++n) {
    const Timestamp now = sent(n) + 20ms + Duration{random.below(25'000)};
    const Timestamp render = timing.on_frame(now, timestamp_of(n), false);
    CHECK(render >= now);
    CHECK(render >= last);
    if (n > 300) {
      uneven += std::abs(to_milliseconds(render - last) - 33.333);
      late += render == now ? 1 : 0;
    }
    last = render;
  }
  CHECK(uneven / 600 < 2.0);
  CHECK(late < 40);
  CHECK(timing.current_delay() > 20ms);
  CHECK(timing.current_delay() < 45ms);
}

TEST_CASE("a steady path costs little more than the decode margin", "[jitter][video]") {
  QuantileVideoTiming timing;
  Timestamp render{};
  for (int n = 0; n < 900; ++n) render = timing.on_frame(sent(n) + 20ms, timestamp_of(n), false);
  CHECK(render - (sent(899) + 20ms) < 12ms);
}

TEST_CASE("rare retransmissions do not raise the delay", "[jitter][video]") {
  QuantileVideoTiming timing;
  for (int n = 0; n < 900; ++n) {
    const bool lost = n % 90 == 89;  // one in three seconds
    timing.on_frame(sent(n) + (lost ? 150ms : 20ms), timestamp_of(n), lost);
  }
  CHECK(timing.current_delay() < 15ms);
}

TEST_CASE("the delay covers retransmissions that are frequent", "[jitter][video]") {
  QuantileVideoTiming timing;
  int stutters = 0;
  Timestamp last{};
  for (int n = 0; n < 900; ++n) {
    const bool lost = n % 10 == 9;
    const Timestamp render =
        timing.on_frame(sent(n) + (lost ? 150ms : 20ms), timestamp_of(n), lost);
    if (n > 100 && render - last > 60ms) ++stutters;
    last = render;
  }
  CHECK(timing.current_delay() > 125ms);
  CHECK(timing.current_delay() < 160ms);
  CHECK(stutters == 0);
}

TEST_CASE("a delay bound of zero shows each frame at once", "[jitter][video]") {
  QuantileVideoTiming timing;
  timing.set_delay_bounds(0ms, 0ms);
  SeededRandom random{2};
  Timestamp last{};
  for (int n = 0; n < 100; ++n) {
    const Timestamp now = std::max(last, sent(n) + Duration{random.below(25'000)});
    CHECK(timing.on_frame(now, timestamp_of(n), false) == now);
    last = now;
  }
}

TEST_CASE("the least delay of the application is kept", "[jitter][video]") {
  QuantileVideoTiming timing;
  timing.set_delay_bounds(200ms, 400ms);
  Timestamp render{};
  for (int n = 0; n < 100; ++n) render = timing.on_frame(sent(n), timestamp_of(n), false);
  CHECK(render - sent(99) == 200ms);
}

TEST_CASE("a jump of the timestamps starts anew", "[jitter][video]") {
  QuantileVideoTiming timing;
  for (int n = 0; n < 100; ++n) timing.on_frame(sent(n), timestamp_of(n), false);
  for (int n = 100; n < 200; ++n) {
    const Timestamp render = timing.on_frame(sent(n), timestamp_of(n) + 90'000U * 1000U, false);
    CHECK(render - sent(n) < 50ms);
  }
  for (int n = 200; n < 300; ++n) {
    const Timestamp render = timing.on_frame(sent(n), timestamp_of(n), false);
    CHECK(render - sent(n) < 50ms);
  }
}

TEST_CASE("drift of the sender's clock does not add up", "[jitter][video]") {
  for (const double ppm : {500.0, -500.0}) {
    QuantileVideoTiming timing;
    for (int n = 0; n < 108'000; ++n) {
      const Timestamp now = kBegin + from_seconds(n / 30.0 * (1.0 + ppm * 1e-6));
      const Timestamp render = timing.on_frame(now, timestamp_of(n), false);
      if (n > 1000) REQUIRE(render - now < 30ms);
    }
  }
}
