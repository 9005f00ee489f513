// Whole calls in virtual time: negotiation, ICE, DTLS, SRTP, media, close.
#include <algorithm>
#include <regex>

#include "parley/stun/message.hpp"
#include "peer/call_scene.hpp"

using namespace parley;
using parley::test::CallScene;
using parley::test::Side;

TEST_CASE("two connections negotiate and connect", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  CHECK(call.a.states == std::vector{ConnectionState::connecting, ConnectionState::connected});
  CHECK(call.b.states == std::vector{ConnectionState::connecting, ConnectionState::connected});
  CHECK(call.a.signaling == std::vector{SignalingState::have_local_offer, SignalingState::stable});
  CHECK(call.b.signaling == std::vector{SignalingState::have_remote_offer, SignalingState::stable});
  CHECK(call.a.tracks == 2);
  CHECK(call.b.tracks == 2);
  CHECK(call.a.pc->failure_reason().empty());
}

TEST_CASE("a call connects over IPv6", "[peer]") {
  CallScene call{{.ipv6 = true}};
  call.start();
  CHECK(call.run_until_connected());
}

TEST_CASE("set-up takes no more round trips than its protocols ask for", "[peer]") {
  // Offer and answer travel 20 ms each; then one round trip of ICE and two of DTLS at 40 ms.
  CallScene call{{.link = {.delay = 20ms}, .signalling_delay = 20ms}};
  const Timestamp begin = call.now();
  call.start();
  REQUIRE(call.run_until_connected());
  CHECK(call.now() - begin <= 2 * 20ms + 40ms + 2 * 40ms + 20ms + 10ms);
}

TEST_CASE("a ClientHello that came before the answer is repeated when the answer is there",
          "[peer]") {
  // Firefox answers our checks before it has read our answer, and throws away what else comes.
  CallScene::Options options;
  options.signalling_delay = 220ms;
  std::optional<Timestamp> first_check;
  std::vector<Timestamp> hellos;
  CallScene call{options};  // Its end is looked at, too: after what the tap writes to.
  call.network().set_tap([&](const sim::TapRecord& record) {
    const auto message = stun::MessageView::parse(record.bytes);
    const bool is_check = message && message->message_class() == stun::Class::request;
    if (record.point == sim::TapPoint::delivered && record.host == call.b.host && is_check) {
      first_check = first_check.value_or(record.at);
    } else if (record.point == sim::TapPoint::sent && record.host == call.b.host &&
               dtls::is_dtls(record.bytes)) {
      hellos.push_back(record.at);
    }
  });
  call.start();
  REQUIRE(call.run_until_connected());
  REQUIRE(first_check);
  REQUIRE(hellos.size() > 1);
  CHECK(hellos[0] < *first_check);
  CHECK(std::count(hellos.begin(), hellos.end(), *first_check) > 0);
}

TEST_CASE("audio and video flow both ways and arrive as they were sent", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(5s);
  for (const Side* side : {&call.a, &call.b}) {
    const Side& other = side == &call.a ? call.b : call.a;
    CHECK(side->frames_shown >= other.frames_sent - 3);  // the last ones are under way
    CHECK_FALSE(side->out_of_order);
    CHECK(side->worst_psnr > 28);
    CHECK(side->outcomes.at(PlayoutOutcome::normal) > 480);
    CHECK(side->outcomes.count(PlayoutOutcome::concealed) == 0);
    const double samples = static_cast<double>(side->blocks_read) * kSamplesPer10Ms;
    CHECK(std::sqrt(side->energy / samples) == Approx(4000).epsilon(0.2));
  }
}

TEST_CASE("handlers of encoded media that were set before negotiation get it", "[peer]") {
  CallScene call{{}};
  call.start();
  int packets = 0;
  std::uint32_t last = 0;
  call.a.audio.front().on_encoded_audio([&](const EncodedAudio& packet, std::uint32_t timestamp) {
    if (packets++ > 0) CHECK(timestamp - last == 960);
    last = timestamp;
    CHECK(packet.samples_per_channel == 960);
    CHECK_FALSE(packet.data.empty());
    CHECK(packet.audio_level < 40);  // RFC 6464: what the sender measured
  });
  int pictures = 0;
  call.a.video.front().on_encoded_frame([&](const EncodedVideo& frame) {
    CHECK(frame.key_frame == (pictures == 0));
    ++pictures;
  });
  REQUIRE(call.run_until_connected());
  call.run_media(1s);
  CHECK(packets > 45);
  CHECK(pictures > 27);
}

