#include "parley/rtp/h264.hpp"

#include "frame_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

using Sets = H264ParameterSets::Outcome;

// Parameter sets that x264 wrote: 64 x 48 in baseline, 1270 x 714 in high profile (cropped), 1920 x
// 1080 interlaced.
constexpr const char* kSps = "67 42 c0 0a d9 04 7b 01 10 00 00 03 00 10 00 00 03 00 a0 f1 22 64 80";
constexpr const char* kPps = "68 cb 83 cb 20";
constexpr const char* kHighSps =
    "67 64 00 1f ac d9 40 50 05 be 69 30 11 00 00 03 00 01 00 00 03 00 0a 0f 18 31 96";
constexpr const char* kInterlacedSps =
    "67 64 00 28 ac d9 40 78 04 4f de 02 20 00 00 03 00 20 00 00 03 01 43 e2 c5 b2 c0";
constexpr const char* kIdr = "65 88 84 11 ff";
constexpr const char* kSlice = "41 9a 24 6c 41";

ByteVector annex_b(std::initializer_list<const char*> nals) {
  ByteVector stream;
  for (const char* nal : nals) h264::append_annex_b(from_hex(nal), stream);
  return stream;
}

VideoPayload parse(const ByteVector& payload) {
  const auto parsed = H264Depacketizer{}.parse(payload);
  REQUIRE(parsed);
  return *parsed;
}

ByteVector nal_of(std::uint8_t header, std::size_t size, Random& random) {
  ByteVector nal{header, 0x80};
  // No zeros: nothing that would have to be escaped.
  while (nal.size() < size) nal.push_back(static_cast<std::uint8_t>(1 + random.below(255)));
  return nal;
}

}  // namespace

TEST_CASE("a byte stream is split at start codes of three and four bytes", "[rtp][h264]") {
  const ByteVector stream = from_hex("00 00 00 01 67 42 00 00 01 68 CE 00 00 00 00 01 65 88 00 00");
  const auto nals = h264::split_annex_b(stream);
  REQUIRE(nals.size() == 3);
  CHECK(to_vector(nals[0]) == from_hex("67 42"));
  CHECK(to_vector(nals[1]) == from_hex("68 CE"));
  CHECK(to_vector(nals[2]) == from_hex("65 88"));  // trailing zeros are no part of a NAL unit
  CHECK(h264::split_annex_b(from_hex("67 42 00 00 01 68")).empty());
  CHECK(h264::split_annex_b({}).empty());
  CHECK(h264::split_annex_b(from_hex("00 00 01")).empty());
}

TEST_CASE("sequence parameter sets tell the size of pictures", "[rtp][h264]") {
  const auto size = [](const char* sps) {
    const auto found = h264::picture_size(from_hex(sps));
    return found ? std::pair{found->width, found->height} : std::pair{0, 0};
  };
  CHECK(size(kSps) == std::pair{64, 48});
  CHECK(size(kHighSps) == std::pair{1270, 714});
  CHECK(size(kInterlacedSps) == std::pair{1920, 1080});
  CHECK(size(kPps) == std::pair{0, 0});
  for_each_prefix(from_hex(kHighSps), [](Bytes cut) { (void)h264::picture_size(cut); });
  for_each_bit_flip(from_hex(kHighSps), [](Bytes bytes) {
    const auto found = h264::picture_size(bytes);
    if (found) CHECK((found->width > 0 && found->width <= 16384 && found->height > 0));
  });
}

TEST_CASE("a NAL unit that fits is a payload by itself", "[rtp][rfc6184]") {
  // RFC 6184 section 5.6: the payload is the NAL unit.
  const auto idr = parse(from_hex(kIdr));
  CHECK(idr.key_frame);
  CHECK(idr.may_begin_frame);
  CHECK_FALSE(idr.begins_frame);
  CHECK_FALSE(idr.non_reference);
  CHECK(frame_of_payloads(H264Depacketizer{}, {from_hex(kIdr)}) == annex_b({kIdr}));
  const auto later = parse(from_hex("65 48 84"));  // first_mb_in_slice is not 0
  CHECK(later.key_frame);
  CHECK_FALSE(later.may_begin_frame);
  CHECK(parse(from_hex("01 9a 24")).non_reference);
  CHECK_FALSE(parse(from_hex(kSlice)).key_frame);
}

TEST_CASE("parameter sets and delimiters show that a frame begins", "[rtp][rfc6184]") {
  const auto sps = parse(from_hex(kSps));
  CHECK(sps.begins_frame);
  CHECK(sps.may_begin_frame);
  CHECK_FALSE(sps.key_frame);
  CHECK(sps.width == 64);
  CHECK(sps.height == 48);
  CHECK(parse(from_hex("09 10")).begins_frame);
  const auto pps = parse(from_hex(kPps));
  CHECK_FALSE(pps.begins_frame);
  CHECK(pps.may_begin_frame);
}

