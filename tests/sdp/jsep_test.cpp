// Offers, answers and the signaling state machine.
#include "parley/sdp/jsep.hpp"

#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("An exchange of audio video and data leaves both sides with one transport",
          "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  REQUIRE(want_data(a.state));
  b.track(MediaKind::video);
  negotiate(a, b);

  CHECK(a.state.signaling == SignalingState::stable);
  CHECK(b.state.signaling == SignalingState::stable);
  REQUIRE(a.state.transport);
  REQUIRE(b.state.transport);
  CHECK(a.state.transport->remote_ufrag == b.facts.ice_ufrag);
  CHECK(b.state.transport->remote_pwd == a.facts.ice_pwd);
  CHECK(b.state.transport->remote_fingerprints == a.facts.fingerprints);
  CHECK(b.state.transport->dtls_role == DtlsRole::client);
  CHECK(a.state.transport->dtls_role == DtlsRole::server);
  CHECK(a.state.transport->local_was_offerer);
  CHECK_FALSE(b.state.transport->local_was_offerer);
  CHECK(a.state.transport->mid == Mid{"0"});

  CHECK(a[0].current_direction == Direction::sendonly);
  CHECK(a[1].current_direction == Direction::sendrecv);
  CHECK(b.state.find(Mid{"0"})->current_direction == Direction::recvonly);
  CHECK(b.state.find(Mid{"1"})->current_direction == Direction::sendrecv);
  REQUIRE(a.state.data.negotiated);
  CHECK(a.state.data.negotiated->max_message_size == 262'144);
  CHECK(b.state.data.negotiated->mid == Mid{"2"});

  REQUIRE(a[1].negotiated);
  REQUIRE(a[1].negotiated->send.size() == 1);
  const NegotiatedCodec& vp8 = a[1].negotiated->send[0];
  CHECK(vp8.name == "VP8");
  CHECK(vp8.payload_type == PayloadType{96});
  CHECK(vp8.rtx_payload_type == PayloadType{97});
  CHECK(vp8.has_feedback("nack pli"));
  CHECK(vp8.has_feedback("transport-cc"));
  const auto& remote = b.state.find(Mid{"1"})->negotiated->remote_streams;
  REQUIRE(remote.size() == 1);
  CHECK(remote[0].ssrc == a[1].ssrc);
  CHECK(remote[0].rtx_ssrc == a[1].rtx_ssrc);
  CHECK(remote[0].cname == a.state.cname);
  CHECK_FALSE(negotiation_needed(a.state));
  CHECK_FALSE(negotiation_needed(b.state));
}

TEST_CASE("The changes of an answer come in the order in which a session carries them out",
          "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  REQUIRE(a.changes.size() == 2);
  CHECK(std::holds_alternative<SignalingStateChanged>(a.changes[0]));
  CHECK(std::holds_alternative<TransceiverAssociated>(a.changes[1]));

  b.set_remote(SdpType::offer, offer);
  REQUIRE(b.changes.size() == 4);
  CHECK(std::get<SignalingStateChanged>(b.changes[0]).to == SignalingState::have_remote_offer);
  CHECK(std::holds_alternative<TransceiverAdded>(b.changes[1]));
  CHECK(std::get<TransceiverAssociated>(b.changes[2]).mid == Mid{"0"});
  CHECK(std::get<TrackAdded>(b.changes[3]).stream_ids == std::vector<std::string>{"stream"});
  CHECK(b.told<TransportNegotiated>().empty());

  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  REQUIRE(b.changes.size() == 5);
  CHECK(std::get<SignalingStateChanged>(b.changes[0]).to == SignalingState::stable);
  CHECK(std::holds_alternative<TransportNegotiated>(b.changes[1]));
  CHECK(std::get<RemoteCandidates>(b.changes[2]).lines == a.facts.candidates);
  CHECK(std::holds_alternative<MediaNegotiated>(b.changes[3]));
  CHECK(std::get<DirectionChanged>(b.changes[4]).to == Direction::recvonly);
}

