#include "parley/rtp/av1.hpp"

#include "frame_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

// Temporal delimiter, sequence header of 64 x 48 (libaom), frame header byte of a key frame and of
// an inter frame; sizes in the low overhead format.
constexpr const char* kDelimiter = "12 00";
constexpr const char* kSequence = "0a 0d 20 00 00 02 af f7 9b 5f 24 04 34 00 80";
constexpr const char* kKeyFrame = "32 04 14 00 22 c0";
constexpr const char* kInterFrame = "32 03 30 11 22";

VideoPayload parse(const ByteVector& payload) {
  const auto parsed = Av1Depacketizer{}.parse(payload);
  REQUIRE(parsed);
  return *parsed;
}

std::vector<ByteVector> payloads_of_unit(const ByteVector& unit, bool key, std::size_t room) {
  Av1Packetizer packetizer;
  return payloads_of(packetizer, frame_from(unit, key), room);
}

}  // namespace

TEST_CASE("OBUs are split by their sizes", "[rtp][av1]") {
  const auto obus =
      av1::split_obus(from_hex(kDelimiter) + from_hex("36 28 01 AA") + from_hex("30 BB CC"));
  REQUIRE(obus);
  REQUIRE(obus->size() == 3);
  CHECK((*obus)[0].type() == av1::kTemporalDelimiter);
  CHECK((*obus)[1].type() == av1::kFrame);
  CHECK((*obus)[1].layer() == 5);         // temporal_id 1, spatial_id 1
  CHECK((*obus)[2].payload.size() == 2);  // without size: up to the end
  CHECK_FALSE(av1::split_obus(from_hex("32 05 AA")));
  CHECK_FALSE(av1::split_obus(from_hex("B2 01 AA")));  // forbidden bit
  CHECK_FALSE(av1::split_obus(from_hex("32 80 80 80 80 80 80 80 80 01 AA")));
}

TEST_CASE("sequence headers tell the size of pictures", "[rtp][av1]") {
  const auto size = [](const char* hex) {
    const auto found = av1::picture_size(from_hex(hex));
    return found ? std::pair{found->width, found->height} : std::pair{0, 0};
  };
  CHECK(size("20 00 00 02 af f7 9b 5f 24 04 34 00 80") == std::pair{64, 48});        // libaom
  CHECK(size("00 00 00 fa a6 7a d9 22 10 a8 81 01 01 0a") == std::pair{1270, 714});  // rav1e
  CHECK(size("00 00 00 2d 4c f5 b2 4f bf 90 04") == std::pair{1270, 714});           // SVT-AV1
  for_each_prefix(from_hex("00 00 00 2d 4c f5"),
                  [](Bytes cut) { CHECK_FALSE(av1::picture_size(cut)); });
}

TEST_CASE("the aggregation header counts up to three OBU elements", "[rtp][av1]") {
  // The example of section 4.5: two elements of 200 and 100 bytes in 303 bytes, W = 2.
  ByteVector payload = from_hex("28 C8 01");
  payload.push_back(0x08);
  payload.resize(3 + 200, 0x11);
  payload.push_back(0x30);
  payload.resize(303, 0x22);
  const auto parsed = parse(payload);
  CHECK(parsed.key_frame);
  CHECK(parsed.begins_frame);
  const auto frame = frame_of_payloads(Av1Depacketizer{}, {payload});
  REQUIRE(frame);
  const auto obus = av1::split_obus(*frame);
  REQUIRE(obus);
  REQUIRE(obus->size() == 2);
  CHECK((*obus)[0].type() == av1::kSequenceHeader);
  CHECK((*obus)[0].payload.size() == 199);
  CHECK((*obus)[1].payload.size() == 99);
}

TEST_CASE("W = 0 gives each OBU element a length", "[rtp][av1]") {
  const auto frame = frame_of_payloads(Av1Depacketizer{}, {from_hex("00 02 30 AA 03 18 BB CC")});
  CHECK(frame == from_hex("32 01 AA 1A 02 BB CC"));
}

