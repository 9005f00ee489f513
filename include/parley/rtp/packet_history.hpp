// The packets of a sent stream that may be asked for again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/time.hpp"

namespace parley::rtp {

/// Keeps the bytes of the newest packets of one stream in a ring of fixed size, found by sequence
/// number in constant time. The oldest go first: by count, by bytes, by age.
///
/// The ring of bytes is reserved at construction and touched as it fills; nothing is allocated
/// after that. Sequence numbers are unwrapped and ascend by one from packet to packet.
class PacketHistory {
 public:
  struct Config {
    std::size_t max_packets = 1000;     ///< 0: keep nothing
    std::size_t max_bytes = 1'000'000;  ///< of packets, and of memory
    Duration max_age = 2s;
  };
  struct Entry {
    std::int64_t sequence = 0;
    Timestamp sent{};         ///< first sending
    Timestamp last_resent{};  ///< meaningful when `resent_count` is not 0
    std::uint32_t resent_count = 0;
    bool queued = false;  ///< waits for retransmission
    Bytes packet;         ///< as first sent, valid until the next `store`
  };

  explicit PacketHistory(const Config& config);

  /// Copies `packet`. `sequence` follows the last one stored, or the history starts anew. A packet
  /// larger than the whole ring is not kept.
  void store(Timestamp now, std::int64_t sequence, Bytes packet);
  /// The entry with this sequence number, null when it was never stored or is gone. The entry's
  /// bookkeeping may be changed.
  Entry* find(Timestamp now, std::int64_t sequence);
  void clear();

  std::size_t size() const { return count_; }
  std::size_t bytes() const { return used_; }

 private:
  Entry& at(std::size_t index) { return entries_[(first_ + index) % entries_.size()]; }
  void drop_oldest();
  void drop_old(Timestamp now);
  std::size_t place(std::size_t size);

  Config config_;
  std::vector<Entry> entries_;  ///< ring of max_packets
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::unique_ptr<std::uint8_t[]> ring_;
  std::size_t write_at_ = 0;
  std::size_t used_ = 0;  ///< bytes of the kept packets
};

}  // namespace parley::rtp