TEST_CASE("Every step in the wrong state is refused and changes nothing", "[jsep][w3c]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  const auto offer = a.offer();
  const auto code = [](const auto& result) {
    return result ? std::nullopt : std::optional{result.error().code};
  };
  CHECK(code(build_answer(a.state, a.facts)) == Errc::invalid_state);
  CHECK(code(plan_local(a.state, SdpType::answer, offer)) == Errc::invalid_state);
  CHECK(code(plan_remote(a.state, SdpType::pranswer, offer)) == Errc::invalid_state);
  CHECK(code(plan_rollback(a.state, Side::local)) == Errc::invalid_state);

  b.set_remote(SdpType::offer, offer);
  CHECK(code(build_offer(b.state, b.facts)) == Errc::invalid_state);
  CHECK(code(plan_local(b.state, SdpType::offer, offer)) == Errc::invalid_state);
  CHECK(code(plan_remote(b.state, SdpType::answer, offer)) == Errc::invalid_state);
  CHECK(code(plan_rollback(b.state, Side::local)) == Errc::invalid_state);

  const auto answer = b.answer();
  b.set_local(SdpType::pranswer, answer);
  CHECK(b.state.signaling == SignalingState::have_local_pranswer);
  CHECK(code(plan_remote(b.state, SdpType::offer, offer)) == Errc::invalid_state);
  CHECK(code(plan_rollback(b.state, Side::remote)) == Errc::invalid_state);

  a.set_local(SdpType::offer, offer);
  a.set_remote(SdpType::pranswer, answer);
  CHECK(a.state.signaling == SignalingState::have_remote_pranswer);
  CHECK(a.state.current_remote == nullptr);
  CHECK(code(plan_local(a.state, SdpType::answer, offer)) == Errc::invalid_state);
  CHECK(code(plan_rollback(a.state, Side::local)) == Errc::invalid_state);
  a.set_remote(SdpType::answer, answer);
  b.set_local(SdpType::answer, answer);
  CHECK(a.state.signaling == SignalingState::stable);
  CHECK(b.state.signaling == SignalingState::stable);
  CHECK(a.state.pending_local == nullptr);
  CHECK(a.state.current_remote != nullptr);
}

TEST_CASE("A provisional answer starts the transport and rejects nothing for good",
          "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  std::string provisional = replaced(answer, "m=video 9", "m=video 0");
  provisional = replaced(provisional, "BUNDLE 0 1", "BUNDLE 0");
  a.set_remote(SdpType::pranswer, provisional);
  CHECK(a.told<TransportNegotiated>().size() == 1);
  CHECK(a.told<TransceiverStopped>().empty());
  a.set_remote(SdpType::answer, answer);
  CHECK(a.told<TransportNegotiated>().empty());
  CHECK(a.told<MediaNegotiated>().size() == 1);
  CHECK(a[1].current_direction == Direction::sendonly);
}

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

TEST_CASE("The version of o= goes up with every description and a rolled back one counts",
          "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  const auto first = a.offer();
  a.set_local(SdpType::offer, first);
  a.rollback(Side::local);
  const auto second = a.offer();
  CHECK(second.origin.session_id == first.origin.session_id);
  CHECK(second.origin.session_version == first.origin.session_version + 1);
  negotiate(a, b);
  const auto third = a.offer();
  CHECK(third.origin.session_id == first.origin.session_id);
  CHECK(third.origin.session_version == first.origin.session_version + 2);
  CHECK(std::stoull(first.origin.session_id) < (1ULL << 63));
}

TEST_CASE("A re-offer repeats actpass and the roles stay", "[jsep][rfc8842]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  b.track(MediaKind::video);
  const auto offer = b.offer();
  CHECK(offer.media[0].transport.setup == sdp::Setup::actpass);
  b.set_local(SdpType::offer, offer);
  a.set_remote(SdpType::offer, offer);
  const auto answer = a.answer();
  CHECK(answer.media[0].transport.setup == sdp::Setup::passive);
  a.set_local(SdpType::answer, answer);
  b.set_remote(SdpType::answer, answer);
  CHECK(b.state.transport->dtls_role == DtlsRole::client);
  CHECK(a.told<TransportNegotiated>().empty());
  CHECK(b.told<TransportNegotiated>().empty());
  CHECK(a.state.transport->local_was_offerer);
}

