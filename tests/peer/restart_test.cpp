// ICE restarts of live calls: media go on, DTLS does not notice.
#include "peer/call_scene.hpp"

using namespace parley;
using parley::test::CallScene;
using parley::test::Side;

namespace {

std::string ufrag_of(const SessionDescription& description) {
  const std::string& sdp = description.sdp;
  const auto at = sdp.find("a=ice-ufrag:");
  REQUIRE(at != std::string::npos);
  return sdp.substr(at + 12, sdp.find("\r\n", at) - at - 12);
}

std::string local_ufrag(const Side& side) {
  const auto description = side.pc->local_description();
  REQUIRE(description);
  return ufrag_of(*description);
}

// What a second handshake would change.
std::string srtp_association(const Side& side) {
  const auto report = side.pc->get_stats();
  const auto* transport = report.first("transport");
  REQUIRE(transport != nullptr);
  return std::string{transport->text("dtlsState").value_or("")} +
         std::string{transport->text("dtlsRole").value_or("")} +
         std::string{transport->text("remoteCertificateId").value_or("")};
}

// Media for `span` in both directions; every picture that was sent must be shown, nothing invented.
void check_media_flows(CallScene& call, Duration span) {
  const int a_sent = call.a.frames_sent, b_sent = call.b.frames_sent;
  const int a_shown = call.a.frames_shown, b_shown = call.b.frames_shown;
  call.run_media(span);
  call.run_for(300ms);
  CHECK(call.a.frames_shown - a_shown >= call.b.frames_sent - b_sent - 1);
  CHECK(call.b.frames_shown - b_shown >= call.a.frames_sent - a_sent - 1);
  CHECK(call.a.frames_sent - a_sent > 20);
}

}  // namespace

TEST_CASE("an ICE restart on a live call loses no picture and no sound", "[peer][rfc8445]") {
  for (const bool a_restarts : {true, false}) {
    CallScene call{{}};
    call.start();
    REQUIRE(call.run_until_connected());
    call.run_media(1s);
    Side& offerer = a_restarts ? call.a : call.b;
    Side& answerer = a_restarts ? call.b : call.a;
    const std::string before_a = local_ufrag(call.a), before_b = local_ufrag(call.b);
    const std::string association = srtp_association(call.a);
    const int needed = offerer.negotiation_needed;
    offerer.pc->restart_ice();
    call.run_for(1ms);
    CHECK(offerer.negotiation_needed == needed + 1);
    call.negotiate(offerer, answerer);
    check_media_flows(call, 2s);
    CHECK(local_ufrag(call.a) != before_a);
    CHECK(local_ufrag(call.b) != before_b);
    CHECK(srtp_association(call.a) == association);
    for (const Side* side : {&call.a, &call.b}) {
      CHECK(side->outcomes.count(PlayoutOutcome::concealed) == 0);
      CHECK(side->states == std::vector{ConnectionState::connecting, ConnectionState::connected});
      const auto report = side->pc->get_stats();
      const auto* transport = report.first("transport");
      CHECK(transport->number("selectedCandidatePairChanges") >= 2);
      CHECK(transport->text("iceLocalUsernameFragment") == local_ufrag(*side));
      const auto* remote = report.first("remote-candidate");
      REQUIRE(remote != nullptr);
      CHECK(remote->text("usernameFragment") == ufrag_of(*side->pc->remote_description()));
      CHECK(report.find(std::string{transport->text("selectedCandidatePairId").value_or("")}) !=
            nullptr);
    }
    CHECK(offerer.negotiation_needed == needed + 1);  // and not wished any more
  }
}

TEST_CASE("an offer restarts ICE when its option says so", "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const std::string before = local_ufrag(call.a);
  const auto plain = call.a.pc->create_offer();
  const auto restarting = call.a.pc->create_offer({.ice_restart = true});
  REQUIRE(plain);
  REQUIRE(restarting);
  CHECK(ufrag_of(*plain) == before);
  CHECK(ufrag_of(*restarting) != before);
  // Which one is set decides.
  REQUIRE(call.a.pc->set_local_description(*plain));
  CHECK_FALSE(call.a.pc->set_local_description(*restarting));
  const auto again = call.a.pc->create_offer({.ice_restart = true});
  REQUIRE(again);
  REQUIRE(call.a.pc->set_local_description(*again));
  REQUIRE(call.b.pc->set_remote_description(*again));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  call.run_for(1s);
  CHECK(local_ufrag(call.a) == ufrag_of(*again));
  CHECK(call.a.pc->connection_state() == ConnectionState::connected);
}

