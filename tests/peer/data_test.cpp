// Data channels of two PeerConnections over the simulated network (RFC 8831, RFC 8832, W3C
// webrtc-pc section 6).
#include "data_scene.hpp"

namespace parley::test {
namespace {

TEST_CASE("a channel that the offerer opens carries messages both ways", "[peer][data][rfc8831]") {
  DataScene scene;
  const auto sent = scene.open(scene.a, "chat", {.protocol = "irc"});
  CHECK(sent->channel.state() == DataChannelState::connecting);
  CHECK(sent->channel.send("early").error().code == Errc::invalid_state);
  scene.negotiate(scene.a, scene.b);
  REQUIRE(scene.run_until([&] { return sent->opened == 1 && !scene.announced_to_b.empty(); }));
  const auto got = scene.announced_to_b.front();
  CHECK(got->channel.label() == "chat");
  CHECK(got->channel.protocol() == "irc");
  CHECK(got->channel.state() == DataChannelState::open);
  CHECK(got->channel.id() == sent->channel.id());
  REQUIRE(sent->channel.send("hello"));
  REQUIRE(scene.run_until([&] { return !got->messages.empty(); }));
  CHECK(got->messages == std::vector<std::string>{"hello"});
  CHECK(got->kinds[0] == MessageKind::text);
  REQUIRE(got->channel.send(Bytes{std::array<std::uint8_t, 3>{1, 0, 2}}));
  REQUIRE(scene.run_until([&] { return !sent->messages.empty(); }));
  CHECK(sent->messages[0] == std::string("\1\0\2", 3));
  CHECK(sent->kinds[0] == MessageKind::binary);
}

TEST_CASE("a channel that the answerer opens on a data section works too", "[peer][data]") {
  DataScene scene;
  const auto ours = scene.open(scene.a);
  const auto theirs = scene.open(scene.b, "from b");
  scene.negotiate(scene.a, scene.b);
  REQUIRE(scene.run_until([&] { return theirs->opened == 1 && !scene.announced_to_a.empty(); }));
  REQUIRE(theirs->channel.send("from b"));
  REQUIRE(scene.run_until([&] { return !scene.announced_to_a[0]->messages.empty(); }));
  // RFC 8832 section 6: the answerer is the DTLS client here and takes even ids.
  CHECK(theirs->channel.id() == std::uint16_t{0});
  CHECK(ours->channel.id() == std::uint16_t{1});
}

// Round trips from DTLS complete at the opener to its first message at the far end.
double round_trips_to_first_message(bool snap, bool opener_offers) {
  constexpr Duration kDelay = 50ms;
  CallScene::Options options = DataScene::data_only();
  options.link.delay = kDelay;
  options.a.data.snap = options.b.data.snap = snap;
  DataScene scene{options};
  const auto sent = scene.open(scene.a);
  sent->channel.on_open([channel = sent->channel]() mutable { CHECK(channel.send("first")); });
  if (!opener_offers) (void)scene.open(scene.b, "makes the section");
  std::optional<Timestamp> secure;
  scene.a.pc->on_connection_state_change([&](ConnectionState state) {
    if (state == ConnectionState::connected) secure = scene.now();
  });
  if (opener_offers) {
    scene.negotiate(scene.a, scene.b);
  } else {
    scene.negotiate(scene.b, scene.a);
  }
  REQUIRE(scene.run_until(
      [&] { return !scene.announced_to_b.empty() && !scene.announced_to_b[0]->messages.empty(); }));
  REQUIRE(secure);
  return to_seconds(scene.now() - *secure) / to_seconds(2 * kDelay);
}

TEST_CASE("the first message arrives one and a half round trips after DTLS", "[peer][data]") {
  const bool opener_offers = GENERATE(true, false);
  const double trips = round_trips_to_first_message(false, opener_offers);
  INFO("round trips: " << trips);
  CHECK(trips <= 1.55);
}

TEST_CASE("with SNAP the first message arrives half a round trip after DTLS", "[peer][data]") {
  const bool opener_offers = GENERATE(true, false);
  const double trips = round_trips_to_first_message(true, opener_offers);
  INFO("round trips: " << trips);
  CHECK(trips <= 0.55);
}

}  // namespace
}  // namespace parley::test
