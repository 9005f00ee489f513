// How descriptions of other stacks look, each quirk in a minimal text of our own.
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

/// Answers `offer` and applies the answer; everything must work.
sdp::Description answered(Peer& b, const std::string& offer) {
  b.set_remote(SdpType::offer, offer);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  return answer;
}

}  // namespace

TEST_CASE("Chromium lists many codecs we lack and repeats its credentials in every section",
          "[jsep][interop]") {
  const std::string offer =
      kHead + "a=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS s\r\n" +
      "m=audio 54145 UDP/TLS/RTP/SAVPF 111 63 9 0 13 110\r\nc=IN IP4 127.0.0.1\r\n"
      "a=rtcp:9 IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-xr:rcvr-rtt=all\r\na=rtcp-rsize\r\n"
      "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=rtpmap:63 red/48000/2\r\n"
      "a=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:110 telephone-event/48000\r\n"
      "a=msid:s a\r\na=ssrc:1 cname:c\r\na=ssrc:1 msid:s a\r\n" +
      kTransport +
      "m=video 35890 UDP/TLS/RTP/SAVPF 45 96 97\r\na=mid:1\r\na=rtpmap:45 AV1/90000\r\n"
      "a=fmtp:45 level-idx=5;profile=0;tier=0\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
      "a=fmtp:97 apt=96\r\na=ssrc-group:FID 2 3\r\na=ssrc:2 cname:c\r\na=ssrc:3 cname:c\r\n" +
      kTransport + kData + "a=mid:2\r\na=max-message-size:262144\r\n" +
      replaced(kTransport, "a=rtcp-mux\r\n", "");
  Peer b(2);
  const auto answer = answered(b, offer);
  CHECK(answer.groups[0].mids.size() == 3);
  CHECK(answer.media[0].rtcp_reduced_size);
  CHECK(b[1].negotiated->remote_streams == std::vector<RemoteStream>{{Ssrc{2}, Ssrc{3}, "c"}});
  CHECK(b[0].remote_stream_ids == std::vector<std::string>{"s"});
}

TEST_CASE("Firefox puts fingerprint and direction at session level and braces into ids",
          "[jsep][interop]") {
  const std::string offer =
      kHead + "a=sendrecv\r\na=fingerprint:sha-256 12:34\r\na=group:BUNDLE 0\r\n" +
      "a=ice-options:trickle\r\na=msid-semantic:WMS *\r\n" +
      "m=audio 42333 UDP/TLS/RTP/SAVPF 109 9\r\n" +
      "a=candidate:0 1 UDP 2122187007 192.0.2.2 42333 typ host\r\n"
      "a=candidate:0 2 UDP 2122187006 192.0.2.2 51393 typ host\r\n"
      "a=candidate:2 1 TCP 2105458943 192.0.2.2 9 typ host tcptype active\r\n"
      "a=end-of-candidates\r\na=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n"
      "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n"
      "a=ice-pwd:b1afebc9b1af36e42e96a432751ff309\r\na=ice-ufrag:d343d8d7\r\na=mid:0\r\n"
      "a=msid:{6b44} {095e}\r\na=rtcp:51393 IN IP4 192.0.2.2\r\na=rtcp-mux\r\n"
      "a=rtpmap:109 opus/48000/2\r\na=rtpmap:9 G722/8000/1\r\na=setup:actpass\r\n"
      "a=ssrc:4261168864 cname:{166f}\r\n";
  Peer b(2);
  answered(b, offer);
  CHECK(b.state.transport->remote_fingerprints ==
        std::vector<sdp::Fingerprint>{{"sha-256", "12:34"}});
  CHECK(b[0].remote_stream_ids == std::vector<std::string>{"{6b44}"});
  CHECK(b[0].negotiated->send[0].payload_type == PayloadType{109});
  const auto told = b.told<RemoteCandidates>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].lines.size() == 3);
  CHECK(told[0].end_of_candidates);
}

TEST_CASE("GStreamer writes long mids bundle-only sections and msid per SSRC only",
          "[jsep][interop]") {
  const std::string transport = replaced(kTransport, "a=rtcp-mux\r\n",
                                         "a=rtcp-mux\r\n"
                                         "a=rtcp-mux-only\r\n");
  const std::string offer =
      kHead + "a=ice-options:trickle\r\na=group:BUNDLE audio0 video1 application2\r\n" +
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 OPUS/48000/2\r\na=mid:audio0\r\n"
      "a=ssrc:5 msid:user@host webrtctransceiver0\r\na=ssrc:5 cname:user@host\r\n" +
      transport + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=rtpmap:96 VP8/90000\r\n" +
      "a=framerate:30\r\na=mid:video1\r\n" + transport +
      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=bundle-only\r\n"
      "a=mid:application2\r\na=sctp-port:5000\r\n" +
      replaced(kTransport, "a=rtcp-mux\r\n", "");
  Peer b(2);
  const auto answer = answered(b, offer);
  for (const auto& m : answer.media) {
    CHECK(m.port == 9);
    CHECK_FALSE(m.bundle_only);
  }
  CHECK(b.state.data.mid == Mid{"application2"});
  CHECK(b[0].remote_stream_ids == std::vector<std::string>{"user@host"});
}

