// What offers contain, and which descriptions are refused as ours or the peer's.
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("An offer has what RFC 9429 section 5.2.1 asks for", "[jsep][rfc9429]") {
  Peer a(1);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  REQUIRE(want_data(a.state));
  const auto d = a.offer();
  REQUIRE(d.media.size() == 3);
  CHECK(d.groups == std::vector<sdp::Group>{{"BUNDLE", {Mid{"0"}, Mid{"1"}, Mid{"2"}}}});
  CHECK(d.media[0].protocol == "UDP/TLS/RTP/SAVPF");
  CHECK(d.media[0].port == 9);
  CHECK(d.media[0].connection == "IN IP4 0.0.0.0");
  CHECK(d.media[0].transport.setup == sdp::Setup::actpass);
  CHECK(d.media[0].candidates == a.facts.candidates);
  CHECK_FALSE(d.media[0].bundle_only);
  CHECK(d.media[1].port == 0);
  CHECK(d.media[1].bundle_only);
  CHECK(d.media[1].candidates.empty());
  CHECK(d.media[2].bundle_only);
  CHECK(d.media[2].protocol == "UDP/DTLS/SCTP");
  CHECK(d.media[2].other_formats == std::vector<std::string>{"webrtc-datachannel"});
  CHECK(d.media[2].sctp_port == 5000);
  for (const sdp::Media& m : d.media) {
    CHECK(m.transport.ice_ufrag == a.facts.ice_ufrag);
    CHECK(m.rtcp_mux == m.media_kind().has_value());
  }
  REQUIRE(d.media[0].formats.size() == 1);
  CHECK(d.media[0].formats[0].fmtp == "minptime=10;useinbandfec=1");
  CHECK(d.media[0].msids == std::vector<sdp::Msid>{{"stream", "track0"}});
  CHECK(d.media[1].ssrc_groups.at(0).ssrcs == std::vector<Ssrc>{a[1].ssrc, a[1].rtx_ssrc});
  CHECK(d.media[1].ssrc_attribute(a[1].ssrc, "msid") == "stream track1");
}

TEST_CASE("With shared ports every section has port 9 and none is bundle-only", "[jsep][rfc9429]") {
  Config config = default_config();
  config.bundle_style = BundleStyle::shared_port;
  Peer a(1, config);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto d = a.offer();
  CHECK(d.media[1].port == 9);
  CHECK_FALSE(d.media[1].bundle_only);
}

TEST_CASE("Credentials fingerprints and ids that cannot be written are refused", "[jsep]") {
  Peer a(1);
  const auto id = a.track(MediaKind::audio);
  const auto error = [&a] {
    const auto d = build_offer(a.state, a.facts);
    return d ? Errc{} : d.error().code;
  };
  const LocalFacts good = a.facts;
  a.facts.ice_ufrag = "abc";
  CHECK(error() == Errc::invalid_argument);
  a.facts = good;
  a.facts.fingerprints.clear();
  CHECK(error() == Errc::invalid_argument);
  a.facts = good;
  a.state.transceivers[0].stream_ids = {"two words"};
  CHECK(error() == Errc::invalid_argument);
  a.state.transceivers[0].stream_ids = {"line\r\nbreak"};
  CHECK(error() == Errc::invalid_argument);
  CHECK(id == TransceiverId{0});
}

TEST_CASE("A local description that was not built from this state is refused", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto good = a.offer();
  const auto error = [&](auto change) {
    auto d = good;
    change(d);
    const auto plan = plan_local(a.state, SdpType::offer, d);
    return plan ? "" : plan.error().to_string();
  };
  CHECK(error([](auto& d) { d.media.push_back(d.media[0]); }) ==
        "invalid_argument: an offer of other m= lines than this session has");
  CHECK(error([](auto& d) { d.media[0].mid = Mid{"7"}; }) ==
        "invalid_argument: m= line 1 has another mid: make a new offer");
  CHECK(error([](auto& d) { std::swap(d.media[0], d.media[1]); }) ==
        "invalid_argument: m= line 1 is of another kind: make a new offer");
  CHECK(error([](auto& d) { d.media[0].transport = {}; }) ==
        "incompatible: section without ICE credentials");
  CHECK(error([](auto& d) { d.media[0].other_attributes.push_back("x-ours"); }) == "");

  // A transceiver that was added since is not in the offer, and that is fine.
  a.track(MediaKind::video);
  CHECK(error([](auto&) {}) == "");
  REQUIRE(stop(a.state, TransceiverId{1}));
  CHECK(error([](auto&) {}) == "");  // the next video took its place
  REQUIRE(stop(a.state, TransceiverId{2}));
  CHECK(error([](auto&) {}) ==
        "invalid_argument: an offer of other m= lines than this session has");
  b.set_remote(SdpType::offer, good);
  auto answer = b.answer();
  answer.media[0].transport.setup = sdp::Setup::actpass;
  const auto plan = plan_local(b.state, SdpType::answer, answer);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().where == "a=setup that does not answer the offer's");
}

