#include <cmath>
#include <numbers>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/jitter/time_stretcher.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

std::vector<std::int16_t> tone(int length, double hertz, int channels, int room) {
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(room * channels));
  for (int i = 0; i < length; ++i) {
    const double w = 2 * std::numbers::pi * hertz * i / 48'000.0;
    const double v = 6000 * std::sin(w) + 3000 * std::sin(2 * w + 1);
    for (int c = 0; c < channels; ++c) {
      pcm[static_cast<std::size_t>(i * channels + c)] = static_cast<std::int16_t>(v);
    }
  }
  return pcm;
}

double largest_step(const std::vector<std::int16_t>& pcm, int length, int channels) {
  double step = 0.0;
  for (int i = 1; i < length; ++i) {
    step = std::max(step, std::abs(1.0 * pcm[static_cast<std::size_t>(i * channels)] -
                                   pcm[static_cast<std::size_t>((i - 1) * channels)]));
  }
  return step;
}

}  // namespace

TEST_CASE("voiced sound is cut and repeated by whole periods without a step", "[jitter]") {
  OverlapStretcher stretcher;
  for (const double hertz : {80.0, 123.0, 210.0, 350.0}) {
    for (const int channels : {1, 2}) {
      INFO(hertz << " Hz, channels " << channels);
      auto pcm = tone(1440, hertz, channels, 2400);
      const double step = largest_step(pcm, 1440, channels);
      const int shorter = stretcher.accelerate(pcm, channels, 1440, 480);
      CHECK(shorter < 1440);
      CHECK(shorter >= 480);
      const double periods = (1440 - shorter) * hertz / 48'000.0;
      CHECK(periods == Approx(std::round(periods)).margin(0.03));
      CHECK(largest_step(pcm, shorter, channels) < 1.2 * step);

      pcm = tone(1440, hertz, channels, 2400);
      const int longer = stretcher.expand(pcm, channels, 1440, 2400);
      CHECK(longer > 1440);
      CHECK(longer <= 2400);
      CHECK(largest_step(pcm, longer, channels) < 1.2 * step);
    }
  }
}

TEST_CASE("loud noise is left alone and silence is not", "[jitter]") {
  OverlapStretcher stretcher;
  SeededRandom random{1};
  std::vector<std::int16_t> noise(2400);
  for (auto& s : noise)
    s = static_cast<std::int16_t>(static_cast<int>(random.below(16'000)) - 8000);
  CHECK(stretcher.accelerate(noise, 1, 1440, 480) == 1440);
  CHECK(stretcher.expand(noise, 1, 1440, 2400) == 1440);
  std::vector<std::int16_t> silence(2400);
  CHECK(stretcher.accelerate(silence, 1, 1440, 1000) == 1000);
  CHECK(stretcher.expand(silence, 1, 1440, 1900) == 1900);
}

TEST_CASE("too little sound or too narrow bounds change nothing", "[jitter]") {
  OverlapStretcher stretcher;
  auto pcm = tone(960, 200, 1, 960);
  CHECK(stretcher.accelerate(pcm, 1, 500, 0) == 500);
  CHECK(stretcher.accelerate(pcm, 1, 960, 900) == 960);
  CHECK(stretcher.expand(pcm, 1, 960, 960) == 960);
}