TEST_CASE("before the first negotiation there is nothing to restart", "[peer][w3c]") {
  CallScene call{{}};
  call.a.pc->restart_ice();
  call.run_for(1ms);
  CHECK(call.a.negotiation_needed == 0);
  call.a.audio.push_back(*call.a.pc->add_transceiver(MediaKind::audio));
  REQUIRE(call.a.pc->create_offer({.ice_restart = true}));
  call.negotiate(call.a, call.b);
  REQUIRE(call.run_until_connected());
  CHECK(call.a.negotiation_needed == 1);
}

TEST_CASE("a restart wished while the first offer is pending follows it", "[peer][w3c]") {
  CallScene call{{}};
  call.start();
  const std::string first = local_ufrag(call.a);
  call.a.pc->restart_ice();
  REQUIRE(call.run_until_connected());
  CHECK(call.a.negotiation_needed >= 1);
  call.negotiate(call.a, call.b);
  call.run_for(1s);
  CHECK(local_ufrag(call.a) != first);
  check_media_flows(call, 1s);
}

TEST_CASE("rolling a restart back keeps the old path and the wish", "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const std::string before = local_ufrag(call.a);
  call.a.pc->restart_ice();
  call.run_for(1ms);
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  CHECK(ufrag_of(*offer) != before);
  call.run_for(100ms);  // candidates of the new generation are out
  REQUIRE(call.a.pc->rollback());
  CHECK(local_ufrag(call.a) == before);
  call.run_for(1ms);
  CHECK(call.a.pc->ice_gathering_state() == IceGatheringState::complete);
  const auto next = call.a.pc->create_offer();
  REQUIRE(next);
  CHECK(ufrag_of(*next) != before);
  CHECK(ufrag_of(*next) != ufrag_of(*offer));
  check_media_flows(call, 1s);
  call.negotiate(call.a, call.b);
  call.run_for(500ms);
  CHECK(local_ufrag(call.a) != before);
  check_media_flows(call, 1s);
}

TEST_CASE("rolling the peer's restart back keeps the old path", "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const std::string before = local_ufrag(call.b);
  const auto offer = call.a.pc->create_offer({.ice_restart = true});
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  const auto answer = call.b.pc->create_answer();
  REQUIRE(answer);
  CHECK(ufrag_of(*answer) != before);
  REQUIRE(call.b.pc->rollback());
  CHECK(local_ufrag(call.b) == before);
  check_media_flows(call, 1s);
}

TEST_CASE("two restarts that meet are resolved by perfect negotiation", "[peer][w3c]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const std::string before_a = local_ufrag(call.a), before_b = local_ufrag(call.b);
  call.a.pc->restart_ice();
  call.b.pc->restart_ice();
  const auto from_a = call.a.pc->set_local_description();
  const auto from_b = call.b.pc->set_local_description();
  REQUIRE(from_a);
  REQUIRE(from_b);
  const int needed = call.b.negotiation_needed;
  // b is polite.
  REQUIRE(call.b.pc->set_remote_description(*from_a));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  check_media_flows(call, 2s);
  CHECK(local_ufrag(call.a) == ufrag_of(*from_a));
  CHECK(local_ufrag(call.b) != before_b);
  CHECK(local_ufrag(call.a) != before_a);
  // The answer replaced the credentials of b: its wish came true.
  CHECK(call.b.negotiation_needed <= needed + 1);
  const auto next = call.b.pc->create_offer();
  REQUIRE(next);
  CHECK(ufrag_of(*next) == local_ufrag(call.b));
}

TEST_CASE("a restart that meets an ordinary offer waits for its turn", "[peer][w3c]") {
  CallScene call{{.video = false}};
  call.start();
  REQUIRE(call.run_until_connected());
  const std::string before = local_ufrag(call.b);
  call.b.pc->restart_ice();
  REQUIRE(call.b.pc->set_local_description());
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video));
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(*offer));  // rolls the restart back
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  CHECK(ufrag_of(*answer) == before);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  call.run_for(1ms);
  CHECK(call.b.negotiation_needed >= 1);
  call.negotiate(call.b, call.a);
  call.run_for(500ms);
  CHECK(local_ufrag(call.b) != before);
  CHECK(call.b.pc->connection_state() == ConnectionState::connected);
}

