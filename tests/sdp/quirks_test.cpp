// Forms that deployed stacks write and no RFC asks for, or that are rare: each in a minimal text.
#include <map>

#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

sdp::Description answered(Peer& b, const std::string& offer) {
  b.set_remote(SdpType::offer, offer);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  return answer;
}

std::vector<PayloadType> types(const sdp::Media& m) {
  std::vector<PayloadType> out;
  for (const sdp::Format& f : m.formats) out.push_back(f.payload_type);
  return out;
}

/// A video section with these formats and their lines.
std::string video(const std::string& formats, const std::string& lines) {
  return "m=video 9 UDP/TLS/RTP/SAVPF " + formats + "\r\n" + lines + kTransport;
}

}  // namespace

TEST_CASE("Chromium's FlexFEC entry and its SSRC are left out", "[jsep][interop]") {
  Peer b(2);
  const auto answer =
      answered(b, kHead + video("96 49",
                                "a=rtpmap:96 VP8/90000\r\na=rtpmap:49 flexfec-03/90000\r\n"
                                "a=rtcp-fb:49 goog-remb\r\na=fmtp:49 repair-window=10000000\r\n"
                                "a=ssrc-group:FID 1 2\r\na=ssrc-group:FEC-FR 1 3\r\n"
                                "a=ssrc:1 cname:c\r\na=ssrc:2 cname:c\r\na=ssrc:3 cname:c\r\n"));
  CHECK(types(answer.media[0]) == std::vector{PayloadType{96}});
  CHECK(b[0].negotiated->remote_streams == std::vector<RemoteStream>{{Ssrc{1}, Ssrc{2}, "c"}});
}

TEST_CASE("Redundancy with a retransmission of its own falls out as a whole", "[jsep][interop]") {
  // Chromium and libwebrtc: red, the rtx of red, and ulpfec behind it.
  Peer b(2);
  const auto answer = answered(
      b, kHead + video("96 97 118 119 120",
                       "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
                       "a=rtpmap:118 red/90000\r\na=rtpmap:119 rtx/90000\r\na=fmtp:119 apt=118\r\n"
                       "a=rtpmap:120 ulpfec/90000\r\n"));
  CHECK(types(answer.media[0]) == std::vector{PayloadType{96}, PayloadType{97}});
}

TEST_CASE("Streams of a SIM group are layers and each has its retransmission", "[jsep][interop]") {
  // What edited descriptions of Chromium and clients of older servers write.
  Peer b(2);
  std::string lines = "a=rtpmap:96 VP8/90000\r\na=ssrc-group:SIM 1 2 3\r\n";
  for (const char* n : {"1 11", "2 12", "3 13"})
    lines += std::string("a=ssrc-group:FID ") + n + "\r\n";
  for (const char* n : {"1", "2", "3", "11", "12", "13"}) {
    lines += std::string("a=ssrc:") + n + " cname:c\r\n";
  }
  answered(b, kHead + video("96", lines));
  const auto& streams = b[0].negotiated->remote_streams;
  REQUIRE(streams.size() == 3);
  CHECK(streams[2] == RemoteStream{Ssrc{3}, Ssrc{13}, "c", Rid{"2"}});
}

TEST_CASE("SSRC lines without cname or with an attribute alone are no obstacle",
          "[jsep][interop]") {
  Peer b(2);
  answered(b, kHead + kOpus + "a=ssrc:5 msid:s t\r\na=ssrc:6\r\na=ssrc:7 label\r\n" + kTransport);
  const auto& streams = b[0].negotiated->remote_streams;
  REQUIRE(streams.size() == 2);
  CHECK(streams[0].ssrc == Ssrc{5});
  CHECK(streams[0].cname.empty());
  CHECK(b[0].remote_stream_ids == std::vector<std::string>{"s"});
}

