// What a receiver asks for again: missing packets by generic NACK, and whole pictures by PLI or
// FIR.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "parley/base/time.hpp"
#include "parley/machine.hpp"

namespace parley::rtp {

/// How a packet reached us: in its own stream, or again in a retransmission stream (RFC 4588).
enum class Origin { media, retransmission };

/// The missing packets of one received stream, and when to ask for each.
///
/// A hole in the sequence is asked for at once as long as the path keeps order. When late packets
/// show that it does not, the first question waits until more packets have overtaken the hole than
/// have ever been seen to do so (the distance decays), or `max_reorder_wait` has passed. Questions
/// are repeated after one round trip plus a growing margin. What stays missing, because of
/// `max_tries` or `max_age`, is given up: holes that are never filled (FEC packets in the media
/// sequence, RFC 5109) cost questions, not memory.
///
/// Owned by one ReceiveStream; a value without allocation after construction. RFC 4585 section
/// 6.2.1. One sequence of execution.
class NackTracker {
 public:
  struct Config {
    std::size_t max_missing = 1000;       ///< list bound; beyond it a key frame is cheaper
    int max_tries = 10;                   ///< questions per packet
    Duration max_age = 2s;                ///< after this a packet is of no use any more
    Duration min_reorder_wait = 0ms;      ///< wait even where no reordering was seen
    Duration max_reorder_wait = 10ms;     ///< wait where reordering was seen, at most
    Duration initial_rtt = 100ms;         ///< until set_rtt
    Duration min_repeat_interval = 10ms;  ///< on paths with next to no round trip time
  };
  struct Stats {
    std::uint64_t missed = 0;     ///< entered the list
    std::uint64_t asked = 0;      ///< sequence numbers handed out by poll, repeats included
    std::uint64_t recovered = 0;  ///< arrived after they were asked for
    std::uint64_t reordered = 0;  ///< arrived by themselves
    std::uint64_t abandoned = 0;  ///< given up by age, tries, or overflow
    std::uint64_t overflows = 0;  ///< times the list was emptied because it was full
  };

  NackTracker();
  explicit NackTracker(const Config& config);

  /// A packet arrived for the first time. `sequence` is unwrapped. The first call fixes where the
  /// stream begins: nothing before it is missing.
  void handle_packet(Timestamp now, std::int64_t sequence, Origin origin);
  /// A key frame that begins at `sequence` is complete: what is missing before it is not needed.
  void handle_key_frame(std::int64_t sequence);
  /// The stream began anew (restart, BYE): forgets everything but statistics and round trip time.
  void reset();
  /// The latest round trip time, above zero.
  void set_rtt(Duration rtt) { rtt_ = rtt; }

  /// Writes up to `out.size()` sequence numbers that are due, oldest first, counts each as
  /// asked for once more, and returns how many there are. The rest stays due.
  std::size_t poll(Timestamp now, std::span<std::uint16_t> out);
  /// Gives up what is too old.
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const { return missing_.empty() ? kNever : next_due_; }

  /// True once after packets were given up that no retransmission will bring: ask for a key frame.
  bool take_key_frame_needed();

  std::size_t missing() const { return missing_.size(); }
  /// Packets by which a late one was overtaken at most, lately; 0 on a path that keeps order.
  std::int64_t reorder_distance() const { return reorder_distance_; }
  const Stats& stats() const { return stats_; }

 private:
  struct Missing {
    std::int64_t sequence;
    Timestamp noticed;
    Timestamp due;  ///< of the next question
    Timestamp asked;
    int tries;
  };
  void notice_gap(Timestamp now, std::int64_t sequence);
  void handle_late(Timestamp now, std::int64_t sequence, Origin origin);
  void learn_reordering(std::int64_t distance);
  void hasten_overtaken();
  bool expired(const Missing& entry, Timestamp now) const;
  void abandon_expired(Timestamp now);
  void find_next_due();
  Duration repeat_interval(int tries) const;

  Config config_;
  std::vector<Missing> missing_;  ///< ascending; capacity max_missing from the start
  std::optional<std::int64_t> newest_;
  Duration rtt_;
  Timestamp next_due_ = kNever;  ///< not later than the earliest deadline of the list
  std::int64_t reorder_distance_ = 0;
  int packets_in_order_ = 0;
  bool key_frame_needed_ = false;
  Stats stats_;
};
static_assert(TimedCore<NackTracker>);

/// Decides when to ask the sender of one video stream for a key frame.
///
/// Wishes (no first key frame, a stall, references lost) are merged and asked for at most once per
/// max(round trip, `min_interval`), doubling up to `max_interval` while no key frame comes. A
/// request that repeats one without an answer keeps its FIR sequence number, a new one takes the
/// next (RFC 5104 section 4.3.1.2). PLI (RFC 4585 section 6.3.1) has no number.
///
/// Owned by the receiver of the stream. One sequence of execution.
class KeyFrameRequester {
 public:
  struct Config {
    Duration min_interval = 250ms;
    Duration max_interval = 2s;
    Duration first_frame_wait = 200ms;  ///< patience for a key frame nobody asked for
    Duration stall_wait = 1s;  ///< packets arrive but no frame could be decoded for this long
    Duration initial_rtt = 100ms;
  };
  struct Request {
    std::uint8_t fir_sequence;
    bool repeat;  ///< of a request that has not been answered yet
  };

  KeyFrameRequester();
  explicit KeyFrameRequester(const Config& config);

  /// A media packet of the stream arrived. The first one starts the wait for the first key frame.
  void handle_packet(Timestamp now);
  /// A frame became decodable (all its packets and references are there).
  void handle_frame(Timestamp now, bool key_frame);
  /// Somebody needs a key frame: the decoder failed, references are lost for good, a new viewer.
  void request(Timestamp now);
  /// The stream ended or began anew: the next packet starts over.
  void reset();
  void set_rtt(Duration rtt) { rtt_ = rtt; }

  /// A request to be sent now, if one is due.
  std::optional<Request> poll(Timestamp now);
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;

  bool waiting() const { return wanted_; }
  std::uint64_t requests() const { return requests_; }

 private:
  Duration interval() const;
  Config config_;
  Duration rtt_;
  bool wanted_ = false;
  bool asked_ = false;      ///< the present wish was sent at least once
  bool for_stall_ = false;  ///< the wish ends with any decodable frame
  Timestamp due_ = kNever;
  Timestamp last_sent_ = Timestamp::min();
  Timestamp stalled_at_ = kNever;  ///< when the lack of frames becomes a wish
  int repeats_ = 0;
  bool have_key_frame_ = false;
  std::uint8_t fir_sequence_ = 0;
  std::uint64_t requests_ = 0;
};
static_assert(TimedCore<KeyFrameRequester>);

}  // namespace parley::rtp
