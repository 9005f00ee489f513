#include "parley/rtp/vp9.hpp"

#include "frame_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

/// The start of a key frame of 64 x 48 that libvpx wrote, and of an inter frame.
constexpr const char* kKeyFrame = "82 49 83 42 00 03 f0 02 f6 06 38 24";
constexpr const char* kInterFrame = "86 00 40 92 88 2c";

ByteVector payload_of(std::string_view descriptor_hex, std::string_view data_hex = kInterFrame) {
  return from_hex(descriptor_hex) + from_hex(data_hex);
}

VideoPayload parse(const ByteVector& payload) {
  const auto parsed = Vp9Depacketizer{}.parse(payload);
  REQUIRE(parsed);
  return *parsed;
}

EncodedVideo inter_frame(std::size_t size) {
  ByteVector data = from_hex(kInterFrame);
  data.resize(std::max(size, data.size()), 0x55);
  return frame_from(data);
}

}  // namespace

TEST_CASE("the smallest VP9 descriptor has one byte", "[rtp][rfc9628]") {
  const auto payload = parse(payload_of("4C"));  // P B E
  CHECK(payload.begins_frame);
  CHECK_FALSE(payload.key_frame);
  CHECK_FALSE(payload.picture_id);
  CHECK_FALSE(payload.temporal_id);
  CHECK_FALSE(payload.references_known);
  CHECK(payload.join == nullptr);
  CHECK(payload.data.size() == 6);
  CHECK_FALSE(parse(payload_of("40")).begins_frame);
}

TEST_CASE("VP9 picture ids have 7 or 15 bits", "[rtp][rfc9628]") {
  const auto narrow = parse(payload_of("C8 11"));
  CHECK(narrow.picture_id == 0x11);
  CHECK(narrow.picture_id_bits == 7);
  const auto wide = parse(payload_of("C8 92 34"));
  CHECK(wide.picture_id == 0x1234);
  CHECK(wide.picture_id_bits == 15);
}

TEST_CASE("layer indices of non-flexible mode come with TL0PICIDX", "[rtp][rfc9628]") {
  // I P L B, TID 2, U, SID 1, D, TL0PICIDX 200.
  const auto payload = parse(payload_of("E8 92 34 53 C8"));
  CHECK(payload.temporal_id == 2);
  CHECK(payload.spatial_id == 1);
  CHECK(payload.switching_point);
  CHECK(payload.tl0_picture_index == 200);
  CHECK_FALSE(payload.begins_frame);  // a layer that needs the one below begins no picture
  CHECK_FALSE(payload.may_begin_frame);
  // Without D a middlebox may have taken the layer below away.
  CHECK(parse(payload_of("E8 92 34 52 C8")).may_begin_frame);
}

TEST_CASE("references of flexible mode are distances of picture ids", "[rtp][rfc9628]") {
  // I P F B: P_DIFF 1 and 4 (N set in the first).
  const auto payload = parse(payload_of("D8 92 34 03 08"));
  CHECK(payload.references_known);
  REQUIRE(payload.reference_count == 2);
  CHECK(payload.references[0] == 1);
  CHECK(payload.references[1] == 4);
  CHECK_FALSE(payload.tl0_picture_index);
  // With layers: no TL0PICIDX in this mode.
  const auto layers = parse(payload_of("F8 92 34 20 02"));
  CHECK(layers.temporal_id == 1);
  CHECK_FALSE(layers.tl0_picture_index);
  CHECK(layers.references[0] == 1);
  // Not predicted: no references, known to be none.
  const auto key = parse(payload_of("98 92 34", kKeyFrame));
  CHECK(key.references_known);
  CHECK(key.reference_count == 0);
  CHECK_FALSE(Vp9Depacketizer{}.parse(payload_of("D8 92 34 03 03 03 02")));  // four
}

TEST_CASE("the scalability structure is read past", "[rtp][rfc9628]") {
  // V: N_S 1 (two layers), Y, G; 320 x 180 and 640 x 360; a group of two: TID 0 U one reference,
  // TID 1 with two.
  const ByteVector bytes =
      payload_of("8A 80 05 38 01 40 00 B4 02 80 01 68 02 14 02 28 01 02", kKeyFrame);
  const auto payload = parse(bytes);
  CHECK(payload.key_frame);
  CHECK(payload.width == 640);
  CHECK(payload.height == 360);
  CHECK(to_vector(payload.data) == from_hex(kKeyFrame));
}