TEST_CASE("A fixed role in an offer decides the role of the answer", "[jsep][rfc8842]") {
  const std::string offer = kHead + kOpus + kTransport;
  for (const auto& [offered, role] : {std::pair{"a=setup:active", DtlsRole::server},
                                      {"a=setup:passive", DtlsRole::client},
                                      {"a=x-none", DtlsRole::client}}) {
    CAPTURE(offered);
    Peer b(2);
    b.set_remote(SdpType::offer, replaced(offer, "a=setup:actpass", offered));
    b.set_local(SdpType::answer, b.answer());
    CHECK(b.state.transport->dtls_role == role);
  }
  Peer b(2);
  CHECK(b.remote_error(SdpType::offer, replaced(offer, "actpass", "holdconn")) ==
        "incompatible: a=setup:holdconn");
}

TEST_CASE("An answer that leaves the role open is refused", "[jsep][rfc8842]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  CHECK(a.remote_error(SdpType::answer, replaced(answer, "setup:active", "setup:actpass")) ==
        "invalid_argument: an answer with a=setup:actpass");
}

TEST_CASE("Credentials that change together restart ICE and one alone is an error",
          "[jsep][rfc8839]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  a.facts.ice_ufrag = "newufrag";
  a.facts.ice_pwd = "newpassword-newpassword";
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  const std::string text = sdp::to_string(offer);
  const std::string half = replaced_all(text, "newufrag", b.state.transport->remote_ufrag);
  CHECK(b.remote_error(SdpType::offer, half) ==
        "invalid_argument: ICE ufrag and password must change together");

  b.set_remote(SdpType::offer, offer);
  const auto stale = b.answer();
  CHECK(a.remote_error(SdpType::answer, sdp::to_string(stale)) ==
        "invalid_argument: the answer does not restart ICE as the offer did");
  b.facts.ice_ufrag = "otherufrag";
  b.facts.ice_pwd = "otherpassword-otherpassword";
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  a.set_remote(SdpType::answer, answer);
  for (const Peer* p : {&a, &b}) {
    const auto told = p->told<TransportNegotiated>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].ice_restart);
    CHECK_FALSE(told[0].dtls_restart);
  }
  CHECK(a.state.transport->remote_ufrag == "otherufrag");
}

TEST_CASE("An answer that restarts ICE unasked is refused", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  std::string answer = sdp::to_string(b.answer());
  answer = replaced_all(answer, b.facts.ice_ufrag, "surprise");
  answer = replaced_all(answer, b.facts.ice_pwd, "surprise-surprise-surprise");
  CHECK(a.remote_error(SdpType::answer, answer) ==
        "invalid_argument: the answer restarts ICE and the offer did not");
}

TEST_CASE("A new fingerprint needs an ICE restart and makes a new DTLS association",
          "[jsep][rfc8842]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  const std::string offer = sdp::to_string(a.offer());
  const std::string other = replaced_all(offer, "01:23:45", "FF:FF:FF");
  CHECK(b.remote_error(SdpType::offer, other) ==
        "invalid_argument: new DTLS fingerprint or tls-id without an ICE restart");
  std::string restarted = replaced_all(other, a.facts.ice_ufrag, "fresh-one");
  restarted = replaced_all(restarted, a.facts.ice_pwd, "fresh-fresh-fresh-fresh");
  b.set_remote(SdpType::offer, restarted);
  b.facts.ice_ufrag = "fresh-too";
  b.facts.ice_pwd = "fresh-fresh-fresh-fresh";
  b.set_local(SdpType::answer, b.answer());
  const auto told = b.told<TransportNegotiated>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].ice_restart);
  CHECK(told[0].dtls_restart);
}

TEST_CASE("Pion answers active whatever its role is and the living association keeps its own",
          "[jsep][interop]") {
  Peer a(1);
  Peer b(2);
  b.track(MediaKind::audio);
  negotiate(b, a);  // a is DTLS client
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  a.set_remote(SdpType::answer, replaced_all(answer, "setup:passive", "setup:active"));
  CHECK(a.state.transport->dtls_role == DtlsRole::client);
}