TEST_CASE("libdatachannel separates ice options by commas and offers data alone",
          "[jsep][interop]") {
  const std::string offer =
      "v=0\r\no=rtc 1055387966 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
      "a=msid-semantic:WMS *\r\na=ice-options:ice2,trickle\r\na=fingerprint:sha-256 61:9F\r\n"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
      "a=sendrecv\r\na=sctp-port:5000\r\na=max-message-size:262144\r\na=setup:actpass\r\n"
      "a=ice-ufrag:uMQg\r\na=ice-pwd:IUstJXgGWiFVtlvlToCf+8\r\n";
  Peer b(2);
  const auto answer = answered(b, offer);
  CHECK(answer.media[0].transport.ice_options == std::vector<std::string>{"trickle", "ice2"});
  CHECK(b.state.data.negotiated->max_message_size == 262'144);
  CHECK(b.state.transceivers.empty());
}

TEST_CASE("aiortc offers one transport per section and the older form of data",
          "[jsep][interop][rfc8841]") {
  const auto section = [](std::string media, const std::string& tag) {
    return media + replaced_all(replaced(kTransport, "a=rtcp-mux\r\n", ""), "peer", tag) +
           "a=candidate:1 1 udp 1 192.0.2.2 9 typ host generation" + tag + "\r\n" +
           "a=end-of-candidates\r\n";
  };
  const std::string offer =
      kHead + "a=group:BUNDLE 0 2\r\na=msid-semantic:WMS *\r\n" +
      section(
          "m=audio 51602 UDP/TLS/RTP/SAVPF 96 0\r\na=mid:0\r\na=rtpmap:96 opus/48000/2\r\n"
          "a=rtpmap:0 PCMU/8000\r\na=rtcp-mux\r\n",
          "audi") +
      section(
          "m=application 56758 DTLS/SCTP 5000\r\nc=IN IP4 192.0.2.2\r\na=mid:2\r\n"
          "a=sctpmap:5000 webrtc-datachannel 65535\r\na=max-message-size:65536\r\n",
          "data");
  Peer b(2);
  const auto answer = answered(b, offer);
  CHECK(b.state.transport->remote_ufrag == "audi");
  CHECK(b.told<RemoteCandidates>().at(0).lines.size() == 1);
  CHECK(answer.media[1].protocol == "DTLS/SCTP");
  CHECK(answer.media[1].other_formats == std::vector<std::string>{"5000"});
  CHECK(answer.media[1].sctpmap == "5000 webrtc-datachannel 65535");
  CHECK_FALSE(answer.media[1].sctp_port);
  // Candidates of the section that lost its transport are not for this one.
  CHECK(*add_remote_candidate(b.state, "candidate:3", Mid{"2"}, 1) == CandidateDelivery::later);

  // Our own later offers keep the form of the living section.
  b.track(MediaKind::audio);
  const auto next = b.offer();
  CHECK(next.media[1].protocol == "DTLS/SCTP");
  CHECK(next.media[1].other_formats == std::vector<std::string>{"5000"});
}

TEST_CASE("aiortc gives its payload types new meanings when it offers after it answered",
          "[jsep][interop][rfc9143]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  std::string text = sdp::to_string(b.offer());
  // 111 and 96 97 for Opus and VP8 become 96 and 97 98.
  text = replaced_all(text, ":97 ", ":98 ");
  text = replaced_all(text, ":96 ", ":97 ");
  text = replaced_all(text, ":111 ", ":96 ");
  text = replaced(text, "apt=96", "apt=97");
  text = replaced(text, "SAVPF 111", "SAVPF 96");
  text = replaced(text, "SAVPF 96 97", "SAVPF 97 98");
  a.set_remote(SdpType::offer, text);
  const auto answer = a.answer();
  CHECK_FALSE(answer.media[0].is_rejected());
  CHECK_FALSE(answer.media[1].is_rejected());
  a.set_local(SdpType::answer, answer);
  CHECK(a.told<MediaNegotiated>().size() == 2);
  CHECK(a[0].negotiated->receive[0].payload_type == PayloadType{96});
  CHECK(a[1].negotiated->receive[0].payload_type == PayloadType{97});
  CHECK(a[1].negotiated->receive[0].rtx_payload_type == PayloadType{98});
  const auto next = a.offer();
  CHECK(next.media[0].formats[0].payload_type == PayloadType{96});
  CHECK(next.media[1].formats[0].payload_type == PayloadType{97});
}

TEST_CASE("Pion repeats candidates for component 2 and labels its SSRCs in old ways",
          "[jsep][interop]") {
  const std::string offer =
      kHead + "a=fingerprint:sha-256 B8:EB\r\na=extmap-allow-mixed\r\na=group:BUNDLE 0 2\r\n" +
      replaced(kOpus, "\r\n", "\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n") +
      replaced(kTransport, "a=fingerprint:sha-256 99:88\r\n", "") +
      "a=ssrc:7 cname:s\r\na=ssrc:7 msid:s audio\r\na=ssrc:7 mslabel:s\r\na=ssrc:7 label:audio\r\n"
      "a=msid:s audio\r\na=candidate:2878742611 1 udp 2130706431 127.0.0.1 40270 typ host\r\n"
      "a=candidate:2878742611 2 udp 2130706431 127.0.0.1 40270 typ host\r\n"
      "a=end-of-candidates\r\n" +
      kData +
      "a=mid:2\r\na=setup:actpass\r\na=ice-ufrag:peer\r\na=ice-pwd:" + "peerpeerpeerpeerpeerpe\r\n";
  Peer b(2);
  answered(b, offer);
  CHECK(b[0].negotiated->remote_streams.size() == 1);
  CHECK(b[0].remote_track_id == "audio");
  CHECK(b.told<RemoteCandidates>()[0].lines.size() == 2);
  CHECK(b.state.data.negotiated->max_message_size == 65'536);
}

TEST_CASE("An answer of before RFC 9143 keeps bundle-only and port 0", "[jsep][interop][rfc9143]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  auto answer = b.answer();
  answer.media[1].port = 0;
  answer.media[1].bundle_only = true;
  answer.media[1].transport = {};
  a.set_remote(SdpType::answer, answer);
  CHECK(a[1].current_direction == Direction::sendonly);
}

TEST_CASE("A WHIP server answers with ICE lite a fixed role and all its candidates",
          "[jsep][interop][rfc9725]") {
  Peer a(1);
  Peer b(2);
  b.facts.ice_lite = true;
  b.facts.end_of_candidates = true;
  b.facts.answer_role = DtlsRole::server;
  TransceiverInit init;
  init.direction = Direction::sendonly;
  init.track_id = "microphone";
  add_transceiver(a.state, MediaKind::audio, init);
  negotiate(a, b);
  CHECK(a.state.transport->remote_ice_lite);
  CHECK(a.state.transport->dtls_role == DtlsRole::client);
  CHECK(a.told<RemoteCandidates>().at(0).end_of_candidates);
  CHECK(a[0].current_direction == Direction::sendonly);
}

// The flows of RFC 9429 section 7, in texts of our own.

TEST_CASE("A simple call as in RFC 9429 section 7 has audio and video both ways",
          "[jsep][rfc9429]") {
  Peer alice(1);
  Peer bob(2);
  for (Peer* p : {&alice, &bob}) {
    p->track(MediaKind::audio, "s");
    p->track(MediaKind::video, "s");
  }
  negotiate(alice, bob);
  for (const Peer* p : {&alice, &bob}) {
    REQUIRE(p->state.transceivers.size() == 2);
    for (const Transceiver& t : p->state.transceivers) {
      CHECK(t.current_direction == Direction::sendrecv);
      CHECK(t.receiving);
      CHECK(t.remote_stream_ids == std::vector<std::string>{"s"});
    }
  }
}

TEST_CASE("A detailed call as in RFC 9429 section 7 goes from data to video and back",
          "[jsep][rfc9429]") {
  Peer alice(1);
  Peer bob(2);
  // Bob adds his microphone and a channel to Alice's audio; then video is added from Bob's side,
  // and at last removed again.
  alice.track(MediaKind::audio);
  REQUIRE(want_data(alice.state));
  bob.track(MediaKind::audio);
  negotiate(alice, bob);
  const Mid data = *alice.state.data.mid;
  TransceiverInit camera;
  camera.stream_ids = {"b"};
  camera.track_id = "camera";
  add_transceiver(bob.state, MediaKind::video, camera);
  camera.track_id = "screen";
  camera.direction = Direction::sendonly;
  add_transceiver(bob.state, MediaKind::video, camera);
  negotiate(bob, alice);
  REQUIRE(alice.state.transceivers.size() == 3);
  CHECK(alice.state.data.mid == data);
  CHECK(alice[1].current_direction == Direction::recvonly);
  CHECK(alice[2].current_direction == Direction::recvonly);
  const auto offer = alice.offer();
  CHECK(offer.media.size() == 4);
  CHECK(offer.media[1].kind == "application");
  REQUIRE(stop(bob.state, TransceiverId{2}));
  negotiate(bob, alice);
  CHECK(alice.told<TransceiverStopped>().size() == 1);
  CHECK(alice.state.transceivers.size() == 2);
}

TEST_CASE("Early transport warming offers inactive media and turns it on later",
          "[jsep][rfc9429]") {
  Peer alice(1);
  Peer bob(2);
  TransceiverInit init;
  init.direction = Direction::inactive;
  add_transceiver(alice.state, MediaKind::audio, init);
  negotiate(alice, bob);
  CHECK(alice[0].current_direction == Direction::inactive);
  CHECK(alice.state.transport);
  REQUIRE(set_direction(alice.state, TransceiverId{0}, Direction::sendrecv));
  REQUIRE(set_direction(bob.state, TransceiverId{0}, Direction::sendrecv));
  negotiate(alice, bob);
  CHECK(alice[0].current_direction == Direction::sendrecv);
  CHECK(alice.told<TransportNegotiated>().empty());
}
