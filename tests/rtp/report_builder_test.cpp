#include "parley/rtp/report_builder.hpp"

#include <set>

#include "parley/rtp/round_trip.hpp"
#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
std::vector<rtcp::ReportBlock> make_blocks(std::uint32_t count) {
  std::vector<rtcp::ReportBlock> blocks(count);
  for (std::uint32_t i = 0; i < count; ++i) blocks[i].source = Ssrc{1000 + i};
  return blocks;
}
struct Parsed {
  std::vector<rtcp::PacketType> types;
  std::vector<std::uint32_t> reported;
};
Parsed parse(Bytes datagram) {
  Parsed result;
  const auto compound = rtcp::CompoundView::parse(datagram);
  REQUIRE(compound);
  for (const auto& sub : *compound) {
    result.types.push_back(sub.type);
    if (const auto sr = rtcp::SenderReport::parse(sub))
      for (const auto& block : sr->blocks) result.reported.push_back(block.source.value());
    if (const auto rr = rtcp::ReceiverReport::parse(sub))
      for (const auto& block : rr->blocks) result.reported.push_back(block.source.value());
  }
  return result;
}
using Type = rtcp::PacketType;
}  // namespace

TEST_CASE("a full compound begins with a report even when there is nothing to say",
          "[rtp][rfc3550]") {
  std::array<std::uint8_t, 1200> storage{};
  ReportBuilder builder;
  builder.begin(storage);
  CHECK(builder.add_reports(kLocal, {}, {}) == 0);
  const std::array<Ssrc, 1> sources{kLocal};
  CHECK(builder.add_sdes(sources, "cname"));
  CHECK(parse(builder.finish()).types == std::vector<Type>{Type::receiver_report, Type::sdes});
}

TEST_CASE("sender reports carry the report blocks", "[rtp][rfc3550]") {
  std::array<std::uint8_t, 1200> storage{};
  std::vector<rtcp::SenderReport> senders(2);
  senders[0].sender = kMedia;
  senders[1].sender = kRtx;
  ReportBuilder builder;
  builder.begin(storage);
  CHECK(builder.add_reports(kLocal, senders, make_blocks(3)) == 3);
  const auto parsed = parse(builder.finish());
  CHECK(parsed.types == std::vector<Type>{Type::sender_report, Type::sender_report});
  CHECK(parsed.reported == std::vector<std::uint32_t>{1000, 1001, 1002});
}

TEST_CASE("more than 31 blocks go on in another report", "[rtp][rfc3550]") {
  std::array<std::uint8_t, 1400> storage{};
  ReportBuilder builder;
  builder.begin(storage);
  CHECK(builder.add_reports(kLocal, {}, make_blocks(40)) == 40);
  const auto parsed = parse(builder.finish());
  CHECK(parsed.types == std::vector<Type>{Type::receiver_report, Type::receiver_report});
  CHECK(parsed.reported.size() == 40);
}

TEST_CASE("blocks that do not fit take turns", "[rtp][rfc3550]") {
  std::array<std::uint8_t, 400> storage{};
  ReportBuilder builder;
  const auto blocks = make_blocks(40);
  std::vector<std::uint32_t> all;
  for (int i = 0; i < 4; ++i) {
    builder.begin(storage);
    const std::size_t written = builder.add_reports(kLocal, {}, blocks, 100);
    CHECK(written == (300 - 8) / 24);
    CHECK(builder.finish().size() <= 300);
    const auto parsed = parse(builder.finish());
    all.insert(all.end(), parsed.reported.begin(), parsed.reported.end());
  }
  // 48 turns for 40 sources: everybody had one, and nobody a third before that.
  CHECK(std::set<std::uint32_t>(all.begin(), all.end()).size() == 40);
  CHECK(std::set<std::uint32_t>(all.begin(), all.begin() + 40).size() == 40);
}