TEST_CASE("Rejected and stopped sections are recycled in order with new mids", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  a.track(MediaKind::video);
  negotiate(a, b);
  REQUIRE(stop(a.state, TransceiverId{1}));
  CHECK(negotiation_needed(a.state));
  const auto offer = a.offer();
  CHECK(offer.media[1].is_rejected());
  CHECK(offer.media[1].msids.empty());
  CHECK(offer.groups[0].mids == std::vector<Mid>{Mid{"0"}, Mid{"2"}});
  negotiate(a, b);
  CHECK(a.told<TransceiverStopped>().size() == 1);
  CHECK(a.state.transceivers.size() == 2);
  CHECK(b.state.transceivers.size() == 2);
  CHECK_FALSE(negotiation_needed(a.state));

  // The free line stays where it is until something needs it.
  CHECK(a.offer().media[1].is_rejected());
  add_transceiver(b.state, MediaKind::audio, {});
  add_transceiver(b.state, MediaKind::audio, {});
  const auto next = b.offer();
  REQUIRE(next.media.size() == 4);
  CHECK(next.media[0].kind == "audio");
  CHECK(next.media[1].kind == "audio");
  CHECK(next.media[1].mid == Mid{"3"});
  CHECK(next.media[3].mid == Mid{"4"});
  negotiate(b, a);
  CHECK(a.state.find(Mid{"3"}) != nullptr);
  CHECK(a.state.find(Mid{"3"})->section == 1);
}

TEST_CASE("The tag moves on when the tagged section ends", "[jsep][rfc9143]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  REQUIRE(stop(a.state, TransceiverId{0}));
  const auto offer = a.offer();
  CHECK(offer.media[0].is_rejected());
  CHECK(offer.groups[0].mids == std::vector<Mid>{Mid{"1"}});
  CHECK(offer.media[1].candidates == a.facts.candidates);
  negotiate(a, b);
  CHECK(a.state.transport->mid == Mid{"1"});
  CHECK(b.state.transport->mid == Mid{"1"});
  const auto told = a.told<TransportNegotiated>();
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].ice_restart);
  CHECK_FALSE(told[0].dtls_restart);
}

TEST_CASE("A stopped tagged section is answered inactive and rejected by the next offer",
          "[jsep][rfc9143]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  const Transceiver* audio = b.state.find(Mid{"0"});
  REQUIRE(stop(b.state, audio->id));
  negotiate(a, b);
  CHECK(a[0].current_direction == Direction::inactive);
  CHECK(negotiation_needed(b.state));
  negotiate(b, a);
  CHECK(a.state.find(TransceiverId{0}) == nullptr);
  CHECK_FALSE(negotiation_needed(b.state));
}

TEST_CASE("Once bundled a section keeps port 9 in later offers", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  a.track(MediaKind::audio, "new");
  const auto d = a.offer();
  CHECK(d.media[1].port == 9);
  CHECK_FALSE(d.media[1].bundle_only);
  CHECK(d.media[2].port == 0);
  CHECK(d.media[2].bundle_only);
}

TEST_CASE("Sections outside the bundle are rejected and with them nothing else",
          "[jsep][rfc9429]") {
  Peer b(2);
  const auto section = [](std::string media, const std::string& mid) {
    return media + kTransport + "a=mid:" + mid + "\r\n";
  };
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE a v\r\n" + section(kOpus, "a") +
                                   section(kVp8, "x") + section(kVp8, "v"));
  const auto answer = b.answer();
  CHECK_FALSE(answer.media[0].is_rejected());
  CHECK(answer.media[1].is_rejected());
  CHECK_FALSE(answer.media[2].is_rejected());
  CHECK(answer.groups[0].mids == std::vector<Mid>{Mid{"a"}, Mid{"v"}});
  b.set_local(SdpType::answer, answer);
  CHECK(b.told<TransceiverStopped>().size() == 1);
  CHECK(b.state.find(Mid{"x"}) == nullptr);
}

TEST_CASE("Without bundle the first section that works is taken alone", "[jsep][rfc9429]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "m=audio 9 RTP/SAVPF 8\r\n" + kTransport + kOpus +
                                   kTransport + kVp8 + kTransport);
  const auto answer = b.answer();
  CHECK(answer.media[0].is_rejected());
  CHECK_FALSE(answer.media[1].is_rejected());
  CHECK(answer.media[2].is_rejected());
  CHECK(answer.groups.empty());
  CHECK_FALSE(answer.media[1].mid);
  b.set_local(SdpType::answer, answer);
  CHECK(b.state.transceivers.size() == 1);
  CHECK(b.state.transport->mid == *b.state.transceivers[0].mid);
}

