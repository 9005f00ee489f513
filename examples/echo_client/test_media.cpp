#include "echo_client/test_media.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace echo_client {
namespace {

using namespace parley;

constexpr double kTau = 2 * std::numbers::pi;
/// The row of squares: a light one, 16 of the number, a dark one.
constexpr int kCell = 20;
constexpr int kLeft = 40;
constexpr int kTop = 20;
constexpr int kBits = 16;
constexpr std::uint8_t kLight = 225;
constexpr std::uint8_t kDark = 25;
/// How far from the middle a square must be to count.
constexpr int kMargin = 35;

bool is_light(std::uint16_t number, int cell) {
  return cell == 0 || (cell <= kBits && (number >> (cell - 1) & 1) != 0);
}

void draw_number(I420Buffer& picture, std::uint16_t number) {
  for (int y = kTop; y < kTop + kCell; ++y) {
    const auto row = picture.y().row(y);
    for (int x = 0; x < kCell * (kBits + 2); ++x)
      row[static_cast<std::size_t>(kLeft + x)] = is_light(number, x / kCell) ? kLight : kDark;
  }
  for (auto plane : {picture.u(), picture.v()}) {
    for (int y = kTop / 2; y < (kTop + kCell) / 2; ++y) {
      const auto row = plane.row(y).subspan(kLeft / 2, kCell * (kBits + 2) / 2);
      std::fill(row.begin(), row.end(), std::uint8_t{128});
    }
  }
}

/// The mean of the middle of one square; `scale_x` and `scale_y` map to this picture's size.
int mean_of_cell(PlaneView<const std::uint8_t> y, int cell, double scale_x, double scale_y) {
  int sum = 0;
  int count = 0;
  for (double dy = 0.35; dy < 0.7; dy += 0.15) {
    for (double dx = 0.35; dx < 0.7; dx += 0.15) {
      const auto row = static_cast<int>((kTop + dy * kCell) * scale_y);
      const auto column = static_cast<std::size_t>((kLeft + (cell + dx) * kCell) * scale_x);
      sum += y.row(row)[column];
      ++count;
    }
  }
  return sum / count;
}

}  // namespace

std::shared_ptr<const I420Buffer> draw_picture(std::uint16_t number) {
  auto picture = std::make_shared<I420Buffer>(kPictureWidth, kPictureHeight);
  const double t = number / 30.0;
  const double centre_x = kPictureWidth * (0.5 + 0.35 * std::sin(t));
  const double centre_y = kPictureHeight * (0.55 + 0.25 * std::cos(1.3 * t));
  for (int y = 0; y < kPictureHeight; ++y) {
    const auto row = picture->y().row(y);
    for (int x = 0; x < kPictureWidth; ++x) {
      const double dx = x - centre_x;
      const double dy = y - centre_y;
      // A gradient that drifts, and a ball on it.
      const int shade = 60 + (x + 2 * y + number) / 8 % 100;
      row[static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(dx * dx + dy * dy < 45 * 45 ? 210 : shade);
    }
  }
  const auto paint = [&](PlaneView<std::uint8_t> plane, double phase) {
    for (int y = 0; y < plane.height; ++y) {
      const auto value = 128 + 40 * std::sin(phase + t / 3 + 2.0 * y / plane.height);
      const auto row = plane.row(y);
      std::fill(row.begin(), row.end(), static_cast<std::uint8_t>(value));
    }
  };
  paint(picture->u(), 0);
  paint(picture->v(), 2);
  draw_number(*picture, number);
  return picture;
}

std::optional<std::uint16_t> read_number(const I420Buffer& picture) {
  const double scale_x = static_cast<double>(picture.width()) / kPictureWidth;
  const double scale_y = static_cast<double>(picture.height()) / kPictureHeight;
  unsigned number = 0;
  for (int cell = 0; cell < kBits + 2; ++cell) {
    const int distance = mean_of_cell(picture.y(), cell, scale_x, scale_y) - 125;
    if (std::abs(distance) < kMargin) return std::nullopt;
    const bool light = distance > 0;
    if (cell == 0 ? !light : cell > kBits && light) return std::nullopt;
    if (light && cell > 0) number |= 1U << (cell - 1);
  }
  return static_cast<std::uint16_t>(number);
}

double luma_psnr(const I420Buffer& a, const I420Buffer& b) {
  double squares = 0;
  for (int y = 0; y < a.height(); ++y) {
    const auto left = a.y().row(y);
    const auto right = b.y().row(y);
    for (std::size_t x = 0; x < left.size(); ++x) {
      const int difference = left[x] - right[x];
      squares += difference * difference;
    }
  }
  const double mean = squares / (static_cast<double>(a.width()) * a.height());
  return mean <= 0 ? 99 : std::min(99.0, 10 * std::log10(255.0 * 255.0 / mean));
}

void Tone::fill(std::span<std::int16_t> samples) {
  for (std::int16_t& sample : samples) {
    sample = static_cast<std::int16_t>(8000 * std::sin(phase_));
    phase_ = std::fmod(phase_ + kTau * kToneHz / kAudioSampleRate, kTau);
  }
}

std::optional<bool> ToneDetector::handle_block(std::span<const std::int16_t> mono) {
  for (const std::int16_t sample : mono) {
    at_tone_ += static_cast<double>(sample) *
                std::polar(1.0, -kTau * kToneHz * samples_ / kAudioSampleRate);
    energy_ += static_cast<double>(sample) * sample;
    ++samples_;
  }
  if (samples_ < kWindow) return std::nullopt;
  // A pure sine has |sum|^2 = n/2 * energy.
  const double share = energy_ > 0 ? 2 * std::norm(at_tone_) / (samples_ * energy_) : 0;
  const double rms = std::sqrt(energy_ / samples_);
  *this = {};
  return rms > 300 && share > 0.6;
}

}  // namespace echo_client