TEST_CASE("a restart brings a failed call back without a new handshake", "[peer][rfc7675]") {
  for (const bool a_restarts : {true, false}) {
    CallScene call{{.link = {.delay = 20ms}}};
    call.start();
    REQUIRE(call.run_until_connected());
    call.run_media(1s);
    const std::string association = srtp_association(call.a);
    call.set_link({.loss = 1.0});
    call.run_for(60s);
    REQUIRE(call.a.pc->connection_state() == ConnectionState::failed);
    REQUIRE(call.b.pc->connection_state() == ConnectionState::failed);
    CHECK(call.a.pc->failure_reason() == "ICE: consent expired");
    call.set_link({.delay = 20ms});
    Side& offerer = a_restarts ? call.a : call.b;
    Side& answerer = a_restarts ? call.b : call.a;
    offerer.pc->restart_ice();
    call.negotiate(offerer, answerer);
    REQUIRE(call.run_until_connected(5s));
    CHECK(call.a.pc->failure_reason().empty());
    CHECK(srtp_association(call.a) == association);
    CHECK(call.a.states == std::vector{ConnectionState::connecting, ConnectionState::connected,
                                       ConnectionState::disconnected, ConnectionState::failed,
                                       ConnectionState::connecting, ConnectionState::connected});
    call.run_media(1s);  // decoders find a key frame again
    check_media_flows(call, 2s);
  }
}

TEST_CASE("a host that moved to another network restarts and the call goes on", "[peer][rfc8445]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(1s);
  call.a.host->add_address(IpAddress::v4(10, 1, 0, 1));
  call.a.host->remove_address(IpAddress::v4(10, 0, 0, 1));
  call.run_for(2s);
  call.a.pc->restart_ice();
  call.negotiate(call.a, call.b);
  call.run_for(1s);
  CHECK(call.a.pc->connection_state() == ConnectionState::connected);
  call.run_media(1s);
  check_media_flows(call, 2s);
  const auto report = call.b.pc->get_stats();
  const auto* transport = report.first("transport");
  const auto* pair =
      report.find(std::string{transport->text("selectedCandidatePairId").value_or("")});
  REQUIRE(pair != nullptr);
  const auto* remote = report.find(std::string{pair->text("remoteCandidateId").value_or("")});
  REQUIRE(remote != nullptr);
  CHECK(remote->text("address") == "10.1.0.1");
}

TEST_CASE("a restart that is never answered costs nothing", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.a.pc->restart_ice();
  REQUIRE(call.a.pc->set_local_description());
  call.run_for(60s);
  CHECK(call.a.pc->connection_state() == ConnectionState::connected);
  check_media_flows(call, 1s);
}

TEST_CASE("a restart to a peer that is gone fails when the old path does and says why", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.a.pc->restart_ice();
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  call.set_link({.loss = 1.0});
  REQUIRE(call.a.pc->set_remote_description(*answer));
  call.run_for(90s);
  CHECK(call.a.pc->connection_state() == ConnectionState::failed);
  CHECK(call.a.pc->failure_reason() == "ICE: checks failed");
}

TEST_CASE("candidates of another generation are refused by their user fragment",
          "[peer][rfc8838]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const std::string old = local_ufrag(call.b);
  call.a.pc->restart_ice();
  call.negotiate(call.a, call.b);
  call.run_for(500ms);
  IceCandidate stale{.candidate = "candidate:9 1 udp 2130706431 10.0.0.99 9 typ host",
                     .sdp_m_line_index = 0,
                     .username_fragment = old};
  CHECK(call.a.pc->add_ice_candidate(stale).error().code == Errc::not_found);
  stale.username_fragment.clear();
  stale.candidate += " ufrag " + old;
  CHECK(call.a.pc->add_ice_candidate(stale).error().code == Errc::not_found);
  for (const auto& object : call.a.pc->get_stats().objects) {
    CHECK(object.text("address") != "10.0.0.99");
  }
}

TEST_CASE("credentials that were not given are refused and change nothing", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  auto offer = call.a.pc->create_offer();
  REQUIRE(offer);
  const std::string ufrag = ufrag_of(*offer);
  for (auto at = offer->sdp.find(ufrag); at != std::string::npos; at = offer->sdp.find(ufrag, at)) {
    offer->sdp.replace(at, ufrag.size(), "munged");
  }
  CHECK(call.a.pc->set_local_description(*offer).error().code == Errc::invalid_argument);
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
}

TEST_CASE("new ICE servers are used from the next restart on", "[peer][w3c]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  CHECK(call.a.pc->set_ice_servers({{.urls = {"http://x"}}}).error().code != Errc::closed);
  int asked = 0;
  call.network().set_tap([&](const sim::TapRecord& record) {
    asked += record.point == sim::TapPoint::sent && record.path.remote.port == 3478 ? 1 : 0;
  });
  REQUIRE(call.a.pc->set_ice_servers({{.urls = {"stun:10.9.9.9:3478"}}}));
  call.run_for(1s);
  CHECK(asked == 0);
  call.a.pc->restart_ice();
  call.negotiate(call.a, call.b);
  call.run_for(1s);
  CHECK(asked > 0);
  CHECK(call.a.pc->connection_state() == ConnectionState::connected);
  call.network().set_tap(nullptr);
}

