#include "parley/jitter/delay_estimator.hpp"

#include "parley/base/random.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

/// Feeds packets of 20 ms whose extra delay `delay(n)` gives, beginning with number `from`.
template <class Delay>
void feed(DelayEstimator& estimator, int from, int count, Delay&& delay, double ppm = 0.0) {
  for (int n = from; n < from + count; ++n) {
    const Duration media = Duration{20ms} * n;
    const auto drift = from_seconds(to_seconds(media) * ppm * 1e-6);
    estimator.on_arrival({Timestamp{} + 77s + media + drift + delay(n), media, 20ms});
  }
}

}  // namespace

TEST_CASE("the target is the quantile of the spread and not its extreme", "[jitter]") {
  QuantileDelayEstimator estimator;
  SeededRandom random{1};
  feed(estimator, 0, 2000,
       [&](int n) { return n % 100 == 50 ? Duration{300ms} : Duration{random.below(40'000)}; });
  CHECK(estimator.target() > 35ms);
  CHECK(estimator.target() < 50ms);
}

TEST_CASE("before arrivals the target is the configured one and fades to the learnt one",
          "[jitter]") {
  QuantileDelayEstimator estimator;
  CHECK(estimator.target() == 30ms);
  feed(estimator, 0, 12, [](int) { return 0ms; });
  CHECK(estimator.target() < 25ms);
  CHECK(estimator.target() > 5ms);
  feed(estimator, 12, 30, [](int) { return 0ms; });
  CHECK(estimator.target() < 5ms);
}

TEST_CASE("old spread is forgotten", "[jitter]") {
  QuantileDelayEstimator estimator;
  SeededRandom random{2};
  feed(estimator, 0, 500, [&](int) { return Duration{random.below(100'000)}; });
  CHECK(estimator.target() > 80ms);
  feed(estimator, 500, 1500, [&](int) { return Duration{random.below(4'000)}; });
  CHECK(estimator.target() < 15ms);
}

TEST_CASE("a longer route moves the base and leaves the spread", "[jitter]") {
  QuantileDelayEstimator estimator;
  SeededRandom random{3};
  feed(estimator, 0, 500, [&](int) { return Duration{random.below(10'000)}; });
  const Duration base = estimator.base();
  feed(estimator, 500, 1000, [&](int) { return 150ms + Duration{random.below(10'000)}; });
  CHECK(estimator.base() - base > 145ms);
  CHECK(estimator.base() - base < 155ms);
  CHECK(estimator.target() < 20ms);
}

TEST_CASE("drift of the clocks does not look like jitter", "[jitter]") {
  for (const double ppm : {500.0, -500.0}) {
    QuantileDelayEstimator estimator;
    feed(
        estimator, 0, 20'000, [](int) { return 0ms; }, ppm);
    // Half a millisecond per second over the seconds that are remembered, and a bucket.
    CHECK(estimator.target() < 14ms);
  }
}

TEST_CASE("after a reset the spread is still expected and the base is learnt anew", "[jitter]") {
  QuantileDelayEstimator estimator;
  SeededRandom random{4};
  feed(estimator, 0, 500, [&](int) { return Duration{random.below(60'000)}; });
  const Duration before = estimator.target();
  estimator.reset();
  feed(estimator, 100'000, 1, [](int) { return 5s; });
  CHECK(estimator.target() > before - 10ms);
  CHECK(estimator.target() < before + 10ms);
}

TEST_CASE("hours of arrivals do not overflow the weights", "[jitter]") {
  QuantileDelayEstimator estimator;
  feed(estimator, 0, 200'000, [](int n) { return n % 10 == 0 ? Duration{24ms} : Duration{0ms}; });
  CHECK(estimator.target() > 23ms);
  CHECK(estimator.target() < 29ms);
}
