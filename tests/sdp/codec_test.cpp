// Codecs and header extensions: what is matched, numbered, kept and dropped.
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

CodecCapability codec(MediaKind kind, const std::string& name, int rate, int channels,
                      const std::string& fmtp = "") {
  CodecCapability c;
  c.kind = kind;
  c.name = name;
  c.clock_rate = rate;
  c.channels = channels;
  c.fmtp = fmtp;
  return c;
}

/// Our answer's section to an offered one.
sdp::Media answered(const std::string& section, Config config = default_config()) {
  Peer b(2, std::move(config));
  b.set_remote(SdpType::offer, kHead + section + kTransport);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  return answer.media[0];
}

std::vector<int> payload_types(const sdp::Media& m) {
  std::vector<int> out;
  for (const auto& f : m.formats) out.push_back(f.payload_type.value());
  return out;
}

const std::string kVideo =
    "m=video 9 UDP/TLS/RTP/SAVPF 102 103 96 97 98 118 119 120\r\n"
    "a=rtpmap:102 H264/90000\r\n"
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
    "profile-level-id=42e01f\r\n"
    "a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:* transport-cc\r\na=rtcp-fb:96 app specific\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n"
    "a=rtpmap:118 red/90000\r\na=rtpmap:119 rtx/90000\r\n"
    "a=fmtp:119 apt=118\r\na=rtpmap:120 ulpfec/90000\r\n";

}  // namespace

TEST_CASE("An answer keeps the offered numbers of what both sides have", "[jsep][rfc3264]") {
  const auto m = answered(kVideo);
  CHECK(payload_types(m) == std::vector<int>{96, 97});
  CHECK(m.formats[0].feedback == std::vector<std::string>{"nack", "transport-cc"});
  CHECK(m.formats[1].fmtp == "apt=96");
  CHECK(m.wildcard_feedback.empty());
}

TEST_CASE("Retransmission is dropped with its codec and kept only beside one that wants it",
          "[jsep][rfc4588]") {
  Config config = default_config();
  config.codecs[1].rtx = false;
  CHECK(payload_types(answered(kVideo, config)) == std::vector<int>{96});
  // An apt that refers to nothing is ignored.
  const auto m = answered(
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n"
      "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=55\r\n");
  CHECK(payload_types(m) == std::vector<int>{96});
}

