// What was sent and is not yet acknowledged: the sender's half of RFC 9260 sections 6.2.1, 6.3.3
// and 7.2.4, of RFC 3758, and the time-based loss detection of RFC 8985.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "parley/base/sequence.hpp"
#include "parley/base/time.hpp"
#include "sctp/delivery_rate.hpp"
#include "sctp/forward_tsn_chunk.hpp"
#include "sctp/outgoing_message.hpp"
#include "sctp/ring.hpp"
#include "sctp/sack_chunk.hpp"
#include "sctp/send_queue.hpp"
#include "sctp/tsn_sets.hpp"

namespace parley::sctp {

/// One TSN that was given out.
struct SentPart {
  enum class State : std::uint8_t {
    in_flight,
    lost,          ///< to be sent again
    acknowledged,  ///< by a gap block, which a receiver may take back
    abandoned,     ///< never again; FORWARD TSN passes it
  };
  Timestamp sent_at{};
  DeliveryRate::Mark mark;
  std::int64_t older = 0;  ///< TSNs in flight that were last sent before and after it; 0: none
  std::int64_t newer = 0;
  std::size_t offset = 0;
  MessageIndex message = kNoMessage;
  std::uint32_t fragment = 0;
  std::uint16_t size = 0;       ///< payload
  std::uint16_t wire_size = 0;  ///< chunk with padding
  std::uint16_t transmissions = 0;
  State state = State::in_flight;
  bool begin = false;
  bool end = false;
  bool taken_back = false;
  bool overtaken = false;  ///< thought lost because later ones were acknowledged
};

/// What a SACK changed.
struct AckOutcome {
  bool valid = false;  ///< false: old, or about TSNs that were never sent; nothing changed
  bool cumulative_advanced = false;
  std::size_t acked = 0;  ///< wire bytes newly acknowledged
  std::size_t acked_payload = 0;
  std::optional<Duration> round_trip;
  std::size_t lost = 0;  ///< wire bytes newly thought lost
};

/// The parts between the cumulative acknowledgement and the next TSN, in order.
///
/// A part is thought lost after three SACKs that acknowledged something newer (section 7.2.4), or
/// when something sent a reordering window later was acknowledged (RFC 8985 section 6.2), which
/// also finds lost retransmissions.
///
/// A SACK costs as much as it changes: what gap blocks acknowledged is kept as runs, which are
/// compared with the blocks, and parts in flight are linked in the order in which they were last
/// sent, so that those that are due by time stand first.
class Flight {
 public:
  Flight(MessagePool& pool, SendQueue& queue) : pool_(pool), queue_(queue) {}

  void start(std::uint32_t initial_tsn);
  std::int64_t next_tsn() const {
    return cumulative_ + 1 + static_cast<std::int64_t>(parts_.size());
  }
  std::int64_t cumulative() const { return cumulative_; }
  std::int64_t unwrap(std::uint32_t tsn) const {
    return cumulative_ + serial_diff(tsn, static_cast<std::uint32_t>(cumulative_));
  }
  bool empty() const { return parts_.empty(); }
  std::size_t size() const { return parts_.size(); }
  /// Wire bytes, and payload bytes, in flight.
  std::size_t in_flight() const { return in_flight_; }
  std::size_t payload_in_flight() const { return payload_in_flight_; }
  std::size_t lost_count() const { return lost_count_; }

  /// Gives the next TSN to a part that leaves now.
  std::int64_t add(Timestamp now, const Part& part, std::size_t wire_size);
  /// Takes a SACK, and says by `smallest` round trip how much reordering is normal.
  /// `full_list`: so many gap blocks are as many as a packet holds.
  AckOutcome acknowledge(Timestamp now, const SackChunk& sack, Duration smallest,
                         std::size_t full_list);
  /// SHUTDOWN acknowledges cumulatively.
  AckOutcome acknowledge_cumulative(Timestamp now, std::uint32_t tsn);
  /// The deadline at which a part that waits for reordering is thought lost; kNever without one.
  Timestamp reordering_deadline() const { return reordering_deadline_; }
  /// Declares them lost, and says how many wire bytes they have.
  std::size_t handle_reordering_timeout(Timestamp now);
  /// T3-rtx: everything in flight is lost.
  void handle_timeout(Timestamp now);