TEST_CASE("A remote offer keeps the lines it had", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  const auto good = a.offer();
  const auto error = [&](auto change) {
    auto d = good;
    change(d);
    return b.remote_error(SdpType::offer, sdp::to_string(d));
  };
  CHECK(error([](auto& d) { d.media.pop_back(); }) ==
        "invalid_argument: fewer m= lines than before");
  CHECK(error([](auto& d) { std::swap(d.media[0], d.media[1]); }) ==
        "invalid_argument: m= line 1 changes its kind");
  CHECK(error([](auto& d) { d.media[1].mid = Mid{"x"}; }) ==
        "invalid_argument: m= line 2 changes its mid");
  CHECK(error([](auto&) {}) == "");
}

TEST_CASE("Simulcast is negotiated in the order of quality", "[jsep][rfc8853]") {
  Config config = default_config();
  config.receive_simulcast = true;
  Peer a(1);
  Peer b(2, config);
  TransceiverInit init;
  init.track_id = "camera";
  init.send_rids = {Rid{"hi"}, Rid{"mid"}, Rid{"lo"}};
  add_transceiver(a.state, MediaKind::video, init);
  const auto offer = a.offer();
  CHECK(offer.media[0].rids.size() == 3);
  CHECK(offer.media[0].ssrcs.empty());
  REQUIRE(offer.media[0].simulcast);
  negotiate(a, b);
  const auto ids = [](const std::vector<NegotiatedRid>& rids) {
    std::vector<Rid> out;
    for (const NegotiatedRid& r : rids) out.push_back(r.id);
    return out;
  };
  CHECK(ids(a[0].negotiated->send_rids) == init.send_rids);
  CHECK(ids(b[0].negotiated->receive_rids) == init.send_rids);

  // A side that does not take simulcast leaves the attribute out and gets one stream.
  Peer c(3);
  Peer d(4);
  add_transceiver(c.state, MediaKind::video, init);
  negotiate(c, d);
  CHECK(c[0].negotiated->send_rids.empty());
}

TEST_CASE("A bandwidth limit of the peer is what we may send", "[jsep][rfc9429]") {
  const auto limit = [](const std::string& lines) {
    Peer b(2);
    b.set_remote(SdpType::offer, kHead + kOpus + lines + kTransport);
    b.set_local(SdpType::answer, b.answer());
    return b[0].negotiated->max_send_rate;
  };
  CHECK_FALSE(limit(""));
  CHECK(limit("b=TIAS:64000\r\n") == DataRate::bits_per_second(64'000));
  CHECK(limit("b=AS:1000\r\nb=TIAS:64000\r\n") == DataRate::bits_per_second(64'000));
  CHECK(limit("b=AS:1000\r\n") == DataRate::bits_per_second(950'000 - 16'000));
  CHECK(limit("b=AS:1\r\n") == DataRate::bits_per_second(0));
  CHECK(limit("b=AS:18446744073709551615\r\n"));
}

TEST_CASE("Extended reports of round trips are answered as they were offered", "[jsep][rfc3611]") {
  for (const std::string scope : {"all", "sender"}) {
    Peer b(2);
    const std::string line = "a=rtcp-xr:pkt-loss-rle=20 rcvr-rtt=" + scope + "\r\n";
    b.set_remote(SdpType::offer, kHead + kOpus + kTransport + line);
    CHECK(sdp::to_string(b.answer()).find("a=rtcp-xr:rcvr-rtt=" + scope + "\r\n") !=
          std::string::npos);
  }
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport + "a=rtcp-xr:voip-metrics\r\n");
  CHECK(sdp::to_string(b.answer()).find("rtcp-xr") == std::string::npos);
}
