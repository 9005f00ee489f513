#include "test_media.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

namespace interop {
namespace {

constexpr int kBright = 200;
constexpr int kDark = 40;
constexpr int kThreshold = 120;
constexpr int kQuiet = 500;
constexpr std::size_t kWindow = 24'000;

std::array<bool, kMarkerCells> cells_of(int number) {
  const auto bit = [number](int i) { return (number >> i & 1) != 0; };
  const bool parity = (std::popcount(static_cast<unsigned>(number) & 15U) & 1) != 0;
  return {true, false, bit(3), bit(2), bit(1), bit(0), parity, true};
}

}  // namespace

std::shared_ptr<const parley::I420Buffer> draw_picture(int number, int width, int height) {
  auto picture = std::make_shared<parley::I420Buffer>(width, height);
  const auto cells = cells_of(number);
  for (int y = 0; y < height; ++y) {
    auto row = picture->y().row(y);
    for (int x = 0; x < width; ++x) {
      const auto cell = static_cast<std::size_t>(x * kMarkerCells / width);
      const int luma =
          y < height / 8 ? (cells[cell] ? kBright : kDark) : 16 + (x + y + 2 * number) / 2 % 200;
      row[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(luma);
    }
  }
  for (auto plane : {picture->u(), picture->v()}) {
    for (int y = 0; y < plane.height; ++y) std::ranges::fill(plane.row(y), std::uint8_t{128});
  }
  return picture;
}

std::optional<int> read_marker(const parley::I420Buffer& picture) {
  std::array<bool, kMarkerCells> seen{};
  const auto row = picture.y().row(picture.height() / 16);
  const int width = picture.width() / kMarkerCells;
  for (int cell = 0; cell < kMarkerCells; ++cell) {
    int sum = 0;
    for (int x = width / 4; x < 3 * width / 4; ++x) {
      sum += row[static_cast<std::size_t>(cell * width + x)];
    }
    seen[static_cast<std::size_t>(cell)] = sum > kThreshold * (3 * width / 4 - width / 4);
  }
  const int number = seen[2] * 8 + seen[3] * 4 + seen[4] * 2 + seen[5];
  return seen == cells_of(number) ? std::optional{number} : std::nullopt;
}

void write_tone(std::span<std::int16_t> pcm, double hertz, std::uint64_t position) {
  for (auto& sample : pcm) {
    const double turns = hertz * static_cast<double>(position++) / parley::kAudioSampleRate;
    sample = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * turns));
  }
}

void ToneMeter::add(std::span<const std::int16_t> mono) {
  window_.insert(window_.end(), mono.begin(), mono.end());
  if (window_.size() < kWindow) return;
  // Noise around the zeros of the sine is kept out by hysteresis. The median of the periods, so
  // that a gap, which statistics tell of, does not look like another tone.
  std::vector<std::size_t> periods;
  std::optional<std::size_t> last;
  bool below = false;
  int peak = 0;
  for (std::size_t i = 0; i < window_.size(); ++i) {
    peak = std::max(peak, std::abs(static_cast<int>(window_[i])));
    if (window_[i] < -kQuiet) below = true;
    if (!below || window_[i] < 0) continue;
    below = false;
    if (last) periods.push_back(i - *last);
    last = i;
  }
  hertz_ = 0;
  if (!periods.empty()) {
    const auto middle = periods.begin() + static_cast<std::ptrdiff_t>(periods.size() / 2);
    std::nth_element(periods.begin(), middle, periods.end());
    hertz_ = double{parley::kAudioSampleRate} / static_cast<double>(*middle);
  }
  loudest_ = std::max(loudest_, peak);
  window_.clear();
}

}  // namespace interop