TEST_CASE("Several fingerprints are all handed on", "[jsep][rfc8122]") {
  Peer b(2);
  answered(b, kHead + kOpus +
                  replaced(kTransport, "a=fingerprint:sha-256 99:88\r\n",
                           "a=fingerprint:SHA-1 aa:bb\r\na=fingerprint:sha-256 99:88\r\n"));
  CHECK(b.state.transport->remote_fingerprints ==
        std::vector<sdp::Fingerprint>{{"sha-1", "AA:BB"}, {"sha-256", "99:88"}});
}

TEST_CASE("Everything about the transport may stand in the session part", "[jsep][rfc8839]") {
  const std::string offer = kHead +
                            "a=ice-ufrag:sess\r\na=ice-pwd:sesssesssesssesssesssess\r\n"
                            "a=ice-options:trickle ice2\r\na=setup:passive\r\n"
                            "a=fingerprint:sha-256 77:66\r\n"
                            "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                            "a=group:BUNDLE 0 1\r\n" +
                            kOpus + "a=mid:0\r\na=rtcp-mux\r\n" + kVp8 +
                            "a=mid:1\r\na=rtcp-mux\r\n";
  Peer b(2);
  const auto answer = answered(b, offer);
  CHECK(b.state.transport->remote_ufrag == "sess");
  CHECK(b.state.transport->dtls_role == DtlsRole::client);
  CHECK(answer.media[1].extmaps.size() == 1);
  CHECK(answer.media[1].extmaps[0].id == 3);
  CHECK(answer.media[0].transport.ice_options == std::vector<std::string>{"trickle", "ice2"});
}

TEST_CASE("Candidates of the session part belong to the transport", "[jsep][interop]") {
  // Media servers with ICE lite and one port write them once.
  Peer b(2);
  answered(b, kHead + "a=ice-lite\r\na=candidate:1 1 udp 1 192.0.2.9 7 typ host\r\n" +
                  "a=end-of-candidates\r\n" + kOpus + kTransport);
  const auto told = b.told<RemoteCandidates>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].lines == std::vector<std::string>{"candidate:1 1 udp 1 192.0.2.9 7 typ host"});
  CHECK(told[0].end_of_candidates);
}

TEST_CASE("Candidates of a rejected first section are those of the bundle", "[jsep][interop]") {
  // Pion and GStreamer write candidates into the first section only; here we lack its codec.
  const std::string offer =
      kHead + "a=group:BUNDLE 0 1\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" +
      "a=candidate:1 1 udp 1 192.0.2.9 7 typ host\r\na=end-of-candidates\r\n" + kTransport + kVp8 +
      "a=mid:1\r\n" + kTransport;
  Peer b(2);
  const auto answer = answered(b, offer);
  CHECK(answer.media[0].is_rejected());
  CHECK_FALSE(answer.media[1].is_rejected());
  REQUIRE(answer.groups.size() == 1);
  CHECK(answer.groups[0].mids == std::vector{Mid{"1"}});
  const auto told = b.told<RemoteCandidates>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].lines.size() == 1);
  CHECK(told[0].mid == Mid{"1"});
  // What is trickled under the first section too.
  CHECK(*add_remote_candidate(b.state, "candidate:2 1 udp 1 192.0.2.9 8 typ host", Mid{"0"}, 0) ==
        CandidateDelivery::now);
  // Firefox has sockets and candidates of its own for each section before it knows of a bundle.
  Peer c(3);
  answered(c, offer + "a=candidate:3 1 udp 1 192.0.2.9 9 typ host\r\n");
  CHECK(c.told<RemoteCandidates>().at(0).lines ==
        std::vector<std::string>{"candidate:3 1 udp 1 192.0.2.9 9 typ host"});
}

