// Counters of RTP streams.
#pragma once

#include <cstdint>
#include <optional>

#include "parley/base/time.hpp"

namespace parley::rtp {

/// Counters of a sender, named after the members of W3C webrtc-stats that they feed.
struct SendStats {
  std::uint64_t packets_sent = 0;       ///< on this SSRC, plain retransmissions included
  std::uint64_t bytes_sent = 0;         ///< payload bytes, RFC 3550 section 6.4.1 sense
  std::uint64_t header_bytes_sent = 0;  ///< headers, extensions and padding
  std::uint64_t retransmitted_packets_sent = 0;
  std::uint64_t retransmitted_bytes_sent = 0;
  std::uint64_t frames_sent = 0;  ///< last packet written
  std::uint64_t key_frames_sent = 0;
  std::uint64_t frames_dropped = 0;  ///< refused because the queue was full
  std::uint64_t nack_count = 0;      ///< NACK messages received
  std::uint64_t pli_count = 0;
  std::uint64_t fir_count = 0;
  std::uint64_t retransmissions_refused = 0;  ///< asked for too soon, over budget, or forgotten
  Duration total_packet_send_delay{};         ///< from queue to wire, summed over media packets
};

/// What the other side reports about one of our SSRCs (RTCRemoteInboundRtpStreamStats).
struct RemoteInboundStats {
  std::uint64_t reports = 0;  ///< report blocks received
  double fraction_lost = 0;   ///< 0 to 1, of the last report
  std::int64_t packets_lost = 0;
  Duration jitter{};
  std::uint32_t highest_sequence = 0;       ///< extended
  std::optional<Duration> round_trip_time;  ///< latest
  Duration total_round_trip_time{};         ///< for the mean
  std::uint64_t round_trip_measurements = 0;
  Timestamp last_report{};
};

/// Counters of a receiver, named after the members of W3C webrtc-stats that they feed. Jitter and
/// packets_lost are asked of the stream.
struct ReceiveStats {
  std::uint64_t packets_received = 0;       ///< on the media SSRC, padding-only ones included
  std::uint64_t bytes_received = 0;         ///< payload bytes
  std::uint64_t header_bytes_received = 0;  ///< headers, extensions and padding
  std::uint64_t packets_discarded = 0;      ///< too old, suspect
  std::uint64_t packets_duplicated = 0;
  std::uint64_t padding_packets = 0;
  std::uint64_t retransmitted_packets_received = 0;  ///< by RTX
  std::uint64_t retransmitted_bytes_received = 0;
  std::uint64_t restarts = 0;
  std::uint64_t nack_count = 0;  ///< times poll_nack gave something: one message each
  std::uint64_t sender_reports = 0;
  std::uint64_t remote_packets_sent = 0;  ///< of the last SR (RTCRemoteOutboundRtpStreamStats)
  std::uint64_t remote_bytes_sent = 0;
  std::optional<NtpTime> remote_timestamp;
  std::optional<Timestamp> last_packet;
};

}  // namespace parley::rtp
