// The packets of an audio buffer, in a ring indexed by sequence number.
#pragma once

#include <cstdint>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/time.hpp"

namespace parley::jitter {

/// One buffered packet with what was read from it on arrival.
struct StoredPacket {
  enum class State : std::uint8_t { empty, waiting, used };
  State state = State::empty;
  bool has_fec = false;
  bool is_dtx = false;
  bool fec_used = false;  ///< the redundant copy in it stood in for the packet before
  std::int64_t sequence = 0;
  std::int64_t timestamp = 0;  ///< unwrapped
  int samples = 0;             ///< per channel
  Timestamp arrival{};
  std::vector<std::uint8_t> payload;
};

/// A ring of packets. Any `capacity` successive sequence numbers fit; the owner keeps the window. A
/// used packet stays known until its place is taken, so that duplicates of it are recognised.
/// Payload storage is kept: no allocation once it has grown.
class AudioPackets {
 public:
  /// `capacity` is a power of two.
  explicit AudioPackets(std::size_t capacity) : slots_(capacity) {}

  std::int64_t capacity() const { return static_cast<std::int64_t>(slots_.size()); }
  bool empty() const { return waiting_ == 0; }
  std::size_t size() const { return waiting_; }
  /// Smallest and largest sequence number that wait; only when not empty.
  std::int64_t first() const { return first_; }
  std::int64_t last() const { return last_; }

  /// True when a packet with this number waits or was used not long ago.
  bool knows(std::int64_t sequence) const;
  /// The waiting packet with this number, or null.
  StoredPacket* find(std::int64_t sequence);
  /// The first waiting packet; only when not empty.
  StoredPacket& front() { return slot(first_); }
  /// The last waiting packet; only when not empty.
  StoredPacket& back() { return slot(last_); }
  /// A place for a packet that is not known and lies within the window. The caller fills it.
  StoredPacket& add(std::int64_t sequence, Bytes payload);
  /// Takes the first packet out; its contents stay readable until the next `add`.
  void pop_front();
  void clear();

 private:
  StoredPacket& slot(std::int64_t sequence) {
    return slots_[static_cast<std::size_t>(sequence) & (slots_.size() - 1)];
  }
  std::vector<StoredPacket> slots_;
  std::size_t waiting_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace parley::jitter
