#include "parley/base/media.hpp"

#include "parley/base/assert.hpp"

namespace parley {

I420Buffer::I420Buffer(int width, int height) : width_(width), height_(height) {
  PARLEY_ASSERT(width >= 1 && height >= 1 && width <= 16384 && height <= 16384,
                "callers check picture sizes that come from outside before they allocate");
  const Layout last = layout(2);
  data_.resize(last.offset +
               static_cast<std::size_t>(last.width) * static_cast<std::size_t>(last.height));
}

I420Buffer::Layout I420Buffer::layout(int index) const {
  const int cw = (width_ + 1) / 2;
  const int ch = (height_ + 1) / 2;
  const auto luma = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
  const auto chroma = static_cast<std::size_t>(cw) * static_cast<std::size_t>(ch);
  if (index == 0) return {0, width_, height_};
  return {luma + (index == 2 ? chroma : 0), cw, ch};
}

}  // namespace parley
