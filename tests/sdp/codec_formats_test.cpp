// H.264, VP9, AV1 and the audio codecs that are carried encoded: what is offered, answered, and
// chosen for sending.
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

using Names = std::vector<std::string>;

std::vector<CodecCapability> named(MediaKind kind, const Names& names) {
  const auto codecs = codecs_named(default_config(), kind, names);
  REQUIRE(codecs);
  return *codecs;
}

Config config_of(const Names& names) {
  Config config = default_config();
  config.codecs = named(MediaKind::audio, names);
  for (const auto& codec : named(MediaKind::video, names)) config.codecs.push_back(codec);
  return config;
}

sdp::Media answered(const std::string& section, Config config) {
  Peer b(2, std::move(config));
  b.set_remote(SdpType::offer, kHead + section + kTransport);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  return answer.media[0];
}

/// "96 VP8" for each format.
Names formats_of(const sdp::Media& media) {
  Names out;
  for (const auto& f : media.formats) {
    out.push_back(std::to_string(f.payload_type.value()) + " " + f.name);
  }
  return out;
}

/// What a browser of today offers for video, shortened; numbers and order are made up.
const std::string kBrowserVideo =
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105 106 107 98 99 100 101 45 46 114 115 116 "
    "117\r\n"
    "a=rtcp-fb:* transport-cc\r\na=rtcp-fb:* nack pli\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    "a=rtpmap:102 H264/90000\r\n"
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"
    "a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n"
    "a=rtpmap:104 H264/90000\r\n"
    "a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\n"
    "a=rtpmap:105 rtx/90000\r\na=fmtp:105 apt=104\r\n"
    "a=rtpmap:106 H264/90000\r\n"
    "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034\r\n"
    "a=rtpmap:107 rtx/90000\r\na=fmtp:107 apt=106\r\n"
    "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n"
    "a=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
    "a=rtpmap:100 VP9/90000\r\na=fmtp:100 profile-id=2\r\n"
    "a=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\n"
    "a=rtpmap:45 AV1/90000\r\na=fmtp:45 level-idx=8;profile=0;tier=1\r\n"
    "a=rtpmap:46 rtx/90000\r\na=fmtp:46 apt=45\r\n"
    "a=rtpmap:114 red/90000\r\na=rtpmap:115 rtx/90000\r\na=fmtp:115 apt=114\r\n"
    "a=rtpmap:116 ulpfec/90000\r\n"
    "a=rtpmap:117 flexfec-03/90000\r\na=fmtp:117 repair-window=10000000\r\n";

}  // namespace

TEST_CASE("Without a wish only VP8 and Opus are offered and answered", "[jsep]") {
  Peer a(1);
  a.track(MediaKind::video);
  CHECK(formats_of(a.offer().media[0]) == Names{"96 VP8", "97 rtx"});
  CHECK(formats_of(answered(kBrowserVideo, default_config())) == Names{"96 VP8", "97 rtx"});
}

TEST_CASE("A codec by name stands for all its formats in the order of the names", "[jsep]") {
  const auto codecs = named(MediaKind::video, {"vp9", "VP8", "opus"});
  REQUIRE(codecs.size() == 5);
  CHECK(codecs[0].fmtp == "profile-id=0");
  CHECK(codecs[4].name == "VP8");
  CHECK(named(MediaKind::audio, {"vp9", "VP8", "opus"}).size() == 1);
  CHECK(codecs_named(default_config(), MediaKind::video, {"H266"}).error().code ==
        Errc::invalid_argument);
}

