// Congestion control feedback (RFC 8888): arrival and ECN of the packets of each stream.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// ECN field of an IP header (RFC 3168 section 5).
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// CCFB, RTPFB with format 11.
struct CongestionFeedback {
  /// Arrival time offsets with a meaning of their own (RFC 8888 section 3.1).
  static constexpr std::uint16_t kOffsetOverRange = 0x1FFE;  ///< earlier than 8189/1024 s before
  static constexpr std::uint16_t kOffsetUnknown = 0x1FFF;    ///< arrived, time not known

  struct Metric {
    bool received = false;
    Ecn ecn = Ecn::not_ect;
    std::uint16_t arrival_offset = 0;  ///< before `report_timestamp`, units of 1/1024 s, 13 bits
    /// How long before the report the packet arrived; nullopt for lost packets and special offsets.
    std::optional<Duration> age() const;
    friend bool operator==(const Metric&, const Metric&) = default;
  };
  struct Stream {
    Ssrc source{};
    std::uint16_t begin_sequence = 0;
    std::vector<Metric> metrics;  ///< of consecutive numbers; at most 16384
    friend bool operator==(const Stream&, const Stream&) = default;
  };
  Ssrc sender{};
  std::vector<Stream> streams;
  std::uint32_t report_timestamp = 0;  ///< compact NTP of the report

  static std::optional<CongestionFeedback> parse(const SubPacket& sub);
  std::size_t size() const;
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const CongestionFeedback&, const CongestionFeedback&) = default;
};

}  // namespace parley::rtp::rtcp
