#include "parley/rtp/round_trip.hpp"

#include <algorithm>

namespace parley::rtp {

std::optional<Duration> ReferenceTimeExchange::handle(Timestamp now,
                                                      const rtcp::ExtendedReport& report,
                                                      Ssrc local) {
  if (report.receiver_reference_time) {
    const auto end = heard_.begin() + static_cast<std::ptrdiff_t>(heard_count_);
    auto it = std::find_if(heard_.begin(), end,
                           [&](const Heard& heard) { return heard.source == report.sender; });
    if (it == end && heard_count_ < kMaxSources) ++heard_count_;
    if (it == heard_.end())
      it = std::min_element(heard_.begin(), heard_.end(),
                            [](const Heard& a, const Heard& b) { return a.received < b.received; });
    *it = Heard{report.sender, report.receiver_reference_time->compact(), now};
  }
  std::optional<Duration> result;
  for (const auto& echo : report.dlrr) {
    if (echo.receiver != local) continue;
    // The same arithmetic as LSR and DLSR (RFC 3611 section 4.5).
    if (const auto rtt =
            rtcp::round_trip_time(echo.last_rr, echo.delay_since_last_rr, ntp_.to_ntp(now)))
      result = round_trip_time_ = *rtt;
  }
  return result;
}

std::optional<rtcp::ExtendedReport> ReferenceTimeExchange::build(Timestamp now, Ssrc local,
                                                                 bool measure) {
  if (!measure && heard_count_ == 0) return std::nullopt;
  rtcp::ExtendedReport report;
  report.sender = local;
  if (measure) report.receiver_reference_time = ntp_.to_ntp(now);
  for (std::size_t i = 0; i < heard_count_; ++i)
    report.dlrr.push_back(
        {heard_[i].source, heard_[i].reference, to_compact_ntp(now - heard_[i].received)});
  heard_count_ = 0;
  return report;
}

}  // namespace parley::rtp
