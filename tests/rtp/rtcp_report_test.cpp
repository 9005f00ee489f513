#include "parley/rtp/rtcp/report.hpp"

#include "parley/rtp/rtcp/bye.hpp"
#include "parley/rtp/rtcp/sdes.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::rtcp;

namespace {

// Made with aiortc 1.4: RtcpSrPacket, RtcpRrPacket, RtcpSdesPacket, RtcpByePacket.
constexpr const char* kSenderReport =
    "81 c8 00 0c 01 02 03 04 e1 23 45 67 89 ab cd ef 00 01 5f 90 00 00 00 0a 00 00 27 10 11 22 33 "
    "44 33 ff ff fe 00 01 ff ff 00 00 04 d2 aa bb cc dd 00 01 00 00";
constexpr const char* kReceiverReport =
    "81 c9 00 07 00 00 00 05 11 22 33 44 33 ff ff fe 00 01 ff ff 00 00 04 d2 aa bb cc dd 00 01 00 "
    "00";
constexpr const char* kSdes =
    "81 ca 00 07 01 02 03 04 01 0b 70 61 72 6c 65 79 40 68 6f 73 74 0f 05 61 75 64 69 6f 00 00 00 "
    "00";
constexpr const char* kBye = "82 cb 00 02 01 02 03 04 05 06 07 08";

ReportBlock golden_block() {
  return {Ssrc{0x11223344}, 51, -2, 0x0001FFFF, 1234, 0xAABBCCDD, 65536};
}

}  // namespace

TEST_CASE("a sender report made by aiortc is read and written alike", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex(kSenderReport);
  const auto report = SenderReport::parse(SubPacket::parse(bytes).value());
  REQUIRE(report);
  const SenderReport expected{Ssrc{0x01020304}, NtpTime{0xE123456789ABCDEF}, 90000, 10, 10000,
                              {golden_block()}};
  CHECK(*report == expected);
  CHECK(write(expected) == bytes);
}

TEST_CASE("a receiver report made by aiortc is read and written alike", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex(kReceiverReport);
  const ReceiverReport expected{Ssrc{5}, {golden_block()}};
  CHECK(ReceiverReport::parse(SubPacket::parse(bytes).value()) == expected);
  CHECK(write(expected) == bytes);
}

TEST_CASE("an empty receiver report is legal", "[rtp][rtcp][rfc3550]") {
  const ReceiverReport empty{Ssrc{5}, {}};
  CHECK(write(empty) == from_hex("80 C9 00 01 00 00 00 05"));
  CHECK(ReceiverReport::parse(SubPacket::parse(write(empty)).value()) == empty);
}

TEST_CASE("profile-specific extensions of reports are skipped", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex("80 C9 00 03 00 00 00 05 DE AD BE EF DE AD BE EF");
  CHECK(ReceiverReport::parse(SubPacket::parse(bytes).value()) == ReceiverReport{Ssrc{5}, {}});
}

TEST_CASE("reports with fewer blocks than they count are malformed", "[rtp][rtcp][rfc3550]") {
  ByteVector bytes = from_hex(kReceiverReport);
  bytes[0] = 0x82;
  CHECK_FALSE(ReceiverReport::parse(SubPacket::parse(bytes).value()));
  bytes = from_hex(kSenderReport);
  bytes[0] = 0x82;
  CHECK_FALSE(SenderReport::parse(SubPacket::parse(bytes).value()));
  CHECK_FALSE(SenderReport::parse(
      SubPacket::parse(from_hex("80 C8 00 05 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
                                "00 00"))
          .value()));
}

TEST_CASE("cumulative loss has 24 bits and holds at their ends", "[rtp][rtcp][rfc3550]") {
  const auto read_back = [](std::int32_t lost) {
    ReceiverReport report{Ssrc{1}, {ReportBlock{}}};
    report.blocks[0].cumulative_lost = lost;
    const ByteVector bytes = write(report);
    return ReceiverReport::parse(SubPacket::parse(bytes).value())->blocks[0].cumulative_lost;
  };
  CHECK(read_back(0x7FFFFF) == 0x7FFFFF);
  CHECK(read_back(0x800000) == 0x7FFFFF);
  CHECK(read_back(-0x800000) == -0x800000);
  CHECK(read_back(-0x800001) == -0x800000);
  CHECK(read_back(-1) == -1);
}

TEST_CASE("more than 31 blocks or sources are refused", "[rtp][rtcp][rfc3550]") {
  ReceiverReport report{Ssrc{1}, std::vector<ReportBlock>(31)};
  CHECK(write(report).size() == 8 + 31 * 24);
  report.blocks.emplace_back();
  CHECK(write(report).empty());
  Bye bye{std::vector<Ssrc>(32), {}};
  CHECK(write(bye).empty());
  Sdes sdes{std::vector<Sdes::Chunk>(32)};
  CHECK(write(sdes).empty());
}

