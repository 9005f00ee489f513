#include "peer/media_layers.hpp"

#include "peer/scaling.hpp"
#include "support/catch.hpp"
#include "support/picture.hpp"

using namespace parley;
using namespace parley::peer;

namespace {

DataRate kbps(std::int64_t n) { return DataRate::kilobits_per_second(n); }

std::vector<std::int64_t> shared(std::int64_t total, const std::vector<LayerDemand>& layers) {
  std::vector<std::int64_t> out;
  for (const DataRate r : share_among_layers(kbps(total), kbps(1600), layers)) {
    out.push_back(r.bits_per_second() / 1000);
  }
  return out;
}

const std::vector<LayerDemand> kThree{{.scale = 4}, {.scale = 2}, {.scale = 1}};

}  // namespace

TEST_CASE("a rate goes to the smallest pictures first and the largest takes the rest", "[peer]") {
  CHECK(shared(2000, kThree) == std::vector<std::int64_t>{100, 400, 1500});
  CHECK(shared(1000, kThree) == std::vector<std::int64_t>{100, 400, 500});
  // 480 kbit/s is what the full picture needs to begin.
  CHECK(shared(970, kThree) == std::vector<std::int64_t>{100, 600, 0});
  CHECK(shared(300, kThree) == std::vector<std::int64_t>{100, 200, 0});
  CHECK(shared(150, kThree) == std::vector<std::int64_t>{150, 0, 0});
  CHECK(shared(10, kThree) == std::vector<std::int64_t>{10, 0, 0});
}

TEST_CASE("a layer that runs gives up later than it began", "[peer]") {
  auto layers = kThree;
  layers[2].running = true;
  CHECK(shared(970, layers) == std::vector<std::int64_t>{100, 400, 470});
  CHECK(shared(899, layers)[2] == 0);
}

TEST_CASE("layers that nobody wants cost nothing", "[peer]") {
  auto layers = kThree;
  layers[1].wanted = false;
  CHECK(shared(1000, layers) == std::vector<std::int64_t>{100, 0, 900});
  for (LayerDemand& l : layers) l.wanted = false;
  CHECK(shared(1000, layers) == std::vector<std::int64_t>{0, 0, 0});
  CHECK(shared(1000, {}).empty());
}

TEST_CASE("no layer gets more than its maximum", "[peer]") {
  auto layers = kThree;
  layers[0].max = kbps(50);
  layers[2].max = kbps(700);
  CHECK(shared(2000, layers) == std::vector<std::int64_t>{50, 400, 700});
}

TEST_CASE("one stream gets all that there is", "[peer]") {
  CHECK(shared(3000, {{.scale = 1}}) == std::vector<std::int64_t>{3000});
  CHECK(shared(3000, {{.scale = 1, .max = kbps(900)}}) == std::vector<std::int64_t>{900});
}

TEST_CASE("a picture keeps its mean when it is made smaller", "[peer]") {
  auto picture = std::make_shared<I420Buffer>(64, 48);
  std::fill(picture->data().begin(), picture->data().end(), std::uint8_t{200});
  for (const double scale : {1.5, 2.0, 3.0}) {
    const auto smaller = scaled_down(picture, scale);
    CHECK(smaller->width() == static_cast<int>(64 / scale) / 2 * 2);
    for (const std::uint8_t sample : std::as_const(*smaller).data()) REQUIRE(sample == 200);
  }
  // Columns of black and white become grey: nothing is skipped.
  for (int y = 0; y < 48; ++y) {
    auto row = picture->y().row(y);
    for (std::size_t x = 0; x < row.size(); ++x) row[x] = x % 2 == 0 ? 0 : 255;
  }
  const auto grey = scaled_down(picture, 2);
  for (const std::uint8_t sample : std::as_const(*grey).y().row(5)) {
    CHECK(std::abs(sample - 128) <= 1);
  }
}

TEST_CASE("a picture that keeps its size is the same and none is smaller than 16 by 16", "[peer]") {
  const std::shared_ptr<const I420Buffer> picture = test::moving_picture(1, 161, 121);
  CHECK(scaled_down(picture, 1) == picture);
  CHECK(scaled_down(picture, 0.5) == picture);
  const auto tiny = scaled_down(picture, 100);
  CHECK(tiny->width() == 16);
  CHECK(tiny->height() == 16);
  const auto odd = scaled_down(picture, 1.01);
  CHECK(odd->width() == 158);
  CHECK(odd->height() == 118);
}
