#include "parley/rtp/rtcp/extended_report.hpp"

#include "parley/rtp/rtcp/congestion_feedback.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::rtcp;

namespace {

// By the figures of RFC 3611 sections 2, 4.4 and 4.5.
constexpr const char* kExtendedReport =
    "80 CF 00 0B 00 00 00 01"
    "04 00 00 02 01 02 03 04 05 06 07 08"
    "05 00 00 06 00 00 00 02 AA BB CC DD 00 01 00 00 00 00 00 03 00 00 00 00 00 00 00 00";

// By figure 1 of RFC 8888: two streams, the first with an odd number of metrics.
constexpr const char* kCongestionFeedback =
    "8B CD 00 09 00 00 00 01"
    "00 00 00 02 FF FF 00 03 82 00 00 00 FF FE 00 00"
    "00 00 00 03 00 05 00 02 DF FF A0 01"
    "12 34 56 78";

}  // namespace

TEST_CASE("receiver reference time and DLRR blocks are read and written alike",
          "[rtp][rtcp][rfc3611]") {
  const ByteVector bytes = from_hex(kExtendedReport);
  const ExtendedReport expected{
      Ssrc{1}, NtpTime{0x0102030405060708}, {{Ssrc{2}, 0xAABBCCDD, 0x10000}, {Ssrc{3}, 0, 0}}};
  CHECK(ExtendedReport::parse(SubPacket::parse(bytes).value()) == expected);
  CHECK(write(expected) == bytes);
}

TEST_CASE("extended report blocks of other kinds are skipped", "[rtp][rtcp][rfc3611]") {
  const ByteVector bytes = from_hex(
      "80 CF 00 07 00 00 00 01 07 00 00 01 DE AD BE EF 09 00 00 00 04 00 00 02 00 00 00 00 00 00 "
      "00 09");
  const auto report = ExtendedReport::parse(SubPacket::parse(bytes).value());
  REQUIRE(report);
  CHECK(report->receiver_reference_time == NtpTime{9});
  CHECK(report->dlrr.empty());
}

TEST_CASE("extended report blocks that run out or have odd lengths are malformed",
          "[rtp][rtcp][rfc3611]") {
  const auto parses = [](const char* hex) {
    return ExtendedReport::parse(SubPacket::parse(from_hex(hex)).value()).has_value();
  };
  CHECK(parses("80 CF 00 01 00 00 00 01"));
  CHECK_FALSE(parses("80 CF 00 00"));
  CHECK_FALSE(parses("80 CF 00 02 00 00 00 01 07 00 00 01"));
  CHECK_FALSE(parses("80 CF 00 03 00 00 00 01 04 00 00 01 00 00 00 00"));
  CHECK_FALSE(parses("80 CF 00 03 00 00 00 01 05 00 00 01 00 00 00 00"));
}

TEST_CASE("congestion feedback is read and written alike", "[rtp][rtcp][rfc8888]") {
  using Metric = CongestionFeedback::Metric;
  const ByteVector bytes = from_hex(kCongestionFeedback);
  const CongestionFeedback expected{
      Ssrc{1},
      {{Ssrc{2},
        0xFFFF,
        {Metric{true, Ecn::not_ect, 512}, Metric{}, Metric{true, Ecn::ce, 0x1FFE}}},
       {Ssrc{3}, 5, {Metric{true, Ecn::ect0, 0x1FFF}, Metric{true, Ecn::ect1, 1}}}},
      0x12345678};
  CHECK(CongestionFeedback::parse(SubPacket::parse(bytes).value()) == expected);
  CHECK(write(expected) == bytes);
}

TEST_CASE("the age of a packet counts 1024ths and has two special values", "[rtp][rtcp][rfc8888]") {
  using Metric = CongestionFeedback::Metric;
  CHECK(Metric{true, Ecn::not_ect, 512}.age() == 500ms);
  CHECK_FALSE(Metric{false, Ecn::not_ect, 0}.age());
  CHECK_FALSE(Metric{true, Ecn::not_ect, CongestionFeedback::kOffsetOverRange}.age());
  CHECK_FALSE(Metric{true, Ecn::not_ect, CongestionFeedback::kOffsetUnknown}.age());
  CHECK(Metric{true, Ecn::not_ect, 0x1FFD}.age() > 7s);
}

TEST_CASE("bits of packets that did not arrive are ignored", "[rtp][rtcp][rfc8888]") {
  const ByteVector bytes =
      from_hex("8B CD 00 05 00 00 00 01 00 00 00 02 00 00 00 01 7F FF 00 00 00 00 00 00");
  const auto feedback = CongestionFeedback::parse(SubPacket::parse(bytes).value());
  REQUIRE(feedback);
  CHECK(feedback->streams.at(0).metrics.at(0) == CongestionFeedback::Metric{});
}

TEST_CASE("a stream may be reported on without metrics", "[rtp][rtcp][rfc8888]") {
  const CongestionFeedback feedback{Ssrc{1}, {{Ssrc{2}, 77, {}}}, 5};
  const ByteVector bytes = write(feedback);
  CHECK(CongestionFeedback::parse(SubPacket::parse(bytes).value()) == feedback);
}

TEST_CASE("congestion feedback with more metrics than bytes or than allowed is malformed",
          "[rtp][rtcp][rfc8888]") {
  const auto parses = [](const char* hex) {
    return CongestionFeedback::parse(SubPacket::parse(from_hex(hex)).value()).has_value();
  };
  CHECK(parses("8B CD 00 02 00 00 00 01 00 00 00 09"));  // no streams
  CHECK_FALSE(parses("8B CD 00 01 00 00 00 01"));        // no report timestamp
  CHECK_FALSE(parses("8B CD 00 05 00 00 00 01 00 00 00 02 00 00 00 05 80 00 80 00 00 00 00 00"));
  CongestionFeedback feedback{Ssrc{1}, {{Ssrc{2}, 0, {}}}, 0};
  feedback.streams[0].metrics.resize(16384);
  CHECK_FALSE(write(feedback).empty());
  feedback.streams[0].metrics.resize(16385);
  CHECK(write(feedback).empty());
}
