#include "parley/rtp/vp8.hpp"

#include <numeric>

#include "parley/base/random.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

/// The start of a key frame of 640 x 480 (RFC 6386 section 9.1), scale bits set.
constexpr const char* kKeyFrame = "10 02 00 9D 01 2A 80 42 E0 C1 AA BB";

ByteVector payload_of(std::string_view descriptor_hex, std::string_view data_hex) {
  ByteVector payload = from_hex(descriptor_hex);
  const ByteVector data = from_hex(data_hex);
  payload.insert(payload.end(), data.begin(), data.end());
  return payload;
}

EncodedVideo frame_of(std::size_t size) {
  EncodedVideo frame;
  frame.data.resize(size);
  std::iota(frame.data.begin(), frame.data.end(), std::uint8_t{1});
  return frame;
}

std::vector<PayloadPart> packetize(Vp8Packetizer& packetizer, std::size_t size, std::size_t room) {
  EncodedVideo frame = frame_of(size);
  return packetizer.packetize(frame, room);
}

ByteVector write_part(const PayloadPart& part, const EncodedVideo& frame) {
  ByteVector storage(part.payload_size());
  ByteWriter out{storage};
  REQUIRE(part.write_to(frame.data, out));
  return storage;
}

}  // namespace

TEST_CASE("a descriptor of one byte without picture id is legal", "[rtp][rfc7741]") {
  const ByteVector bytes = payload_of("10", "01 AA");
  const auto payload = Vp8Depacketizer{}.parse(bytes);
  REQUIRE(payload);
  CHECK(payload->begins_frame);
  CHECK_FALSE(payload->key_frame);
  CHECK_FALSE(payload->picture_id);
  CHECK(payload->picture_id_bits == 0);
  CHECK_FALSE(payload->tl0_picture_index);
  CHECK_FALSE(payload->temporal_id);
  CHECK_FALSE(payload->key_index);
  CHECK(to_vector(payload->data) == from_hex("01 AA"));
}

TEST_CASE("picture ids have 7 or 15 bits", "[rtp][rfc7741]") {
  const ByteVector narrow = payload_of("90 80 11", "01");  // aiortc's VpxPayloadDescriptor
  CHECK(Vp8Depacketizer{}.parse(narrow)->picture_id == 17);
  CHECK(Vp8Depacketizer{}.parse(narrow)->picture_id_bits == 7);
  // The same number in the wide form wraps elsewhere.
  const ByteVector wide = payload_of("90 80 80 11", "01");
  CHECK(Vp8Depacketizer{}.parse(wide)->picture_id == 17);
  CHECK(Vp8Depacketizer{}.parse(wide)->picture_id_bits == 15);
  const ByteVector largest = payload_of("90 80 FF FF", "01");
  CHECK(Vp8Depacketizer{}.parse(largest)->picture_id == 0x7FFF);
}

TEST_CASE("all optional fields of a descriptor made by aiortc are read", "[rtp][rfc7741]") {
  const ByteVector bytes = payload_of("90 f0 92 34 c8 bf", "01");
  const auto payload = Vp8Depacketizer{}.parse(bytes);
  REQUIRE(payload);
  CHECK(payload->picture_id == 0x1234);
  CHECK(payload->tl0_picture_index == 200);
  CHECK(payload->temporal_id == 2);
  CHECK(payload->layer_sync);
  CHECK(payload->key_index == 31);
  CHECK(payload->data.size() == 1);
}

TEST_CASE("temporal id and key index share a byte that either brings along", "[rtp][rfc7741]") {
  const ByteVector key_only = payload_of("83 10 E5", "01");
  const auto k = Vp8Depacketizer{}.parse(key_only);
  CHECK(k->key_index == 5);
  CHECK_FALSE(k->temporal_id);
  CHECK_FALSE(k->layer_sync);  // Y without T says something else and is not layer sync
  const ByteVector temporal_only = payload_of("83 20 7F", "01");
  const auto t = Vp8Depacketizer{}.parse(temporal_only);
  CHECK(t->temporal_id == 1);
  CHECK(t->layer_sync);
  CHECK_FALSE(t->key_index);
}

