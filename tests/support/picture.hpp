// Pictures whose content tells which one they are, and how alike two are.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "parley/base/media.hpp"

namespace parley::test {

/// A moving picture: a bright square on a gradient, both of which depend on `number`.
inline std::shared_ptr<const I420Buffer> moving_picture(int number, int width = 160,
                                                        int height = 120) {
  auto picture = std::make_shared<I420Buffer>(width, height);
  for (int y = 0; y < height; ++y) {
    auto row = picture->y().row(y);
    for (int x = 0; x < width; ++x) {
      const bool inside = std::abs(x - (20 + number * 3) % width) < 12 && std::abs(y - 60) < 12;
      row[static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(inside ? 230 : 16 + (x + y + number) / 2 % 160);
    }
  }
  for (auto plane : {picture->u(), picture->v()}) {
    for (int y = 0; y < plane.height; ++y) {
      for (auto& sample : plane.row(y)) sample = 128;
    }
  }
  return picture;
}

/// Peak signal-to-noise ratio of the luma, in dB; 99 for equal pictures.
inline double luma_psnr(const I420Buffer& a, const I420Buffer& b) {
  if (a.width() != b.width() || a.height() != b.height()) return 0;
  double error = 0;
  for (int y = 0; y < a.height(); ++y) {
    const auto left = a.y().row(y);
    const auto right = b.y().row(y);
    for (std::size_t x = 0; x < left.size(); ++x) {
      const double d = static_cast<double>(left[x]) - right[x];
      error += d * d;
    }
  }
  error /= static_cast<double>(a.width()) * a.height();
  return error == 0 ? 99 : 10 * std::log10(255.0 * 255.0 / error);
}

}  // namespace parley::test
