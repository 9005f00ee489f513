// Transceivers: association with sections, tracks, negotiation-needed, rollback.
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("A remote section takes the first addTrack transceiver of its kind", "[jsep][rfc9429]") {
  Peer b(2);
  add_transceiver(b.state, MediaKind::video, {});
  const auto audio = b.track(MediaKind::audio);
  const auto video = b.track(MediaKind::video);
  CHECK(video == TransceiverId{0});  // addTrack reused the sender without a track
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE a v w\r\n" + kOpus + kTransport +
                                   "a=mid:a\r\n" + kVp8 + kTransport + "a=mid:v\r\n" + kVp8 +
                                   kTransport + "a=mid:w\r\n");
  CHECK(b.state.find(Mid{"a"})->id == audio);
  CHECK(b.state.find(Mid{"v"})->id == video);
  const Transceiver* made = b.state.find(Mid{"w"});
  CHECK(made->created_by_remote);
  CHECK(made->direction == Direction::recvonly);
  CHECK(b.told<TransceiverAdded>().size() == 1);
}

TEST_CASE("A transceiver of addTransceiver is never taken by a remote section", "[jsep][rfc9429]") {
  Peer b(2);
  TransceiverInit init;
  init.track_id = "camera";
  const auto own = add_transceiver(b.state, MediaKind::video, init);
  b.set_remote(SdpType::offer, kHead + kVp8 + kTransport);
  CHECK_FALSE(b[own.value()].mid);
  CHECK(b.state.transceivers.size() == 2);
  b.set_local(SdpType::answer, b.answer());
  CHECK(negotiation_needed(b.state));
}

TEST_CASE("A section that only sends does not take a transceiver that wants to send",
          "[jsep][rfc9429]") {
  Peer b(2);
  b.track(MediaKind::video);
  b.set_remote(SdpType::offer, kHead + kVp8 + kTransport + "a=sendonly\r\n");
  CHECK_FALSE(b[0].mid);
  CHECK(b[1].current_direction == std::nullopt);
  CHECK(b.told<TrackAdded>().size() == 1);
}

TEST_CASE("Directions of the answer mirror the offer and respect the transceiver",
          "[jsep][rfc3264]") {
  using D = Direction;
  struct Case {
    const char* offered;
    D wished;
    D answered;
  };
  for (const Case& c :
       {Case{"sendrecv", D::sendrecv, D::sendrecv}, Case{"sendrecv", D::recvonly, D::recvonly},
        Case{"sendrecv", D::sendonly, D::sendonly}, Case{"sendonly", D::sendrecv, D::recvonly},
        Case{"recvonly", D::sendrecv, D::sendonly}, Case{"recvonly", D::recvonly, D::inactive},
        Case{"inactive", D::sendrecv, D::inactive}}) {
    CAPTURE(c.offered);
    Peer b(2);
    b.set_remote(SdpType::offer, kHead + kOpus + kTransport + "a=" + c.offered + "\r\n");
    REQUIRE(set_direction(b.state, TransceiverId{0}, c.wished));
    const auto answer = b.answer();
    CHECK(answer.media[0].direction == c.answered);
    CHECK(answer.media[0].msids.empty() == !sends(c.answered));
    b.set_local(SdpType::answer, answer);
    CHECK(b[0].current_direction == c.answered);
    CHECK(b.state.transport);  // an inactive section still has its transport
  }
}

TEST_CASE("Tracks of the peer come go and move between streams", "[jsep][w3c]") {
  Peer a(1);
  Peer b(2);
  const auto id = a.track(MediaKind::audio, "one");
  negotiate(a, b);
  REQUIRE(b[0].receiving);
  CHECK(b[0].remote_stream_ids == std::vector<std::string>{"one"});
  CHECK(b[0].remote_track_id == "track0");

  REQUIRE(set_streams(a.state, id, {"two", "three"}));
  CHECK(negotiation_needed(a.state));
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const auto moved = b.told<TrackStreamsChanged>();
  REQUIRE(moved.size() == 1);
  CHECK(moved[0].added == std::vector<std::string>{"three", "two"});
  CHECK(moved[0].removed == std::vector<std::string>{"one"});
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  a.set_remote(SdpType::answer, answer);

  REQUIRE(remove_track(a.state, id));
  CHECK(a[0].direction == Direction::recvonly);
  CHECK(negotiation_needed(a.state));
  const auto without = a.offer();
  a.set_local(SdpType::offer, without);
  b.set_remote(SdpType::offer, without);
  REQUIRE(b.told<TrackRemoved>().size() == 1);
  CHECK(b.told<TrackRemoved>()[0].stream_ids == std::vector<std::string>{"three", "two"});
  CHECK_FALSE(b[0].receiving);
}

