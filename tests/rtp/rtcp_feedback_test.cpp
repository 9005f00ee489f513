#include "parley/rtp/rtcp/fir.hpp"
#include "parley/rtp/rtcp/nack.hpp"
#include "parley/rtp/rtcp/pli.hpp"
#include "parley/rtp/rtcp/remb.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::rtcp;

namespace {

// Made with aiortc 1.4: RtcpRtpfbPacket, RtcpPsfbPacket, pack_remb_fci.
constexpr const char* kNack =
    "81 cd 00 05 00 00 00 01 00 00 00 02 00 64 80 01 00 75 00 00 00 c8 00 00";
constexpr const char* kPli = "81 ce 00 02 00 00 00 01 00 00 00 02";
constexpr const char* kRemb =
    "8f ce 00 06 00 00 00 01 00 00 00 00 52 45 4d 42 02 12 62 5a 0a 0b 0c 0d 0e 0f 10 11";

}  // namespace

TEST_CASE("lost packets are packed into pairs as aiortc packs them", "[rtp][rtcp][rfc4585]") {
  const std::vector<std::uint16_t> lost{100, 101, 116, 117, 200};
  const Nack nack = Nack::build(Ssrc{1}, Ssrc{2}, lost);
  const ByteVector bytes = from_hex(kNack);
  CHECK(write(nack) == bytes);
  const auto read = Nack::parse(SubPacket::parse(bytes).value());
  REQUIRE(read);
  CHECK(*read == nack);
  CHECK(read->sequence_numbers() == lost);
}

TEST_CASE("a bit mask reaches over the wrap of sequence numbers", "[rtp][rtcp][rfc4585]") {
  const std::vector<std::uint16_t> lost{0xFFFE, 0xFFFF, 0, 14, 15};
  const Nack nack = Nack::build(Ssrc{1}, Ssrc{2}, lost);
  CHECK(nack.pairs == std::vector<Nack::Pair>{{0xFFFE, 0x8003}, {15, 0}});
  CHECK(nack.sequence_numbers() == lost);
}

TEST_CASE("a nack holds no more pairs than it may and repeats nothing", "[rtp][rtcp][rfc4585]") {
  const std::vector<std::uint16_t> lost{1, 1, 100, 200, 300};
  const Nack nack = Nack::build(Ssrc{1}, Ssrc{2}, lost, 2);
  CHECK(nack.sequence_numbers() == std::vector<std::uint16_t>{1, 100});
}

TEST_CASE("a nack without pairs or with half a pair is malformed", "[rtp][rtcp][rfc4585]") {
  CHECK_FALSE(
      Nack::parse(SubPacket::parse(from_hex("81 CD 00 02 00 00 00 01 00 00 00 02")).value()));
  CHECK_FALSE(Nack::parse(
      SubPacket::parse(from_hex("A1 CD 00 03 00 00 00 01 00 00 00 02 00 64 00 02")).value()));
  CHECK(write(Nack{Ssrc{1}, Ssrc{2}, {}}).empty());
}

TEST_CASE("a picture loss indication made by aiortc is read and written alike",
          "[rtp][rtcp][rfc4585]") {
  const ByteVector bytes = from_hex(kPli);
  CHECK(Pli::parse(SubPacket::parse(bytes).value()) == Pli{Ssrc{1}, Ssrc{2}});
  CHECK(write(Pli{Ssrc{1}, Ssrc{2}}) == bytes);
  CHECK_FALSE(Pli::parse(SubPacket::parse(from_hex("81 CE 00 01 00 00 00 01")).value()));
}

TEST_CASE("feedback of one kind is not taken for another", "[rtp][rtcp][rfc4585]") {
  const ByteVector pli = from_hex(kPli);
  const ByteVector nack = from_hex(kNack);
  CHECK_FALSE(Nack::parse(SubPacket::parse(pli).value()));
  CHECK_FALSE(Pli::parse(SubPacket::parse(nack).value()));
  CHECK_FALSE(Fir::parse(SubPacket::parse(pli).value()));
  CHECK_FALSE(Remb::parse(SubPacket::parse(pli).value()));
}

