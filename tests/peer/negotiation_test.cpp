// Renegotiation on a live call, through the facade.
#include "peer/call_scene.hpp"

using namespace parley;
using parley::test::CallScene;
using parley::test::Side;

TEST_CASE("video is added to a live audio call without a new transport", "[peer][rfc9429]") {
  CallScene call{{.video = false}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(500ms);
  CHECK(call.b.frames_shown == 0);
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video));
  call.run_for(1ms);
  CHECK(call.a.negotiation_needed >= 1);
  call.negotiate(call.a, call.b);
  call.run_for(100ms);
  call.run_media(2s);
  CHECK(call.b.frames_shown > 50);
  CHECK(call.a.frames_shown > 50);
  CHECK(call.a.states == std::vector{ConnectionState::connecting, ConnectionState::connected});
}

TEST_CASE("the answerer may offer next", "[peer][rfc9429]") {
  CallScene call{{.video = false}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.b.video.push_back(*call.b.pc->add_transceiver(MediaKind::video));
  call.negotiate(call.b, call.a);
  call.run_for(100ms);
  call.run_media(2s);
  CHECK(call.a.frames_shown > 50);
}

TEST_CASE("a direction change stops one way of the video and brings it back", "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(1s);
  REQUIRE(call.a.video.front().set_direction(Direction::recvonly));
  call.negotiate(call.a, call.b);
  call.run_for(100ms);
  CHECK(call.a.video.front().current_direction() == Direction::recvonly);
  const int b_before = call.b.frames_shown;
  const int a_before = call.a.frames_shown;
  call.run_media(1s);
  CHECK(call.b.frames_shown - b_before <= 2);
  CHECK(call.a.frames_shown - a_before > 20);
  REQUIRE(call.a.video.front().set_direction(Direction::sendrecv));
  call.negotiate(call.a, call.b);
  call.run_for(100ms);
  const int b_again = call.b.frames_shown;
  call.run_media(1s);
  CHECK(call.b.frames_shown - b_again > 20);
}

TEST_CASE("a stopped transceiver is gone after the next negotiation and its section is used again",
          "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  REQUIRE(call.a.video.front().stop());
  call.negotiate(call.a, call.b);
  call.run_for(100ms);
  CHECK(call.a.pc->transceivers().size() == 1);
  CHECK(call.b.pc->transceivers().size() == 1);
  call.a.video.clear();
  call.b.video.clear();
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video));
  call.negotiate(call.a, call.b);
  call.run_for(100ms);
  const auto sdp = call.a.pc->local_description();
  REQUIRE(sdp);
  std::size_t sections = 0;
  for (std::size_t at = 0; (at = sdp->sdp.find("\r\nm=", at)) != std::string::npos; ++at)
    ++sections;
  CHECK(sections == 2);
  const int before = call.b.frames_shown;
  call.run_media(1s);
  CHECK(call.b.frames_shown - before > 15);
}

TEST_CASE("glare is resolved by rolling back", "[peer][rfc9429]") {
  CallScene call{{.video = false}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video));
  call.b.video.push_back(*call.b.pc->add_transceiver(MediaKind::video));
  const auto from_a = call.a.pc->set_local_description();
  const auto from_b = call.b.pc->set_local_description();
  REQUIRE(from_a);
  REQUIRE(from_b);
  // b is polite: it takes a's offer although its own is pending.
  REQUIRE(call.b.pc->set_remote_description(*from_a));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
  CHECK(call.b.pc->signaling_state() == SignalingState::stable);
  call.run_for(100ms);
  CHECK(call.b.negotiation_needed >= 1);  // its own video still waits
}

TEST_CASE("a refused description changes nothing", "[peer][rfc9429]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  const auto before = call.a.pc->remote_description();
  CHECK_FALSE(call.a.pc->set_remote_description({SdpType::answer, before->sdp}));
  CHECK_FALSE(call.a.pc->set_remote_description({SdpType::offer, "v=0\r\nrubbish"}));
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
  CHECK(call.a.pc->remote_description()->sdp == before->sdp);
  call.run_media(500ms);
  CHECK(call.b.frames_shown > 5);
}