TEST_CASE("The tag moves to the next section with an address when the first is rejected",
          "[jsep][rfc9143]") {
  const std::string g711 = "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=mid:0\r\n" + kTransport;
  const std::string head = kHead + "a=group:BUNDLE 0 1 2\r\n";
  const std::string second = replaced_all(kTransport, "peer", "seco");
  Peer b(2);
  b.set_remote(SdpType::offer,
               head + g711 + kVp8 + second + "a=mid:1\r\n" + kData + kTransport + "a=mid:2\r\n");
  const auto answer = b.answer();
  CHECK(answer.media[0].is_rejected());
  CHECK(answer.groups[0].mids == std::vector<Mid>{Mid{"1"}, Mid{"2"}});
  b.set_local(SdpType::answer, answer);
  CHECK(b.state.transport->remote_ufrag == "seco");
  CHECK(b.state.transport->mid == Mid{"1"});

  // With only bundle-only sections left there is no address and so no group.
  Peer c(3);
  const std::string bundle_only =
      replaced(kVp8, "m=video 9", "m=video 0") + "a=bundle-only\r\na=mid:1\r\n" + second;
  c.set_remote(SdpType::offer, head + g711 + bundle_only);
  const auto refused = c.answer();
  CHECK(refused.media[0].is_rejected());
  CHECK(refused.media[1].is_rejected());
  CHECK(refused.groups.empty());
  c.set_local(SdpType::answer, refused);
  CHECK_FALSE(c.state.transport);
}

TEST_CASE("An answer outside the bundle cannot be used unless it is a single section",
          "[jsep][rfc9143]") {
  Config config = default_config();
  config.bundle_style = BundleStyle::shared_port;
  Peer a(1, config);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  const std::string unbundled = replaced(answer, "a=group:BUNDLE 0 1\r\n", "");
  CHECK(a.remote_error(SdpType::answer, unbundled) ==
        "incompatible: several sections are accepted outside a bundle");
  CHECK(a.remote_error(SdpType::answer, replaced(answer, "BUNDLE 0 1", "BUNDLE 0")) ==
        "incompatible: m= line 2 is accepted outside the bundle");
  a.set_remote(SdpType::answer, replaced(unbundled, "m=video 9", "m=video 0"));
  CHECK(a.state.transport->mid == Mid{"0"});
  CHECK(a.told<TransceiverStopped>().size() == 1);
}

TEST_CASE("An answer must have the offer's sections", "[jsep][rfc3264]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  a.state.transceivers[0].direction = Direction::inactive;
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const auto good = b.answer();
  const auto error = [&](auto change) {
    auto d = good;
    change(d);
    return a.remote_error(SdpType::answer, sdp::to_string(d));
  };
  CHECK(error([](auto& d) { d.media.pop_back(); }) ==
        "invalid_argument: answer with another number of m= lines than the offer");
  CHECK(error([](auto& d) { std::swap(d.media[0], d.media[1]); }) ==
        "invalid_argument: m= line 1 is of another kind than offered");
  CHECK(error([](auto& d) { d.media[1].mid = Mid{"9"}; }) ==
        "invalid_argument: m= line 2 has another mid than offered");
  CHECK(error([](auto& d) { d.media[1].mid = Mid{"0"}; }) == "invalid_argument: mid twice: 0");
  CHECK(error([](auto& d) { d.media[0].transport = {}; }) ==
        "incompatible: section without ICE credentials");
  CHECK(error([](auto& d) { d.media[0].transport.fingerprints.clear(); }) ==
        "incompatible: section without a DTLS fingerprint");
  CHECK(error([](auto& d) { d.media[0].rtcp_mux = d.media[1].rtcp_mux = false; }) ==
        "incompatible: the peer does not multiplex RTCP");
  CHECK(error([](auto& d) { d.media[1].formats[0].name = "VP9"; }) ==
        "incompatible: m= line 2 has no common codec");
  CHECK(error([](auto&) {}) == "");
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

TEST_CASE("Options of ICE are answered only when they were offered", "[jsep][rfc9429]") {
  Peer b(2);
  b.facts.ice_options = {"trickle", "ice2"};
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport + "a=ice-options:trickle goog-x\r\n");
  CHECK(b.answer().media[0].transport.ice_options == std::vector<std::string>{"trickle"});
  Peer c(3);
  c.set_remote(SdpType::offer, kHead + kOpus + kTransport);
  CHECK(c.answer().media[0].transport.ice_options.empty());
}

