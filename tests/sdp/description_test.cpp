#include "parley/sdp/description.hpp"

#include <algorithm>
#include <string>

#include "parley/base/random.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sdp;

namespace {

const std::string kHead = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

Description parsed(const std::string& text) {
  const auto d = Description::parse(text);
  INFO((d ? "" : d.error().to_string()));
  REQUIRE(d);
  return *d;
}

Description with_video(const std::string& lines) {
  return parsed(kHead + "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" + lines);
}

std::string error_of(const std::string& text) {
  const auto d = Description::parse(text);
  return d ? "no error" : d.error().to_string();
}

}  // namespace

TEST_CASE("A section comes out of its text as values and goes back to the same text",
          "[sdp][rfc8866]") {
  const std::string text = kHead +
                           "a=group:BUNDLE 0\r\n"
                           "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
                           "c=IN IP4 0.0.0.0\r\n"
                           "b=TIAS:500000\r\n"
                           "a=rtcp:9 IN IP4 0.0.0.0\r\n"
                           "a=candidate:1 1 udp 2122194687 192.0.2.1 5000 typ host\r\n"
                           "a=ice-ufrag:abcd\r\n"
                           "a=ice-pwd:0123456789012345678901\r\n"
                           "a=ice-options:trickle\r\n"
                           "a=fingerprint:sha-256 AB:CD\r\n"
                           "a=setup:actpass\r\n"
                           "a=mid:0\r\n"
                           "a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                           "a=sendonly\r\n"
                           "a=msid:stream track\r\n"
                           "a=rtcp-mux\r\n"
                           "a=rtcp-rsize\r\n"
                           "a=rtpmap:96 VP8/90000\r\n"
                           "a=rtcp-fb:96 nack pli\r\n"
                           "a=fmtp:96 max-fs=12288;max-fr=60\r\n"
                           "a=rtpmap:97 rtx/90000\r\n"
                           "a=fmtp:97 apt=96\r\n"
                           "a=rid:hi send max-width=1280\r\n"
                           "a=rid:lo send\r\n"
                           "a=simulcast:send hi;~lo\r\n"
                           "a=ssrc-group:FID 1 2\r\n"
                           "a=ssrc:1 cname:someone\r\n"
                           "a=ssrc:2 cname:someone\r\n"
                           "a=unheard-of:value with words\r\n";
  const Description d = parsed(text);
  CHECK(to_string(d) == text);

  REQUIRE(d.media.size() == 1);
  const Media& m = d.media[0];
  CHECK(m.media_kind() == MediaKind::video);
  CHECK(m.mid == Mid{"0"});
  CHECK(m.direction == Direction::sendonly);
  CHECK(m.candidates ==
        std::vector<std::string>{"candidate:1 1 udp 2122194687 192.0.2.1 5000 typ host"});
  REQUIRE(m.formats.size() == 2);
  CHECK(m.formats[0].name == "VP8");
  CHECK(m.formats[0].clock_rate == 90'000);
  CHECK(m.formats[0].feedback == std::vector<std::string>{"nack pli"});
  CHECK(fmtp_number(m.formats[1].fmtp, "apt") == 96);
  CHECK(m.extmaps[0].id == 4);
  CHECK(m.extmaps[0].direction == Direction::sendonly);
  CHECK(m.msids[0].track_id == "track");
  REQUIRE(m.simulcast);
  CHECK(m.simulcast->send.size() == 2);
  CHECK(m.simulcast->send[1][0].paused);
  CHECK(m.ssrc_attribute(Ssrc{2}, "cname") == "someone");
  CHECK(m.other_attributes == std::vector<std::string>{"unheard-of:value with words"});
  CHECK(m.transport.fingerprints[0] == Fingerprint{"sha-256", "AB:CD"});
}

TEST_CASE("Line ends may be LF alone and lines may carry spaces around them", "[sdp][rfc8866]") {
  const Description d = parsed("v=0\n  o=- 5 6 IN IP4 0.0.0.0 \ns= \n\nm=audio 9 RTP/SAVPF  0\n");
  CHECK(d.origin.session_id == "5");
  CHECK(d.origin.session_version == 6);
  CHECK(d.name == "-");
  CHECK(d.timing == "0 0");
  CHECK(d.media.size() == 1);
  CHECK(to_string(d).find("s=-\r\nt=0 0\r\n") != std::string::npos);
}

TEST_CASE("Pion ends a feedback line with a space", "[sdp][rfc4585]") {
  const Description d = with_video("a=rtcp-fb:96 goog-remb \r\na=rtcp-fb:96   nack   pli\r\n");
  CHECK(d.media[0].formats[0].feedback == std::vector<std::string>{"goog-remb", "nack pli"});
}

TEST_CASE("Wildcard feedback is kept apart from that of single formats", "[sdp][rfc4585]") {
  const Description d = with_video("a=rtcp-fb:* transport-cc\r\na=rtcp-fb:96 nack\r\n");
  CHECK(d.media[0].wildcard_feedback == std::vector<std::string>{"transport-cc"});
  CHECK(d.media[0].formats[0].feedback == std::vector<std::string>{"nack"});
}

TEST_CASE("Format parameters are found in any order with any spaces and in any case of key",
          "[sdp][rfc8866]") {
  const std::string_view fmtp = " useinbandfec=1 ; Stereo = 1;flag;minptime=10;";
  CHECK(fmtp_number(fmtp, "minptime") == 10);
  CHECK(fmtp_value(fmtp, "stereo") == "1");
  CHECK(fmtp_value(fmtp, "flag") == "");
  CHECK_FALSE(fmtp_value(fmtp, "cbr"));
  CHECK_FALSE(fmtp_number("a=b", "a"));
  CHECK_FALSE(fmtp_number("a=99999999999", "a"));
}

TEST_CASE("A static payload type needs no map and GStreamer writes OPUS in capitals",
          "[sdp][rfc3551]") {
  const Description d =
      parsed(kHead + "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 9\r\na=rtpmap:111 OPUS/48000/2\r\n" +
             "a=rtpmap:9 G722/8000/1\r\n");
  CHECK(d.media[0].formats[0].name == "OPUS");
  CHECK(d.media[0].formats[0].channels == 2);
  CHECK(d.media[0].formats[1].name == "PCMU");
  CHECK(d.media[0].formats[2].channels == 1);
}

TEST_CASE("Opus without a number of channels has two as GStreamer means it", "[sdp][rfc7587]") {
  const Description d = parsed(kHead + "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 96\r\n" +
                               "a=rtpmap:111 OPUS/48000\r\na=rtpmap:96 L16/48000\r\n");
  CHECK(d.media[0].formats[0].channels == 2);
  CHECK(d.media[0].formats[2].channels == 1);
  // One channel, which no Opus has, stays what was said.
  const auto odd =
      parsed(kHead + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/1\r\n");
  CHECK(odd.media[0].formats[0].channels == 1);
  CHECK(parsed(to_string(odd)) == odd);
}

TEST_CASE("Credentials options and fingerprints of the session hold for sections without their own",
          "[sdp][rfc8839]") {
  const Description d = parsed(kHead +
                               "a=ice-ufrag:sess\r\na=ice-pwd:sessionsessionsessionse\r\n"
                               "a=ice-options:ice2,trickle\r\n"
                               "a=fingerprint:SHA-256 ab:cd\r\na=setup:passive\r\na=recvonly\r\n"
                               "a=extmap:1 urn:a\r\n"
                               "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=extmap:2 urn:b\r\n"
                               "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
                               "a=ice-ufrag:sect\r\na=ice-pwd:sectionsectionsectionse\r\n"
                               "a=fingerprint:sha-1 EF\r\na=setup:active\r\na=inactive\r\n");
  const auto inherited = d.transport_of(d.media[0]);
  CHECK(inherited.ice_ufrag == "sess");
  CHECK(inherited.ice_options == std::vector<std::string>{"ice2", "trickle"});
  CHECK(inherited.fingerprints == std::vector<Fingerprint>{{"sha-256", "AB:CD"}});
  CHECK(inherited.setup == Setup::passive);
  CHECK(d.direction_of(d.media[0]) == Direction::recvonly);
  CHECK(d.extmaps_of(d.media[0]).size() == 2);

  const auto own = d.transport_of(d.media[1]);
  CHECK(own.ice_ufrag == "sect");
  CHECK(own.ice_pwd == "sectionsectionsectionse");
  CHECK(own.fingerprints == std::vector<Fingerprint>{{"sha-1", "EF"}});
  CHECK(own.setup == Setup::active);
  CHECK(d.direction_of(d.media[1]) == Direction::inactive);
}

TEST_CASE("A direction that is nowhere is sendrecv", "[sdp][rfc8866]") {
  const Description d = with_video("");
  CHECK(d.direction_of(d.media[0]) == Direction::sendrecv);
}

TEST_CASE("Port 0 rejects a section unless it is bundle-only", "[sdp][rfc9143]") {
  const Description d = parsed(kHead + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n" +
                               "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\n");
  CHECK(d.media[0].is_rejected());
  CHECK_FALSE(d.media[1].is_rejected());
}

TEST_CASE("Data sections of both forms tell port and message size", "[sdp][rfc8841]") {
  const Description d = parsed(kHead +
                               "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                               "a=sctp-port:5001\r\na=max-message-size:0\r\n"
                               "m=application 9 DTLS/SCTP 5002\r\n"
                               "a=sctpmap:5002 webrtc-datachannel 65535\r\n"
                               "m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\n"
                               "m=application 9 UDP/BFCP *\r\n");
  CHECK(d.media[0].is_data());
  CHECK_FALSE(d.media[0].is_legacy_data());
  CHECK(d.media[0].data_port() == 5001);
  CHECK(d.media[0].data_max_message_size() == kUnlimitedMessageSize);
  CHECK(d.media[1].is_legacy_data());
  CHECK(d.media[1].data_port() == 5002);
  CHECK(d.media[1].data_max_message_size() == 65'536);
  CHECK(d.media[1].sctpmap == "5002 webrtc-datachannel 65535");
  CHECK(d.media[2].is_data());
  CHECK_FALSE(d.media[3].is_data());
}

TEST_CASE("Simulcast lists keep order alternatives and pauses", "[sdp][rfc8853]") {
  const Description d = with_video("a=simulcast:recv a,~b;c send d\r\n");
  REQUIRE(d.media[0].simulcast);
  CHECK(d.media[0].simulcast->receive.size() == 2);
  CHECK(d.media[0].simulcast->receive[0].size() == 2);
  CHECK(d.media[0].simulcast->receive[0][1] == SimulcastRid{Rid{"b"}, true});
  CHECK(to_string(d).find("a=simulcast:send d recv a,~b;c\r\n") != std::string::npos);
  // The form of the first drafts, which has another meaning.
  const Description old = with_video("a=simulcast: send rid=1;2\r\n");
  CHECK_FALSE(old.media[0].simulcast);
  CHECK(old.media[0].other_attributes.size() == 1);
}

TEST_CASE("Lines of unknown type and repeated attributes survive the way back", "[sdp][rfc8866]") {
  const std::string text =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nx=why\r\ni=info\r\nt=0 0\r\n"
      "t=1 1\r\na=foo\r\nm=video 9 RTP/SAVPF 96\r\nk=clear:key\r\ni=title\r\n"
      "a=rtpmap:96 VP8/90000\r\na=rtpmap:96 VP9/90000\r\na=rtpmap:97 x/1\r\n"
      "a=sendonly\r\na=recvonly\r\na=extmap:bad\r\na=ssrc:x y\r\n";
  const Description d = parsed(text);
  CHECK(d.other_lines == std::vector<std::string>{"i=info", "x=why", "t=1 1"});
  CHECK(d.media[0].other_lines == std::vector<std::string>{"i=title", "k=clear:key"});
  CHECK(d.media[0].formats[0].name == "VP8");
  CHECK(d.media[0].direction == Direction::sendonly);
  CHECK(d.media[0].other_attributes == std::vector<std::string>{"rtpmap:96 VP9/90000",
                                                                "rtpmap:97 x/1", "recvonly",
                                                                "extmap:bad", "ssrc:x y"});
  CHECK(parsed(to_string(d)) == d);
}

TEST_CASE("An error names the line and the reason", "[sdp][rfc8866]") {
  CHECK(error_of("") == "syntax: empty description");
  CHECK(error_of("o=- 1 1 IN IP4 0.0.0.0\r\n") == "syntax: line 1: a description begins with v=0");
  CHECK(error_of("v=1\r\n") == "syntax: line 1: a description begins with v=0");
  CHECK(error_of(kHead + "nonsense\r\n") == "syntax: line 5: not of the form x=...");
  CHECK(error_of("v=0\r\no=- 1 x IN IP4 0.0.0.0\r\n") == "syntax: line 2: broken o= line");
  CHECK(error_of(kHead + "m=audio 70000 RTP/AVP 0\r\n") == "syntax: line 5: broken m= line");
  CHECK(error_of(kHead + "m=audio 9 RTP/AVP 128\r\n") ==
        "syntax: line 5: payload type that is not 0 to 127");
  CHECK(error_of(kHead + "a=x\x01y\r\n") == "syntax: line 5: control character");
  const std::string section = kHead + "m=audio 9 RTP/AVP 96\r\n";
  CHECK(error_of(section + "a=setup:sideways\r\n") == "syntax: line 6: broken a=setup");
  CHECK(error_of(section + "a=rtpmap:96 opus\r\n") == "syntax: line 6: broken a=rtpmap");
  CHECK(error_of(section + "a=ice-ufrag:abc\r\n") == "syntax: line 6: broken a=ice-ufrag");
  CHECK(error_of(section + "a=ice-pwd:short\r\n") == "syntax: line 6: broken a=ice-pwd");
  CHECK(error_of(section + "a=fingerprint:sha-256 XY\r\n") ==
        "syntax: line 6: broken a=fingerprint");
  CHECK(error_of(section + "a=mid:a\r\na=mid:b\r\n") == "syntax: line 7: broken a=mid");
  CHECK(error_of(section + "a=sctp-port:99999\r\n") == "syntax: line 6: broken a=sctp-port");
  CHECK(error_of(section + "a=:x\r\n") == "syntax: line 6: attribute without a name");
}

TEST_CASE("Descriptions lines and sections have bounds", "[sdp][limits]") {
  const auto code_of = [](const std::string& text) {
    const auto d = Description::parse(text);
    return d ? std::nullopt : std::optional{d.error().code};
  };
  CHECK(code_of(std::string(kMaxDescriptionBytes + 1, 'v')) == Errc::too_large);
  CHECK_FALSE(code_of(kHead + "a=x:" + std::string(kMaxLineBytes - 4, 'y') + "\r\n"));
  CHECK(code_of(kHead + "a=x:" + std::string(kMaxLineBytes - 3, 'y') + "\r\n") == Errc::too_large);
  std::string sections = kHead;
  for (std::size_t i = 0; i < kMaxMediaSections; ++i) sections += "m=audio 9 RTP/AVP 0\r\n";
  CHECK_FALSE(code_of(sections));
  CHECK(code_of(sections + "m=audio 9 RTP/AVP 0\r\n") == Errc::too_large);
  std::string lines = kHead + "m=audio 9 RTP/AVP 0\r\n";
  for (std::size_t i = 0; i < kMaxLinesPerSection; ++i) lines += "a=x\r\n";
  CHECK_FALSE(code_of(lines));
  CHECK(code_of(lines + "a=x\r\n") == Errc::too_large);
}

TEST_CASE("A field with a line break cannot add a line", "[sdp][rfc8866]") {
  Description d;
  d.name = "-\r\na=ice-lite";
  const Description back = parsed(to_string(d));
  CHECK_FALSE(back.ice_lite);
}

TEST_CASE("Directions mirror and intersect", "[sdp][rfc3264]") {
  CHECK(reversed(Direction::sendonly) == Direction::recvonly);
  CHECK(reversed(Direction::sendrecv) == Direction::sendrecv);
  CHECK(reversed(Direction::inactive) == Direction::inactive);
  CHECK(intersection(Direction::sendrecv, Direction::recvonly) == Direction::recvonly);
  CHECK(intersection(Direction::sendonly, Direction::recvonly) == Direction::inactive);
}

namespace {

/// Descriptions made up of every field, reproducible from a seed.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Description description() {
    Description d;
    d.origin = {word(), std::to_string(random_.u32()), random_.u64(), "IN IP4 " + word()};
    d.name = word() + " " + word();
    if (coin()) d.connection = "IN IP6 ::" + word();
    d.other_lines = coin() ? std::vector<std::string>{"i=" + word(), "z=" + word()}
                           : std::vector<std::string>{};
    fill(d.groups, [&] { return Group{"BUNDLE", {Mid{word()}, Mid{word()}}}; });
    if (coin()) d.msid_semantic = "WMS " + word();
    d.transport = transport();
    d.ice_lite = coin();
    d.extmap_allow_mixed = coin();
    fill(d.extmaps, [&] { return extmap(); });
    if (coin()) d.direction = direction();
    fill(d.other_attributes, [&] { return "x-" + word() + ":" + word(); });
    fill(d.media, [&] { return media(); });
    return d;
  }

 private:
  bool coin() { return random_.below(2) == 0; }
  std::string word() { return random_.ice_chars(1 + random_.below(12)); }
  Direction direction() { return static_cast<Direction>(random_.below(4)); }
  template <class T, class Make>
  void fill(std::vector<T>& list, Make make) {
    for (auto n = random_.below(4); n > 0; --n) list.push_back(make());
  }
  Extmap extmap() {
    return {1 + static_cast<int>(random_.below(200)),
            coin() ? std::optional{direction()} : std::nullopt, "urn:" + word(),
            coin() ? word() + " " + word() : ""};
  }
  TransportAttributes transport() {
    TransportAttributes t;
    if (coin()) t.ice_ufrag = random_.ice_chars(8);
    if (coin()) t.ice_pwd = random_.ice_chars(24);
    fill(t.ice_options, [&] { return word(); });
    if (coin()) t.fingerprints = {{"sha-256", "01:AB"}, {"sha-512", "CD:EF"}};
    if (coin()) t.setup = static_cast<Setup>(random_.below(4));
    if (coin()) t.tls_id = word();
    return t;
  }
  Format format(std::uint8_t type) {
    Format f;
    f.payload_type = PayloadType{type};
    f.name = word();
    std::replace(f.name.begin(), f.name.end(), '/', '-');
    f.clock_rate = 1 + static_cast<int>(random_.below(96'000));
    f.channels = 1 + static_cast<int>(random_.below(3));
    if (coin()) f.fmtp = "a=" + word() + ";b=" + word();
    if (coin()) f.feedback = {"nack", "x " + word()};
    return f;
  }
  Media media() {
    Media m;
    m.kind = coin() ? "audio" : "video";
    m.port = static_cast<std::uint16_t>(random_.below(65'536));
    if (coin()) {
      m.protocol = "UDP/TLS/RTP/SAVPF";
      for (std::uint8_t t = 96; t < 96 + random_.below(5); ++t) m.formats.push_back(format(t));
    } else {
      m.protocol = "UDP/DTLS/SCTP";
      fill(m.other_formats, [&] { return word(); });
    }
    if (coin()) m.connection = "IN IP4 " + word();
    fill(m.bandwidths, [&] { return Bandwidth{word() + "b", random_.u64()}; });
    if (coin()) m.mid = Mid{word()};
    if (coin()) m.direction = direction();
    m.bundle_only = coin();
    m.transport = transport();
    fill(m.candidates, [&] { return "candidate:" + word() + " " + word(); });
    m.end_of_candidates = coin();
    m.rtcp_mux = coin();
    m.rtcp_mux_only = coin();
    m.rtcp_reduced_size = coin();
    if (coin()) m.rtcp = "9 IN IP4 0.0.0.0";
    m.extmap_allow_mixed = coin();
    fill(m.extmaps, [&] { return extmap(); });
    if (coin()) m.wildcard_feedback = {"transport-cc"};
    fill(m.msids, [&] { return Msid{word(), coin() ? word() : ""}; });
    fill(m.ssrc_groups, [&] { return SsrcGroup{word(), {Ssrc{random_.u32()}}}; });
    fill(m.ssrcs, [&] { return SsrcAttribute{Ssrc{random_.u32()}, word(), word()}; });
    fill(m.rids, [&] { return RidAttribute{Rid{word()}, coin(), coin() ? "pt=" + word() : ""}; });
    if (coin()) m.simulcast = Simulcast{{{{Rid{"a"}, coin()}, {Rid{"b"}, false}}}, {}};
    if (coin()) m.sctp_port = static_cast<std::uint16_t>(random_.below(65'536));
    if (coin()) m.max_message_size = random_.u64();
    if (coin()) m.sctpmap = "5000 " + word();
    fill(m.other_attributes, [&] { return "y-" + word(); });
    return m;
  }
  SeededRandom random_;
};

}  // namespace

TEST_CASE("Whatever is written is read back as the same value", "[sdp][rfc8866]") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const Description d = Generator{seed}.description();
    const std::string text = to_string(d);
    CAPTURE(seed, text);
    const auto back = Description::parse(text);
    INFO((back ? "" : back.error().to_string()));
    REQUIRE(back);
    REQUIRE(to_string(*back) == text);
    REQUIRE(*back == d);
  }
}
