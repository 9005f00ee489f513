#include "parley/base/sequence.hpp"
#include "parley/rtp/reception.hpp"

namespace parley::rtp {
namespace {
constexpr Duration kJump = 100ms;

// A signed number of RTP ticks in units of 2^-32 s.
std::int64_t ticks_to_ntp(std::int64_t ticks, int clock_rate) {
  const std::int64_t seconds = ticks / clock_rate;
  const std::int64_t rest = ticks % clock_rate;
  return seconds * (std::int64_t{1} << 32) + rest * (std::int64_t{1} << 32) / clock_rate;
}

Duration ntp_to_duration(std::int64_t units) {
  return Duration{(units >> 32) * 1'000'000 + (((units & 0xFFFF'FFFF) * 1'000'000) >> 32)};
}
}  // namespace

void SenderClock::handle_sender_report(Timestamp now, const rtcp::SenderReport& report) {
  if (newest_ && report.ntp < newest_->ntp && !serial_newer(report.rtp_timestamp, newest_->rtp))
    return;  // both clocks went back: an older report that came late
  jumped_ = false;
  if (newest_) {
    // Where the line through the last report puts this one, and where it says it is.
    const auto expected = *to_ntp(report.rtp_timestamp);
    const auto off = ntp_to_duration(static_cast<std::int64_t>(report.ntp.value - expected.value));
    jumped_ = off > kJump || off < -kJump;
  }
  newest_ = Point{report.ntp, report.rtp_timestamp, now};
}

std::optional<NtpTime> SenderClock::to_ntp(std::uint32_t rtp_timestamp) const {
  if (!newest_) return std::nullopt;
  const std::int64_t ticks = serial_diff(rtp_timestamp, newest_->rtp);
  return NtpTime{newest_->ntp.value + static_cast<std::uint64_t>(ticks_to_ntp(ticks, clock_rate_))};
}

void SenderClock::fill_report_block(Timestamp now, rtcp::ReportBlock& block) const {
  if (!newest_) return;
  block.last_sr = newest_->ntp.compact();
  block.delay_since_last_sr = to_compact_ntp(now - newest_->received);
}

}  // namespace parley::rtp
