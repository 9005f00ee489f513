// What waits to be sent, per stream, and whose turn it is (RFC 8260 section 3).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sctp/data_chunk.hpp"
#include "sctp/outgoing_message.hpp"
#include "sctp/ring.hpp"

namespace parley::sctp {

/// The sending side of one stream. Exists from its first use on.
struct OutgoingStream {
  std::uint16_t id = 0;
  std::uint16_t weight = 256;
  bool scheduled = false;
  bool resetting = false;  ///< a reset was asked for: nothing new is taken
  bool unorder_when_heard = false;
  MessageIndex head = kNoMessage;
  MessageIndex tail = kNoMessage;
  std::uint32_t next_ordered = 0;    ///< SSN or MID
  std::uint32_t next_unordered = 0;  ///< MID (I-DATA)
  std::uint32_t messages_kept = 0;   ///< queued, or with parts not acknowledged
  std::uint64_t finish = 0;          ///< virtual time of its last byte
  std::size_t buffered = 0;          ///< bytes without a TSN
  std::size_t low_threshold = 0;
};

/// The next part to send. The bytes are `offset` and `size` in the message.
struct Part {
  MessageIndex message = kNoMessage;
  std::size_t offset = 0;
  std::size_t size = 0;
  std::uint32_t fragment = 0;
  bool begin = false;
  bool end = false;
};

/// Queues of messages under a weighted fair scheduler (RFC 8260 section 3.6). Parts of different
/// streams mix when `interleaving`; else the turn changes between messages only.
class SendQueue {
 public:
  explicit SendQueue(MessagePool& pool) : pool_(pool) {}

  OutgoingStream& stream(std::uint16_t id);
  const OutgoingStream* find(std::uint16_t id) const;
  OutgoingStream* find(std::uint16_t id);
  void erase(std::uint16_t id);

  void push(MessageIndex message);
  bool empty() const { return heap_.empty() && !current_; }
  /// Bytes that wait, of all streams.
  std::size_t bytes() const { return bytes_; }
  void set_interleaving(bool on) { interleaving_ = on; }

  /// The message whose part comes next; kNoMessage when nothing waits.
  MessageIndex peek();
  /// Takes at most `most` bytes of the message that `peek` named, and numbers it. When it was the
  /// last part the message leaves the queue.
  Part take(std::size_t most);
  /// Removes the unsent rest of a message, which may stand anywhere in its stream's queue.
  void remove(MessageIndex message);
  /// At the next `note_heard` of the stream, its messages without a number become unordered, except
  /// control.
  void unorder_when_heard(std::uint16_t id);
  /// The peer sent a message on the stream.
  void note_heard(std::uint16_t id);
  /// The next stream whose buffered amount fell to its threshold since the last call.
  std::optional<std::uint16_t> take_low() {
    if (low_.empty()) return std::nullopt;
    return low_.pop_front();
  }

 private:
  struct Turn {
    std::uint64_t finish;
    OutgoingStream* stream;
  };
  static bool later(const Turn& a, const Turn& b);
  void schedule(OutgoingStream& stream);
  void unlink_head(OutgoingStream& stream);
  void lower(OutgoingStream& stream, const OutgoingMessage& message, std::size_t bytes);

  MessagePool& pool_;
  std::unordered_map<std::uint16_t, OutgoingStream> streams_;
  std::vector<Turn> heap_;             // streams with messages, except current_
  OutgoingStream* current_ = nullptr;  // the stream that peek chose
  Ring<std::uint16_t> low_;
  bool interleaving_ = false;
  std::size_t to_unorder_ = 0;  // streams with unorder_when_heard
  std::uint64_t virtual_time_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace parley::sctp
