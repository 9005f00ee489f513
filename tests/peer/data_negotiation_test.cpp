// Data sections: alone, beside media, later, refused, and what ends channels from below.
#include <array>

#include "data_scene.hpp"

namespace parley::test {
namespace {

std::string section_of(const std::string& sdp, const std::string& kind) {
  const std::size_t begin = sdp.find("m=" + kind);
  return begin == std::string::npos ? std::string{}
                                    : sdp.substr(begin, sdp.find("\r\nm=", begin + 1) - begin);
}

/// Replaces all occurrences.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST_CASE("a description has a data section only when somebody wants one", "[peer][data]") {
  CallScene scene{{}};
  scene.start();
  REQUIRE(scene.run_until_connected());
  CHECK(section_of(scene.a.pc->local_description()->sdp, "application").empty());
  CHECK_FALSE(scene.a.pc->max_message_size());
}

TEST_CASE("the first channel asks for a negotiation and the next ones do not",
          "[peer][data][rfc9429]") {
  DataScene scene;
  scene.open(scene.a);
  scene.run_for(1ms);
  CHECK(scene.a.negotiation_needed == 1);
  scene.open(scene.a);
  scene.run_for(1ms);
  CHECK(scene.a.negotiation_needed == 1);
  scene.connect();
  scene.open(scene.a);
  scene.open(scene.b);
  scene.run_for(1s);
  CHECK(scene.a.negotiation_needed == 1);
  CHECK(scene.b.negotiation_needed == 0);
  CHECK(scene.a.pc->max_message_size() == std::size_t{262'144});
}

TEST_CASE("channels are added to a live call and media to a live data connection",
          "[peer][data][rfc9429]") {
  SECTION("data later") {
    CallScene::Options options;
    options.video = false;
    DataScene scene{options};
    scene.start();
    REQUIRE(scene.run_until([&] { return scene.connected(); }));
    const auto late = scene.open(scene.b, "late");
    scene.negotiate(scene.b, scene.a);
    REQUIRE(scene.run_until([&] { return !scene.announced_to_a.empty(); }));
    REQUIRE(late->channel.send("hello"));
    REQUIRE(scene.run_until([&] { return !scene.announced_to_a[0]->messages.empty(); }));
    CHECK(scene.a.states == std::vector{ConnectionState::connecting, ConnectionState::connected});
  }
  // Chromium and libwebrtc: on one host their handshake of SCTP is over before their answer is
  // read.
  SECTION("data later, and the peer begins before its answer arrives") {
    CallScene::Options options;
    options.video = false;
    options.signalling_delay = 200ms;
    DataScene scene{options};
    scene.start();
    REQUIRE(scene.run_until([&] { return scene.connected(); }));
    const auto late = scene.open(scene.a, "late");
    scene.negotiate(scene.a, scene.b);
    REQUIRE(scene.run_until([&] { return !scene.announced_to_b.empty(); }));
    REQUIRE(scene.announced_to_b[0]->channel.send("hello"));
    REQUIRE(scene.run_until([&] { return !late->messages.empty(); }));
  }
  SECTION("media later, in a bundle whose tag is the data section") {
    DataScene scene;
    const auto channel = scene.open(scene.a);
    scene.connect();
    scene.a.video.push_back(*scene.a.pc->add_transceiver(MediaKind::video));
    scene.negotiate(scene.a, scene.b);
    scene.run_for(200ms);
    scene.run_media(2s);
    CHECK(scene.b.frames_shown > 40);
    CHECK(scene.a.frames_shown > 40);
    REQUIRE(channel->channel.send("still here"));
    REQUIRE(scene.run_until([&] { return !scene.announced_to_b[0]->messages.empty(); }));
    CHECK(channel->closed == 0);
  }
}

TEST_CASE("channels stay when the description changes", "[peer][data][rfc8841]") {
  DataScene scene;
  const auto channel = scene.open(scene.a);
  scene.connect();
  for (int i = 0; i < 3; ++i) {
    scene.negotiate(i % 2 == 0 ? scene.b : scene.a, i % 2 == 0 ? scene.a : scene.b);
    scene.run_for(200ms);
    REQUIRE(channel->channel.send(std::to_string(i)));
  }
  REQUIRE(scene.run_until([&] { return scene.announced_to_b[0]->messages.size() == 3; }));
  CHECK(scene.announced_to_b.size() == 1);
  CHECK(channel->closed == 0);
}

TEST_CASE("a refused data section closes the channels with a reason and leaves the media",
          "[peer][data][rfc8841]") {
  CallScene::Options options;
  options.video = false;
  DataScene scene{options};
  const auto channel = scene.open(scene.a);
  scene.a.audio.push_back(*scene.a.pc->add_transceiver(MediaKind::audio));
  const auto offer = scene.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(scene.b.pc->set_remote_description(*offer));
  auto answer = scene.b.pc->set_local_description();
  REQUIRE(answer);
  // As a peer without data channels writes it: port 0, and out of the bundle.
  std::string sdp = answer->sdp;
  const std::string section = section_of(sdp, "application");
  REQUIRE_FALSE(section.empty());
  const std::size_t mid_at = section.find("a=mid:") + 6;
  const std::string mid = section.substr(mid_at, section.find("\r\n", mid_at) - mid_at);
  sdp = replaced(sdp, "m=application 9", "m=application 0");
  const std::size_t group = sdp.find("a=group:BUNDLE");
  const std::size_t group_end = sdp.find("\r\n", group);
  sdp = sdp.substr(0, group) +
        replaced(sdp.substr(group, group_end - group) + " ", " " + mid + " ", " ") +
        sdp.substr(group_end);
  sdp = replaced(sdp, " \r\n", "\r\n");
  answer->sdp = sdp;
  REQUIRE(scene.a.pc->set_remote_description(*answer));
  REQUIRE(scene.run_until([&] { return scene.connected(); }));
  CHECK(channel->closed == 1);
  CHECK(channel->reason == "the data section was rejected");
  CHECK(channel->channel.state() == DataChannelState::closed);
  // Another channel asks again.
  scene.run_for(10ms);
  const int before = scene.a.negotiation_needed;
  const auto again = scene.open(scene.a);
  scene.run_for(1ms);
  CHECK(scene.a.negotiation_needed == before + 1);
  CHECK_FALSE(again->channel == channel->channel);
}

TEST_CASE("data alone needs no SRTP and media that comes to it says what is missing",
          "[peer][data][rfc5764]") {
  CallScene::Options options = DataScene::data_only();
  options.a.srtp_profiles = {dtls::SrtpProfile::aead_aes_128_gcm};
  options.b.srtp_profiles = {dtls::SrtpProfile::aes128_cm_sha1_80};
  DataScene scene{options};
  const auto channel = scene.open(scene.a);
  scene.connect();
  REQUIRE(channel->channel.send("hello"));
  REQUIRE(scene.run_until([&] { return !scene.announced_to_b[0]->messages.empty(); }));
  scene.a.audio.push_back(*scene.a.pc->add_transceiver(MediaKind::audio));
  scene.negotiate(scene.a, scene.b);
  REQUIRE(
      scene.run_until([&] { return scene.a.pc->connection_state() == ConnectionState::failed; }));
  CHECK(scene.a.pc->failure_reason() ==
        "DTLS: the peer agreed on no SRTP profile, and media was negotiated");
}

TEST_CASE("a message beyond what a peer takes ends its channels and not its connection",
          "[peer][data][rfc8841]") {
  CallScene::Options options = DataScene::data_only();
  options.b.data.max_message_size = 64 * 1024;
  DataScene scene{options};
  const auto channel = scene.open(scene.a);
  const auto offer = scene.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(scene.b.pc->set_remote_description(*offer));
  auto answer = scene.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(answer->sdp.find("a=max-message-size:65536") != std::string::npos);
  answer->sdp = replaced(answer->sdp, "a=max-message-size:65536", "a=max-message-size:0");
  REQUIRE(scene.a.pc->set_remote_description(*answer));
  REQUIRE(scene.run_until([&] { return !scene.announced_to_b.empty() && channel->opened == 1; }));
  CHECK(scene.a.pc->max_message_size() == std::size_t{0});
  REQUIRE(channel->channel.send(std::string(200'000, 'x')));
  REQUIRE(scene.run_until([&] { return channel->closed == 1; }));
  CHECK_FALSE(channel->reason.empty());
  CHECK(scene.announced_to_b[0]->closed == 1);
  CHECK_FALSE(scene.announced_to_b[0]->reason.empty());
  scene.run_for(1s);
  CHECK(scene.a.pc->connection_state() == ConnectionState::connected);
  CHECK(scene.a.pc->create_data_channel("late").error().code == Errc::closed);
}

TEST_CASE("channels end with the connection of the peer", "[peer][data]") {
  DataScene scene;
  const auto channel = scene.open(scene.a);
  scene.connect();
  scene.b.pc->close();
  CHECK(scene.announced_to_b[0]->closed == 0);  // no handler runs after close()
  CHECK(scene.announced_to_b[0]->channel.state() == DataChannelState::closed);
  CHECK(scene.b.pc->data_channels().empty());
  REQUIRE(scene.run_until([&] { return channel->closed == 1; }, 1s));
  CHECK_FALSE(channel->reason.empty());
  CHECK(scene.run_until([&] { return scene.a.pc->connection_state() == ConnectionState::closed; }));
}

// W3C webrtc-pc section 5.6 lets channels outlive a failed ICE transport: a restart may mend it.
TEST_CASE("channels outlast a path that fails and is restarted", "[peer][data][rfc8445]") {
  DataScene scene;
  const auto channel = scene.open(scene.a);
  scene.connect();
  scene.set_link({.delay = 10ms, .loss = 1.0});
  REQUIRE(channel->channel.send("during"));
  REQUIRE(scene.run_until([&] { return scene.a.pc->connection_state() == ConnectionState::failed; },
                          120s));
  CHECK(channel->channel.state() == DataChannelState::open);
  REQUIRE(channel->channel.send("while failed"));
  scene.set_link({.delay = 10ms});
  scene.a.pc->restart_ice();
  scene.negotiate(scene.a, scene.b);
  REQUIRE(scene.run_until([&] { return scene.announced_to_b[0]->messages.size() == 2; }, 30s));
  CHECK(scene.announced_to_b[0]->messages == std::vector<std::string>{"during", "while failed"});
  CHECK(channel->closed == 0);
}

TEST_CASE("an outage of five seconds costs a channel nothing", "[peer][data]") {
  DataScene scene;
  const auto channel = scene.open(scene.a);
  scene.connect();
  REQUIRE(channel->channel.send("before"));
  scene.set_link({.delay = 10ms, .loss = 1.0});
  REQUIRE(channel->channel.send("during"));
  scene.run_for(5s);
  scene.set_link({.delay = 10ms});
  REQUIRE(channel->channel.send("after"));
  REQUIRE(scene.run_until([&] { return scene.announced_to_b[0]->messages.size() == 3; }));
  CHECK(scene.announced_to_b[0]->messages == std::vector<std::string>{"before", "during", "after"});
}

TEST_CASE("handlers may close and destroy what they are called for", "[peer][data]") {
  DataScene scene;
  scene.open(scene.a);
  scene.connect();
  const auto got = scene.announced_to_b[0];
  auto ours = scene.a.pc->data_channels().at(0);
  int heard = 0;
  SECTION("the channel, in its message handler") {
    got->channel.on_message([&](DataMessage&) {
      ++heard;
      got->channel.close();
    });
    REQUIRE(ours.send("1"));
    REQUIRE(scene.run_until([&] { return got->closed == 1; }));
    CHECK(heard == 1);
    CHECK(scene.connected());
  }
  SECTION("the connection, in a message handler") {
    got->channel.on_message([&](DataMessage&) {
      ++heard;
      scene.b.pc->close();
    });
    for (int i = 0; i < 5; ++i) REQUIRE(ours.send("x"));
    REQUIRE(
        scene.run_until([&] { return scene.a.pc->connection_state() == ConnectionState::closed; }));
    CHECK(heard == 1);
  }
  SECTION("the connection itself, in the handler of a close") {
    got->channel.on_close([&](std::string_view) {
      ++heard;
      scene.b.pc.reset();
    });
    ours.close();
    REQUIRE(scene.run_until([&] { return heard == 1; }));
    CHECK(got->channel.state() == DataChannelState::closed);
    CHECK(got->channel.send("x").error().code == Errc::closed);
  }
  SECTION("the handler, by itself") {
    got->channel.on_message([&](DataMessage&) {
      ++heard;
      got->channel.on_message([&](DataMessage&) { heard += 100; });
    });
    REQUIRE(ours.send("1"));
    REQUIRE(ours.send("2"));
    REQUIRE(scene.run_until([&] { return heard == 101; }));
  }
  SECTION("a channel is created and used in the handler of another") {
    got->channel.on_message([&](DataMessage&) {
      auto answer = *scene.b.pc->create_data_channel("answer");
      CHECK(answer.send("at once"));
      ++heard;
    });
    REQUIRE(ours.send("1"));
    REQUIRE(scene.run_until([&] {
      return !scene.announced_to_a.empty() && !scene.announced_to_a[0]->messages.empty();
    }));
    CHECK(scene.announced_to_a[0]->messages[0] == "at once");
  }
}

TEST_CASE("a handler set at the announcement sees the messages that came with it", "[peer][data]") {
  DataScene scene;
  scene.open(scene.a);
  scene.connect();
  auto second = *scene.a.pc->create_data_channel("second");
  for (int i = 0; i < 5; ++i) REQUIRE(second.send(std::to_string(i)));
  REQUIRE(scene.run_until([&] {
    return scene.announced_to_b.size() == 2 && scene.announced_to_b[1]->messages.size() == 5;
  }));
}

}  // namespace
}  // namespace parley::test