TEST_CASE("a rotation survives sources that come and go", "[rtp]") {
  std::array<std::uint8_t, 200> storage{};
  ReportBuilder builder;
  for (const std::uint32_t count : {40u, 3u, 0u, 17u, 1u}) {
    builder.begin(storage);
    const std::size_t written = builder.add_reports(kLocal, {}, make_blocks(count));
    CHECK(written == std::min<std::size_t>(count, 8));
    const auto parsed = parse(builder.finish());
    CHECK(std::set<std::uint32_t>(parsed.reported.begin(), parsed.reported.end()).size() ==
          written);
  }
}

TEST_CASE("a NACK is cut to the room that is left", "[rtp][rfc4585]") {
  std::array<std::uint8_t, 20> storage{};
  ReportBuilder builder;
  builder.begin(storage);
  const std::array<std::uint16_t, 4> lost{1, 100, 200, 300};
  CHECK(builder.add_nack(kLocal, kMedia, lost) == 2);
  const auto compound = rtcp::CompoundView::parse(builder.finish());
  REQUIRE(compound);
  const auto nack = rtcp::Nack::parse(*compound->begin());
  REQUIRE(nack);
  CHECK(nack->sequence_numbers() == std::vector<std::uint16_t>{1, 100});
  CHECK(builder.add_nack(kLocal, kMedia, lost) == 0);
  CHECK_FALSE(builder.add(rtcp::Pli{kLocal, kMedia}));
}

TEST_CASE("feedback alone makes a reduced-size packet", "[rtp][rfc5506]") {
  std::array<std::uint8_t, 100> storage{};
  ReportBuilder builder;
  builder.begin(storage);
  CHECK(builder.empty());
  CHECK(builder.add(rtcp::Pli{kLocal, kMedia}));
  CHECK(builder.finish().size() == 12);
}

TEST_CASE("XR reference times measure the round trip without sender reports", "[rtp][rfc3611]") {
  const NtpMapping here{kStart, NtpTime{std::uint64_t{77} << 32}};
  const NtpMapping there{kStart, NtpTime{std::uint64_t{900'000} << 32}};
  ReferenceTimeExchange a{here};
  ReferenceTimeExchange b{there};
  const auto question = a.build(kStart, kLocal, true);
  REQUIRE(question);
  CHECK(question->receiver_reference_time);
  CHECK_FALSE(b.handle(kStart + 30ms, *question, kMedia));
  const auto answer = b.build(kStart + 80ms, kMedia, false);
  REQUIRE(answer);
  CHECK_FALSE(answer->receiver_reference_time);
  REQUIRE(answer->dlrr.size() == 1);
  const auto rtt = a.handle(kStart + 110ms, *answer, kLocal);
  REQUIRE(rtt);
  CHECK(to_milliseconds(*rtt) == Approx(60).margin(0.1));
  CHECK(a.round_trip_time() == rtt);
  // Answered once.
  CHECK_FALSE(b.build(kStart + 200ms, kMedia, false));
}

TEST_CASE("an XR echo for somebody else says nothing", "[rtp][rfc3611]") {
  ReferenceTimeExchange exchange{NtpMapping{kStart, NtpTime{1}}};
  rtcp::ExtendedReport report;
  report.dlrr.push_back({kRtx, 5, 5});
  CHECK_FALSE(exchange.handle(kStart, report, kLocal));
}

TEST_CASE("reference times of too many sources push out the oldest", "[rtp][rfc3611]") {
  ReferenceTimeExchange exchange{NtpMapping{kStart, NtpTime{1}}};
  rtcp::ExtendedReport report;
  report.receiver_reference_time = NtpTime{std::uint64_t{5} << 32};
  for (std::uint32_t i = 0; i < 100; ++i) {
    report.sender = Ssrc{i};
    exchange.handle(kStart + 1ms * i, report, kLocal);
  }
  const auto answer = exchange.build(kStart + 1s, kLocal, false);
  REQUIRE(answer);
  CHECK(answer->dlrr.size() == ReferenceTimeExchange::kMaxSources);
  std::set<std::uint32_t> sources;
  for (const auto& echo : answer->dlrr) sources.insert(echo.receiver.value());
  CHECK(sources.size() == ReferenceTimeExchange::kMaxSources);
  CHECK(*sources.begin() == 84);
}
