// From parts to messages, in order where that was promised (RFC 9260 sections 6.6 and 6.9, RFC 8260
// section 2.2.3).
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "parley/sctp/types.hpp"
#include "sctp/data_chunk.hpp"
#include "sctp/forward_tsn_chunk.hpp"
#include "sctp/ring.hpp"
#include "sctp/spare_buffers.hpp"

namespace parley::sctp {

/// Collects the parts of messages and gives whole ones out.
///
/// Parts are appended to their message as long as each follows the one before; a part that came too
/// early waits as an orphan. A message is thus copied once however long it is. In DATA the parts of
/// a message have consecutive TSNs, so an orphan is known by its TSN; in I-DATA by stream, order,
/// message and fragment number.
class Reassembly {
 public:
  struct Limits {
    std::size_t max_message = 0;
    std::size_t max_streams = 0;
    /// A message grows in pieces of so many bytes. A vector that grows holds its old and its new
    /// bytes for a moment, which matters for long messages only; the C library gives pieces of this
    /// size back to the system when they are freed (mallopt(3), M_MMAP_THRESHOLD: at most 32 MiB).
    std::size_t piece = std::size_t{64} << 20;
  };
  /// What every part that waits is thought to need besides its bytes.
  static constexpr std::size_t kOverhead = 128;

  enum class Outcome : std::uint8_t {
    taken,
    old,        ///< of a message that was delivered or skipped
    no_stream,  ///< Limits::max_streams
    too_long,   ///< Limits::max_message
  };

  Reassembly(DataFormat format, Limits limits) : format_(format), limits_(limits) {}

  /// A part whose TSN was not seen before. Whole messages go to `out`.
  Outcome take(const DataChunk& part, std::int64_t tsn, Ring<Message>& out);
  /// Everything up to `cumulative` was abandoned or came; `skipped` says where ordered streams go
  /// on. Messages that waited for them go to `out`.
  void skip(const ForwardTsnChunk& skipped, std::int64_t cumulative, Ring<Message>& out);
  /// The stream begins anew.
  void reset(std::uint16_t stream);
  void reset_all();

  /// Bytes held: parts, unfinished messages, and whole ones that wait for their turn.
  std::size_t held() const { return held_; }
  /// Of these the unfinished ones, which no reading of the application can free.
  std::size_t unfinished() const { return unfinished_; }

  SpareBuffers& spares() { return spares_; }
  /// Gives back memory that was kept for messages to come.
  void release_spares() {
    spares_.clear();
    spare_unfinished_.clear();
    spare_orphans_.clear();
    spare_waiting_.clear();
  }

 private:
  // (stream and order, message number, position); DATA: (0, 0, TSN).
  using Key = std::tuple<std::uint32_t, std::int64_t, std::int64_t>;
  struct Orphan {
    std::vector<std::uint8_t> data;
    std::uint16_t stream = 0;
    bool unordered = false;
    bool begin = false;
    bool end = false;
    std::int64_t number = 0;
    std::uint32_t ppid = 0;
  };
  struct Unfinished {
    std::vector<std::uint8_t> data;  ///< the last piece, mostly the only one
    std::uint16_t stream = 0;
    bool unordered = false;
    std::int64_t number = 0;
    std::uint32_t ppid = 0;
    std::vector<std::vector<std::uint8_t>> pieces{};  ///< before `data`, each full
    std::size_t size = 0;                             ///< of all
  };
  struct Waiting {
    std::uint32_t ppid = 0;
    std::vector<std::uint8_t> data;
  };
  struct Stream {
    std::int64_t next = 0;             // the ordered message to deliver next
    std::int64_t next_unordered = 0;   // I-DATA: the highest seen plus one
    std::int64_t unordered_floor = 0;  // I-DATA: what is below was delivered or skipped
    std::map<std::int64_t, Waiting> waiting;
  };

  Stream* stream(std::uint16_t id);
  std::int64_t number_of(const DataChunk& part, const Stream& stream) const;
  static std::uint32_t lane(std::uint16_t stream, bool unordered) {
    return (std::uint32_t{stream} << 1) | (unordered ? 1 : 0);
  }
  bool append(Unfinished& message, Bytes payload);
  static std::vector<std::uint8_t> join(Unfinished&& message);
  Outcome adopt(Key next, Unfinished message, Ring<Message>& out);
  void complete(Unfinished&& message, Ring<Message>& out);
  void deliver_ready(std::uint16_t id, Stream& stream, Ring<Message>& out);
  void drop_orphans(std::map<Key, Orphan>::iterator first, std::map<Key, Orphan>::iterator last);
  void drop_unfinished(std::map<Key, Unfinished>::iterator at);
  void skip_messages(std::uint16_t stream, bool unordered, std::int64_t number);

  DataFormat format_;
  Limits limits_;
  std::unordered_map<std::uint16_t, Stream> streams_;
  std::map<Key, Unfinished> unfinished_messages_;  // by the key of the part that each waits for
  std::map<Key, Orphan> orphans_;
  std::size_t held_ = 0;
  std::size_t unfinished_ = 0;
  // No allocation for each message, nor for what a loss holds up.
  SpareBuffers spares_;
  SpareNodes<std::map<Key, Unfinished>> spare_unfinished_;
  SpareNodes<std::map<Key, Orphan>> spare_orphans_;
  SpareNodes<std::map<std::int64_t, Waiting>> spare_waiting_;
};

}  // namespace parley::sctp
