// Data channels of two PeerConnections over the simulated network (RFC 8831, RFC 8832, W3C
// webrtc-pc section 6).
#include <algorithm>

#include "data_scene.hpp"
#include "parley/sctp/types.hpp"

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

TEST_CASE("a connection's window of received data is the one that SCTP was measured with",
          "[peer][data]") {
  CHECK(DataConfig{}.receive_window == sctp::Config{}.receive_window);
}

TEST_CASE("messages keep their kind and their bytes from nothing to a quarter megabyte",
          "[peer][data][rfc8831]") {
  const bool ordered = GENERATE(true, false);
  DataScene scene;
  const auto sent = scene.open(scene.a, "sizes", {.ordered = ordered});
  scene.connect();
  const auto got = scene.announced_to_b.at(0);
  CHECK(got->channel.ordered() == ordered);
  std::vector<std::string> messages;
  for (const std::size_t size : {0U, 1U, 1100U, 1200U, 65'535U, 65'536U, 262'144U}) {
    messages.push_back(std::string(size, static_cast<char>('a' + messages.size())));
    CHECK(sent->channel.send(std::string_view{messages.back()}));
    messages.push_back(messages.back());
    CHECK(sent->channel.send(
        std::vector<std::uint8_t>(messages.back().begin(), messages.back().end())));
  }
  CHECK(sent->channel.send(std::string(262'145, 'x')).error().code == Errc::too_large);
  REQUIRE(scene.run_until([&] { return got->messages.size() == messages.size(); }));
  if (!ordered) {
    std::sort(messages.begin(), messages.end());
    std::sort(got->messages.begin(), got->messages.end());
  } else {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      CHECK(got->kinds[i] == (i % 2 == 0 ? MessageKind::text : MessageKind::binary));
    }
  }
  CHECK((got->messages == messages));
}

TEST_CASE("options of a channel are the same at both ends", "[peer][data][rfc8832]") {
  DataScene scene;
  (void)scene.open(scene.a, "a", {.ordered = false, .max_retransmits = 3, .protocol = "p"});
  (void)scene.open(scene.a, "b",
                   {.max_packet_lifetime = std::chrono::milliseconds{250},
                    .priority = DataChannelPriority::high});
  scene.connect();
  REQUIRE(scene.announced_to_b.size() == 2);
  const DataChannel& first = scene.announced_to_b[0]->channel;
  CHECK_FALSE(first.ordered());
  CHECK(first.max_retransmits() == std::uint16_t{3});
  CHECK_FALSE(first.max_packet_lifetime());
  CHECK(first.protocol() == "p");
  CHECK_FALSE(first.negotiated());
  const DataChannel& second = scene.announced_to_b[1]->channel;
  CHECK(second.ordered());
  CHECK(second.max_packet_lifetime() == std::chrono::milliseconds{250});
  CHECK(second.priority() == DataChannelPriority::high);
}

TEST_CASE("creating a channel refuses what cannot be", "[peer][data]") {
  CallScene::Options options = DataScene::data_only();
  options.a.data.max_channels = 2;
  DataScene scene{options};
  const auto refused = [&](const DataChannelInit& init, const std::string& label = "x") {
    const auto made = scene.a.pc->create_data_channel(label, init);
    REQUIRE_FALSE(made);
    return made.error().code;
  };
  CHECK(refused({.max_retransmits = 1, .max_packet_lifetime = std::chrono::milliseconds{1}}) ==
        Errc::invalid_argument);
  CHECK(refused({.negotiated = true}) == Errc::invalid_argument);
  CHECK(refused({.negotiated = true, .id = 65'535}) == Errc::invalid_argument);
  CHECK(refused({}, std::string(65'536, 'x')) == Errc::invalid_argument);
  CHECK(scene.a.pc->data_channels().empty());
  (void)scene.open(scene.a, "y", {.negotiated = true, .id = 5});
  CHECK(refused({.negotiated = true, .id = 5}) == Errc::invalid_state);
  (void)scene.open(scene.a, "z", {.id = 5});  // in band: the id is not the application's to choose
  CHECK(refused({}) == Errc::too_large);
  scene.a.pc->close();
  CHECK(refused({}) == Errc::closed);
}

TEST_CASE("channels that both applications agreed on need no announcement", "[peer][data]") {
  DataScene scene;
  const auto a = scene.open(scene.a, "a's name", {.negotiated = true, .id = 7});
  const auto b = scene.open(scene.b, "b's name", {.negotiated = true, .id = 7});
  scene.negotiate(scene.a, scene.b);
  REQUIRE(scene.run_until([&] { return a->opened == 1 && b->opened == 1; }));
  REQUIRE(a->channel.send("to b"));
  REQUIRE(b->channel.send("to a"));
  REQUIRE(scene.run_until([&] { return !a->messages.empty() && !b->messages.empty(); }));
  CHECK(a->messages[0] == "to a");
  CHECK(b->messages[0] == "to b");
  CHECK(scene.announced_to_a.empty());
  CHECK(scene.announced_to_b.empty());
  CHECK(b->channel.label() == "b's name");
}

TEST_CASE("both sides create channels at the same moment without colliding", "[peer][data]") {
  DataScene scene;
  scene.open(scene.a, "first");
  scene.connect();
  for (int i = 0; i < 10; ++i) {
    scene.open(scene.a, "a" + std::to_string(i));
    scene.open(scene.b, "b" + std::to_string(i));
  }
  REQUIRE(scene.run_until(
      [&] { return scene.announced_to_a.size() == 10 && scene.announced_to_b.size() == 11; }));
  CHECK(scene.a.pc->data_channels().size() == 21);
  CHECK(scene.b.pc->data_channels().size() == 21);
}

TEST_CASE("a hundred channels carry their own messages", "[peer][data]") {
  CallScene::Options options = DataScene::data_only();
  options.link.loss = 0.02;
  DataScene scene{options};
  std::vector<std::shared_ptr<ChannelLog>> channels;
  for (int i = 0; i < 100; ++i) channels.push_back(scene.open(scene.a, std::to_string(i)));
  scene.negotiate(scene.a, scene.b);
  REQUIRE(scene.run_until([&] { return scene.announced_to_b.size() == 100; }));
  for (int round = 0; round < 3; ++round) {
    for (const auto& channel : channels) {
      REQUIRE(channel->channel.send(channel->channel.label() + "/" + std::to_string(round)));
    }
  }
  const auto complete = [](const auto& log) { return log->messages.size() == 3; };
  REQUIRE(scene.run_until([&] {
    return std::all_of(scene.announced_to_b.begin(), scene.announced_to_b.end(), complete);
  }));
  for (const auto& log : scene.announced_to_b) {
    const std::string label = log->channel.label();
    CHECK(log->messages == std::vector<std::string>{label + "/0", label + "/1", label + "/2"});
  }
}

TEST_CASE("closing delivers what was accepted and frees the id for the next channel",
          "[peer][data][rfc8831]") {
  CallScene::Options options = DataScene::data_only();
  options.link.loss = 0.05;
  DataScene scene{options};
  scene.open(scene.a, "stays");
  scene.connect();
  std::optional<std::uint16_t> id;
  for (int round = 0; round < 5; ++round) {
    const auto sent = scene.open(scene.a, "round " + std::to_string(round));
    REQUIRE(sent->channel.state() == DataChannelState::open);
    for (int i = 0; i < 20; ++i) REQUIRE(sent->channel.send(std::string(10'000, 'x')));
    sent->channel.close();
    sent->channel.close();
    CHECK(sent->channel.state() == DataChannelState::closing);
    CHECK(sent->channel.send("late").error().code == Errc::invalid_state);
    if (!id) id = sent->channel.id();
    CHECK(sent->channel.id() == id);
    REQUIRE(scene.run_until([&] { return sent->closed == 1; }));
    const auto got = scene.announced_to_b.back();
    REQUIRE(scene.run_until([&] { return got->closed == 1; }));
    CHECK(got->messages.size() == 20);
    for (const auto& log : {sent, got}) {
      CHECK(log->closing == 1);
      CHECK(log->reason.empty());
      CHECK(log->channel.state() == DataChannelState::closed);
      CHECK(log->channel.send("late").error().code == Errc::not_found);
    }
  }
  CHECK(scene.announced_to_b.size() == 6);
  CHECK(scene.a.pc->data_channels().size() == 1);
  CHECK(scene.b.pc->data_channels().size() == 1);
}

TEST_CASE("a channel that closes still has a name for its handler", "[peer][data]") {
  DataScene scene;
  auto channel = *scene.a.pc->create_data_channel("named");
  std::string seen;
  channel.on_close([&seen, channel](std::string_view) {
    seen = channel.label();
    CHECK(channel.state() == DataChannelState::closed);
  });
  scene.connect();
  channel.close();
  REQUIRE(scene.run_until([&] { return !seen.empty(); }));
  CHECK(seen == "named");
}

TEST_CASE("a channel may be closed before there is a connection", "[peer][data]") {
  DataScene scene;
  const auto early = scene.open(scene.a, "early");
  early->channel.close();
  scene.open(scene.a, "other");
  scene.connect();
  CHECK(early->closed == 1);
  CHECK(early->opened == 0);
  CHECK(early->reason.empty());
  scene.run_for(1s);
  REQUIRE(scene.announced_to_b.size() == 1);
  CHECK(scene.announced_to_b[0]->channel.label() == "other");
}

TEST_CASE("statistics of channels have the names of webrtc-stats", "[peer][data]") {
  DataScene scene;
  const auto sent = scene.open(scene.a, "counted", {.protocol = "p"});
  const auto unused = scene.open(scene.a, "closed later");
  const auto never = scene.open(scene.a, "never open");
  never->channel.close();
  scene.connect();
  REQUIRE(sent->channel.send(std::string(100'000, 'x')));
  REQUIRE(sent->channel.send(""));
  REQUIRE(scene.run_until([&] { return scene.announced_to_b[0]->messages.size() == 2; }));
  unused->channel.close();
  REQUIRE(scene.run_until([&] { return unused->closed == 1; }));
  scene.run_for(1s);
  for (const Side* side : {&scene.a, &scene.b}) {
    const bool sender = side == &scene.a;
    const auto report = side->pc->get_stats();
    const auto* connection = report.first("peer-connection");
    REQUIRE(connection != nullptr);
    CHECK(connection->number("dataChannelsOpened") == 2);
    CHECK(connection->number("dataChannelsClosed") == 1);
    const auto* channel = report.first("data-channel");
    REQUIRE(channel != nullptr);
    CHECK(channel->text("label") == "counted");
    CHECK(channel->text("protocol") == "p");
    CHECK(channel->text("state") == "open");
    CHECK(channel->number("dataChannelIdentifier") == sent->channel.id());
    CHECK(channel->number("messagesSent") == (sender ? 2 : 0));
    CHECK(channel->number("bytesSent") == (sender ? 100'000 : 0));
    CHECK(channel->number("messagesReceived") == (sender ? 0 : 2));
    CHECK(channel->number("bytesReceived") == (sender ? 0 : 100'000));
    const auto* transport = report.first("sctp-transport");
    REQUIRE(transport != nullptr);
    CHECK(transport->text("transportId") == "T");
    CHECK(transport->number("mtu") == 1160);
    CHECK(transport->number("unackData") == 0);
    CHECK(transport->number("congestionWindow") > 1160);
    CHECK(transport->number("receiverWindow") > 1'000'000);
    if (sender) {
      CHECK(transport->number("smoothedRoundTripTime").value_or(0) == Approx(0.02).margin(0.005));
    }
  }
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