TEST_CASE("the round-trip time of the RFC's example comes out", "[rtp][rtcp][rfc3550]") {
  // RFC 3550 section 6.4.1 figure 2: A = 0xb710:8000, DLSR = 0x0005:4000, LSR = 0xb705:2000.
  const NtpTime now{std::uint64_t{0xB7108000} << 16};
  CHECK(round_trip_time(0xB7052000, 0x00054000, now) == 6125ms);
}

TEST_CASE("the round-trip time needs a last SR and no negative result", "[rtp][rtcp][rfc3550]") {
  const NtpTime now{std::uint64_t{0xB7108000} << 16};
  CHECK_FALSE(round_trip_time(0, 0x00054000, now));
  CHECK_FALSE(round_trip_time(0xB7108000, 1, now));
  CHECK(round_trip_time(0xB7108000, 0, now) == 0ms);
}

TEST_CASE("the round-trip time survives the wrap of compact NTP time", "[rtp][rtcp][rfc3550]") {
  const NtpTime now{std::uint64_t{0x00008000} << 16};  // half a second after the wrap
  CHECK(round_trip_time(0xFFFF8000, 0x00004000, now) == 750ms);
}

TEST_CASE("a source description made by aiortc is read", "[rtp][rtcp][rfc3550][rfc9143]") {
  const ByteVector bytes = from_hex(kSdes);
  const Sdes expected{{{Ssrc{0x01020304}, "parley@host", "audio"}}};
  CHECK(Sdes::parse(SubPacket::parse(bytes).value()) == expected);
  CHECK(write(expected) == bytes);
}

TEST_CASE("every chunk ends in a zero and on a word", "[rtp][rtcp][rfc3550]") {
  for (std::size_t length = 0; length <= 9; ++length) {
    const std::string name(length, 'c');
    const Sdes sdes{{{Ssrc{1}, name, ""}, {Ssrc{2}, "x", "0"}}};
    const ByteVector bytes = write(sdes);
    REQUIRE(bytes.size() % 4 == 0);
    CHECK(Sdes::parse(SubPacket::parse(bytes).value()) == sdes);
  }
  CHECK(write(Sdes{{{Ssrc{1}, "ab", ""}}}) ==
        from_hex("81 CA 00 03 00 00 00 01 01 02 61 62 00 00 00 00"));
  CHECK(write(Sdes{{{Ssrc{1}, "a", ""}}}) == from_hex("81 CA 00 02 00 00 00 01 01 01 61 00"));
}

TEST_CASE("items of other kinds are skipped and the first of a kind counts",
          "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex("81 CA 00 04 00 00 00 01 02 01 6E 01 01 61 01 01 62 00 00 00");
  const auto sdes = Sdes::parse(SubPacket::parse(bytes).value());
  REQUIRE(sdes);
  CHECK(sdes->chunks.at(0).cname == "a");
}

TEST_CASE("items that run out of the packet are malformed", "[rtp][rtcp][rfc3550]") {
  CHECK_FALSE(
      Sdes::parse(SubPacket::parse(from_hex("81 CA 00 02 00 00 00 01 01 09 61 00")).value()));
  CHECK_FALSE(
      Sdes::parse(SubPacket::parse(from_hex("81 CA 00 02 00 00 00 01 01 02 61 62")).value()));
  CHECK_FALSE(
      Sdes::parse(SubPacket::parse(from_hex("82 CA 00 02 00 00 00 01 01 01 61 00")).value()));
}

TEST_CASE("texts longer than 255 bytes are refused", "[rtp][rtcp][rfc3550]") {
  const std::string long_text(256, 'x');
  const std::string text(255, 'x');
  CHECK(write(Sdes{{{Ssrc{1}, long_text, ""}}}).empty());
  CHECK_FALSE(write(Sdes{{{Ssrc{1}, text, text}}}).empty());
  CHECK(write(Bye{{Ssrc{1}}, long_text}).empty());
  CHECK_FALSE(write(Bye{{Ssrc{1}}, text}).empty());
}

TEST_CASE("a goodbye made by aiortc is read and written alike", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex(kBye);
  const Bye expected{{Ssrc{0x01020304}, Ssrc{0x05060708}}, ""};
  CHECK(Bye::parse(SubPacket::parse(bytes).value()) == expected);
  CHECK(write(expected) == bytes);
}

TEST_CASE("a goodbye may give a reason padded to words", "[rtp][rtcp][rfc3550]") {
  const Bye bye{{Ssrc{1}}, "done"};
  CHECK(write(bye) == from_hex("81 CB 00 03 00 00 00 01 04 64 6F 6E 65 00 00 00"));
  const ByteVector bytes = write(bye);
  CHECK(Bye::parse(SubPacket::parse(bytes).value()) == bye);
  // A goodbye of nobody is legal and useless.
  CHECK(Bye::parse(SubPacket::parse(from_hex("80 CB 00 00")).value()) == Bye{});
  // A reason longer than the packet.
  CHECK_FALSE(Bye::parse(SubPacket::parse(from_hex("80 CB 00 01 04 61 62 63")).value()));
  CHECK_FALSE(Bye::parse(SubPacket::parse(from_hex("82 CB 00 01 00 00 00 01")).value()));
}
