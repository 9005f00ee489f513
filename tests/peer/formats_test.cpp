// Codecs that are carried encoded: negotiated by name, sent and echoed through SRTP over a path
// that loses packets, and given out byte for byte.
#include <algorithm>
#include <map>

#include "parley/base/random.hpp"
#include "parley/rtp/h264.hpp"
#include "peer/call_scene.hpp"

using namespace parley;
using namespace parley::test;

namespace {

using ByteVector = std::vector<std::uint8_t>;

ByteVector h264_frame(bool key, Random& random, std::size_t largest = 5000) {
  ByteVector stream;
  const auto add = [&](std::uint8_t header, std::size_t size) {
    ByteVector nal{header, 0x80};
    while (nal.size() < size) nal.push_back(static_cast<std::uint8_t>(1 + random.below(255)));
    rtp::h264::append_annex_b(nal, stream);
  };
  if (key) {
    add(0x67, 20);
    add(0x68, 6);
  }
  add(key ? 0x65 : 0x41, 300 + random.below(static_cast<std::uint32_t>(largest)));
  return stream;
}

ByteVector vpx_frame(ByteVector header, Random& random) {
  for (std::uint32_t i = 300 + random.below(5000); i > 0; --i) {
    header.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  return header;
}

ByteVector av1_frame(bool key, Random& random) {
  ByteVector unit;
  if (key) unit = {0x0A, 0x0B, 0, 0, 0, 0x2D, 0x4C, 0xF5, 0xB2, 0x4F, 0xBF, 0x90, 0x04};
  const std::size_t size = 300 + random.below(5000);
  unit.insert(unit.end(), {0x32, static_cast<std::uint8_t>((size & 0x7F) | 0x80),
                           static_cast<std::uint8_t>(size >> 7)});
  unit.push_back(key ? 0x10 : 0x30);
  for (std::size_t i = 1; i < size; ++i) {
    unit.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  return unit;
}

EncodedVideo make_frame(const std::string& codec, bool key, Random& random) {
  EncodedVideo frame;
  frame.key_frame = key;
  if (codec == "H264") {
    frame.data = h264_frame(key, random);
  } else if (codec == "AV1") {
    frame.data = av1_frame(key, random);
  } else if (codec == "VP9") {
    frame.data = vpx_frame(
        key ? ByteVector{0x82, 0x49, 0x83, 0x42, 0, 3, 0xF0, 2, 0xF6, 6} : ByteVector{0x86, 0},
        random);
  } else {
    frame.data = vpx_frame(
        key ? ByteVector{0x10, 2, 0, 0x9D, 1, 0x2A, 0x40, 1, 0xB4, 0} : ByteVector{0x31, 2, 0},
        random);
  }
  return frame;
}

Configuration all_codecs() {
  Configuration config;
  config.codecs = {"VP8", "H264", "VP9", "AV1", "opus", "PCMU", "PCMA", "G722", "telephone-event"};
  return config;
}

/// Sends a frame every 33 ms.
void send_frames(CallScene& call, const std::string& codec, int left, Random& random,
                 std::map<std::uint32_t, ByteVector>& sent,
                 const std::shared_ptr<const MediaCodec>& as = nullptr) {
  if (left == 0) return;
  EncodedVideo frame = make_frame(codec, left % 60 == 0, random);
  frame.capture_time = call.now();
  frame.codec = as;
  const ByteVector data = frame.data;
  const auto timestamp = call.a.video.front().send_encoded(frame);
  REQUIRE(timestamp);
  sent[*timestamp] = data;
  call.a.host->post_at(call.now() + 33ms, [&call, codec, left, &random, &sent, as] {
    send_frames(call, codec, left - 1, random, sent, as);
  });
}

/// Has b send everything back as it came.
void echo(CallScene& call) {
  call.b.pc->on_track([](Transceiver transceiver) {
    transceiver.on_encoded_frame([transceiver](const EncodedVideo& frame) mutable {
      (void)transceiver.send_encoded(frame).has_value();
    });
    transceiver.on_key_frame_request(
        [transceiver]() mutable { (void)transceiver.request_key_frame().has_value(); });
  });
}

}  // namespace

TEST_CASE("frames of every codec come back from an echo byte for byte despite loss",
          "[peer][rfc6184][rfc9628][rfc4588]") {
  const std::string codec = GENERATE("H264", "VP9", "AV1", "VP8");
  // A seed with which the very first packet arrives: a receiver cannot miss that, and this sender
  // makes no key frame when it is asked for one.
  CallScene call{
      {.seed = 3, .link = {.delay = 20ms, .loss = 0.02}, .b = all_codecs(), .audio = false}};
  echo(call);
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video, {.codecs = {codec}}));
  call.negotiate(call.a, call.b);
  REQUIRE(call.run_until_connected());
  CHECK(call.a.video.front().codec()->name == codec);
  CHECK(call.b.video.front().codec()->name == codec);
  CHECK(call.a.video.front().codec()->fmtp == call.b.video.front().receive_codecs()[0].fmtp);

