#include "parley/rtp/extensions.hpp"

#include <set>
#include <string>

#include "parley/base/random.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

ExtensionMap map_of_all(std::uint8_t first_id = 1) {
  ExtensionMap map;
  for (std::size_t i = 0; i < kExtensionCount; ++i) {
    REQUIRE(map.add(static_cast<std::uint8_t>(first_id + i), static_cast<Extension>(i)));
  }
  return map;
}

ByteVector packet_with(const HeaderExtensions& values, const ExtensionMap& map) {
  ByteVector storage(1500);
  PacketWriter out{storage, {false, PayloadType{96}, 1, 2, Ssrc{3}, {}}, values.form(map)};
  values.write_to(out, map);
  out.payload(as_bytes("x"));
  const auto packet = out.finish();
  REQUIRE(packet);
  return to_vector(*packet);
}

template <class T>
ByteVector bytes_of(const T& value) {
  ByteVector storage(16);
  ByteWriter out{storage};
  return value.write_to(out) ? to_vector(out.written()) : ByteVector{};
}

}  // namespace

TEST_CASE("every extension has a URI of its own that leads back to it", "[rtp][rfc8285]") {
  std::set<std::string_view> uris;
  for (std::size_t i = 0; i < kExtensionCount; ++i) {
    const auto kind = static_cast<Extension>(i);
    CHECK(extension_from_uri(extension_uri(kind)) == kind);
    uris.insert(extension_uri(kind));
  }
  CHECK(uris.size() == kExtensionCount);
  CHECK(extension_uri(Extension::mid) == "urn:ietf:params:rtp-hdrext:sdes:mid");
  CHECK_FALSE(extension_from_uri("urn:ietf:params:rtp-hdrext:toffset"));
}

TEST_CASE("an id means one extension only", "[rtp][rfc8285]") {
  ExtensionMap map;
  CHECK(map.add(3, Extension::mid));
  CHECK(map.add(3, Extension::mid));
  const auto clash = map.add(3, Extension::rid);
  REQUIRE_FALSE(clash);
  CHECK(clash.error().code == Errc::invalid_argument);
  CHECK_FALSE(map.has(Extension::rid));
  CHECK_FALSE(map.add(0, Extension::rid));
  CHECK(map.id(Extension::mid) == 3);
  CHECK(map.extension(3) == Extension::mid);
  CHECK_FALSE(map.extension(4));
  CHECK_FALSE(map.extension(0));
}

TEST_CASE("an extension that is added again moves and one that is removed is gone", "[rtp]") {
  ExtensionMap map;
  REQUIRE(map.add(3, Extension::mid));
  REQUIRE(map.add(4, Extension::mid));
  CHECK_FALSE(map.extension(3));
  CHECK(map.id(Extension::mid) == 4);
  map.remove(Extension::mid);
  CHECK_FALSE(map.has(Extension::mid));
}

TEST_CASE("unknown URIs are ignored", "[rtp][rfc8285]") {
  ExtensionMap map;
  CHECK(map.add(7, std::string_view{"http://example.com/unknown"}));
  CHECK_FALSE(map.extension(7));
  CHECK(map.add(7, extension_uri(Extension::rid)));
  CHECK(map.extension(7) == Extension::rid);
}

TEST_CASE("audio level is a voice bit and seven bits of level", "[rtp][rfc6464]") {
  CHECK(bytes_of(AudioLevel{true, 42}) == from_hex("AA"));
  CHECK(bytes_of(AudioLevel{false, 127}) == from_hex("7F"));
  CHECK(bytes_of(AudioLevel{true, 200}) == from_hex("FF"));
  CHECK(AudioLevel::parse(from_hex("AA")) == AudioLevel{true, 42});
  CHECK_FALSE(AudioLevel::parse({}));
  CHECK_FALSE(AudioLevel::parse(from_hex("AA 00")));
}