TEST_CASE("media are decoded and given encoded at the same time to who wants both", "[peer]") {
  CallScene call{{}};
  call.start();
  int packets = 0;
  int pictures = 0;
  call.a.audio.front().on_encoded_audio([&](const EncodedAudio&, std::uint32_t) { ++packets; });
  call.a.video.front().on_encoded_frame([&](const EncodedVideo&) { ++pictures; });
  REQUIRE(call.run_until_connected());
  call.run_media(2s);
  CHECK(packets > 95);
  CHECK(pictures > 57);
  CHECK(call.a.frames_shown >= pictures - 3);
  CHECK(call.a.worst_psnr > 28);
  CHECK(call.a.outcomes.at(PlayoutOutcome::normal) > 180);
  CHECK(call.a.outcomes.count(PlayoutOutcome::concealed) == 0);
}

// Pion 3.1 and libdatachannel ask by NACK and know no RTX.
TEST_CASE("a peer without RTX gets the very packets that it lost", "[peer][rfc4585]") {
  Configuration config;
  config.srtp_profiles = {
      GENERATE(dtls::SrtpProfile::aead_aes_128_gcm, dtls::SrtpProfile::aes128_cm_sha1_80)};
  CallScene call{{.link = {.delay = 20ms, .loss = 0.03}, .a = config, .audio = false}};
  call.a.video.push_back(*call.a.pc->add_transceiver(MediaKind::video));
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(
      {SdpType::offer,
       std::regex_replace(offer->sdp, std::regex{"a=(rtpmap:\\d+ rtx|ssrc-group:FID).*\r\n"},
                          "")}));
  call.b.video.push_back(call.b.pc->transceivers().front());
  REQUIRE(call.b.video.front().set_direction(Direction::sendrecv));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(answer->sdp.find("rtx") == std::string::npos);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  REQUIRE(call.run_until_connected());
  call.run_media(10s);
  for (const Side* side : {&call.a, &call.b}) {
    const auto report = side->pc->get_stats();
    CHECK(report.first("outbound-rtp", "video")->number("retransmittedPacketsSent") > 0);
    CHECK(report.first("outbound-rtp", "video")->number("pliCount") == 0);
    CHECK(side->frames_shown > 280);
  }
}

TEST_CASE("one seed gives one call and another seed another", "[peer]") {
  const auto run = [](std::uint64_t seed) {
    CallScene call{{.seed = seed, .link = {.delay = 20ms, .jitter = 10ms, .loss = 0.02}}};
    call.start();
    REQUIRE(call.run_until_connected());
    call.run_media(2s);
    return std::pair{call.a.frames_shown, call.network().stats().sent};
  };
  CHECK(run(7) == run(7));
  CHECK(run(7) != run(8));
}

TEST_CASE("closing tells the peer at once", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.a.pc->close();
  CHECK(call.a.pc->connection_state() == ConnectionState::closed);
  call.run_for(15ms);
  CHECK(call.b.pc->connection_state() == ConnectionState::closed);
  call.a.pc->close();
}

TEST_CASE("a handler may destroy its connection", "[peer]") {
  CallScene call{{}};
  call.a.pc->on_connection_state_change([&](ConnectionState state) {
    if (state == ConnectionState::connected) call.a.pc.reset();
  });
  call.start();
  call.run_for(5s);
  CHECK_FALSE(call.a.pc);
  CHECK(call.b.pc->connection_state() == ConnectionState::closed);
  AudioBlock block;
  CHECK(call.a.audio.front().read(block) == PlayoutOutcome::silence);
  CHECK(call.a.audio.front().send(block.samples()).error().code == Errc::closed);
  CHECK(call.a.video.front().stopped());
}

TEST_CASE("a description with another certificate's fingerprint fails and says why", "[peer]") {
  CallScene call{{}};
  call.a.audio.push_back(*call.a.pc->add_transceiver(MediaKind::audio));
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  std::string forged = offer->sdp;
  const auto at = forged.find("a=fingerprint:sha-256 ") + 22;
  forged.replace(at, 5, forged.substr(at, 5) == "00:00" ? "11:11" : "00:00");
  REQUIRE(call.b.pc->set_remote_description({SdpType::offer, forged}));
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  call.run_for(5s);
  CHECK(call.b.pc->connection_state() == ConnectionState::failed);
  CHECK(call.b.pc->failure_reason().find("fingerprint") != std::string::npos);
  CHECK(call.a.pc->connection_state() == ConnectionState::failed);
}