  SeededRandom random{11};
  std::map<std::uint32_t, ByteVector> sent;
  std::vector<ByteVector> returned;
  if (codec == "VP8") call.a.video.front().on_frame(nullptr);  // no real pictures to decode
  call.a.video.front().on_encoded_frame([&](const EncodedVideo& frame) {
    REQUIRE(frame.codec);
    CHECK(frame.codec->name == codec);
    returned.push_back(frame.data);
  });
  send_frames(call, codec, 300, random, sent);
  call.run_for(12s);
  REQUIRE(sent.size() == 300);
  // In the order in which they left; a retransmission that is lost too costs up to a key frame.
  std::size_t at = 0;
  std::vector<const ByteVector*> order;
  for (const auto& [timestamp, data] : sent) order.push_back(&data);
  std::sort(order.begin(), order.end(), [&](const ByteVector* a, const ByteVector* b) {
    const auto stamp = [&](const ByteVector* data) {
      for (const auto& [timestamp, bytes] : sent) {
        if (&bytes == data) return timestamp;
      }
      return std::uint32_t{0};
    };
    return static_cast<std::int32_t>(stamp(a) - stamp(b)) < 0;
  });
  for (const ByteVector& frame : returned) {
    while (at < order.size() && *order[at] != frame) ++at;
    REQUIRE(at < order.size());
    ++at;
  }
  CHECK(returned.size() >= 290);
}

TEST_CASE("a frame leaves with the payload type of its own codec", "[peer]") {
  CallScene call{{.a = all_codecs(), .b = all_codecs(), .audio = false}};
  echo(call);
  call.start();
  REQUIRE(call.run_until_connected());
  Transceiver& video = call.a.video.front();
  CHECK(video.codec()->name == "VP8");
  CHECK(video.send_codecs().size() == 17);
  SeededRandom random{12};
  for (const auto& codec : video.send_codecs()) {
    EncodedVideo frame = make_frame(codec.name, true, random);
    // Packetization mode 0 splits no NAL unit (RFC 6184 section 5.6).
    if (codec.name == "H264") frame.data = h264_frame(true, random, 500);
    frame.capture_time = call.now();
    frame.codec = std::make_shared<const MediaCodec>(codec);
    const ByteVector data = frame.data;
    std::vector<EncodedVideo> returned;
    video.on_encoded_frame([&](const EncodedVideo& back) { returned.push_back(back); });
    REQUIRE(video.send_encoded(frame));
    call.run_for(200ms);
    REQUIRE(returned.size() == 1);
    CHECK(returned[0].data == data);
    CHECK(returned[0].codec->name == codec.name);
    CHECK(returned[0].codec->payload_type == codec.payload_type);
  }
}

TEST_CASE("who answers decides with its preferences what both send first", "[peer][rfc8829]") {
  CallScene call{{.a = all_codecs(), .b = all_codecs(), .audio = false}};
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video, {.codecs = {"VP8", "VP9"}}));
  call.before_answer = [](Side& answerer) {
    Transceiver transceiver = answerer.pc->transceivers().front();
    REQUIRE(transceiver.set_codec_preferences({"VP9", "VP8"}));
  };
  call.negotiate(call.a, call.b);
  REQUIRE(call.run_until_connected());
  CHECK(call.a.video.front().send_codecs().front().name == "VP9");
  CHECK(call.b.pc->transceivers().front().send_codecs().front().name == "VP9");
}