TEST_CASE("addTrack reuses a sender that never sent and makes a new one after it did",
          "[jsep][w3c]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  CHECK(b.track(MediaKind::audio) == TransceiverId{0});
  CHECK(b[0].direction == Direction::sendrecv);
  CHECK(negotiation_needed(b.state));
  negotiate(b, a);
  CHECK(a[0].current_direction == Direction::sendrecv);
  REQUIRE(remove_track(b.state, TransceiverId{0}));
  CHECK(b.track(MediaKind::audio) == TransceiverId{1});
}

TEST_CASE("Negotiation is needed exactly when an offer would change something", "[jsep][w3c]") {
  Peer a(1);
  Peer b(2);
  CHECK_FALSE(negotiation_needed(a.state));
  a.track(MediaKind::audio);
  CHECK(negotiation_needed(a.state));
  negotiate(a, b);
  CHECK_FALSE(negotiation_needed(a.state));
  CHECK_FALSE(negotiation_needed(b.state));

  // The answerer wants more than the offer let it have.
  REQUIRE(set_direction(b.state, TransceiverId{0}, Direction::sendrecv));
  CHECK(negotiation_needed(b.state));
  REQUIRE(set_direction(b.state, TransceiverId{0}, Direction::recvonly));
  CHECK_FALSE(negotiation_needed(b.state));

  // The offerer asked for sendrecv and got sendonly: asking again would change nothing.
  CHECK(a[0].direction == Direction::sendrecv);
  CHECK(a[0].current_direction == Direction::sendonly);
  CHECK_FALSE(negotiation_needed(a.state));
  REQUIRE(set_direction(a.state, TransceiverId{0}, Direction::inactive));
  CHECK(negotiation_needed(a.state));
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  CHECK_FALSE(negotiation_needed(a.state));
  a.rollback(Side::local);
  CHECK(negotiation_needed(a.state));
  negotiate(a, b);
  CHECK_FALSE(negotiation_needed(a.state));
  REQUIRE(want_data(b.state));
  CHECK(negotiation_needed(b.state));
}

TEST_CASE("Functions of the application refuse what is not there", "[jsep][w3c]") {
  Peer a(1);
  const TransceiverId none{5};
  CHECK(remove_track(a.state, none).error().code == Errc::not_found);
  CHECK(set_streams(a.state, none, {"s"}).error().code == Errc::not_found);
  CHECK(set_direction(a.state, none, Direction::sendonly).error().code == Errc::not_found);
  CHECK(set_codec_preferences(a.state, none, {}).error().code == Errc::not_found);
  CHECK(stop(a.state, none).error().code == Errc::not_found);
  const auto id = a.track(MediaKind::audio);
  CodecCapability speex;
  speex.name = "speex";
  CHECK(set_codec_preferences(a.state, id, {speex}).error().code == Errc::invalid_argument);
  CHECK(set_codec_preferences(a.state, id, {default_codecs()[1]}).error().code ==
        Errc::invalid_argument);
  a.set_local(SdpType::offer, a.offer());
  REQUIRE(stop(a.state, id));
  CHECK(set_direction(a.state, id, Direction::sendonly).error().code == Errc::invalid_state);
}

TEST_CASE("A transceiver without a section leaves at once when it is stopped", "[jsep][w3c]") {
  Peer a(1);
  const auto id = a.track(MediaKind::audio);
  REQUIRE(stop(a.state, id));
  CHECK(a.state.transceivers.empty());
  CHECK_FALSE(negotiation_needed(a.state));
}