TEST_CASE("without a path the connection fails and names ICE", "[peer]") {
  CallScene call{{.link = {.loss = 1.0}}};
  call.start();
  call.run_for(60s);
  CHECK(call.a.pc->connection_state() == ConnectionState::failed);
  CHECK(call.a.pc->failure_reason().find("ICE") != std::string::npos);
}

TEST_CASE("every SRTP profile carries a call", "[peer]") {
  for (const auto profile :
       {dtls::SrtpProfile::aes128_cm_sha1_80, dtls::SrtpProfile::aead_aes_128_gcm,
        dtls::SrtpProfile::aead_aes_256_gcm}) {
    Configuration config;
    config.srtp_profiles = {profile};
    CallScene call{{.a = config}};
    call.start();
    REQUIRE(call.run_until_connected());
    call.run_media(500ms);
    CHECK(call.b.frames_shown > 5);
    const auto report = call.b.pc->get_stats();
    REQUIRE(report.first("transport") != nullptr);
    CHECK(report.first("transport")->text("srtpCipher").value_or("").starts_with("SRTP_"));
  }
}

TEST_CASE("no common SRTP profile fails and says why", "[peer]") {
  Configuration gcm;
  gcm.srtp_profiles = {dtls::SrtpProfile::aead_aes_128_gcm};
  Configuration sha1;
  sha1.srtp_profiles = {dtls::SrtpProfile::aes128_cm_sha1_80};
  CallScene call{{.a = gcm, .b = sha1}};
  call.start();
  call.run_for(5s);
  CHECK(call.a.pc->connection_state() == ConnectionState::failed);
  CHECK(call.b.pc->connection_state() == ConnectionState::failed);
  CHECK(call.a.pc->failure_reason().starts_with("DTLS"));
}

TEST_CASE("statistics carry the names of webrtc-stats", "[peer]") {
  CallScene call{{}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(3s);
  const auto report = call.b.pc->get_stats();
  const auto* inbound = report.first("inbound-rtp", "video");
  REQUIRE(inbound != nullptr);
  CHECK(inbound->number("framesDecoded").value_or(0) > 80);
  CHECK(inbound->number("packetsLost") == 0);
  const auto received_as = std::find_if(
      report.objects.begin(), report.objects.end(), [inbound](const StatsObject& object) {
        return object.type() == "codec" && object.id() == inbound->text("codecId");
      });
  REQUIRE(received_as != report.objects.end());
  CHECK(received_as->text("mimeType") == "video/VP8");
  const auto* audio = report.first("inbound-rtp", "audio");
  REQUIRE(audio != nullptr);
  CHECK(audio->number("jitterBufferEmittedCount").value_or(0) > 100'000);
  const auto* remote = report.first("remote-inbound-rtp", "video");
  REQUIRE(remote != nullptr);
  CHECK(remote->number("roundTripTime").value_or(0) == Approx(0.020).margin(0.003));
  const auto* pair = report.first("candidate-pair");
  REQUIRE(pair != nullptr);
  CHECK(pair->number("currentRoundTripTime").value_or(0) == Approx(0.020).margin(0.003));
  CHECK(report.to_json().find("\"type\":\"transport\"") != std::string::npos);
}

TEST_CASE("bad configurations are refused with the member's name", "[peer]") {
  sim::Network network{1};
  auto& host = network.add_host({.name = "h", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  const auto refused = [&](auto change) {
    Configuration config;
    change(config);
    auto made = PeerConnection::create(host, config);
    return made ? std::string{"accepted"} : made.error().where;
  };
  CHECK(refused([](auto& c) { c.audio.channels = 3; }) == "audio.channels");
  CHECK(refused([](auto& c) { c.audio.frame_ms = 15; }) == "audio.frame_ms");
  CHECK(refused([](auto& c) { c.network.mtu = 100; }) == "network.mtu");
  CHECK(refused([](auto& c) { c.srtp_profiles.clear(); }) == "srtp_profiles");
  CHECK(refused([](auto& c) { c.video.max_frame_rate = 0; }) == "video.max_frame_rate");
  CHECK(refused([](auto& c) { c.ice_servers = {{{"turn:example.org"}}}; }) == "turn:example.org");
}