TEST_CASE("aggregates are taken apart", "[rtp][rfc6184]") {
  // RFC 6184 figure 7: STAP-A header, then each NAL unit behind its size of 16 bits.
  const ByteVector stap = from_hex("78 00 04 67 42 c0 0a 00 02 68 cb 00 03 65 88 84");
  const auto payload = parse(stap);
  CHECK(payload.begins_frame);
  CHECK(payload.key_frame);
  CHECK(frame_of_payloads(H264Depacketizer{}, {stap}) ==
        annex_b({"67 42 c0 0a", "68 cb", "65 88 84"}));
}

TEST_CASE("fragments give the NAL unit back with its own header", "[rtp][rfc6184]") {
  // RFC 6184 figures 14 and 15: FU indicator with F and NRI of the NAL unit, FU header S E R type.
  const std::vector<ByteVector> payloads{from_hex("7C 85 88 84"), from_hex("7C 05 11 ff"),
                                         from_hex("7C 45 AA")};
  CHECK(frame_of_payloads(H264Depacketizer{}, payloads) == annex_b({"65 88 84 11 ff aa"}));
  CHECK(parse(payloads[0]).may_begin_frame);
  CHECK(parse(payloads[0]).key_frame);
  CHECK_FALSE(parse(payloads[1]).may_begin_frame);
  CHECK(parse(payloads[1]).key_frame);  // any fragment tells that the frame is one
  CHECK_FALSE(parse(from_hex("7C 85 48 84")).may_begin_frame);  // first_mb_in_slice is not 0
}

TEST_CASE("fragments that do not fit together make no frame", "[rtp][rfc6184]") {
  const H264Depacketizer depacketizer;
  const ByteVector first = from_hex("7C 85 88 84");
  const ByteVector middle = from_hex("7C 05 11 ff");
  const ByteVector last = from_hex("7C 45 AA");
  CHECK_FALSE(frame_of_payloads(depacketizer, {middle, last}));
  CHECK_FALSE(frame_of_payloads(depacketizer, {first, middle}));
  CHECK_FALSE(frame_of_payloads(depacketizer, {first, first, last}));
  CHECK_FALSE(frame_of_payloads(depacketizer, {first, from_hex(kSlice), last}));
}

TEST_CASE("payloads that cannot be H.264 here are malformed", "[rtp][rfc6184]") {
  const auto malformed = [](const char* hex) { return !H264Depacketizer{}.parse(from_hex(hex)); };
  CHECK(malformed(""));
  CHECK(malformed("60 12"));                 // type 0
  CHECK(malformed("79 00 01 00 02 67 42"));  // STAP-B: interleaved mode only
  CHECK(malformed("7D 85 00 01 88"));        // FU-B
  CHECK(malformed("7C 85"));                 // a fragment of nothing
  CHECK(malformed("7C 9C 11"));              // a fragment of an FU-A
  CHECK(malformed("78"));
  CHECK(malformed("78 00 03 67 42"));     // beyond the end
  CHECK(malformed("78 00 00 00 01 67"));  // an empty NAL unit
  CHECK(malformed("78 00 01 67 00"));     // half a size
}

TEST_CASE("small NAL units leave in one aggregate", "[rtp][rfc6184]") {
  H264Packetizer packetizer{H264Packetizer::Mode::non_interleaved};
  const auto payloads =
      payloads_of(packetizer, frame_from(annex_b({"27 42", "28 cb", "65 88 84"}), true), 100);
  REQUIRE(payloads.size() == 1);
  // NRI is the highest of those in it (section 5.7).
  CHECK(payloads[0] == from_hex("78 00 02 27 42 00 02 28 cb 00 03 65 88 84"));
}

TEST_CASE("a large NAL unit leaves in fragments of even size", "[rtp][rfc6184]") {
  H264Packetizer packetizer{H264Packetizer::Mode::non_interleaved};
  SeededRandom random{1};
  ByteVector stream;
  h264::append_annex_b(nal_of(0x41, 202, random), stream);
  const auto payloads = payloads_of(packetizer, frame_from(stream), 103);
  REQUIRE(payloads.size() == 2);  // 201 bytes without the header
  CHECK(payloads[0][0] == 0x5C);
  CHECK(payloads[0][1] == 0x81);
  CHECK(payloads[1][1] == 0x41);
  CHECK(payloads[0].size() >= 102);
  CHECK(payloads[1].size() >= 102);
}

TEST_CASE("packetization mode 0 writes single NAL units only", "[rtp][rfc6184]") {
  H264Packetizer packetizer{H264Packetizer::Mode::single_nal_units};
  const auto payloads =
      payloads_of(packetizer, frame_from(annex_b({"67 42", "68 cb", "65 88 84"}), true), 100);
  CHECK(payloads ==
        std::vector<ByteVector>{from_hex("67 42"), from_hex("68 cb"), from_hex("65 88 84")});
  SeededRandom random{1};
  ByteVector large;
  h264::append_annex_b(nal_of(0x41, 101, random), large);
  CHECK(payloads_of(packetizer, frame_from(large), 100).empty());
}

