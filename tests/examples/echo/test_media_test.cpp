#include "echo_client/test_media.hpp"

#include <cmath>
#include <vector>

#include "parley/codec/vp8.hpp"
#include "support/catch.hpp"

using namespace echo_client;
using namespace parley;

TEST_CASE("the number of a picture survives coarse coding", "[echo]") {
  codec::Vp8EncoderConfig config;
  config.rate = DataRate::kilobits_per_second(100);
  auto encoder = codec::Vp8Encoder::create(config);
  auto decoder = codec::Vp8Decoder::create();
  REQUIRE(encoder);
  REQUIRE(decoder);
  int read = 0;
  for (const int number : {0, 1, 0x5555, 0xAAAA, 0xFFFF}) {
    const auto picture = draw_picture(static_cast<std::uint16_t>(number));
    CHECK(read_number(*picture) == number);
    const auto coded = (*encoder)->encode({.picture = picture}, {});
    REQUIRE(coded);
    REQUIRE(coded->has_value());
    const auto shown = (*decoder)->decode(**coded);
    REQUIRE(shown);
    if (!shown->has_value()) continue;
    CHECK(read_number(*(*shown)->picture) == number);
    CHECK(luma_psnr(*picture, *(*shown)->picture) > 20);
    ++read;
  }
  CHECK(read == 5);
}

TEST_CASE("a picture without squares has no number", "[echo]") {
  I420Buffer grey(640, 360);
  std::fill(grey.data().begin(), grey.data().end(), std::uint8_t{128});
  CHECK(read_number(grey) == std::nullopt);
  std::fill(grey.data().begin(), grey.data().end(), std::uint8_t{240});
  CHECK(read_number(grey) == std::nullopt);
  std::fill(grey.data().begin(), grey.data().end(), std::uint8_t{16});
  CHECK(read_number(grey) == std::nullopt);
}

TEST_CASE("pictures of other numbers are told apart by their PSNR", "[echo]") {
  CHECK(luma_psnr(*draw_picture(7), *draw_picture(7)) == 99);
  CHECK(luma_psnr(*draw_picture(7), *draw_picture(60)) < 25);
}

TEST_CASE("the tone is found and other sounds are not", "[echo]") {
  const auto windows = [](auto&& sample) {
    ToneDetector detector;
    int found = 0;
    std::vector<std::int16_t> block(480);
    int n = 0;
    for (int i = 0; i < 100; ++i) {
      for (auto& s : block) s = static_cast<std::int16_t>(sample(n++));
      if (detector.handle_block(block).value_or(false)) ++found;
    }
    return found;
  };
  const auto sine = [](double hertz, double loudness) {
    return [=](int n) { return loudness * std::sin(2 * 3.14159265 * hertz * n / 48'000); };
  };
  CHECK(windows(sine(440, 8000)) == 10);
  CHECK(windows(sine(440, 20)) == 0);
  CHECK(windows(sine(880, 8000)) == 0);
  CHECK(windows([](int n) { return (n * 7919) % 16'001 - 8000; }) == 0);
  CHECK(windows([](int) { return 0; }) == 0);
}
