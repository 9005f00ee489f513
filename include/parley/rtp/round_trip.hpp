// Round trip time for those who only receive (RFC 3611 sections 4.4 and 4.5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "parley/base/ids.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/rtcp.hpp"

namespace parley::rtp {

/// Both halves of the exchange: our receiver reference time, whose echo measures the round trip,
/// and the echo of the other side's. Remembers the newest reference time of `kMaxSources` SSRCs,
/// the oldest goes first. One per transport, on the session's sequence.
class ReferenceTimeExchange {
 public:
  static constexpr std::size_t kMaxSources = 16;

  explicit ReferenceTimeExchange(const NtpMapping& ntp) : ntp_(ntp) {}

  /// An XR came in. Returns the round trip time when it echoes a reference time of `local`.
  std::optional<Duration> handle(Timestamp now, const rtcp::ExtendedReport& report, Ssrc local);
  /// What to send with the next regular report: our reference time when `measure` is set (we send
  /// no SR), and echoes of those that came in since the last call. nullopt when there is neither.
  std::optional<rtcp::ExtendedReport> build(Timestamp now, Ssrc local, bool measure);
  std::optional<Duration> round_trip_time() const { return round_trip_time_; }

 private:
  struct Heard {
    Ssrc source{};
    std::uint32_t reference = 0;  ///< compact NTP
    Timestamp received{};
  };
  NtpMapping ntp_;
  std::array<Heard, kMaxSources> heard_{};
  std::size_t heard_count_ = 0;
  std::optional<Duration> round_trip_time_;
};

}  // namespace parley::rtp