TEST_CASE("A section that cannot be done is rejected and the bundle stands", "[jsep][rfc9143]") {
  // An unknown kind, a protocol without keys of ours, a codec we lack, a second data section.
  const std::string offer =
      kHead + "a=group:BUNDLE a b c d e f\r\n" + kOpus + "a=mid:a\r\n" + kTransport +
      "m=text 9 UDP/TLS/RTP/SAVPF 100\r\na=rtpmap:100 t140/1000\r\na=mid:b\r\n" + kTransport +
      "m=application 9 UDP/BFCP *\r\na=mid:c\r\n" + kTransport +
      video("98", "a=rtpmap:98 H266/90000\r\na=mid:d\r\n") + kData + "a=mid:e\r\n" + kTransport +
      kData + "a=mid:f\r\n" + kTransport;
  Peer b(2);
  const auto answer = answered(b, offer);
  std::string accepted;
  for (const sdp::Media& m : answer.media) accepted += m.is_rejected() ? '-' : '+';
  CHECK(accepted == "+---+-");
  REQUIRE(answer.groups.size() == 1);
  CHECK(answer.groups[0].mids == std::vector{Mid{"a"}, Mid{"e"}});
  // Each rejected line is one that the peer can read back.
  CHECK(sdp::to_string(answer).find("m=application 0 UDP/BFCP *\r\n") != std::string::npos);
  CHECK(sdp::to_string(answer).find("m=video 0 UDP/TLS/RTP/SAVPF 98\r\n") != std::string::npos);
}

TEST_CASE("A section that a peer stopped is answered with port 0 and may be used for another kind",
          "[jsep][interop]") {
  // Chromium keeps all attributes in a section that was stopped, with port 0 and out of the group.
  Peer b(2);
  const std::string first = kHead + "a=group:BUNDLE 0 1\r\n" + kOpus + "a=mid:0\r\n" + kTransport;
  answered(b, first + kVp8 + "a=mid:1\r\n" + kTransport);
  const std::string stopped = replaced(first, "BUNDLE 0 1", "BUNDLE 0");
  const auto answer = answered(b, stopped + replaced(kVp8, "m=video 9", "m=video 0") +
                                      "a=mid:1\r\na=inactive\r\n" + kTransport);
  CHECK(answer.media[1].is_rejected());
  CHECK(answer.media[1].mid == Mid{"1"});
  CHECK(b.state.transceivers.size() == 1);
  const auto again =
      answered(b, replaced(first, "BUNDLE 0 1", "BUNDLE 0 2") + kData + "a=mid:2\r\n" + kTransport);
  CHECK_FALSE(again.media[1].is_rejected());
  CHECK(again.media[1].kind == "application");
}

TEST_CASE("Text that went through editors and shells is still read", "[sdp][interop]") {
  const std::string offer = kHead + kOpus + "a=mid:0\r\na=sendonly\r\n" + kTransport;
  const auto plain = *sdp::Description::parse(offer);
  CHECK(*sdp::Description::parse(replaced_all(offer, "\r\n", "\n")) == plain);
  CHECK(*sdp::Description::parse(replaced_all(offer, "\r\n", "\r\r\n")) == plain);
  CHECK(*sdp::Description::parse(replaced_all(offer, "\r\n", " \t\r\n")) == plain);
  CHECK(*sdp::Description::parse(replaced_all(offer, "\r\n", "\r\n\r\n")) == plain);
  CHECK(*sdp::Description::parse("\xEF\xBB\xBF" + offer) == plain);
  CHECK(*sdp::Description::parse("\r\n" + offer) == plain);
  CHECK(*sdp::Description::parse(offer.substr(0, offer.size() - 2)) == plain);
  CHECK(*sdp::Description::parse(replaced(offer, "a=mid:0", "a=mid: 0")) == plain);
  CHECK(*sdp::Description::parse(replaced(offer, "m=audio 9 ", "m=audio  9  ")) == plain);
  CHECK(*sdp::Description::parse(replaced(offer, "opus/48000/2", "opus / 48000 / 2")) == plain);
}

