#include "parley/rtp/report_schedule.hpp"

#include <algorithm>

namespace parley::rtp {
namespace {
constexpr int kMembers = 2;
constexpr double kIpUdpHeaders = 28;  // counted in avg_rtcp_size (RFC 3550 section 6.2)
// A guess for the first interval: SR with one block, SDES, SRTCP trailer.
constexpr double kInitialSize = 120;
// e - 3/2: what reconsideration would give back (RFC 3550 section 6.3.1 step 5).
constexpr double kCompensation = 1.21828;
}  // namespace

ReportSchedule::ReportSchedule(const Config& config, Random& random)
    : config_(config), random_(random), average_size_(kInitialSize + kIpUdpHeaders) {}

void ReportSchedule::handle_stream_started(Timestamp now) {
  next_report_ = std::min(next_report_, now + config_.first_report_delay);
}

void ReportSchedule::request_feedback(Timestamp now) {
  // RFC 4585 section 3.5.2 step 2b: point-to-point, T_dither_max = 0, so te = t0.
  feedback_wanted_ = std::min(feedback_wanted_, now);
}

void ReportSchedule::handle_sent(Timestamp now, Due what, std::size_t size) {
  average(size);
  feedback_wanted_ = kNever;
  if (what == Due::report) next_report_ = now + draw_interval();
}

ReportSchedule::Due ReportSchedule::due(Timestamp now) const {
  if (next_report_ <= now) return Due::report;
  return feedback_wanted_ <= now ? Due::feedback : Due::nothing;
}

void ReportSchedule::handle_timeout(Timestamp) {}

Timestamp ReportSchedule::next_timeout() const { return std::min(next_report_, feedback_wanted_); }

Duration ReportSchedule::deterministic_interval() const {
  const double kbps = std::max(1.0, config_.session_bandwidth.kilobits_per_second());
  // RFC 3550 section 6.3.1 step 1: senders are more than a quarter of two members, so both share
  // the whole of RTCP's bandwidth: n * C = members * avg_rtcp_size / rtcp_bw.
  const double rtcp_bytes_per_second = kbps * 1000 / 8 * std::max(config_.rtcp_fraction, 0.001);
  const double by_bandwidth = kMembers * average_size_ / rtcp_bytes_per_second;
  // RFC 4585 section 3.4 d sets Tmin to 0; the reduced minimum of RFC 3550 section 6.2 keeps fast
  // sessions from reporting more than anybody reads.
  const double reduced_minimum = 360 / kbps;
  const Duration td = from_seconds(std::min(3600.0, std::max(by_bandwidth, reduced_minimum)));
  return std::clamp(td, config_.min_interval, std::max(config_.min_interval, config_.max_interval));
}

void ReportSchedule::average(std::size_t size) {
  // RFC 3550 section 6.3.3: avg_rtcp_size = (1/16) * packet_size + (15/16) * avg_rtcp_size.
  average_size_ += (static_cast<double>(size) + kIpUdpHeaders - average_size_) / 16;
}

Duration ReportSchedule::draw_interval() {
  const double factor = (0.5 + random_.unit()) / kCompensation;
  return from_seconds(to_seconds(deterministic_interval()) * factor);
}

}  // namespace parley::rtp