TEST_CASE("a VP9 key frame is told by the descriptor and its own header", "[rtp][rfc9628]") {
  const auto key = parse(payload_of("8C 80 01", kKeyFrame));
  CHECK(key.key_frame);
  CHECK(key.width == 64);
  CHECK(key.height == 48);
  // Not predicted but no key frame: intra-only, with which no decoder begins.
  CHECK_FALSE(parse(payload_of("8C 80 01", kInterFrame)).key_frame);
  CHECK_FALSE(parse(payload_of("CC 80 01", kKeyFrame)).key_frame);
  // The header is split over packets: the descriptor is believed.
  CHECK(parse(payload_of("88 80 01", "82")).key_frame);
  CHECK_FALSE(parse(payload_of("84 80 01", kKeyFrame)).key_frame);  // not its beginning
}

TEST_CASE("VP9 descriptors that are cut off or without data are malformed", "[rtp][rfc9628]") {
  for (const char* hex : {"E8 92 34 53 C8", "F8 92 34 20 03 02",
                          "8A 80 05 38 01 40 00 B4 02 80 01 68 02 14 02 28 01 02"}) {
    const ByteVector whole = from_hex(hex);
    CHECK_FALSE(Vp9Depacketizer{}.parse(whole));
    for_each_prefix(whole, [](Bytes prefix) { CHECK_FALSE(Vp9Depacketizer{}.parse(prefix)); });
  }
}

TEST_CASE("VP9 frames are split evenly with their beginning and end marked", "[rtp][rfc9628]") {
  Vp9Packetizer packetizer{{TemporalLayers::off, 0x1234, 0}};
  const auto payloads = payloads_of(packetizer, inter_frame(101), 103);
  REQUIRE(payloads.size() == 2);
  CHECK(payloads[0][0] == 0xC8);  // I P B
  CHECK(payloads[1][0] == 0xC4);  // I P E
  CHECK(load_be16(&payloads[0][1]) == 0x9234);
  CHECK(payloads[1].size() >= 53);
  CHECK(payloads_of(packetizer, inter_frame(20), 103)[0][0] == 0xCC);  // both
}

TEST_CASE("VP9 key frames tell their size in a scalability structure", "[rtp][rfc9628]") {
  Vp9Packetizer packetizer{{TemporalLayers::off, 1, 0}};
  EncodedVideo frame = frame_from(from_hex(kKeyFrame), true);
  frame.width = 64;
  frame.height = 48;
  const auto payloads = payloads_of(packetizer, frame, 100);
  REQUIRE(payloads.size() == 1);
  CHECK(payloads[0] == payload_of("8E 80 01 10 00 40 00 30", kKeyFrame));
  CHECK(parse(payloads[0]).key_frame);
  frame.width = frame.height = 0;  // not known: left out
  CHECK(payloads_of(packetizer, frame, 100)[0] == payload_of("8C 80 02", kKeyFrame));
}

TEST_CASE("VP9 picture ids wrap at 15 bits and TL0PICIDX counts the base layer", "[rtp][rfc9628]") {
  Vp9Packetizer packetizer{{TemporalLayers::on, 0x7FFF, 255}};
  const auto send = [&](std::uint8_t layer) {
    EncodedVideo frame = inter_frame(10);
    frame.temporal_id = layer;
    const auto payload = parse(payloads_of(packetizer, frame, 100).front());
    CHECK(payload.temporal_id == layer);
    CHECK(payload.spatial_id == 0);
    return std::pair{payload.picture_id.value(), payload.tl0_picture_index.value()};
  };
  using Numbers = std::pair<std::uint16_t, std::uint8_t>;
  CHECK(send(0) == Numbers{0x7FFF, 255});
  CHECK(send(2) == Numbers{0, 255});
  CHECK(send(0) == Numbers{1, 0});
  CHECK(send(1) == Numbers{2, 0});
}

TEST_CASE("VP9 frames come back from their payloads for any size and room",
          "[rtp][rfc9628][property]") {
  SeededRandom random{0x5EED0009};
  const auto layers = GENERATE(TemporalLayers::off, TemporalLayers::on);
  Vp9Packetizer packetizer{{layers, 5, 6}};
  for (int round = 0; round < 200; ++round) {
    EncodedVideo frame = frame_from(random_bytes(random, 1 + random.below(9000)), true);
    frame.width = frame.height = 100;
    const auto payloads = payloads_of(packetizer, frame, 20 + random.below(1300));
    REQUIRE(frame_of_payloads(Vp9Depacketizer{}, payloads) == frame.data);
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      REQUIRE(parse(payloads[i]).begins_frame == (i == 0));
    }
  }
}
