// Memory that was used and will be used again.
#pragma once

#include <cstddef>
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
  static constexpr std::size_t kMost = 8192;  // what one repair of a loss can set free at once
  static constexpr std::size_t kMostBytes = 1024 * 1024;
  std::vector<std::vector<std::uint8_t>> spares_;
  std::size_t held_ = 0;
};

/// Keeps a bounded number of nodes of maps of one type.
template <class Map>
class SpareNodes {
 public:
  /// False, and the map as it was, when the key is there already.
  bool insert(Map& map, const typename Map::key_type& key, typename Map::mapped_type&& value) {
    if (spares_.empty()) return map.try_emplace(key, std::move(value)).second;
    auto node = std::move(spares_.back());
    spares_.pop_back();
    node.key() = key;
    node.mapped() = std::move(value);
    auto result = map.insert(std::move(node));
    if (!result.inserted) give(std::move(result.node));
    return result.inserted;
  }
  void erase(Map& map, typename Map::iterator at) { give(map.extract(at)); }
  void give(typename Map::node_type&& node) {
    if (spares_.size() >= kMost) return;
    node.mapped() = {};
    spares_.push_back(std::move(node));
  }
  void clear() { std::vector<typename Map::node_type>{}.swap(spares_); }

 private:
  static constexpr std::size_t kMost = 8192;
  std::vector<typename Map::node_type> spares_;
};

}  // namespace parley::sctp