TEST_CASE("an OBU in pieces gets its size when all of them are there", "[rtp][av1]") {
  const std::vector<ByteVector> payloads{from_hex("50 34 28 AA BB"), from_hex("D0 CC"),
                                         from_hex("90 DD EE")};
  CHECK(frame_of_payloads(Av1Depacketizer{}, payloads) == from_hex("36 28 05 AA BB CC DD EE"));
  CHECK(parse(payloads[0]).may_begin_frame);
  CHECK(parse(payloads[0]).temporal_id == 1);
  CHECK(parse(payloads[0]).spatial_id == 1);
  CHECK_FALSE(parse(payloads[1]).may_begin_frame);
  const Av1Depacketizer depacketizer;
  CHECK_FALSE(frame_of_payloads(depacketizer, {payloads[0], payloads[1]}));
  CHECK_FALSE(frame_of_payloads(depacketizer, {payloads[1], payloads[2]}));
  CHECK_FALSE(frame_of_payloads(depacketizer, {payloads[0], from_hex("10 30 AA"), payloads[2]}));
}

TEST_CASE("temporal delimiters and tile lists of others are ignored", "[rtp][av1]") {
  CHECK(frame_of_payloads(Av1Depacketizer{}, {from_hex("30 01 10 02 40 AA 30 AA")}) ==
        from_hex("32 01 AA"));
  // An OBU that kept its size field keeps it.
  CHECK(frame_of_payloads(Av1Depacketizer{}, {from_hex("10 32 01 AA")}) == from_hex("32 01 AA"));
}

TEST_CASE("a temporal unit that Pion sends as one OBU element is taken apart", "[rtp][av1]") {
  const ByteVector unit = from_hex(kDelimiter) + from_hex(kSequence) + from_hex(kKeyFrame);
  const auto expected = from_hex(kSequence) + from_hex(kKeyFrame);
  const ByteVector whole = from_hex("00 17") + unit;
  CHECK(frame_of_payloads(Av1Depacketizer{}, {whole}) == expected);
  // Cut within the frame, as where a packet ends.
  const std::vector<ByteVector> pieces{
      from_hex("40 14") + ByteVector(unit.begin(), unit.begin() + 20),
      from_hex("80 03") + ByteVector(unit.begin() + 20, unit.end())};
  CHECK(frame_of_payloads(Av1Depacketizer{}, pieces) == expected);
  const auto key = parse(pieces[0]);
  CHECK(key.key_frame);
  CHECK(key.begins_frame);
  CHECK(key.width == 64);
  CHECK(key.height == 48);
  const ByteVector inter = from_hex("00 07") + from_hex(kDelimiter) + from_hex(kInterFrame);
  CHECK(frame_of_payloads(Av1Depacketizer{}, {inter}) == from_hex(kInterFrame));
  CHECK_FALSE(parse(inter).key_frame);
  // A size that does not fit.
  CHECK_FALSE(frame_of_payloads(Av1Depacketizer{}, {from_hex("00 05 12 00 32 09 30")}));
}

TEST_CASE("an empty OBU element before another of Pion does not count", "[rtp][av1]") {
  CHECK(frame_of_payloads(Av1Depacketizer{},
                          {from_hex("40 03 30 AA BB"), from_hex("80 00 02 CC DD")}) ==
        from_hex("32 04 AA BB CC DD"));
}

TEST_CASE("AV1 payloads whose lengths do not fit are malformed", "[rtp][av1]") {
  const auto malformed = [](const char* hex) { return !Av1Depacketizer{}.parse(from_hex(hex)); };
  CHECK(malformed(""));
  CHECK(malformed("10"));
  CHECK(malformed("88 30 AA"));     // Z and N
  CHECK(malformed("00 05 30 AA"));  // beyond the end
  CHECK(malformed("20 02 30 AA"));  // one element where W says two
  CHECK(malformed("00 80"));        // half a length
  CHECK_FALSE(malformed("10 30 AA"));
}

