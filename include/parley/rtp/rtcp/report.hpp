// Sender and receiver reports (RFC 3550 section 6.4).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// What a receiver says of one stream it receives: 24 bytes.
struct ReportBlock {
  static constexpr std::size_t kSize = 24;
  Ssrc source{};
  std::uint8_t fraction_lost = 0;         ///< of the last interval, units of 1/256
  std::int32_t cumulative_lost = 0;       ///< 24 bits signed; clamped when written
  std::uint32_t highest_sequence = 0;     ///< 16 bits of cycles, 16 of sequence number
  std::uint32_t jitter = 0;               ///< ticks of the RTP clock
  std::uint32_t last_sr = 0;              ///< compact NTP of the last SR received; 0: none
  std::uint32_t delay_since_last_sr = 0;  ///< units of 1/65536 s

  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

/// The round-trip time that a report block tells to the sender of the SR: now - LSR - DLSR by
/// 32-bit arithmetic (RFC 3550 section 6.4.1). nullopt when LSR is 0 or the result is negative
/// (half the circle or more), as after a clock change.
std::optional<Duration> round_trip_time(std::uint32_t last_sr, std::uint32_t delay_since_last_sr,
                                        NtpTime now);

/// SR. Profile-specific extensions after the blocks are skipped.
struct SenderReport {
  Ssrc sender{};
  NtpTime ntp{};                    ///< when this was sent
  std::uint32_t rtp_timestamp = 0;  ///< the same instant on the stream's clock
  std::uint32_t packet_count = 0;
  std::uint32_t octet_count = 0;    ///< of payload
  std::vector<ReportBlock> blocks;  ///< at most 31, else `write_to` refuses

  static std::optional<SenderReport> parse(const SubPacket& sub);
  std::size_t size() const { return 28 + ReportBlock::kSize * blocks.size(); }
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const SenderReport&, const SenderReport&) = default;
};

/// RR. Empty ones are legal and lead compounds of those who receive nothing.
struct ReceiverReport {
  Ssrc sender{};
  std::vector<ReportBlock> blocks;  ///< at most 31, else `write_to` refuses

  static std::optional<ReceiverReport> parse(const SubPacket& sub);
  std::size_t size() const { return 8 + ReportBlock::kSize * blocks.size(); }
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const ReceiverReport&, const ReceiverReport&) = default;
};

}  // namespace parley::rtp::rtcp