TEST_CASE("All H264 formats of an offer are answered each with its retransmission",
          "[jsep][rfc6184][rfc4588]") {
  const auto m = answered(kBrowserVideo, config_of({"H264"}));
  CHECK(formats_of(m) ==
        Names{"102 H264", "103 rtx", "104 H264", "105 rtx", "106 H264", "107 rtx"});
  // Profile, mode and level are those of the offer: equal in both directions.
  CHECK(m.formats[0].fmtp ==
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f");
  CHECK(m.formats[2].fmtp ==
        "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f");
  CHECK(m.formats[4].fmtp ==
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034");
  CHECK(m.formats[5].fmtp == "apt=106");
  CHECK(m.formats[4].feedback == Names{"nack pli", "transport-cc"});  // by the wildcard
}

TEST_CASE("Profiles of VP9 and AV1 are answered as offered", "[jsep][rfc9628]") {
  const auto m = answered(kBrowserVideo, config_of({"AV1", "VP9"}));
  CHECK(formats_of(m) == Names{"98 VP9", "99 rtx", "100 VP9", "101 rtx", "45 AV1", "46 rtx"});
  CHECK(m.formats[2].fmtp == "profile-id=2");
  CHECK(m.formats[4].fmtp == "level-idx=8;profile=0;tier=1");
  const std::string other = "m=video 9 UDP/TLS/RTP/SAVPF 45\r\na=rtpmap:45 AV1/90000\r\n";
  CHECK_FALSE(answered(other, config_of({"AV1"})).is_rejected());  // no parameters: profile 0
  CHECK(answered(other + "a=fmtp:45 profile=2\r\n", config_of({"AV1"})).is_rejected());
}

TEST_CASE("Error correction that is offered is left out of the answer", "[jsep][rfc5109]") {
  const auto m = answered(kBrowserVideo, config_of({"VP8", "H264", "VP9", "AV1"}));
  CHECK(m.formats.size() == 14);
  for (const auto& f : m.formats) {
    CHECK(f.name != "red");
    CHECK(f.name != "ulpfec");
    CHECK(f.name != "flexfec-03");
    CHECK(f.fmtp != "apt=114");
  }
}

TEST_CASE("Preferences of an answerer may name codecs that are not configured by default",
          "[jsep][rfc9429]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + kBrowserVideo + kTransport);
  REQUIRE(b.state.transceivers.size() == 1);
  REQUIRE(set_codec_preferences(b.state, b[0].id, named(MediaKind::video, {"VP9", "H264"})));
  const auto answer = b.answer();
  CHECK(formats_of(answer.media[0]).front() == "98 VP9");
  b.set_local(SdpType::answer, answer);
  REQUIRE(b[0].negotiated);
  CHECK(b[0].negotiated->send.size() == 5);
  const auto vp9 = find_codec(b[0].negotiated->send, MediaCodec{"VP9", 90'000, 1, "", {}});
  REQUIRE(vp9);
  CHECK(b[0].negotiated->send[*vp9].rtx_payload_type == PayloadType{99});
}

TEST_CASE("An offer of every codec has a number for each and comes back", "[jsep][rfc5761]") {
  const auto config =
      config_of({"VP8", "H264", "VP9", "AV1", "opus", "G722", "PCMU", "PCMA", "telephone-event"});
  Peer a(1, config);
  Peer b(2, config);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  CHECK(offer.media[1].formats.size() == 2 * 17);
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, sdp::to_string(offer));
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  a.set_remote(SdpType::answer, sdp::to_string(answer));
  REQUIRE(a[1].negotiated);
  CHECK(a[1].negotiated->send.size() == 17);
  CHECK(a[0].negotiated->send.size() == 6);
  CHECK(a[0].negotiated->send[0].name == "opus");
  CHECK(a[0].negotiated->send[2].payload_type == PayloadType{0});
}

TEST_CASE("Static payload types need no rtpmap", "[jsep][rfc3551]") {
  const auto m = answered(
      "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 9 101\r\n"
      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n",
      config_of({"PCMA", "PCMU", "G722", "telephone-event"}));
  CHECK(formats_of(m) == Names{"0 PCMU", "8 PCMA", "9 G722", "101 telephone-event"});
}

TEST_CASE("The payload type to forward with is found by profile and else by name",
          "[jsep][rfc6184]") {
  Peer b(2, config_of({"VP8", "H264"}));
  b.set_remote(SdpType::offer, kHead + kBrowserVideo + kTransport);
  b.set_local(SdpType::answer, b.answer());
  const auto& send = b[0].negotiated->send;
  const auto number = [&send](const std::string& name, const std::string& fmtp) {
    const auto found = find_codec(send, MediaCodec{name, 90'000, 1, fmtp, {}});
    return found ? int{send[*found].payload_type.value()} : -1;
  };
  CHECK(number("VP8", "") == 96);
  CHECK(number("H264", "packetization-mode=1;profile-level-id=42c016") == 106);
  CHECK(number("H264", "packetization-mode=0;profile-level-id=42e01f") == 104);
  CHECK(number("h264", "packetization-mode=1;profile-level-id=64001f") == 102);  // by name
  CHECK(number("VP9", "profile-id=0") == -1);
}