TEST_CASE("a provisional answer may begin the restart", "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.a.pc->restart_ice();
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  auto answer = call.b.pc->create_answer();
  REQUIRE(answer);
  answer->type = SdpType::pranswer;
  REQUIRE(call.b.pc->set_local_description(*answer));
  REQUIRE(call.a.pc->set_remote_description(*answer));
  CHECK(call.a.pc->signaling_state() == SignalingState::have_remote_pranswer);
  call.run_for(500ms);
  const auto final = call.b.pc->set_local_description();
  REQUIRE(final);
  CHECK(ufrag_of(*final) == ufrag_of(*answer));
  REQUIRE(call.a.pc->set_remote_description(*final));
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
  check_media_flows(call, 1s);
}

// --- Another peer in the place of the one that was called (RFC 8842 section 5) ---

TEST_CASE("an offer of another peer is refused at once and the call goes on", "[peer][rfc8842]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const auto other = *PeerConnection::create(*call.b.host, {});
  (void)*other->add_transceiver(MediaKind::audio);
  (void)*other->add_transceiver(MediaKind::video);
  const auto offer = other->create_offer();
  REQUIRE(offer);
  const auto before = *call.a.pc->remote_description();
  const auto refused = call.a.pc->set_remote_description(*offer);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().to_string().find("DTLS association") != std::string::npos);
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
  CHECK(call.a.pc->remote_description()->sdp == before.sdp);
  CHECK(call.a.pc->transceivers().size() == 2);
  check_media_flows(call, 1s);
  call.b.pc->restart_ice();
  call.negotiate(call.b, call.a);
  check_media_flows(call, 1s);
}

TEST_CASE("an answer of another peer is refused and the right one is still taken",
          "[peer][rfc8842]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.a.pc->restart_ice();
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  const auto other = *PeerConnection::create(*call.b.host, {});
  REQUIRE(other->set_remote_description(*offer));
  const auto foreign = other->set_local_description();
  REQUIRE(foreign);
  const auto refused = call.a.pc->set_remote_description(*foreign);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(call.a.pc->signaling_state() == SignalingState::have_local_offer);
  check_media_flows(call, 1s);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  check_media_flows(call, 1s);
  CHECK(local_ufrag(call.a) == ufrag_of(*offer));
}

TEST_CASE("of the answers of several peers the first counts", "[peer][rfc9429]") {
  const SdpType first = GENERATE(SdpType::answer, SdpType::pranswer);
  CallScene call{{}};
  call.a.audio.push_back(*call.a.pc->add_transceiver(MediaKind::audio));
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  const auto other = *PeerConnection::create(*call.b.host, {});
  REQUIRE(other->set_remote_description(*offer));
  const auto foreign = other->create_answer();
  REQUIRE(foreign);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  auto answer = call.b.pc->create_answer();
  REQUIRE(answer);
  answer->type = first;
  REQUIRE(call.b.pc->set_local_description(*answer));
  REQUIRE(call.a.pc->set_remote_description(*answer));
  for (const SdpType type : {SdpType::pranswer, SdpType::answer}) {
    const auto refused = call.a.pc->set_remote_description({type, foreign->sdp});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code ==
          (first == SdpType::answer ? Errc::invalid_state : Errc::unsupported));
  }
  CHECK(call.a.pc->remote_description()->sdp.find(ufrag_of(*answer)) != std::string::npos);
  if (first == SdpType::pranswer) {
    const auto final = call.b.pc->set_local_description();
    REQUIRE(final);
    REQUIRE(call.a.pc->set_remote_description(*final));
  }
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
  CHECK(call.run_until_connected());
}

TEST_CASE("ten restarts in a row under loss keep the call", "[peer]") {
  CallScene call{{.link = {.delay = 20ms, .jitter = 5ms, .loss = 0.05}}};
  call.start();
  REQUIRE(call.run_until_connected(30s));
  for (int round = 0; round < 10; ++round) {
    Side& offerer = round % 3 == 0 ? call.b : call.a;
    offerer.pc->restart_ice();
    call.negotiate(offerer, &offerer == &call.a ? call.b : call.a);
    call.run_media(500ms);
    CHECK(call.a.pc->connection_state() == ConnectionState::connected);
    CHECK(call.b.pc->connection_state() == ConnectionState::connected);
  }
  CHECK(call.a.frames_shown > 130);
}