TEST_CASE("a full intra request has media SSRC 0 in its header", "[rtp][rtcp][rfc5104]") {
  // By the figures of RFC 4585 section 6.1 and RFC 5104 section 4.3.1.1.
  const Fir fir{Ssrc{1}, {{Ssrc{0x0A0B0C0D}, 7}, {Ssrc{2}, 255}}};
  const ByteVector bytes = from_hex(
      "84 CE 00 06 00 00 00 01 00 00 00 00 0A 0B 0C 0D 07 00 00 00 00 00 00 02 FF 00 00 00");
  CHECK(write(fir) == bytes);
  CHECK(Fir::parse(SubPacket::parse(bytes).value()) == fir);
}

TEST_CASE("a full intra request with another media SSRC in its header is read",
          "[rtp][rtcp][rfc5104]") {
  const ByteVector bytes = from_hex("84 CE 00 04 00 00 00 01 00 00 00 63 0A 0B 0C 0D 07 00 00 00");
  CHECK(Fir::parse(SubPacket::parse(bytes).value()) == Fir{Ssrc{1}, {{Ssrc{0x0A0B0C0D}, 7}}});
}

TEST_CASE("a full intra request without entries is malformed", "[rtp][rtcp][rfc5104]") {
  CHECK_FALSE(
      Fir::parse(SubPacket::parse(from_hex("84 CE 00 02 00 00 00 01 00 00 00 00")).value()));
  CHECK_FALSE(Fir::parse(
      SubPacket::parse(from_hex("84 CE 00 03 00 00 00 01 00 00 00 00 00 00 00 02")).value()));
  CHECK(write(Fir{Ssrc{1}, {}}).empty());
}

TEST_CASE("a REMB made by aiortc is read and written alike", "[rtp][rtcp]") {
  const ByteVector bytes = from_hex(kRemb);
  const Remb expected{
      Ssrc{1}, DataRate::bits_per_second(2'500'000), {Ssrc{0x0A0B0C0D}, Ssrc{0x0E0F1011}}};
  const auto read = Remb::parse(SubPacket::parse(bytes).value());
  REQUIRE(read);
  // 18 bits of mantissa: 2 500 000 >> 4 << 4.
  CHECK(read->bitrate.bits_per_second() == 2'500'000 / 16 * 16);
  CHECK(read->sources == expected.sources);
  CHECK(write(expected) == bytes);
}

TEST_CASE("REMB rates keep 18 bits and round down", "[rtp][rtcp]") {
  const auto read_back = [](std::int64_t rate) {
    const ByteVector bytes = write(Remb{Ssrc{1}, DataRate::bits_per_second(rate), {}});
    return Remb::parse(SubPacket::parse(bytes).value())->bitrate.bits_per_second();
  };
  CHECK(read_back(0) == 0);
  CHECK(read_back(0x3FFFF) == 0x3FFFF);
  CHECK(read_back(0x40000) == 0x40000);
  CHECK(read_back(0x40001) == 0x40000);
  CHECK(read_back(-5) == 0);
  CHECK(read_back(INT64_MAX) == INT64_C(0x3FFFF) << 45);
}

TEST_CASE("a REMB of more than 63 bits is infinite", "[rtp][rtcp]") {
  const ByteVector bytes = from_hex("8F CE 00 04 00 00 00 01 00 00 00 00 52 45 4D 42 00 FF FF FF");
  CHECK(Remb::parse(SubPacket::parse(bytes).value())->bitrate.is_infinite());
  const ByteVector zero = from_hex("8F CE 00 04 00 00 00 01 00 00 00 00 52 45 4D 42 00 FC 00 00");
  CHECK(Remb::parse(SubPacket::parse(zero).value())->bitrate == DataRate{});
}

TEST_CASE("application layer feedback without the REMB name is not a REMB", "[rtp][rtcp]") {
  CHECK_FALSE(Remb::parse(
      SubPacket::parse(from_hex("8F CE 00 04 00 00 00 01 00 00 00 00 52 45 4D 43 00 00 00 01"))
          .value()));
  // Two sources announced, one there.
  CHECK_FALSE(Remb::parse(SubPacket::parse(from_hex("8F CE 00 05 00 00 00 01 00 00 00 00 52 45 4D "
                                                    "42 02 00 00 01 00 00 00 05"))
                              .value()));
}
