// Mute, and a change of what is sent, without negotiation.
#include "peer/flow_scene.hpp"

using namespace parley;
using parley::test::CallScene;
using parley::test::Flow;

TEST_CASE("a muted video stops at once and resumes with a key frame", "[peer][w3c]") {
  Flow call;
  Transceiver ours = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  call.run_pictures(1s);
  const int needed = call.a.negotiation_needed;
  const auto keys = [&] {
    return call.a.pc->get_stats().first("outbound-rtp", "video")->number("keyFramesEncoded");
  };
  const auto ssrc = call.a.pc->get_stats().first("outbound-rtp", "video")->number("ssrc");
  const auto before = keys();
  REQUIRE(ours.set_active(false));
  CHECK(call.a.pc->get_stats().first("outbound-rtp", "video")->number("active") == 0);
  call.run_for(50ms);
  const int shown = call.at_b.shown["0"];
  call.run_pictures(3s);
  CHECK(call.at_b.shown["0"] == shown);
  REQUIRE(ours.set_active(true));
  call.run_pictures(1s);
  call.run_for(100ms);
  CHECK(call.at_b.shown["0"] - shown >= 28);
  CHECK(keys() == *before + 1);
  CHECK(call.a.pc->get_stats().first("outbound-rtp", "video")->number("ssrc") == ssrc);
  CHECK(call.b.pc->get_stats().first("inbound-rtp", "video")->number("packetsLost") == 0);
  CHECK(call.a.negotiation_needed == needed);
}

TEST_CASE("muted sound is silence and comes back in time", "[peer][w3c]") {
  CallScene call{{.video = false}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(1s);
  REQUIRE(call.a.audio.front().set_active(false));
  call.run_media(200ms);
  const auto sent = call.a.pc->get_stats().first("outbound-rtp", "audio")->number("packetsSent");
  call.run_media(1800ms);  // what is invented for the missing packets fades away
  call.b.energy = 0;
  call.run_media(200ms);
  CHECK(call.a.pc->get_stats().first("outbound-rtp", "audio")->number("packetsSent") == sent);
  CHECK(call.b.energy == 0);
  REQUIRE(call.a.audio.front().set_active(true));
  call.run_media(1s);
  CHECK(call.b.energy > 0);
  const auto report = call.b.pc->get_stats();
  const auto* inbound = report.first("inbound-rtp", "audio");
  CHECK(inbound->number("packetsLost") == 0);
  // The timestamps went on during the pause: nothing had to be squeezed or stretched.
  CHECK(inbound->number("removedSamplesForAcceleration") < 4800);
  CHECK(call.a.energy > 0);  // the other way was never muted
}

TEST_CASE("muting before the first negotiation begins the call in silence", "[peer][w3c]") {
  Flow call;
  Transceiver ours = *call.a.pc->add_transceiver(MediaKind::video);
  REQUIRE(ours.set_active(false));
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  call.run_pictures(500ms);
  CHECK(call.at_b.shown["0"] == 0);
  REQUIRE(ours.set_active(true));
  call.run_pictures(500ms);
  CHECK(call.at_b.shown["0"] > 10);
}

TEST_CASE("the size of the pictures may change from one to the next", "[peer][w3c]") {
  Flow call;
  (void)*call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  call.run_pictures(500ms);
  call.run_pictures(500ms, 320, 240);
  call.run_pictures(500ms, 120, 160);
  call.run_for(100ms);
  CHECK(call.at_b.sizes == std::set<std::pair<int, int>>{{160, 120}, {320, 240}, {120, 160}});
  CHECK(call.at_b.shown["0"] >= 44);
}
