// Transport-wide feedback on both sides: when packets arrived, and what became of those we sent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/time.hpp"
#include "parley/base/units.hpp"
#include "parley/machine.hpp"
#include "parley/rtp/rtcp.hpp"

namespace parley::rtp {

/// Receiver side: remembers when each transport-wide sequence number arrived and turns that into
/// feedback packets (draft-holmer-rmcat-transport-wide-cc-extensions-01).
///
/// Feedback is due `interval` after the first packet that was not reported yet, or as soon as
/// `max_packets` wait. A packet that arrives after its number was reported as lost is reported
/// again, together with what came after it, as long as it is within the window. A window of fixed
/// size; a jump beyond it starts over. One per transport, on the session's sequence.
class TransportFeedbackRecorder {
 public:
  struct Config {
    Duration interval = 50ms;
    std::size_t max_packets = 250;  ///< arrivals that make feedback due at once
    std::size_t max_size = 1100;    ///< bytes of one feedback packet
  };
  static constexpr std::size_t kWindow = 4096;  ///< sequence numbers that are remembered

  TransportFeedbackRecorder();
  explicit TransportFeedbackRecorder(const Config& config);

  /// A packet with this number arrived. Duplicates are ignored.
  void handle_packet(Timestamp now, std::uint16_t transport_sequence);

  bool due(Timestamp now) const { return next_timeout() <= now; }
  /// Writes the next feedback packet; false when there is nothing to report or `out` is too small.
  /// Call until false: a burst of losses or a long gap takes several packets. `sender` is any of
  /// our SSRCs, `media` any of the received ones.
  bool build(Timestamp now, Ssrc sender, Ssrc media, ByteWriter& out);
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const { return due_; }

  std::uint64_t packets() const { return packets_; }
  std::uint64_t feedbacks() const { return feedbacks_; }

 private:
  Timestamp& slot(std::int64_t sequence) {
    return arrivals_[static_cast<std::size_t>(sequence) % kWindow];
  }
  void restart(std::int64_t sequence);
  Config config_;
  std::vector<Timestamp>
      arrivals_;  ///< kNever: not arrived; ring of kWindow from the first packet on
  std::optional<std::int64_t> newest_;
  std::int64_t begin_ = 0;  ///< first number of the next feedback
  std::size_t waiting_ = 0;
  Timestamp due_ = kNever;
  std::uint8_t feedback_count_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t feedbacks_ = 0;
};
static_assert(TimedCore<TransportFeedbackRecorder>);

/// What became of one packet that we sent.
struct PacketResult {
  std::int64_t sequence = 0;  ///< unwrapped transport-wide sequence number
  Timestamp sent{};
  DataSize size;
  /// On the receiver's clock, whose offset to ours is unknown: only differences mean something.
  /// nullopt: reported as lost.
  std::optional<Timestamp> received;
};

/// Sender side: hands out transport-wide sequence numbers, remembers what was sent under each, and
/// translates feedback. Repeated and overlapping feedback gives each packet once as received; one
/// that was reported lost may be given as received later. What is never reported is forgotten when
/// the ring comes round. The ring grows to its capacity as more is in flight. One per transport, on
/// the session's sequence.
class SentPacketLog {
 public:
  /// `capacity` packets are remembered, at most 32768 (half of the circle of numbers): at least
  /// the packet rate times (round trip + feedback interval).
  explicit SentPacketLog(std::size_t capacity = 4096);

  /// The number that the next packet will carry. It is used up by `handle_sent`.
  std::uint16_t next_sequence() const { return static_cast<std::uint16_t>(next_); }
  /// The packet with `next_sequence()` left; `size` is what the path carries. Returns its unwrapped
  /// number.
  std::int64_t handle_sent(Timestamp now, DataSize size);

  struct Feedback {
    std::span<const PacketResult> packets;    ///< ascending; valid until the next call
    std::optional<Duration> round_trip_time;  ///< from the newest packet, receiver's delay included
  };
  /// Every status of a packet that we remember and that is news. Empty for feedback about packets
  /// never sent or long forgotten.
  Feedback handle_feedback(Timestamp now, const rtcp::TransportFeedback& feedback);

  /// Bytes sent and neither reported nor forgotten.
  DataSize in_flight() const { return in_flight_; }
  std::uint64_t feedbacks() const { return feedbacks_; }
  /// Feedback packets that went missing, by the gaps of their count.
  std::uint64_t feedbacks_lost() const { return feedbacks_lost_; }

 private:
  enum class State : std::uint8_t { empty, in_flight, lost, received };
  struct Sent {
    Timestamp sent{};
    std::int32_t size = 0;
    State state = State::empty;
  };
  Sent& slot(std::int64_t sequence) {
    return log_[static_cast<std::size_t>(sequence) % log_.size()];
  }
  void grow();
  void settle(Sent& sent);
  std::size_t capacity_;
  std::vector<Sent> log_;
  std::vector<PacketResult> results_;  ///< reused; capacity of the log
  std::int64_t next_;
  rtcp::ReferenceTimeline timeline_;
  std::optional<std::uint8_t> feedback_count_;
  DataSize in_flight_;
  std::uint64_t feedbacks_ = 0;
  std::uint64_t feedbacks_lost_ = 0;
};

}  // namespace parley::rtp
