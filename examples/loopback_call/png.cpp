#include "loopback_call/png.hpp"

#include <png.h>

#include <algorithm>
#include <string>

namespace loopback_call {
namespace {

std::uint8_t clamp_byte(int v) { return static_cast<std::uint8_t>(std::clamp(v, 0, 255)); }

/// The mean of squares of `factor` by `factor` pixels.
void shrink_plane(parley::PlaneView<const std::uint8_t> from, parley::PlaneView<std::uint8_t> to,
                  int factor) {
  for (int y = 0; y < to.height; ++y) {
    const auto row = to.row(y);
    for (int x = 0; x < to.width; ++x) {
      int sum = 0;
      for (int dy = 0; dy < factor; ++dy)
        for (int dx = 0; dx < factor; ++dx)
          sum += from.row(
              std::min(factor * y + dy,
                       from.height -
                           1))[static_cast<std::size_t>(std::min(factor * x + dx, from.width - 1))];
      row[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(sum / (factor * factor));
    }
  }
}

parley::I420Buffer shrink(const parley::I420Buffer& picture, int factor) {
  parley::I420Buffer small(std::max(1, picture.width() / factor),
                           std::max(1, picture.height() / factor));
  shrink_plane(picture.y(), small.y(), factor);
  shrink_plane(picture.u(), small.u(), factor);
  shrink_plane(picture.v(), small.v(), factor);
  return small;
}

/// BT.601 with luma 16..235, in fixed point of 8 bits.
std::vector<std::uint8_t> to_rgb(const parley::I420Buffer& picture) {
  std::vector<std::uint8_t> rgb;
  rgb.reserve(static_cast<std::size_t>(picture.width()) *
              static_cast<std::size_t>(picture.height()) * 3);
  for (int row = 0; row < picture.height(); ++row) {
    const auto y = picture.y().row(row);
    const auto u = picture.u().row(row / 2);
    const auto v = picture.v().row(row / 2);
    for (std::size_t x = 0; x < y.size(); ++x) {
      const int c = 298 * (y[x] - 16) + 128;
      const int d = u[x / 2] - 128;
      const int e = v[x / 2] - 128;
      rgb.push_back(clamp_byte((c + 409 * e) >> 8));
      rgb.push_back(clamp_byte((c - 100 * d - 208 * e) >> 8));
      rgb.push_back(clamp_byte((c + 516 * d) >> 8));
    }
  }
  return rgb;
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = (group << 8) | (k < n ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text.push_back(k <= n ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=');
  }
  return text;
}

}  // namespace

std::vector<std::uint8_t> encode_png(const parley::I420Buffer& picture) {
  const std::vector<std::uint8_t> rgb = to_rgb(picture);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width());
  image.height = static_cast<png_uint_32>(picture.height());
  image.format = PNG_FORMAT_RGB;
  image.flags = PNG_IMAGE_FLAG_FAST;  // a tenth larger and several times faster
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, rgb.data(), 0, nullptr) == 0) return {};
  std::vector<std::uint8_t> png(size);
  if (png_image_write_to_memory(&image, png.data(), &size, 0, rgb.data(), 0, nullptr) == 0)
    return {};
  png.resize(size);
  return png;
}

std::string png_data_uri(const parley::I420Buffer& picture, int most_wide) {
  const int factor = (picture.width() + most_wide - 1) / most_wide;
  if (factor > 1) return png_data_uri(shrink(picture, factor), most_wide);
  return "data:image/png;base64," + base64(encode_png(picture));
}

}  // namespace loopback_call