  /// The first lost part, abandoning on the way what may not be sent again; nullopt when none.
  std::optional<std::int64_t> next_lost(Timestamp now);
  SentPart& at(std::int64_t tsn) { return parts_[static_cast<std::size_t>(tsn - cumulative_ - 1)]; }
  const SentPart& at(std::int64_t tsn) const {
    return parts_[static_cast<std::size_t>(tsn - cumulative_ - 1)];
  }
  /// Neither its retransmissions nor its time are used up.
  bool may_be_repeated(Timestamp now, std::int64_t tsn) const;
  void note_retransmitted(Timestamp now, std::int64_t tsn);
  /// It was lost twice and may be sent any number of times.
  bool worth_repeating(std::int64_t tsn) const {
    return at(tsn).transmissions > 2 && pool_[at(tsn).message].max_retransmits == kUnlimited;
  }
  const DeliveryRate& delivery_rate() const { return delivery_rate_; }
  void note_application_limited() { delivery_rate_.note_application_limited(in_flight_); }
  /// The last part in flight, for a tail loss probe.
  std::optional<std::int64_t> last_in_flight() const;

  /// The rest of the message is never sent, and its parts in flight not again.
  void abandon(Timestamp now, MessageIndex message);
  /// RFC 3758 section 3.5: how far abandoned parts follow the cumulative acknowledgement.
  std::int64_t advanced_ack_point();
  /// Messages of ordered streams (in I-DATA of all) that a FORWARD TSN to `tsn` skips.
  void list_skipped(std::int64_t tsn, DataFormat format, std::vector<SkippedMessage>& out) const;

  /// Counts what was abandoned.
  std::uint64_t abandoned_messages() const { return abandoned_messages_; }
  /// Streams on which the last message was let go since the last call with `true`.
  bool take_stream_drained() { return std::exchange(stream_drained_, false); }
  /// Payload bytes of messages that were let go since the last call.
  std::size_t take_released() { return std::exchange(released_, 0); }
  /// With nothing in flight: gives back what has grown beyond `keep` places.
  void release_memory_when_idle(std::size_t keep);

 private:
  void pop_front(Timestamp now, AckOutcome& out);
  void note_acked(Timestamp now, std::int64_t tsn, AckOutcome& out);
  void note_reordering(Timestamp now, const SentPart& part, std::int64_t tsn, Duration round_trip);
  bool read_gaps(const SackChunk& sack);
  void apply_gaps(Timestamp now, AckOutcome& out);
  void take_back(std::int64_t tsn);
  void note_passed(std::int64_t newest_acked);
  void detect_losses(Timestamp now, std::int64_t newest_acked, AckOutcome& out);
  void detect_passed(AckOutcome& out);
  void detect_late(Timestamp now, AckOutcome& out);
  void mark_lost(std::int64_t tsn);
  void enter_flight(std::int64_t tsn);
  void leave_flight(std::int64_t tsn);
  void let_go(MessageIndex message);

  MessagePool& pool_;
  SendQueue& queue_;
  Ring<SentPart> parts_;
  DeliveryRate delivery_rate_;
  std::int64_t cumulative_ = 0;
  std::vector<TsnRun> acked_;  // by gap blocks, above the cumulative TSN
  std::vector<TsnRun> told_;   // by the SACK at hand
  TsnRun untold_{};            // the last one had no room for these
  std::size_t in_flight_ = 0;
  std::size_t payload_in_flight_ = 0;
  std::size_t lost_count_ = 0;
  TsnList lost_;                          // and some that are no longer
  std::int64_t oldest_ = 0, newest_ = 0;  // ends of the list of what is in flight
  // The highest TSNs that SACKs newly acknowledged by gaps: three SACKs passed what is below the
  // last. What is below `judged_` was judged by that.
  std::array<std::int64_t, 3> passed_{};
  std::int64_t judged_ = 0;
  std::int64_t advanced_ = 0;  // see advanced_ack_point
  // RFC 8985 section 5: the latest sending time of anything acknowledged, and its round trip.
  Timestamp rack_sent_ = Timestamp::min();
  std::int64_t rack_tsn_ = 0;  // tells apart what left at the same time
  Duration rack_round_trip_{};
  Duration smallest_{};  // round trip of the path
  Timestamp reordering_deadline_ = kNever;
  std::int64_t highest_acked_ = 0;
  Timestamp reordering_until_{};  // the path is known to reorder
  Duration reordering_window_{};
  Timestamp next_widening_{};
  std::uint64_t abandoned_messages_ = 0;
  std::size_t abandoned_parts_ = 0;
  std::size_t released_ = 0;
  bool stream_drained_ = false;
};

}  // namespace parley::sctp
