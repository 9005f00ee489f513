// When RTCP is sent: regular compound reports at random intervals, feedback at once.
#pragma once

#include <cstdint>

#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/base/units.hpp"
#include "parley/machine.hpp"

namespace parley::rtp {

/// The timing rules of RTP/AVPF (RFC 4585 section 3) for a session of exactly two members.
///
/// Regular reports: the interval is computed from the session bandwidth (RFC 3550 section 6.3.1,
/// with the reduced minimum of section 6.2), at most `max_interval`, drawn from 0.5 to 1.5 times
/// that and divided by e - 3/2. Timer reconsideration (section 6.3.3) is left out: membership does
/// not change. Feedback: with two members T_dither_max is 0 and Immediate Feedback mode applies
/// (RFC 4585 sections 3.3 and 3.5.2), so feedback is due the moment it is asked for and joins a
/// regular report that is due at that moment.
///
/// Nothing is due until media flows. One sequence of execution.
class ReportSchedule {
 public:
  struct Config {
    DataRate session_bandwidth = DataRate::kilobits_per_second(500);
    double rtcp_fraction = 0.05;         ///< of the session bandwidth (RFC 3550 section 6.2)
    Duration min_interval = 100ms;       ///< before randomisation; ours: more tells nothing new
    Duration max_interval = 1s;          ///< before randomisation; ours: statistics stay fresh
    Duration first_report_delay = 20ms;  ///< receivers wait for the first SR to line up A and V
  };
  enum class Due { nothing, feedback, report };

  ReportSchedule(const Config& config, Random& random);

  /// The bandwidth changed (RTCP's share follows). Takes effect with the next interval.
  void set_session_bandwidth(DataRate bandwidth) { config_.session_bandwidth = bandwidth; }
  /// A stream began, sent or received: the next report is due within `first_report_delay`.
  void handle_stream_started(Timestamp now);
  /// Feedback (NACK, PLI, FIR, transport-wide) waits to be sent.
  void request_feedback(Timestamp now);
  /// A datagram of RTCP of `size` bytes came in.
  void handle_received(std::size_t size) { average(size); }
  /// A datagram of RTCP was sent in answer to `due()`.
  void handle_sent(Timestamp now, Due what, std::size_t size);

  /// What should be sent now. `report` means a compound packet that begins with SR or RR, and takes
  /// pending feedback along; `feedback` may be a reduced-size packet (RFC 5506).
  Due due(Timestamp now) const;
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;

  /// The interval before randomisation, from the present bandwidth and average packet size.
  Duration deterministic_interval() const;

 private:
  void average(std::size_t size);
  Duration draw_interval();

  Config config_;
  Random& random_;
  double average_size_;  ///< bytes, IP and UDP headers included
  Timestamp next_report_ = kNever;
  Timestamp feedback_wanted_ = kNever;
};
static_assert(TimedCore<ReportSchedule>);

}  // namespace parley::rtp