TEST_CASE("Extensions that parley lacks are not answered and those it has keep their ids",
          "[jsep][interop][rfc8285]") {
  // The list of Chromium's video section, an id above 14, and Firefox's direction.
  std::string lines = "a=rtpmap:96 VP8/90000\r\na=extmap-allow-mixed\r\n";
  const char* const uris[] = {"urn:ietf:params:rtp-hdrext:toffset",
                              uri::kAbsSendTime,
                              "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
                              "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
                              "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
                              uri::kMid,
                              uri::kRid,
                              uri::kRepairedRid,
                              uri::kTransportWideCc};
  int id = 14;
  for (const char* u : uris) lines += "a=extmap:" + std::to_string(id--) + " " + u + "\r\n";
  lines += std::string("a=extmap:2/recvonly ") + uri::kPlayoutDelay + "\r\na=extmap:15 " +
           uri::kVideoOrientation + "\r\n";
  Peer b(2);
  b.track(MediaKind::video);
  const auto answer = answered(b, kHead + video("96", lines));
  std::vector<std::pair<int, std::string>> got;
  for (const sdp::Extmap& e : answer.media[0].extmaps) got.emplace_back(e.id, e.uri);
  CHECK(got == std::vector<std::pair<int, std::string>>{{13, uri::kAbsSendTime},
                                                        {9, uri::kMid},
                                                        {8, uri::kRid},
                                                        {7, uri::kRepairedRid},
                                                        {6, uri::kTransportWideCc},
                                                        {2, uri::kPlayoutDelay}});
  // The peer receives only, so we send only.
  CHECK(answer.media[0].extmaps.back().direction == Direction::sendonly);
}

TEST_CASE("Feedback for all formats counts for each", "[jsep][interop][rfc4585]") {
  Peer b(2);
  const auto answer = answered(b, kHead + video("96",
                                                "a=rtpmap:96 vp8/90000\r\na=rtcp-fb:* nack pli\r\n"
                                                "a=rtcp-fb:* ccm fir\r\na=rtcp-fb:96 nack\r\n"));
  CHECK(answer.media[0].formats[0].feedback ==
        std::vector<std::string>{"nack", "nack pli", "ccm fir"});
}

TEST_CASE("Older names of the protocol are answered as they were offered", "[jsep][rfc9429]") {
  for (const char* protocol : {"RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/TLS/RTP/SAVPF"}) {
    Peer b(2);
    const auto answer =
        answered(b, kHead + replaced(kOpus, "UDP/TLS/RTP/SAVPF", protocol) + kTransport);
    CHECK(answer.media[0].protocol == protocol);
    CHECK_FALSE(answer.media[0].is_rejected());
  }
  for (const char* line :
       {"m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n",
        "m=application 9 DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5001\r\n",
        "m=application 9 DTLS/SCTP 5000\r\n"}) {
    Peer b(2);
    const auto answer = answered(b, kHead + line + kTransport);
    INFO(line);
    CHECK_FALSE(answer.media[0].is_rejected());
  }
}

TEST_CASE("A port of a bundle-only section that is not 0 is an address", "[jsep][rfc9143]") {
  // RFC 9143 section 6: the attribute counts with port 0 only.
  Peer b(2);
  const auto answer =
      answered(b, kHead + "a=group:BUNDLE 0 1\r\n" + kOpus + "a=mid:0\r\n" + kTransport + kVp8 +
                      "a=mid:1\r\na=bundle-only\r\n" + kTransport);
  CHECK(answer.groups[0].mids.size() == 2);
  CHECK_FALSE(answer.media[1].bundle_only);
}

TEST_CASE("New offers number extensions as Chromium does or with numbers it has not",
          "[jsep][interop]") {
  // Of two offers that cross, Chromium refuses the other one for a number that its own, given up
  // by then, had for another extension.
  const std::map<int, std::string> chromium{
      {1, uri::kAudioLevel},
      {2, uri::kAbsSendTime},
      {3, uri::kTransportWideCc},
      {4, uri::kMid},
      {5, uri::kPlayoutDelay},
      {6, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"},
      {7, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"},
      {8, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"},
      {10, uri::kRid},
      {11, uri::kRepairedRid},
      {13, uri::kVideoOrientation},
      {14, "urn:ietf:params:rtp-hdrext:toffset"}};
  for (const ExtensionCapability& ours : default_extensions()) {
    CAPTURE(ours.uri);
    const auto theirs = chromium.find(ours.id);
    CHECK((theirs == chromium.end() || theirs->second == ours.uri));
    // One byte headers reach to 14 (RFC 8285 section 4.2).
    CHECK(ours.id <= 14);
  }
}