TEST_CASE("a frame begins at a start of partition 0 only", "[rtp][rfc7741]") {
  const auto begins = [](const char* descriptor) {
    return Vp8Depacketizer{}.parse(payload_of(descriptor, "01"))->begins_frame;
  };
  CHECK(begins("10"));
  CHECK_FALSE(begins("00"));
  CHECK_FALSE(begins("11"));  // the start of partition 1
  CHECK_FALSE(begins("05"));
  CHECK(begins("58"));  // reserved bits are ignored
}

TEST_CASE("the non-reference bit is told", "[rtp][rfc7741]") {
  CHECK(Vp8Depacketizer{}.parse(from_hex("30 01"))->non_reference);
  CHECK_FALSE(Vp8Depacketizer{}.parse(from_hex("10 01"))->non_reference);
}

TEST_CASE("a key frame shows its size where the frame begins", "[rtp][rfc7741][rfc6386]") {
  const ByteVector first = payload_of("10", kKeyFrame);
  const auto payload = Vp8Depacketizer{}.parse(first);
  REQUIRE(payload);
  CHECK(payload->key_frame);
  CHECK(payload->width == 640);
  CHECK(payload->height == 480);
  // The inverse key frame bit of a later packet's first byte means nothing.
  const auto later = Vp8Depacketizer{}.parse(payload_of("00", kKeyFrame));
  CHECK_FALSE(later->key_frame);
  CHECK(later->width == 0);
}

TEST_CASE("a key frame with a wrong start code is malformed", "[rtp][rfc6386]") {
  CHECK_FALSE(Vp8Depacketizer{}.parse(payload_of("10", "10 02 00 9D 01 2B 80 02 E0 01")));
}

TEST_CASE("a key frame header split over packets is kept without a size", "[rtp][rfc7741]") {
  const ByteVector bytes = payload_of("10", "10 02 00 9D 01");
  const auto payload = Vp8Depacketizer{}.parse(bytes);
  REQUIRE(payload);
  CHECK(payload->key_frame);
  CHECK(payload->width == 0);
}

TEST_CASE("descriptors that are cut off or without data are malformed", "[rtp][rfc7741]") {
  const ByteVector whole = payload_of("90 f0 92 34 c8 bf", "");
  CHECK_FALSE(Vp8Depacketizer{}.parse(whole));
  for_each_prefix(whole, [](Bytes prefix) { CHECK_FALSE(Vp8Depacketizer{}.parse(prefix)); });
}

TEST_CASE("a frame that fits is one payload", "[rtp][rfc7741]") {
  Vp8Packetizer packetizer{{TemporalLayers::off, 0x1234, 0}};
  EncodedVideo frame = frame_of(10);
  const auto parts = packetizer.packetize(frame, 14);
  REQUIRE(parts.size() == 1);
  CHECK(write_part(parts[0], frame) == payload_of("90 80 92 34", "01 02 03 04 05 06 07 08 09 0A"));
}

TEST_CASE("a frame is split evenly and only its first payload starts it", "[rtp][rfc7741]") {
  Vp8Packetizer packetizer{{TemporalLayers::off, 0, 0}};
  // 101 bytes into rooms of 100: 51 and 50 bytes, not 100 and 1.
  const auto parts = packetize(packetizer, 101, 104);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].size + parts[1].size == 101);
  CHECK(parts[0].size >= 50);
  CHECK(parts[1].size >= 50);
  CHECK(parts[0].prefix[0] == 0x90);
  CHECK(parts[1].prefix[0] == 0x80);
}

TEST_CASE("picture ids count frames and wrap at 15 bits", "[rtp][rfc7741]") {
  Vp8Packetizer packetizer{{TemporalLayers::off, 0x7FFF, 0}};
  EncodedVideo frame = frame_of(3);
  const auto id_of_next = [&] {
    const ByteVector bytes = write_part(packetizer.packetize(frame, 100).front(), frame);
    return Vp8Depacketizer{}.parse(bytes)->picture_id;
  };
  CHECK(id_of_next() == 0x7FFF);
  CHECK(id_of_next() == 0);
  CHECK(id_of_next() == 1);
}

