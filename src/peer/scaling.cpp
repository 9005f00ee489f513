#include "peer/scaling.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace parley::peer {
namespace {

/// One output sample's share of the input along one axis: `first` to `first + weights`, in units of
/// 1/256 of a sample.
struct Share {
  int first = 0;
  int count = 0;
};

/// Where the samples of a row or column of `to` samples come from. Sizes differ by 16384 at most,
/// so positions in 16.8 fixed point fit an int.
class Axis {
 public:
  Axis(int from, int to) : shares_(static_cast<std::size_t>(to)) {
    for (int i = 0; i < to; ++i) {
      const auto begin = static_cast<std::int64_t>(i) * from * 256 / to;
      const auto end = static_cast<std::int64_t>(i + 1) * from * 256 / to;
      Share& share = shares_[static_cast<std::size_t>(i)];
      share.first = static_cast<int>(begin / 256);
      const int last = std::min(static_cast<int>((end + 255) / 256), from);
      share.count = std::max(1, last - share.first);
      for (int k = 0; k < share.count; ++k) {
        const std::int64_t left = std::max<std::int64_t>(begin, (share.first + k) * 256);
        const std::int64_t right = std::min<std::int64_t>(end, (share.first + k + 1) * 256);
        weights_.push_back(static_cast<int>(std::max<std::int64_t>(1, right - left)));
      }
    }
  }
  const std::vector<Share>& shares() const { return shares_; }
  const std::vector<int>& weights() const { return weights_; }

 private:
  std::vector<Share> shares_;
  std::vector<int> weights_;
};

/// Mean of areas, first along the rows, then down the columns.
void scale_plane(PlaneView<const std::uint8_t> from, PlaneView<std::uint8_t> to) {
  const Axis across(from.width, to.width);
  const Axis down(from.height, to.height);
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(to.width));
  auto weight_down = down.weights().begin();
  for (int y = 0; y < to.height; ++y) {
    const Share rows = down.shares()[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), 0U);
    std::uint32_t total_down = 0;
    for (int r = 0; r < rows.count; ++r) {
      const auto row = from.row(rows.first + r);
      const auto w = static_cast<std::uint32_t>(*weight_down++);
      total_down += w;
      auto weight = across.weights().begin();
      for (std::size_t x = 0; x < sums.size(); ++x) {
        const Share columns = across.shares()[x];
        std::uint32_t sum = 0;
        std::uint32_t total = 0;
        for (int c = 0; c < columns.count; ++c) {
          const auto cw = static_cast<std::uint32_t>(*weight++);
          sum += row[static_cast<std::size_t>(columns.first + c)] * cw;
          total += cw;
        }
        // The mean of the row with four more bits: weights of a column add up to 2^22 at most.
        sums[x] += ((sum << 4) + total / 2) / total * std::min(w, 256U);
      }
    }
    const auto out = to.row(y);
    for (std::size_t x = 0; x < sums.size(); ++x) {
      const std::uint32_t mean = (sums[x] + total_down * 8) / (total_down * 16);
      out[x] = static_cast<std::uint8_t>(std::min(mean, 255U));
    }
  }
}

int scaled_size(int size, double scale) {
  const int smaller = static_cast<int>(size / scale) / 2 * 2;
  return std::min(size, std::max(16, smaller));
}

}  // namespace

std::shared_ptr<const I420Buffer> scaled_down(std::shared_ptr<const I420Buffer> picture,
                                              double scale) {
  if (!picture || scale <= 1) return picture;
  const int width = scaled_size(picture->width(), scale);
  const int height = scaled_size(picture->height(), scale);
  if (width == picture->width() && height == picture->height()) return picture;
  auto smaller = std::make_shared<I420Buffer>(width, height);
  scale_plane(picture->y(), smaller->y());
  scale_plane(picture->u(), smaller->u());
  scale_plane(picture->v(), smaller->v());
  return smaller;
}

}  // namespace parley::peer