TEST_CASE("absolute send time is 6 bits of seconds and 18 of fraction", "[rtp]") {
  // 69.5 s: 69 mod 64 = 5 seconds and half of 2^18.
  const auto time = AbsSendTime::from_ntp(NtpTime{(std::uint64_t{69} << 32) | 0x8000'0000});
  CHECK(time.value == (5U << 18 | 1U << 17));
  CHECK(bytes_of(time) == from_hex("16 00 00"));
  CHECK(AbsSendTime::parse(from_hex("16 00 00")) == time);
  CHECK_FALSE(AbsSendTime::parse(from_hex("16 00")));
}

TEST_CASE("differences of absolute send times cross the wrap at 64 seconds", "[rtp]") {
  const AbsSendTime late{63U << 18};
  const AbsSendTime early{1U << 18};
  CHECK(early.since(late) == 2s);
  CHECK(late.since(early) == -2s);
  CHECK(early.since(early) == 0s);
}

TEST_CASE("absolute capture time has 8 bytes and 16 with the clock offset", "[rtp]") {
  const AbsCaptureTime plain{NtpTime{0x0102030405060708}, std::nullopt};
  CHECK(plain.size() == 8);
  CHECK(bytes_of(plain) == from_hex("01 02 03 04 05 06 07 08"));
  CHECK(AbsCaptureTime::parse(bytes_of(plain)) == plain);
  const AbsCaptureTime with_offset{NtpTime{1}, -2};
  CHECK(bytes_of(with_offset) == from_hex("00 00 00 00 00 00 00 01 FF FF FF FF FF FF FF FE"));
  CHECK(AbsCaptureTime::parse(bytes_of(with_offset)) == with_offset);
  CHECK_FALSE(AbsCaptureTime::parse(from_hex("01 02 03 04 05 06 07 08 09")));
}

TEST_CASE("playout delay is two times 12 bits in units of 10 ms", "[rtp]") {
  const PlayoutDelay delay{0x123, 0xABC};
  CHECK(bytes_of(delay) == from_hex("12 3A BC"));
  CHECK(PlayoutDelay::parse(from_hex("12 3A BC")) == delay);
  CHECK(delay.min() == 2910ms);
  CHECK(PlayoutDelay::parse(from_hex("00 00 00")) == PlayoutDelay{0, 0});
}

TEST_CASE("a playout delay with its limits exchanged or too large is refused", "[rtp]") {
  CHECK_FALSE(PlayoutDelay::parse(from_hex("00 20 01")));
  CHECK(bytes_of(PlayoutDelay{2, 1}).empty());
  CHECK(bytes_of(PlayoutDelay{0, 4096}).empty());
  CHECK(bytes_of(PlayoutDelay{0, 4095}).size() == 3);
}

TEST_CASE("video orientation has camera flip and rotation in its low four bits", "[rtp]") {
  CHECK(bytes_of(VideoOrientation{true, false, 270}) == from_hex("0B"));
  CHECK(bytes_of(VideoOrientation{false, true, 90}) == from_hex("05"));
  CHECK(bytes_of(VideoOrientation{false, false, 45}).empty());
  CHECK(bytes_of(VideoOrientation{false, false, 360}).empty());
  CHECK(bytes_of(VideoOrientation{false, false, -90}).empty());
  // The high four bits are reserved.
  CHECK(VideoOrientation::parse(from_hex("F6")) == VideoOrientation{false, true, 180});
}

TEST_CASE("all extensions of a packet are read in one pass", "[rtp]") {
  const ExtensionMap map = map_of_all();
  HeaderExtensions values;
  values.mid = "0";
  values.rid = "hi";
  values.repaired_rid = "lo";
  values.audio_level = AudioLevel{true, 30};
  values.abs_send_time = AbsSendTime{0xABCDEF};
  values.transport_sequence_number = 0x1234;
  values.abs_capture_time = AbsCaptureTime{NtpTime{77}, -5};
  values.playout_delay = PlayoutDelay{0, 40};
  values.video_orientation = VideoOrientation{false, false, 90};
  CHECK(values.form(map) == ExtensionForm::one_byte);
  const ByteVector bytes = packet_with(values, map);
  const auto packet = PacketView::parse(bytes);
  CHECK(HeaderExtensions::parse(packet.value(), map) == values);
  CHECK(packet->header_size() == 12 + values.block_size(map));
}

TEST_CASE("what is not negotiated is not written", "[rtp]") {
  ExtensionMap map;
  REQUIRE(map.add(2, Extension::mid));
  HeaderExtensions values;
  values.rid = "r";
  CHECK(values.block_size(map) == 0);
  const ByteVector bytes = packet_with(values, map);
  CHECK_FALSE(PacketView::parse(bytes)->has_extension_block());
}

TEST_CASE("the two-byte form is chosen only when something needs it", "[rtp][rfc8285]") {
  HeaderExtensions values;
  values.mid = "0123456789abcdef";
  CHECK(values.form(map_of_all()) == ExtensionForm::one_byte);
  values.mid = "0123456789abcdefg";
  CHECK(values.form(map_of_all()) == ExtensionForm::two_byte);
  values.mid = "0";
  ExtensionMap high;
  REQUIRE(high.add(15, Extension::mid));
  CHECK(values.form(high) == ExtensionForm::two_byte);
  // A long value that will not be sent needs nothing.
  values.rid = std::string_view{"a rid of more than sixteen bytes"};
  ExtensionMap mid_only;
  REQUIRE(mid_only.add(1, Extension::mid));
  CHECK(values.form(mid_only) == ExtensionForm::one_byte);
}

TEST_CASE("values of the wrong length are skipped and the rest is read", "[rtp]") {
  const ExtensionMap map = map_of_all();
  // audio level (id 4) with two bytes, then mid (id 1).
  const ByteVector bytes =
      from_hex("90 60 00 01 00 00 00 02 00 00 00 03 BE DE 00 02 41 AA BB 10 30 00 00 00");
  const auto values = HeaderExtensions::parse(PacketView::parse(bytes).value(), map);
  CHECK_FALSE(values.audio_level);
  CHECK(values.mid == "0");
}

TEST_CASE("send-time values are replaced in place", "[rtp]") {
  const ExtensionMap map = map_of_all();
  HeaderExtensions values;
  values.transport_sequence_number = 0;
  values.abs_send_time = AbsSendTime{};
  ByteVector packet = packet_with(values, map);
  CHECK(set_transport_sequence_number(packet, map, 0xFFFF));
  CHECK(set_abs_send_time(packet, map, AbsSendTime{0x123456}));
  const auto read = HeaderExtensions::parse(PacketView::parse(packet).value(), map);
  CHECK(read.transport_sequence_number == 0xFFFF);
  CHECK(read.abs_send_time == AbsSendTime{0x123456});

  ByteVector plain = packet_with({}, map);
  CHECK_FALSE(set_transport_sequence_number(plain, map, 1));
  CHECK_FALSE(set_abs_send_time(plain, map, AbsSendTime{1}));
  CHECK_FALSE(set_transport_sequence_number(packet, ExtensionMap{}, 1));
}

TEST_CASE("any set of extension values comes back under any ids", "[rtp][property]") {
  SeededRandom random{0x5EED0002};
  for (int round = 0; round < 1000; ++round) {
    const ExtensionMap map = map_of_all(static_cast<std::uint8_t>(1 + random.below(247)));
    const auto coin = [&] { return random.below(2) == 1; };
    std::string mid(1 + random.below(40), 'm');
    std::string rid(1 + random.below(255), 'r');
    HeaderExtensions values;
    if (coin()) values.mid = mid;
    if (coin()) values.rid = rid;
    if (coin())
      values.audio_level = AudioLevel{coin(), static_cast<std::uint8_t>(random.below(128))};
    if (coin()) values.abs_send_time = AbsSendTime{random.below(1U << 24)};
    if (coin()) values.transport_sequence_number = static_cast<std::uint16_t>(random.u32());
    if (coin()) values.abs_capture_time = AbsCaptureTime{NtpTime{random.u64()}, std::nullopt};
    if (coin()) {
      const auto least = static_cast<std::uint16_t>(random.below(4096));
      values.playout_delay =
          PlayoutDelay{least, static_cast<std::uint16_t>(least + random.below(4096U - least))};
    }
    if (coin()) {
      values.video_orientation =
          VideoOrientation{coin(), coin(), 90 * static_cast<int>(random.below(4))};
    }
    const ByteVector bytes = packet_with(values, map);
    const auto packet = PacketView::parse(bytes);
    REQUIRE(packet);
    REQUIRE(HeaderExtensions::parse(*packet, map) == values);
    REQUIRE(packet->header_size() == 12 + values.block_size(map));
  }
}