TEST_CASE("a key frame is told by N and by its sequence header", "[rtp][av1]") {
  // As some senders do, without N: sequence header and key frame in one packet.
  const ByteVector both = from_hex("20 0c 08 00 00 00 2d 4c f5 b2 4f bf 90 04 30 10 00");
  const auto key = parse(both);
  CHECK(key.key_frame);
  CHECK(key.width == 1270);
  CHECK(key.height == 714);
  CHECK_FALSE(parse(from_hex("20 0c 08 00 00 00 2d 4c f5 b2 4f bf 90 04 30 30 00")).key_frame);
  CHECK_FALSE(parse(from_hex("10 30 10 00")).key_frame);  // no sequence header: not a start
  CHECK(parse(from_hex("18 30 10 00")).key_frame);
}

TEST_CASE("a temporal unit leaves without its delimiter and its sizes", "[rtp][av1]") {
  const ByteVector unit = from_hex(kDelimiter) + from_hex(kSequence) + from_hex(kKeyFrame);
  const auto payloads = payloads_of_unit(unit, true, 100);
  REQUIRE(payloads.size() == 1);
  // W = 2, N; the sequence header behind its length, the frame without.
  CHECK(payloads[0] == from_hex("28 0e 08 20 00 00 02 af f7 9b 5f 24 04 34 00 80 30 14 00 22 c0"));
  const auto parsed = parse(payloads[0]);
  CHECK(parsed.key_frame);
  CHECK(parsed.width == 64);
  CHECK(parsed.height == 48);
  CHECK(frame_of_payloads(Av1Depacketizer{}, payloads) ==
        from_hex(kSequence) + from_hex(kKeyFrame));
  const auto inter = payloads_of_unit(from_hex(kDelimiter) + from_hex(kInterFrame), false, 100);
  CHECK(inter == std::vector<ByteVector>{from_hex("10 30 30 11 22")});
}

TEST_CASE("OBUs of different layers do not share a packet", "[rtp][av1]") {
  // Section 5.1: MD(0,0) FH(0,0) TG(0,0) together, those of layer (0,1) apart.
  const ByteVector unit = from_hex("2E 00 01 01 1E 00 01 02 26 00 01 03") +
                          from_hex("2E 08 01 04 1E 08 01 05 26 08 01 06");
  const auto payloads = payloads_of_unit(unit, false, 100);
  REQUIRE(payloads.size() == 2);
  CHECK(payloads[0] == from_hex("30 03 2C 00 01 03 1C 00 02 24 00 03"));
  CHECK(payloads[1] == from_hex("30 03 2C 08 04 03 1C 08 05 24 08 06"));
  CHECK(frame_of_payloads(Av1Depacketizer{}, payloads) == unit);
}

TEST_CASE("what is no AV1 is not sent", "[rtp][av1]") {
  CHECK(payloads_of_unit({}, false, 100).empty());
  CHECK(payloads_of_unit(from_hex(kDelimiter), false, 100).empty());
  CHECK(payloads_of_unit(from_hex("32 05 AA"), false, 100).empty());
  CHECK(payloads_of_unit(from_hex(kInterFrame), false, 15).empty());
}

TEST_CASE("AV1 temporal units come back from their payloads for any size and room",
          "[rtp][av1][property]") {
  SeededRandom random{0x5EED00A1};
  for (int round = 0; round < 400; ++round) {
    ByteVector unit;
    const std::uint32_t count = 1 + random.below(7);
    for (std::uint32_t i = 0; i < count; ++i) {
      const ByteVector payload =
          random_bytes(random, 1 + random.below(random.below(3) == 0 ? 5000 : 40));
      unit.push_back(0x22);  // tile group
      for (std::size_t left = payload.size();; left >>= 7) {
        unit.push_back(static_cast<std::uint8_t>((left & 0x7F) | (left > 0x7F ? 0x80 : 0)));
        if (left <= 0x7F) break;
      }
      unit = unit + payload;
    }
    const std::size_t room = 16 + random.below(1300);
    const auto payloads = payloads_of_unit(unit, false, room);
    REQUIRE(frame_of_payloads(Av1Depacketizer{}, payloads) == unit);
    // No more packets than needed, but for the lengths.
    REQUIRE(payloads.size() <= unit.size() / (room > 40 ? room - 20 : room / 3) + 2 + count);
  }
}
