#include "parley/rtp/report_schedule.hpp"

#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;
using Due = ReportSchedule::Due;

TEST_CASE("no report is due before media flows", "[rtp][rfc4585]") {
  SeededRandom random{1};
  const ReportSchedule schedule{{}, random};
  CHECK(schedule.next_timeout() == kNever);
  CHECK(schedule.due(kStart) == Due::nothing);
}

TEST_CASE("the first report follows the first media packet closely", "[rtp][rfc4585]") {
  SeededRandom random{1};
  ReportSchedule schedule{{}, random};
  schedule.handle_stream_started(kStart);
  CHECK(schedule.due(kStart) == Due::nothing);
  CHECK(schedule.next_timeout() == kStart + 20ms);
  CHECK(schedule.due(kStart + 20ms) == Due::report);
}

TEST_CASE("report intervals are spread over the range of RFC 3550", "[rtp][rfc3550]") {
  SeededRandom random{7};
  ReportSchedule::Config config;
  config.session_bandwidth = DataRate::kilobits_per_second(64);
  ReportSchedule schedule{config, random};
  schedule.handle_stream_started(kStart);
  CHECK(schedule.deterministic_interval() == 1s);  // 360/64 s, capped
  Timestamp now = schedule.next_timeout();
  Duration shortest = 1h;
  Duration longest{};
  for (int i = 0; i < 500; ++i) {
    REQUIRE(schedule.due(now) == Due::report);
    schedule.handle_sent(now, Due::report, 120);
    const Duration interval = schedule.next_timeout() - now;
    shortest = std::min(shortest, interval);
    longest = std::max(longest, interval);
    now = schedule.next_timeout();
  }
  // 0.5 to 1.5 times the interval, over e - 3/2.
  CHECK(shortest >= from_seconds(0.5 / 1.21829));
  CHECK(shortest < 450ms);
  CHECK(longest <= from_seconds(1.5 / 1.21827));
  CHECK(longest > 1180ms);
}

TEST_CASE("faster sessions report more often down to a floor", "[rtp][rfc3550]") {
  SeededRandom random{1};
  ReportSchedule::Config config;
  config.session_bandwidth = DataRate::kilobits_per_second(1000);
  CHECK(ReportSchedule(config, random).deterministic_interval() == 360ms);
  config.session_bandwidth = DataRate::kilobits_per_second(50'000);
  CHECK(ReportSchedule(config, random).deterministic_interval() == 100ms);
  config.session_bandwidth = DataRate{};
  CHECK(ReportSchedule(config, random).deterministic_interval() == 1s);
}

TEST_CASE("large reports lengthen the interval", "[rtp][rfc3550]") {
  SeededRandom random{1};
  ReportSchedule::Config config;
  config.session_bandwidth = DataRate::kilobits_per_second(500);
  config.max_interval = 60s;
  ReportSchedule schedule{config, random};
  for (int i = 0; i < 200; ++i) schedule.handle_received(1400);
  // Two members, 1428 bytes with IP and UDP, 25 kbit/s: 0.914 s.
  CHECK(to_seconds(schedule.deterministic_interval()) ==
        Approx(2 * 1428 * 8 / 25'000.0).epsilon(0.01));
}

TEST_CASE("feedback of two members is due at once", "[rtp][rfc4585]") {
  SeededRandom random{1};
  ReportSchedule schedule{{}, random};
  schedule.handle_stream_started(kStart);
  schedule.handle_sent(kStart + 20ms, Due::report, 100);
  const Timestamp regular = schedule.next_timeout();
  schedule.request_feedback(kStart + 30ms);
  CHECK(schedule.next_timeout() == kStart + 30ms);
  CHECK(schedule.due(kStart + 30ms) == Due::feedback);
  schedule.handle_sent(kStart + 30ms, Due::feedback, 40);
  CHECK(schedule.due(kStart + 31ms) == Due::nothing);
  // Immediate mode: the regular report keeps its place.
  CHECK(schedule.next_timeout() == regular);
}

TEST_CASE("feedback joins a report that is due", "[rtp][rfc4585]") {
  SeededRandom random{1};
  ReportSchedule schedule{{}, random};
  schedule.handle_stream_started(kStart);
  schedule.request_feedback(kStart + 20ms);
  CHECK(schedule.due(kStart + 20ms) == Due::report);
  schedule.handle_sent(kStart + 20ms, Due::report, 140);
  CHECK(schedule.next_timeout() > kStart + 20ms);
}

TEST_CASE("a new stream hastens the next report", "[rtp]") {
  SeededRandom random{1};
  ReportSchedule schedule{{}, random};
  schedule.handle_stream_started(kStart);
  schedule.handle_sent(kStart + 20ms, Due::report, 100);
  schedule.handle_stream_started(kStart + 25ms);
  CHECK(schedule.next_timeout() == kStart + 45ms);
}
