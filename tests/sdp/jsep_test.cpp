// The signaling state machine and whole exchanges (RFC 9429 section 3.2).
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