TEST_CASE("Redundancy follows the codec it refers to", "[jsep][rfc2198]") {
  Config config = default_config();
  config.codecs.push_back(codec(MediaKind::audio, "red", 48'000, 2));
  const std::string lines = "a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n";
  const auto kept =
      answered("m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n" + lines + "a=fmtp:63 111/111\r\n", config);
  CHECK(payload_types(kept) == std::vector<int>{111, 63});
  CHECK(kept.formats[1].fmtp == "111/111");
  const auto dropped =
      answered("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9\r\n" + lines + "a=fmtp:63 9/9\r\n", config);
  CHECK(payload_types(dropped) == std::vector<int>{111});

  Peer a(1, config);
  a.track(MediaKind::audio);
  const auto offer = a.offer();
  REQUIRE(offer.media[0].formats.size() == 2);
  CHECK(offer.media[0].formats[1].fmtp == "111/111");
}

TEST_CASE("Forward error correction needs the redundancy it travels in", "[jsep][rfc5109]") {
  Config config = default_config();
  config.codecs.push_back(codec(MediaKind::video, "ulpfec", 90'000, 1));
  CHECK(payload_types(answered(kVideo, config)) == std::vector<int>{96, 97});
  config.codecs.push_back(codec(MediaKind::video, "red", 90'000, 1));
  CHECK(payload_types(answered(kVideo, config)) == std::vector<int>{96, 97, 118, 120});
}

TEST_CASE("Companions of a codec alone are not a codec", "[jsep][rfc4733]") {
  Config config = default_config();
  config.codecs.push_back(codec(MediaKind::audio, "telephone-event", 48'000, 1));
  config.codecs.push_back(codec(MediaKind::audio, "telephone-event", 8'000, 1));
  const std::string events =
      "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n";
  const auto m = answered(
      "m=audio 9 UDP/TLS/RTP/SAVPF 110 126 111\r\n" + events + "a=rtpmap:111 opus/48000/2\r\n",
      config);
  // One with the clock of Opus, none with another clock.
  CHECK(payload_types(m) == std::vector<int>{110, 111});
  CHECK(answered("m=audio 9 UDP/TLS/RTP/SAVPF 110 126\r\n" + events, config).is_rejected());

  Peer b(2, config);
  b.set_remote(SdpType::offer, kHead + "m=audio 9 UDP/TLS/RTP/SAVPF 110 111\r\n" + events +
                                   "a=rtpmap:111 opus/48000/2\r\n" + kTransport);
  b.set_local(SdpType::answer, b.answer());
  CHECK(b[0].negotiated->send[0].name == "opus");  // the first is what media is sent with
}

TEST_CASE("H264 formats match by packetization and profile and not by level", "[jsep][rfc6184]") {
  Config config = default_config();
  config.codecs = {codec(MediaKind::video, "H264", 90'000, 1,
                         "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")};
  const auto accepted = [&config](const std::string& fmtp) {
    const std::string line = fmtp.empty() ? "" : "a=fmtp:102 " + fmtp + "\r\n";
    return !answered("m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=rtpmap:102 h264/90000\r\n" + line,
                     config)
                .is_rejected();
  };
  CHECK(accepted("profile-level-id=42e01f;packetization-mode=1"));
  CHECK(accepted("packetization-mode=1; profile-level-id=42C034;some-new-key=x"));
  CHECK(accepted("packetization-mode=1;profile-level-id=4d801f"));
  CHECK_FALSE(accepted("packetization-mode=0;profile-level-id=42e01f"));
  CHECK_FALSE(accepted("packetization-mode=1;profile-level-id=42001f"));
  CHECK_FALSE(accepted("packetization-mode=1;profile-level-id=64001f"));
  CHECK_FALSE(accepted("packetization-mode=1;profile-level-id=junk"));
  CHECK_FALSE(accepted(""));
}

TEST_CASE("Unknown values of Opus parameters do not matter", "[jsep][rfc7587]") {
  const auto m = answered(
      "m=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=rtpmap:109 OPUS/48000/2\r\n"
      "a=fmtp:109 stereo=maybe;sprop-x;maxplaybackrate=48000\r\n");
  CHECK(payload_types(m) == std::vector<int>{109});
  CHECK(m.formats[0].name == "opus");
  CHECK(m.formats[0].fmtp == "minptime=10;useinbandfec=1");
  CHECK(answered("m=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=rtpmap:109 opus/48000/1\r\n").is_rejected());
}

TEST_CASE("Codec preferences order and limit offers and answers", "[jsep][rfc9429]") {
  Config config = default_config();
  config.codecs.push_back(codec(MediaKind::video, "VP9", 90'000, 1));
  config.codecs.back().payload_type = PayloadType{98};
  Peer a(1, config);
  const auto id = a.track(MediaKind::video);
  CHECK(payload_types(a.offer().media[0]) == std::vector<int>{96, 97, 98});
  REQUIRE(set_codec_preferences(a.state, id, {config.codecs[2], config.codecs[1]}));
  CHECK(payload_types(a.offer().media[0]) == std::vector<int>{98, 96, 97});
  REQUIRE(set_codec_preferences(a.state, id, {config.codecs[2]}));
  CHECK(payload_types(a.offer().media[0]) == std::vector<int>{98});

  Peer b(2, config);
  b.track(MediaKind::video);
  REQUIRE(set_codec_preferences(b.state, TransceiverId{0}, {config.codecs[2], config.codecs[1]}));
  b.set_remote(SdpType::offer, kHead + kVideo + kTransport);
  CHECK(payload_types(b.answer().media[0]) == std::vector<int>{98, 96, 97});
}

TEST_CASE("A peer that answers with other numbers is sent those", "[jsep][rfc3264]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  std::string answer = sdp::to_string(b.answer());
  answer = replaced_all(answer, ":96 ", ":100 ");
  answer = replaced_all(answer, ":97 ", ":101 ");
  answer = replaced(answer, "apt=96", "apt=100");
  answer = replaced(answer, "SAVPF 96 97", "SAVPF 100 101");
  a.set_remote(SdpType::answer, answer);
  CHECK(a[0].negotiated->send[0].payload_type == PayloadType{100});
  CHECK(a[0].negotiated->send[0].rtx_payload_type == PayloadType{101});
  CHECK(a[0].negotiated->receive[0].payload_type == PayloadType{96});
}

TEST_CASE("A number keeps its meaning over sections and offers of a bundle", "[jsep][rfc9143]") {
  Peer b(2);
  // The peer's numbers become ours.
  const std::string opus96 =
      "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 opus/48000/2\r\na=mid:0\r\n" + kTransport;
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE 0\r\n" + opus96);
  b.set_local(SdpType::answer, b.answer());
  b.track(MediaKind::video);
  const auto offer = b.offer();
  CHECK(payload_types(offer.media[0]) == std::vector<int>{96});
  CHECK(payload_types(offer.media[1]) == std::vector<int>{97, 98});

  // A section that gives 96 a second meaning loses that format.
  Peer c(3);
  c.set_remote(SdpType::offer, kHead + "a=group:BUNDLE 0 1\r\n" + opus96 +
                                   "m=video 9 UDP/TLS/RTP/SAVPF 96 100\r\na=mid:1\r\n"
                                   "a=rtpmap:96 VP8/90000\r\na=rtpmap:100 VP8/90000\r\n" +
                                   kTransport);
  CHECK(payload_types(c.answer().media[1]) == std::vector<int>{100});
}

TEST_CASE("Numbers of our own offers avoid the range of RTCP and run out with an error",
          "[jsep][rfc5761]") {
  Config config = default_config();
  config.codecs.clear();
  for (int i = 0; i < 61; ++i) {
    config.codecs.push_back(codec(MediaKind::audio, "c" + std::to_string(i), 8000, 1));
  }
  Peer a(1, config);
  a.track(MediaKind::audio);
  const auto d = a.offer();
  for (const int type : payload_types(d.media[0])) {
    const bool dynamic = (type >= 96 && type <= 127) || (type >= 35 && type <= 63);
    CHECK(dynamic);
  }
  config.codecs.push_back(codec(MediaKind::audio, "one more", 8000, 1));
  Peer b(2, config);
  b.track(MediaKind::audio);
  const auto none = build_offer(b.state, b.facts);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::too_large);
}

TEST_CASE("A session without codecs for a kind cannot offer it", "[jsep]") {
  Config config = default_config();
  config.codecs.pop_back();
  Peer a(1, config);
  a.track(MediaKind::video);
  const auto d = build_offer(a.state, a.facts);
  REQUIRE_FALSE(d);
  CHECK(d.error().code == Errc::invalid_argument);
}

TEST_CASE("Later offers follow the last answer in order feedback and extensions",
          "[jsep][rfc9429]") {
  Config config = default_config();
  config.codecs.push_back(codec(MediaKind::video, "VP9", 90'000, 1));
  config.codecs.back().payload_type = PayloadType{98};
  Peer a(1, config);
  Peer b(2, config);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  std::string answer = sdp::to_string(b.answer());
  answer = replaced(answer, "SAVPF 96 97 98", "SAVPF 98 96 97");
  answer = replaced(answer, "a=rtcp-fb:96 goog-remb\r\n", "");
  answer = replaced(answer, "a=extmap:5 " + std::string(uri::kPlayoutDelay) + "\r\n", "");
  a.set_remote(SdpType::answer, answer);
  CHECK(a[0].negotiated->send[0].name == "VP9");
  const auto again = a.offer().media[0];
  // Our receive order is ours; the numbers stay, feedback and extensions are those of the answer.
  CHECK(again.find_format(PayloadType{96})->feedback ==
        std::vector<std::string>{"nack", "nack pli", "ccm fir", "transport-cc"});
  for (const auto& e : again.extmaps) CHECK(e.uri != uri::kPlayoutDelay);
  CHECK(again.extmaps.size() + 1 == offer.media[0].extmaps.size());
}

TEST_CASE("Header extensions are answered under their offered ids", "[jsep][rfc8285]") {
  Peer b(2);
  const std::string mid = std::string(uri::kMid);
  b.set_remote(SdpType::offer, kHead + "a=extmap:9 " + mid + "\r\n" + kVp8 +
                                   "a=extmap:3/sendonly " + uri::kAbsSendTime + "\r\n" +
                                   "a=extmap:7 urn:not:known\r\n" + "a=extmap:20 " +
                                   uri::kTransportWideCc + "\r\n" + kTransport);
  const auto m = b.answer().media[0];
  REQUIRE(m.extmaps.size() == 2);
  CHECK(m.extmaps[0].id == 3);
  CHECK(m.extmaps[0].direction == Direction::recvonly);
  CHECK(m.extmaps[1].uri == mid);
  CHECK(m.extmaps[1].id == 9);
  b.set_local(SdpType::answer, b.answer());
  const auto& extensions = b[0].negotiated->extensions;
  REQUIRE(extensions.size() == 2);
  CHECK_FALSE(extensions[0].send);
  CHECK(extensions[0].receive);
  CHECK(extensions[1].send);

  // Our next offer uses the ids that have a meaning now.
  b.track(MediaKind::audio);
  const auto next = b.offer();
  for (const auto& e : next.media[1].extmaps) {
    if (e.uri == mid) CHECK(e.id == 9);
    if (e.id == 3) CHECK(e.uri == uri::kAbsSendTime);
  }
}

TEST_CASE("aiortc gives one id to two extensions and gets the first answered",
          "[jsep][interop][rfc8285]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE 0 1\r\n" + kOpus + "a=mid:0\r\na=extmap:2 " +
                                   uri::kAudioLevel + "\r\n" + kTransport + kVp8 +
                                   "a=mid:1\r\na=extmap:1 " + uri::kMid + "\r\na=extmap:2 " +
                                   uri::kAbsSendTime + "\r\n" + kTransport);
  const auto answer = b.answer();
  REQUIRE(answer.media[0].extmaps.size() == 1);
  CHECK(answer.media[0].extmaps[0].uri == uri::kAudioLevel);
  REQUIRE(answer.media[1].extmaps.size() == 1);
  CHECK(answer.media[1].extmaps[0].uri == uri::kMid);
}

TEST_CASE("The default extensions are offered with ids that fit one byte", "[jsep][rfc8285]") {
  Peer a(1);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto d = a.offer();
  CHECK(d.media[0].extmaps.size() == 5);
  CHECK(d.media[1].extmaps.size() == 8);
  std::vector<std::pair<int, std::string>> seen;
  for (const auto& m : d.media) {
    for (const auto& e : m.extmaps) {
      CHECK(e.id >= 1);
      CHECK(e.id <= 14);
      for (const auto& [id, name] : seen) CHECK((id == e.id) == (name == e.uri));
      seen.emplace_back(e.id, e.uri);
    }
  }
}
