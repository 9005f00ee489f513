// Messages on their way out, and where they are kept.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/time.hpp"
#include "sctp/spare_buffers.hpp"

namespace parley::sctp {

/// A place in MessagePool.
using MessageIndex = std::uint32_t;
inline constexpr MessageIndex kNoMessage = std::numeric_limits<MessageIndex>::max();
inline constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();

struct OutgoingMessage {
  std::vector<std::uint8_t> data;
  Timestamp expires = kNever;
  std::uint32_t ppid = 0;
  std::uint32_t max_retransmits = kUnlimited;
  std::uint32_t number = 0;        ///< SSN or MID, given with the first part
  std::uint32_t fragment = 0;      ///< of the next part (I-DATA)
  std::uint32_t parts_kept = 0;    ///< parts sent and not yet acknowledged cumulatively
  std::int64_t first_tsn = 0;      ///< of its first part
  std::size_t sent = 0;            ///< bytes that got a TSN
  MessageIndex next = kNoMessage;  ///< in the queue of its stream
  std::uint16_t stream = 0;
  bool unordered = false;
  bool queued = false;  ///< still in the queue of its stream
  bool abandoned = false;
  bool control = false;  ///< not part of the buffered amount
};

/// Keeps messages until nobody refers to them: neither a stream's queue nor a part in flight.
class MessagePool {
 public:
  MessageIndex take() {
    ++live_;
    if (free_ == kNoMessage) {
      slots_.emplace_back();
      return static_cast<MessageIndex>(slots_.size() - 1);
    }
    const MessageIndex at = free_;
    free_ = slots_[at].next;
    slots_[at].next = kNoMessage;
    return at;
  }
  OutgoingMessage& operator[](MessageIndex at) { return slots_[at]; }
  const OutgoingMessage& operator[](MessageIndex at) const { return slots_[at]; }

  /// Frees the message when it is neither queued nor kept.
  void release_if_done(MessageIndex at) {
    OutgoingMessage& m = slots_[at];
    if (m.queued || m.parts_kept > 0) return;
    // Small buffers stay where they are, so that many small messages reuse many of them.
    std::vector<std::uint8_t> kept;
    if (m.data.capacity() <= kSmall) {
      kept = std::move(m.data);
      kept.clear();
    } else {
      spares_.give(std::move(m.data));
    }
    m = OutgoingMessage{};
    m.data = std::move(kept);
    m.next = free_;
    free_ = at;
    if (--live_ == 0 && slots_.size() > kKept) {
      slots_ = {};
      free_ = kNoMessage;
      spares_.clear();
    }
  }
  /// Fills the message with a copy of `bytes`.
  void copy_to(MessageIndex at, Bytes bytes) {
    std::vector<std::uint8_t>& data = slots_[at].data;
    if (bytes.size() > kSmall && data.capacity() < bytes.size()) data = spares_.take();
    data.assign(bytes.begin(), bytes.end());
  }

  /// Gives back memory that was kept for messages to come, when there are none.
  void release_spares() {
    spares_.clear();
    if (live_ > 0) return;
    slots_ = {};
    free_ = kNoMessage;
  }

 private:
  static constexpr std::size_t kSmall = 512;
  static constexpr std::size_t kKept =
      16'384;  // places that an empty pool keeps for the next burst
  std::vector<OutgoingMessage> slots_;
  std::size_t live_ = 0;
  MessageIndex free_ = kNoMessage;
  SpareBuffers spares_;
};

}  // namespace parley::sctp
