// Extended reports (RFC 3611): the two blocks that give receivers a round-trip time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// XR. Blocks of other kinds are skipped.
struct ExtendedReport {
  /// Answer to a receiver reference time: one sub-block of DLRR (section 4.5).
  struct Dlrr {
    Ssrc receiver{};
    std::uint32_t last_rr = 0;              ///< compact NTP of its last RRTR; 0: none
    std::uint32_t delay_since_last_rr = 0;  ///< units of 1/65536 s
    friend bool operator==(const Dlrr&, const Dlrr&) = default;
  };
  Ssrc sender{};
  std::optional<NtpTime> receiver_reference_time;  ///< RRTR (section 4.4)
  std::vector<Dlrr> dlrr;

  static std::optional<ExtendedReport> parse(const SubPacket& sub);
  std::size_t size() const;
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const ExtendedReport&, const ExtendedReport&) = default;
};

}  // namespace parley::rtp::rtcp
