// Datagrams that wait to be polled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "parley/base/assert.hpp"
#include "parley/base/bytes.hpp"

namespace parley::dtls {

/// A bounded queue, nearly always empty: a list, which keeps nothing then.
class DatagramQueue {
 public:
  static constexpr std::size_t kMaxQueued = 256;

  bool empty() const { return datagrams_.empty(); }
  bool full() const { return datagrams_.size() >= kMaxQueued; }
  std::size_t size() const { return datagrams_.size(); }
  std::vector<std::uint8_t>& back() { return datagrams_.back(); }

  /// False when the queue is full and the datagram is dropped.
  bool push(std::vector<std::uint8_t> datagram) {
    if (full()) return false;
    datagrams_.push_back(std::move(datagram));
    return true;
  }

  /// Copies the oldest datagram to `storage`, which has room for it.
  std::optional<Bytes> pop(MutableBytes storage) {
    if (datagrams_.empty()) return std::nullopt;
    const std::vector<std::uint8_t>& datagram = datagrams_.front();
    PARLEY_ASSERT(datagram.size() <= storage.size(),
                  "poll_transmit is given max_datagram_size bytes");
    std::memcpy(storage.data(), datagram.data(), datagram.size());
    const Bytes view = storage.first(datagram.size());
    datagrams_.pop_front();
    return view;
  }

  /// A copy of all but the oldest `count` datagrams.
  std::vector<std::vector<std::uint8_t>> copy_after(std::size_t count) const {
    if (count >= datagrams_.size()) return {};
    return {std::next(datagrams_.begin(), static_cast<std::ptrdiff_t>(count)), datagrams_.end()};
  }

 private:
  std::list<std::vector<std::uint8_t>> datagrams_;
};

}  // namespace parley::dtls