TEST_CASE("An ICE lite peer is told as such", "[jsep][rfc8839]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "a=ice-lite\r\n" + kOpus + kTransport);
  b.set_local(SdpType::answer, b.answer());
  CHECK(b.state.transport->remote_ice_lite);
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

TEST_CASE("Data sections agree on ports and message sizes", "[jsep][rfc8841]") {
  const auto agreed = [](const std::string& lines) {
    Peer b(2);
    b.set_remote(SdpType::offer, kHead + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" +
                                     lines + kTransport);
    b.set_local(SdpType::answer, b.answer());
    REQUIRE(b.told<DataNegotiated>().size() == 1);
    return *b.state.data.negotiated;
  };
  CHECK(agreed("a=sctp-port:5001\r\n").remote_port == 5001);
  CHECK(agreed("a=sctp-port:5001\r\n").local_port == 5000);
  CHECK(agreed("").max_message_size == 65'536);
  CHECK(agreed("a=max-message-size:0\r\n").max_message_size == sdp::kUnlimitedMessageSize);
  CHECK(agreed("a=max-message-size:1000\r\n").max_message_size == 1000);
}

TEST_CASE("A session without data channels rejects data sections", "[jsep][rfc8841]") {
  Config config = default_config();
  config.data_channels = false;
  Peer a(1);
  Peer b(2, config);
  a.track(MediaKind::audio);
  REQUIRE(want_data(a.state));
  CHECK_FALSE(want_data(b.state));
  negotiate(a, b);
  CHECK(b.state.current_local->media[1].is_rejected());
  CHECK(a.told<DataRejected>().size() == 1);
  CHECK_FALSE(a.state.data.section);
  CHECK_FALSE(a.state.data.negotiated);
  CHECK_FALSE(negotiation_needed(a.state));
}

TEST_CASE("Only the first data section is taken", "[jsep][rfc8841]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE 0 1\r\n" + kData + kTransport +
                                   "a=mid:0\r\n" + kData + kTransport + "a=mid:1\r\n");
  const auto answer = b.answer();
  CHECK_FALSE(answer.media[0].is_rejected());
  CHECK(answer.media[1].is_rejected());
}

TEST_CASE("Trickled candidates show in the descriptions and wait for the answer",
          "[jsep][rfc8838]") {
  Peer a(1);
  Peer b(2);
  a.facts.candidates.clear();
  a.track(MediaKind::audio);
  const std::string line = "candidate:9 1 udp 1 192.0.2.9 9 typ host";
  const auto add = [](Peer& p, std::string_view text, const char* mid,
                      std::string_view ufrag = {}) {
    return add_remote_candidate(p.state, text, Mid{mid}, std::nullopt, ufrag);
  };
  CHECK(add(b, line, "0").error().code == Errc::invalid_state);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  add_local_candidate(a.state, line);
  CHECK(a.state.pending_local->media[0].candidates == std::vector<std::string>{line});
  end_local_candidates(a.state);
  CHECK(a.state.pending_local->media[0].end_of_candidates);

  b.set_remote(SdpType::offer, offer);
  CHECK(*add(b, "a=" + line + "\r\n", "0") == CandidateDelivery::later);
  CHECK(*add(b, line, "0", a.facts.ice_ufrag) == CandidateDelivery::later);
  CHECK(add(b, line, "5").error().code == Errc::not_found);
  CHECK(add(b, line, "0", "otherone").error().code == Errc::not_found);
  CHECK(add(b, line + "\r\na=x", "0").error().code == Errc::invalid_argument);
  CHECK(b.state.pending_remote->media[0].candidates == std::vector<std::string>{line});
  b.set_local(SdpType::answer, b.answer());
  const auto told = b.told<RemoteCandidates>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].lines == std::vector<std::string>{line});
  CHECK_FALSE(told[0].end_of_candidates);

  CHECK(*add_remote_candidate(b.state, line, Mid{""}, 0) == CandidateDelivery::now);
  CHECK(*add(b, "", "0") == CandidateDelivery::now);
  CHECK(b.state.current_remote->media[0].end_of_candidates);
}

TEST_CASE("Candidates of the peer are bounded", "[jsep][limits]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport);
  for (std::size_t i = 0; i < kMaxRemoteCandidates; ++i) {
    REQUIRE(add_remote_candidate(b.state, "candidate:" + std::to_string(i), std::nullopt, 0));
  }
  CHECK(add_remote_candidate(b.state, "candidate:x", std::nullopt, 0).error().code ==
        Errc::too_large);
}
