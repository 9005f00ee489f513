#include "parley/rtp/opus.hpp"

#include "parley/rtp/payload_format.hpp"

#include "parley/base/random.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

/// A packet of a TOC byte, further header bytes and `size` bytes of frames.
ByteVector packet_of(int config, int code, std::string_view header_hex, std::size_t size) {
  ByteVector packet{static_cast<std::uint8_t>(config << 3 | code)};
  const ByteVector header = from_hex(header_hex);
  packet.insert(packet.end(), header.begin(), header.end());
  packet.insert(packet.end(), size, 0x55);
  return packet;
}

}  // namespace

TEST_CASE("the duration of a packet follows its configuration number", "[rtp][rfc6716]") {
  // RFC 6716 section 3.1 table 2, in samples at 48 kHz.
  const int durations[32] = {480,  960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920,
                             2880, 480, 960,  480,  960, 120, 240,  480,  960, 120, 240,
                             480,  960, 120,  240,  480, 960, 120,  240,  480, 960};
  for (int config = 0; config < 32; ++config) {
    const auto info = parse_opus_packet(packet_of(config, 0, "", 10));
    REQUIRE(info);
    CHECK(info->config == config);
    CHECK(info->samples() == durations[config]);
    CHECK(info->mode == (config < 12   ? OpusMode::silk
                         : config < 16 ? OpusMode::hybrid
                                       : OpusMode::celt));
  }
}

TEST_CASE("the stereo bit is the third lowest of the first byte", "[rtp][rfc6716]") {
  CHECK(parse_opus_packet(from_hex("FC 01 02"))->stereo);
  CHECK_FALSE(parse_opus_packet(from_hex("F8 01 02"))->stereo);
}

TEST_CASE("a packet of one byte is valid and carries nothing", "[rtp][rfc6716]") {
  const auto info = parse_opus_packet(from_hex("08"));
  REQUIRE(info);
  CHECK(info->dtx);
  CHECK(info->samples() == 960);
  CHECK(parse_opus_packet(from_hex("08 00"))->dtx);
  CHECK_FALSE(parse_opus_packet(from_hex("08 00 00"))->dtx);
}

TEST_CASE("a packet has at least one byte", "[rtp][rfc6716]") {  // R1
  CHECK_FALSE(parse_opus_packet({}));
  CHECK_FALSE(opus_packet_samples({}));
}

TEST_CASE("no implied frame is longer than 1275 bytes", "[rtp][rfc6716]") {  // R2
  CHECK(parse_opus_packet(packet_of(1, 0, "", 1275)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 0, "", 1276)));
  CHECK(parse_opus_packet(packet_of(1, 1, "", 2550)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 1, "", 2552)));
  CHECK(parse_opus_packet(packet_of(1, 2, "01", 1276)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 2, "01", 1277)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "01", 1276)));
}

TEST_CASE("two frames of one length need an even number of bytes", "[rtp][rfc6716]") {  // R3
  CHECK(parse_opus_packet(packet_of(1, 1, "", 10))->frame_count == 2);
  CHECK_FALSE(parse_opus_packet(packet_of(1, 1, "", 9)));
}

TEST_CASE("two frames of different lengths need the length of the first", "[rtp][rfc6716]") {  // R4
  CHECK(parse_opus_packet(packet_of(1, 2, "05", 5))->frame_count == 2);
  CHECK_FALSE(parse_opus_packet(packet_of(1, 2, "05", 4)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 2, "", 0)));
  // Lengths from 252 on take two bytes: 252 + 4 * 1 = 256.
  CHECK(parse_opus_packet(packet_of(1, 2, "FC 01", 256)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 2, "FC 01", 255)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 2, "FC", 0)));
}

TEST_CASE("a packet has a frame at least and 120 ms at most", "[rtp][rfc6716]") {  // R5
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "00", 0)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "", 0)));
  CHECK(parse_opus_packet(packet_of(1, 3, "06", 12))->samples() == 5760);
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "07", 14)));
  CHECK(parse_opus_packet(packet_of(16, 3, "30", 48))->frame_count == 48);
  CHECK_FALSE(parse_opus_packet(packet_of(16, 3, "31", 49)));
}

TEST_CASE("frames of one length share what padding leaves evenly", "[rtp][rfc6716]") {  // R6
  CHECK(parse_opus_packet(packet_of(1, 3, "03", 9)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "03", 10)));
  CHECK(parse_opus_packet(packet_of(1, 3, "43 01", 10)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "43 0B", 10)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "43", 0)));
  // 255 stands for 254 more and a further length byte.
  CHECK(parse_opus_packet(packet_of(1, 3, "41 FF 01", 255)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "41 FF 02", 255)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "41 FF", 0)));
}

TEST_CASE("frames of different lengths fit with their lengths and padding",
          "[rtp][rfc6716]") {  // R7
  const auto info = parse_opus_packet(packet_of(1, 3, "83 02 03", 9));
  REQUIRE(info);
  CHECK(info->frame_count == 3);
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "83 02 03", 4)));
  CHECK(parse_opus_packet(packet_of(1, 3, "C3 04 02 03", 9)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "C3 05 02 03", 9)));
  CHECK_FALSE(parse_opus_packet(packet_of(1, 3, "83 02", 0)));
}

TEST_CASE("no bytes make the opus parser read too far", "[rtp][property]") {
  SeededRandom random{0x5EED0003};
  for (int round = 0; round < 20'000; ++round) {
    ByteVector packet(random.below(40));
    random.fill(packet);
    if (const auto samples = opus_packet_samples(packet)) {
      REQUIRE(*samples >= 120);
      REQUIRE(*samples <= 5760);
    }
  }
}

TEST_CASE("audio payloads tell how long they last", "[rtp][rfc3551]") {
  const std::vector<std::uint8_t> twenty_ms(160, 0xD5);
  CHECK(audio_payload_samples("PCMU", twenty_ms) == 960);
  CHECK(audio_payload_samples("pcma", twenty_ms) == 960);
  CHECK(audio_payload_samples("G722", twenty_ms) == 960);
  CHECK(audio_payload_samples("telephone-event", from_hex("05 8A 03 20")) == 0);
  CHECK(audio_payload_samples("opus", from_hex("78 AA")) == 960);
  CHECK_FALSE(audio_payload_samples("PCMU", {}));
  CHECK_FALSE(audio_payload_samples("L16", twenty_ms));
}
