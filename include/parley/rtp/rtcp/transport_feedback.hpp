// Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
// section 3.1): when each packet of a transport arrived, whatever its stream.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// The unit of arrival deltas, and of the reference time.
inline constexpr Duration kFeedbackDeltaUnit{250};
inline constexpr Duration kFeedbackReferenceUnit = 64ms;

/// A feedback packet as received. The statuses of lost packets are not listed: whatever number
/// from `base_sequence` on, `status_count` of them, is not in `arrivals` has not arrived. That
/// bounds the list by the length of the packet (one byte or more per arrival), which the status
/// count does not.
struct TransportFeedback {
  struct Arrival {
    std::uint16_t sequence = 0;  ///< transport-wide sequence number
    Duration time{};             ///< since the feedback sender's epoch, see `reference_time`
    friend bool operator==(const Arrival&, const Arrival&) = default;
  };
  Ssrc sender{};
  Ssrc media{};
  std::uint16_t base_sequence = 0;
  std::uint16_t status_count = 0;   ///< 1 to 65535
  std::int32_t reference_time = 0;  ///< 24 bits signed, units of 64 ms; wraps after 12 days
  std::uint8_t feedback_count = 0;  ///< wraps; gaps tell lost feedback
  std::vector<Arrival> arrivals;    ///< ascending (modulo 2^16) by sequence, not by time

  static std::optional<TransportFeedback> parse(const SubPacket& sub);
  friend bool operator==(const TransportFeedback&, const TransportFeedback&) = default;
};

/// Places the wrapping reference times of successive feedback packets on one line, so that arrival
/// times of different packets can be compared: add `offset(f)` to the times of `f`.
class ReferenceTimeline {
 public:
  Duration offset(const TransportFeedback& feedback);

 private:
  std::optional<std::int64_t> newest_;  // unwrapped reference, units of 64 ms
};

/// Builds one feedback packet, packet by packet. Deltas are rounded against the running sum, so
/// that rounding errors do not add up.
class TransportFeedbackWriter {
 public:
  /// `base` is the first sequence number reported on, `base_time` about when it arrived: the
  /// reference time is that, rounded down to 64 ms. `max_size` bounds the packet in bytes.
  TransportFeedbackWriter(Ssrc sender, Ssrc media, std::uint8_t feedback_count, std::uint16_t base,
                          Timestamp base_time, std::size_t max_size);

  /// Reports that `sequence` arrived; numbers skipped since the last are reported as lost. Call in
  /// ascending order (modulo 2^16). False, and nothing changes, when the packet can not hold it
  /// (size, delta outside -8192 ms to 8191.75 ms, not ascending): begin another packet there.
  bool add(std::uint16_t sequence, Timestamp arrival);

  bool empty() const { return deltas_.empty(); }
  /// Bytes on the wire, a multiple of 4.
  std::size_t size() const;
  /// False when empty or when it does not fit; nothing is written then.
  bool write_to(ByteWriter& out) const;

 private:
  enum class Symbol : std::uint8_t { lost = 0, small_delta = 1, large_delta = 2 };

  /// The statuses that are not in a finished chunk yet: what one chunk can still hold.
  class OpenChunk {
   public:
    bool can_hold(Symbol symbol) const;
    void add(Symbol symbol);
    /// Encodes the oldest statuses as one full chunk and keeps the rest.
    std::uint16_t take();
    /// Encodes all statuses as the last chunk of the packet, which need not be full.
    std::uint16_t last() const;
    bool empty() const { return size_ == 0; }

   private:
    std::uint16_t vector_of_one_bit() const;
    std::uint16_t vector_of_two_bits() const;
    std::uint16_t run() const;
    std::array<Symbol, 14> symbols_{};  // the first of them; a longer run is all the same
    std::size_t size_ = 0;
    bool all_same_ = true;
    bool has_large_ = false;
  };

  void add_status(Symbol symbol);
  std::size_t unpadded_size() const;

  Ssrc sender_;
  Ssrc media_;
  std::uint8_t feedback_count_;
  std::uint16_t base_;
  std::int32_t reference_time_;
  std::size_t max_size_;
  Timestamp last_time_;  // what a reader will compute for the last packet
  std::size_t status_count_ = 0;
  std::vector<std::uint16_t> chunks_;  // finished
  OpenChunk open_;
  std::vector<std::int16_t> deltas_;  // one per arrival
  std::size_t delta_bytes_ = 0;
};

}  // namespace parley::rtp::rtcp