TEST_CASE("the mode comes from the parameters of the receiver", "[rtp][rfc6184]") {
  SeededRandom random{1};
  ByteVector large;
  h264::append_annex_b(nal_of(0x41, 1000, random), large);
  const auto payloads = [&](std::string_view fmtp) {
    const auto packetizer = make_video_packetizer("H264", random, TemporalLayers::off, fmtp);
    return payloads_of(*packetizer, frame_from(large), 300).size();
  };
  CHECK(payloads("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f") == 4);
  CHECK(payloads("packetization-mode=0") == 0);
  CHECK(payloads("") == 0);
}

TEST_CASE("what is no H.264 is not sent", "[rtp][rfc6184]") {
  H264Packetizer packetizer{H264Packetizer::Mode::non_interleaved};
  CHECK(payloads_of(packetizer, frame_from({}), 100).empty());
  CHECK(payloads_of(packetizer, frame_from(from_hex("65 88 84")), 100).empty());  // no start code
  CHECK(payloads_of(packetizer, frame_from(annex_b({kIdr})), 7).empty());
  // Types that mean packets of RTP are left out.
  CHECK(payloads_of(packetizer, frame_from(annex_b({"78 00", kSlice})), 100) ==
        std::vector<ByteVector>{from_hex(kSlice)});
}

TEST_CASE("IDR pictures get the parameter sets that an encoder writes once", "[rtp][h264]") {
  H264ParameterSets sets;
  ByteVector first = annex_b({kSps, kPps, kIdr});
  CHECK(sets.complete(first) == Sets::unchanged);
  CHECK(first == annex_b({kSps, kPps, kIdr}));
  ByteVector inter = annex_b({kSlice});
  CHECK(sets.complete(inter) == Sets::unchanged);
  ByteVector bare = annex_b({"09 10", kIdr});
  CHECK(sets.complete(bare) == Sets::completed);
  CHECK(bare == annex_b({"09 10", kSps, kPps, kIdr}));  // the delimiter stays in front
  ByteVector half = annex_b({kSps, kIdr});
  CHECK(sets.complete(half) == Sets::completed);
  CHECK(half == annex_b({kSps, kPps, kIdr}));
}

TEST_CASE("an IDR picture is undecodable before parameter sets were seen", "[rtp][h264]") {
  H264ParameterSets sets;
  ByteVector bare = annex_b({kIdr});
  CHECK(sets.complete(bare) == Sets::undecodable);
  CHECK(bare == annex_b({kIdr}));
  ByteVector apart = annex_b({kSps, kPps});
  CHECK(sets.complete(apart) == Sets::unchanged);
  CHECK(sets.complete(bare) == Sets::completed);
  sets.reset();
  ByteVector again = annex_b({kIdr});
  CHECK(sets.complete(again) == Sets::undecodable);
}

TEST_CASE("newer parameter sets of an id replace the older", "[rtp][h264]") {
  H264ParameterSets sets;
  ByteVector older = annex_b({kSps, kPps, kIdr});
  sets.complete(older);
  ByteVector newer = annex_b({kHighSps, kPps, kIdr});
  sets.complete(newer);
  ByteVector bare = annex_b({kIdr});
  CHECK(sets.complete(bare) == Sets::completed);
  CHECK(bare == annex_b({kHighSps, kPps, kIdr}));
}

TEST_CASE("parameter sets that are kept have a bound", "[rtp][h264]") {
  H264ParameterSets sets;
  SeededRandom random{3};
  ByteVector flood;
  for (int i = 0; i < 500; ++i) {
    ByteVector nal = nal_of(0x68, 40, random);
    nal[1] = static_cast<std::uint8_t>(random.below(256));
    nal[2] = static_cast<std::uint8_t>(1 + random.below(255));
    h264::append_annex_b(nal, flood);
  }
  h264::append_annex_b(nal_of(0x68, 2000, random), flood);
  sets.complete(flood);
  ByteVector with_sps = annex_b({kSps, kIdr});
  REQUIRE(sets.complete(with_sps) == Sets::completed);
  CHECK(with_sps.size() < 33 * 50);
}

TEST_CASE("H264 frames come back from their payloads for any size and room",
          "[rtp][rfc6184][property]") {
  SeededRandom random{0x5EED0264};
  H264Packetizer packetizer{H264Packetizer::Mode::non_interleaved};
  for (int round = 0; round < 300; ++round) {
    ByteVector stream;
    const std::uint32_t nals = 1 + random.below(6);
    for (std::uint32_t i = 0; i < nals; ++i) {
      const std::uint8_t header = i == 0 && random.below(2) == 0 ? 0x06 : 0x41;
      const std::uint32_t size = random.below(3) == 0 ? 3000 : 60;
      h264::append_annex_b(nal_of(header, 2 + random.below(size), random), stream);
    }
    const std::size_t room = 20 + random.below(1300);
    const auto payloads = payloads_of(packetizer, frame_from(stream), room);
    REQUIRE(frame_of_payloads(H264Depacketizer{}, payloads) == stream);
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      const auto payload = parse(payloads[i]);
      if (i == 0) REQUIRE(payload.may_begin_frame);
    }
  }
}
