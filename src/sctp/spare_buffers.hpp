// Buffers that were used and will be used again.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace parley::sctp {

/// Keeps the memory of a bounded number of byte vectors.
class SpareBuffers {
 public:
  std::vector<std::uint8_t> take() {
    if (spares_.empty()) return {};
    std::vector<std::uint8_t> out = std::move(spares_.back());
    spares_.pop_back();
    held_ -= out.capacity();
    return out;
  }
  void give(std::vector<std::uint8_t>&& buffer) {
    if (buffer.capacity() == 0 || spares_.size() >= kMost ||
        held_ + buffer.capacity() > kMostBytes) {
      return;
    }
    buffer.clear();
    held_ += buffer.capacity();
    spares_.push_back(std::move(buffer));
  }
  void clear() {
    spares_ = {};
    held_ = 0;
  }

 private:
  static constexpr std::size_t kMost = 2048;
  static constexpr std::size_t kMostBytes = 1024 * 1024;
  std::vector<std::vector<std::uint8_t>> spares_;
  std::size_t held_ = 0;
};

}  // namespace parley::sctp