TEST_CASE("TL0PICIDX counts base layer frames and others repeat it", "[rtp][rfc7741]") {
  Vp8Packetizer packetizer{{TemporalLayers::on, 1, 255}};
  const auto send = [&](std::uint8_t layer, bool sync) {
    EncodedVideo frame = frame_of(3);
    frame.temporal_id = layer;
    frame.layer_sync = sync;
    const ByteVector bytes = write_part(packetizer.packetize(frame, 100).front(), frame);
    const auto payload = Vp8Depacketizer{}.parse(bytes);
    REQUIRE(payload);
    CHECK(payload->temporal_id == layer);
    CHECK(payload->layer_sync == sync);
    CHECK_FALSE(payload->key_index);
    return payload->tl0_picture_index.value();
  };
  CHECK(send(0, false) == 255);
  CHECK(send(2, true) == 255);
  CHECK(send(1, false) == 255);
  CHECK(send(0, false) == 0);
  CHECK(send(2, false) == 0);
}

TEST_CASE("an empty frame or no room makes no payloads", "[rtp][rfc7741]") {
  Vp8Packetizer packetizer{{}};
  CHECK(packetize(packetizer, 0, 100).empty());
  CHECK(packetize(packetizer, 5, 4).empty());
  CHECK(packetize(packetizer, 5, 5).size() == 5);
}

TEST_CASE("a payload is written whole or not at all", "[rtp]") {
  Vp8Packetizer packetizer{{}};
  EncodedVideo frame = frame_of(20);
  const PayloadPart part = packetizer.packetize(frame, 100).front();
  ByteVector small(part.payload_size() - 1);
  ByteWriter out{small};
  CHECK_FALSE(part.write_to(frame.data, out));
  CHECK(out.size() == 0);
  ByteVector enough(100);
  ByteWriter roomy{enough};
  CHECK_FALSE(part.write_to(Bytes{frame.data}.first(19), roomy));
  CHECK(roomy.size() == 0);
}

TEST_CASE("frames come back from their payloads for any size and room", "[rtp][property]") {
  SeededRandom random{0x5EED0004};
  const auto layers = GENERATE(TemporalLayers::off, TemporalLayers::on);
  Vp8Packetizer packetizer{{layers, 5, 6}};
  for (int round = 0; round < 300; ++round) {
    EncodedVideo frame = frame_of(1 + random.below(20'000));
    frame.data[0] = 1;  // an inter frame
    const std::size_t max_payload = 10 + random.below(1300);
    const auto parts = packetizer.packetize(frame, max_payload);
    ByteVector joined;
    std::size_t least = SIZE_MAX;
    std::size_t most = 0;
    for (const PayloadPart& part : parts) {
      const ByteVector bytes = write_part(part, frame);
      REQUIRE(bytes.size() <= max_payload);
      const auto payload = Vp8Depacketizer{}.parse(bytes);
      REQUIRE(payload);
      REQUIRE(payload->begins_frame == (&part == &parts.front()));
      joined.insert(joined.end(), payload->data.begin(), payload->data.end());
      least = std::min(least, bytes.size());
      most = std::max(most, bytes.size());
    }
    REQUIRE(joined == frame.data);
    REQUIRE(most - least <= 1);
  }
}

TEST_CASE("payload formats are found by encoding name in any case", "[rtp]") {
  SeededRandom random{1};
  CHECK(make_video_depacketizer("VP8"));
  CHECK(make_video_depacketizer("vp8"));
  CHECK(make_video_depacketizer("VP9"));
  CHECK_FALSE(make_video_depacketizer("VP80"));
  CHECK_FALSE(make_video_depacketizer(""));
  CHECK(make_video_packetizer("Vp8", random));
  CHECK(make_video_packetizer("h264", random));
  CHECK(make_video_packetizer("AV1", random));
  CHECK_FALSE(make_video_packetizer("H265", random));
}