TEST_CASE("a live video goes on in another codec", "[peer][rfc4588]") {
  CallScene call{{.link = {.delay = 20ms, .loss = 0.02},
                  .a = all_codecs(),
                  .b = all_codecs(),
                  .audio = false}};
  Transceiver video = *call.a.pc->add_transceiver(MediaKind::video, {.codecs = {"VP8", "VP9"}});
  call.a.video.push_back(video);
  std::map<std::string, int> received;
  call.b.pc->on_track([&](Transceiver transceiver) {
    transceiver.on_encoded_frame([&](const EncodedVideo& frame) { ++received[frame.codec->name]; });
  });
  call.negotiate(call.a, call.b);
  REQUIRE(call.run_until_connected());
  SeededRandom random{13};
  std::map<std::uint32_t, ByteVector> sent;
  send_frames(call, "VP8", 120, random, sent);
  call.run_for(5s);
  CHECK(received["VP8"] >= 115);
  SECTION("by its payload type alone") {
    for (const auto& codec : video.send_codecs()) {
      if (codec.name != "VP9") continue;
      send_frames(call, "VP9", 120, random, sent, std::make_shared<const MediaCodec>(codec));
      break;
    }
    call.run_for(5s);
    CHECK(received["VP9"] >= 115);
  }
  SECTION("by another negotiation to one that was not negotiated before") {
    REQUIRE(video.set_codec_preferences({"H264"}));
    call.negotiate(call.a, call.b);
    call.run_for(1s);
    REQUIRE(video.send_codecs().front().name == "H264");
    send_frames(call, "H264", 120, random, sent);
    call.run_for(5s);
    // Retransmissions have a payload type of their own for each codec.
    CHECK(received["H264"] >= 115);
  }
}

TEST_CASE("raw pictures are refused where VP8 was not negotiated", "[peer]") {
  CallScene call{{.b = all_codecs(), .audio = false}};
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video, {.codecs = {"H264"}}));
  call.negotiate(call.a, call.b);
  REQUIRE(call.run_until_connected());
  const auto sent = call.a.video.front().send(
      VideoFrame{.picture = moving_picture(0), .capture_time = call.now()});
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == Errc::unsupported);
  CHECK(sent.error().where.find("H264") != std::string::npos);
  EncodedVideo frame;
  frame.data = {1, 2, 3};
  frame.capture_time = call.now();
  CHECK(call.a.video.front().send_encoded(frame).error().code == Errc::malformed);
  frame.codec = std::make_shared<const MediaCodec>(MediaCodec{"VP8", 90'000, 1, "", {}});
  CHECK(call.a.video.front().send_encoded(frame).error().code == Errc::unsupported);
}

TEST_CASE("an unknown codec in the configuration is refused", "[peer]") {
  sim::Network network{1};
  auto& host = network.add_host({.name = "a", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  Configuration config;
  config.codecs = {"VP8", "H266"};
  const auto made = PeerConnection::create(host, config);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::invalid_argument);
}

TEST_CASE("audio that is carried encoded keeps its time and its codec", "[peer][rfc3551]") {
  const std::string codec = GENERATE("PCMU", "PCMA", "G722");
  CallScene call{{.b = all_codecs(), .video = false}};
  call.a.audio.push_back(
      *call.a.pc->add_transceiver(MediaKind::audio, {.codecs = {codec, "telephone-event"}}));
  call.b.pc->on_track([](Transceiver transceiver) {
    transceiver.on_encoded_audio([transceiver](const EncodedAudio& packet, std::uint32_t) mutable {
      (void)transceiver.send_encoded(packet).has_value();
    });
  });
  call.negotiate(call.a, call.b);
  REQUIRE(call.run_until_connected());
  Transceiver& audio = call.a.audio.front();
  CHECK(audio.codec()->name == codec);
  REQUIRE(audio.send_codecs().size() == 2);
  std::vector<std::pair<EncodedAudio, std::uint32_t>> returned;
  audio.on_encoded_audio([&](const EncodedAudio& packet, std::uint32_t timestamp) {
    returned.emplace_back(packet, timestamp);
  });
  EncodedAudio packet;
  packet.samples_per_channel = 960;
  for (int i = 0; i < 10; ++i) {
    packet.data.assign(160, static_cast<std::uint8_t>(i));
    REQUIRE(audio.send_encoded(packet));
    call.run_for(20ms);
  }
  EncodedAudio tone;  // RFC 4733: digit 5, end of event
  tone.data = {0x05, 0x8A, 0x03, 0x20};
  tone.samples_per_channel = 0;
  tone.codec = std::make_shared<const MediaCodec>(audio.send_codecs()[1]);
  REQUIRE(audio.send_encoded(tone));
  call.run_for(100ms);
  REQUIRE(returned.size() == 11);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(returned[i].first.data == ByteVector(160, static_cast<std::uint8_t>(i)));
    CHECK(returned[i].first.codec->name == codec);
    CHECK(returned[i].first.samples_per_channel == 960);
    if (i > 0) CHECK(returned[i].second - returned[i - 1].second == 960);
  }
  CHECK(returned[10].first.data == tone.data);
  CHECK(returned[10].first.codec->name == "telephone-event");
  CHECK(returned[10].second - returned[9].second == 960);
  AudioBlock block;
  const auto raw = audio.send(block.samples());
  REQUIRE_FALSE(raw);
  CHECK(raw.error().code == Errc::unsupported);
}