TEST_CASE("Streams of one session never share an SSRC", "[jsep]") {
  Peer a(1);
  std::vector<std::uint32_t> all;
  for (int i = 0; i < 200; ++i) {
    const auto& t = a[add_transceiver(a.state, MediaKind::video, {}).value()];
    all.push_back(t.ssrc.value());
    all.push_back(t.rtx_ssrc.value());
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("Rolling back our offer frees what it took", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  REQUIRE(want_data(a.state));
  a.set_local(SdpType::offer, a.offer());
  REQUIRE(a[0].mid);
  a.rollback(Side::local);
  CHECK_FALSE(a[0].mid);
  CHECK_FALSE(a[0].section);
  CHECK_FALSE(a.state.data.section);
  CHECK(a.state.data.wanted);
  CHECK(a.state.pending_local == nullptr);
  CHECK(std::get<SignalingStateChanged>(a.changes[0]).to == SignalingState::stable);
  CHECK_FALSE(a.told<TransceiverAssociated>().at(0).mid);
  negotiate(a, b);
  CHECK(a[0].mid == Mid{"0"});
}

TEST_CASE("Rolling back a remote offer removes its transceivers", "[jsep][rfc9429]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport);
  CHECK(b.state.transceivers.size() == 1);
  b.rollback(Side::remote);
  CHECK(b.state.transceivers.empty());
  CHECK(b.told<TrackRemoved>().size() == 1);
  CHECK(b.told<TransceiverRemoved>().size() == 1);
  CHECK_FALSE(b.state.description(Side::remote));
}

TEST_CASE("A remotely created transceiver that addTrack took stays after the rollback",
          "[jsep][rfc9429]") {
  Peer b(2);
  Peer a(1);
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport);
  CHECK(b.track(MediaKind::audio) == TransceiverId{0});
  b.rollback(Side::remote);
  CHECK(b.told<TransceiverRemoved>().empty());
  CHECK_FALSE(b[0].mid);
  CHECK(b[0].direction == Direction::sendrecv);
  CHECK(b.offer().media.size() == 1);
  negotiate(b, a);
  CHECK(b[0].current_direction == Direction::sendonly);
}

TEST_CASE("Rollback of a re-offer puts directions tracks and transport back", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  const State before = b.state;
  REQUIRE(set_direction(a.state, TransceiverId{0}, Direction::inactive));
  a.track(MediaKind::video);
  b.set_remote(SdpType::offer, a.offer());
  CHECK_FALSE(b[0].receiving);
  CHECK(b.state.transceivers.size() == 2);
  b.rollback(Side::remote);
  CHECK(b[0].receiving);
  CHECK(b.told<TrackAdded>().size() == 1);
  CHECK(b[0].current_direction == Direction::recvonly);
  CHECK(b.state.transceivers.size() == 1);
  CHECK(b.state.transport == before.transport);
  CHECK(b.state.current_remote == before.current_remote);
  CHECK(b.state.next_mid == before.next_mid);
}

TEST_CASE("An offer that meets ours rolls ours back first", "[jsep][w3c]") {
  Peer polite(1);
  Peer impolite(2);
  polite.track(MediaKind::audio);
  impolite.track(MediaKind::video);
  polite.set_local(SdpType::offer, polite.offer());
  const auto offer = impolite.offer();
  impolite.set_local(SdpType::offer, offer);
  polite.set_remote(SdpType::offer, offer);
  const auto states = polite.told<SignalingStateChanged>();
  REQUIRE(states.size() == 2);
  CHECK(states[0].to == SignalingState::stable);
  CHECK(states[1].to == SignalingState::have_remote_offer);
  CHECK(polite.state.pending_local == nullptr);
  CHECK_FALSE(polite[0].mid);
  const auto answer = polite.answer();
  polite.set_local(SdpType::answer, answer);
  impolite.set_remote(SdpType::answer, answer);
  CHECK(negotiation_needed(polite.state));
  negotiate(polite, impolite);
  CHECK(polite[0].current_direction == Direction::sendonly);
  CHECK_FALSE(polite.state.transport->local_was_offerer);
}

TEST_CASE("A new offer takes the place of the pending one on either side", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  const auto first = a.offer();
  a.set_local(SdpType::offer, first);
  b.set_remote(SdpType::offer, first);
  a.track(MediaKind::video);
  const auto second = a.offer();
  CHECK(second.media[0].mid == first.media[0].mid);
  CHECK(second.media.size() == 2);
  a.set_local(SdpType::offer, second);
  b.set_remote(SdpType::offer, second);
  CHECK(b.told<SignalingStateChanged>().empty());
  CHECK(b.state.transceivers.size() == 2);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  a.set_remote(SdpType::answer, answer);
  CHECK(a[1].current_direction == Direction::sendonly);
}

TEST_CASE("A transceiver that was stopped while its first offer was pending ends with the rollback",
          "[jsep][rfc9429]") {
  Peer a(1);
  const auto id = a.track(MediaKind::audio);
  a.set_local(SdpType::offer, a.offer());
  REQUIRE(stop(a.state, id));
  CHECK(a.state.transceivers.size() == 1);
  a.rollback(Side::local);
  CHECK(a.state.transceivers.empty());
  CHECK(a.told<TransceiverStopped>().size() == 1);
  CHECK_FALSE(negotiation_needed(a.state));
}
