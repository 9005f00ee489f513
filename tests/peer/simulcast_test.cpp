// Simulcast between two connections on the simulator (RFC 8853).
#include <set>

#include "parley/codec/vp8.hpp"
#include "peer/call_scene.hpp"

using namespace parley;
using parley::test::CallScene;
using parley::test::moving_picture;

namespace {

constexpr int kWidth = 320;
constexpr int kHeight = 240;

Configuration receiving() {
  Configuration config;
  config.video.receive_simulcast = true;
  return config;
}

/// What came of one stream.
struct Layer {
  int frames = 0;
  int keys = 0;
  int damaged = 0;
  int width = 0;
  int height = 0;
  std::unique_ptr<VideoDecoder> decoder = std::move(*codec::Vp8Decoder::create());

  void take(const EncodedVideo& frame) {
    ++frames;
    if (frame.key_frame) ++keys;
    const auto decoded = decoder->decode(frame);
    if (!decoded || !*decoded) {
      ++damaged;
      return;
    }
    width = (*decoded)->picture->width();
    height = (*decoded)->picture->height();
  }
};

/// `a` sends pictures of 320x240 in three encodings, `b` takes what comes by rid.
struct Scene : CallScene {
  explicit Scene(sim::LinkConfig link = {.delay = 10ms}, Configuration b_config = receiving(),
                 Configuration a_config = {})
      : CallScene({.seed = 5,
                   .link = link,
                   .a = std::move(a_config),
                   .b = std::move(b_config),
                   .audio = false,
                   .video = false}) {}

  void start(std::vector<SendEncoding> encodings = {{.rid = "q"}, {.rid = "h"}, {.rid = "f"}}) {
    TransceiverInit init;
    init.direction = Direction::sendonly;
    init.send_encodings = std::move(encodings);
    a.video.push_back(*a.pc->add_transceiver(MediaKind::video, init));
    negotiate(a, b);
    REQUIRE(run_until_connected());
    take_encoded();
  }
  void take_encoded() {
    b.video.front().on_frame(nullptr);
    b.video.front().on_encoded_frame([this](const EncodedVideo& f) { layers[f.rid].take(f); });
  }
  Transceiver& sender() { return a.video.front(); }
  /// Sends 30 pictures a second.
  void send_for(Duration duration) {
    const Timestamp end = now() + duration;
    send(end);
    network().run_until(end);
  }
  void send(Timestamp end) {
    if (a.host->now() >= end) return;
    if (sender().send(
            {.picture = moving_picture(sent, kWidth, kHeight), .capture_time = a.host->now()})) {
      ++sent;
    }
    a.host->post_at(a.host->now() + 33ms, [this, end] { send(end); });
  }
  DataRate target(const std::string& rid) {
    for (const SendLayer& layer : sender().send_layers()) {
      if (layer.rid == rid) return layer.target_rate;
    }
    return {};
  }

  std::map<std::string, Layer> layers;
  int sent = 0;
};

}  // namespace

TEST_CASE("three streams arrive whole over 5 percent loss", "[peer][rfc8853]") {
  Scene scene({.delay = 20ms, .loss = 0.05});
  scene.start();
  scene.send_for(10s);
  scene.run_for(1s);
  REQUIRE(scene.layers.size() == 3);
  int divisor = 4;
  for (const char* rid : {"q", "h", "f"}) {
    const Layer& layer = scene.layers[rid];
    INFO(rid << ": " << layer.frames << " of " << scene.sent);
    CHECK(layer.frames >= scene.sent * 95 / 100);
    CHECK(layer.damaged == 0);
    CHECK(layer.width == kWidth / divisor);
    CHECK(layer.height == kHeight / divisor);
    divisor /= 2;
  }
}

TEST_CASE("statistics tell the streams apart by rid", "[peer]") {
  Scene scene({.delay = 20ms, .loss = 0.02});
  scene.start();
  scene.send_for(4s);
  const auto count = [](const StatsReport& report, std::string_view type, std::string_view rid) {
    int found = 0;
    for (const StatsObject& object : report.objects) {
      if (object.type() == type && object.text("rid") == rid) ++found;
    }
    return found;
  };
  const auto at_a = scene.a.pc->get_stats();
  const auto at_b = scene.b.pc->get_stats();
  std::set<double> ssrcs;
  for (const char* rid : {"q", "h", "f"}) {
    CHECK(count(at_a, "outbound-rtp", rid) == 1);
    CHECK(count(at_a, "remote-inbound-rtp", rid) == 1);
    CHECK(count(at_b, "inbound-rtp", rid) == 1);
    CHECK(count(at_b, "remote-outbound-rtp", rid) == 1);
    const auto* out = at_a.find(std::string("O0-") + rid);
    const auto* in = at_b.find(std::string("I0-") + rid);
    REQUIRE(out != nullptr);
    REQUIRE(in != nullptr);
    CHECK(out->text("mid") == "0");
    CHECK(in->text("mid") == "0");
    CHECK(out->number("ssrc") == in->number("ssrc"));
    // Known to the receiver once something was repaired.
    if (in->number("rtxSsrc")) CHECK(out->number("rtxSsrc") == in->number("rtxSsrc"));
    CHECK(out->number("active") == 1);
    CHECK(out->number("framesEncoded").value_or(0) > 100);
    CHECK(in->number("framesReceived").value_or(0) > 100);
    ssrcs.insert(*out->number("ssrc"));
  }
  CHECK(ssrcs.size() == 3);
  CHECK(at_a.find("O0-q")->number("frameWidth") == 80);
  CHECK(at_a.find("O0-f")->number("frameWidth") == 320);
  CHECK(at_a.find("O0-h")->number("encodingIndex") == 1);
}

TEST_CASE("a stream is switched off and on without negotiation", "[peer][rfc8853]") {
  Scene scene;
  scene.start();
  scene.send_for(2s);
  REQUIRE(
      scene.sender().set_encodings({{.rid = "q"}, {.rid = "h", .active = false}, {.rid = "f"}}));
  scene.run_for(200ms);  // what was under way
  const int before = scene.layers["h"].frames;
  const int others = scene.layers["f"].frames;
  scene.send_for(2s);
  CHECK(scene.layers["h"].frames == before);
  CHECK(scene.layers["f"].frames - others > 55);
  CHECK(scene.a.pc->get_stats().find("O0-h")->number("active") == 0);
  CHECK(scene.target("h") == DataRate{});
  REQUIRE(scene.sender().set_encodings({{.rid = "q"}, {.rid = "h"}, {.rid = "f"}}));
  const int keys = scene.layers["h"].keys;
  scene.send_for(1s);
  CHECK(scene.layers["h"].keys > keys);
  CHECK(scene.layers["h"].frames - before > 25);
  CHECK(scene.layers["h"].damaged == 0);
}

TEST_CASE("an encoding that is inactive from the beginning is offered as paused", "[peer]") {
  Scene scene;
  TransceiverInit init;
  init.direction = Direction::sendonly;
  init.send_encodings = {{.rid = "q"}, {.rid = "h", .active = false}};
  scene.a.video.push_back(*scene.a.pc->add_transceiver(MediaKind::video, init));
  const auto offer = scene.a.pc->create_offer();
  REQUIRE(offer);
  CHECK(offer->sdp.find("a=simulcast:send q;~h\r\n") != std::string::npos);
}

TEST_CASE("a narrow rate serves the smallest pictures first", "[peer]") {
  Scene scene;
  scene.start();
  scene.send_for(2s);
  CHECK(scene.target("f") > DataRate::kilobits_per_second(300));
  CHECK(scene.target("q") > DataRate{});
  REQUIRE(scene.a.pc->set_bitrate_limits(DataRate::kilobits_per_second(20),
                                         DataRate::kilobits_per_second(60)));
  scene.run_for(300ms);
  // Shares follow the full rate: of 60 kbit/s a quarter picture deserves the least there is.
  const DataRate sum = scene.target("q") + scene.target("h") + scene.target("f");
  CHECK(sum <= DataRate::kilobits_per_second(61));
  CHECK(scene.target("q") > DataRate{});
  CHECK(scene.target("f") == DataRate{});
  scene.run_for(500ms);
  const int full = scene.layers["f"].frames;
  const int quarter = scene.layers["q"].frames;
  scene.send_for(2s);
  CHECK(scene.layers["f"].frames == full);
  CHECK(scene.layers["q"].frames > quarter);
}

TEST_CASE("what is shown is the largest stream that comes", "[peer]") {
  Scene scene;
  scene.start();
  scene.b.video.front().on_encoded_frame(nullptr);
  int width = 0;
  scene.b.video.front().on_frame([&](const VideoFrame& frame) { width = frame.picture->width(); });
  scene.send_for(2s);
  CHECK(width == kWidth);
  REQUIRE(
      scene.sender().set_encodings({{.rid = "q"}, {.rid = "h"}, {.rid = "f", .active = false}}));
  // A second of silence, then a key frame of the half size comes because parley asks for it.
  scene.send_for(1500ms);
  CHECK(width == kWidth / 2);
  REQUIRE(scene.sender().set_encodings({{.rid = "q"}, {.rid = "h"}, {.rid = "f"}}));
  scene.send_for(1s);
  CHECK(width == kWidth);
}

TEST_CASE("a peer without simulcast gets the first encoding", "[peer][rfc8853]") {
  Scene scene({.delay = 10ms}, Configuration{});
  scene.start(
      {{.rid = "f", .scale_resolution_down_by = 1}, {.rid = "h", .scale_resolution_down_by = 2}});
  scene.send_for(2s);
  REQUIRE(scene.layers.size() == 1);
  CHECK(scene.layers[""].frames > 55);
  CHECK(scene.layers[""].width == kWidth);
  CHECK(scene.sender().send_layers().size() == 1);
}

TEST_CASE("a peer that asks for streams is sent them with the limits it names",
          "[peer][rfc8853][rfc8851]") {
  Scene scene;
  TransceiverInit wish;
  wish.direction = Direction::recvonly;
  wish.receive_rids = {"lo", "hi"};
  scene.b.video.push_back(*scene.b.pc->add_transceiver(MediaKind::video, wish));
  auto offer = scene.b.pc->set_local_description();
  REQUIRE(offer);
  // What a selective forwarder would write.
  const std::string line = "a=rid:hi recv\r\n";
  const auto at = offer->sdp.find(line);
  REQUIRE(at != std::string::npos);
  offer->sdp.replace(at, line.size(), "a=rid:hi recv max-width=200\r\n");
  REQUIRE(scene.a.pc->set_remote_description(*offer));
  scene.a.video = scene.a.pc->transceivers();
  REQUIRE(scene.sender().set_direction(Direction::sendonly));
  const auto answer = scene.a.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(scene.b.pc->set_remote_description(*answer));
  REQUIRE(scene.run_until_connected());
  scene.take_encoded();
  scene.send_for(2s);
  REQUIRE(scene.layers.size() == 2);
  CHECK(scene.layers["lo"].width == kWidth / 2);
  CHECK(scene.layers["hi"].width == 200);
}

TEST_CASE("key frames are made for a receiver that does not ask", "[peer]") {
  Scene scene;
  scene.start();
  scene.send_for(2s);
  const auto key_frames = [&](const std::string& rid) { return scene.layers[rid].keys; };
  const int before_h = key_frames("h");
  const int before_f = key_frames("f");
  REQUIRE(scene.sender().make_key_frame("h"));
  scene.send_for(500ms);
  CHECK(key_frames("h") == before_h + 1);
  CHECK(key_frames("f") == before_f);
  REQUIRE(scene.sender().make_key_frame());
  scene.send_for(500ms);
  CHECK(key_frames("h") == before_h + 2);
  CHECK(key_frames("f") == before_f + 1);

  std::vector<std::string> asked;
  scene.sender().on_key_frame_request([&](const std::string& rid) { asked.push_back(rid); });
  REQUIRE(scene.sender().make_key_frame("q"));
  CHECK(asked == std::vector<std::string>{"q"});
}

TEST_CASE("encoded frames go to the stream of their rid and key frames are asked for by rid",
          "[peer]") {
  Scene scene;
  std::vector<std::string> asked;
  scene.start();
  scene.send_for(1s);  // real frames to begin with
  scene.sender().on_key_frame_request([&](const std::string& rid) { asked.push_back(rid); });
  REQUIRE(scene.b.video.front().request_key_frame("h"));
  scene.send_for(1s);
  CHECK(asked == std::vector<std::string>{"h"});
  EncodedVideo frame{.data = {0x10, 0x00, 0x00}, .capture_time = scene.now()};
  frame.rid = "x";
  const auto unknown = scene.sender().send_encoded(frame);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::invalid_state);
  frame.rid = "h";
  CHECK(scene.sender().send_encoded(frame));
}

TEST_CASE("encodings that contradict themselves are refused", "[peer]") {
  Scene scene;
  const auto refused = [&](MediaKind kind, std::vector<SendEncoding> encodings) {
    TransceiverInit init;
    init.send_encodings = std::move(encodings);
    const auto made = scene.a.pc->add_transceiver(kind, init);
    return !made && made.error().code == Errc::invalid_argument;
  };
  CHECK(refused(MediaKind::video, {{.rid = "a"}, {.rid = "a"}}));
  CHECK(refused(MediaKind::video, {{.rid = "a"}, {.rid = ""}}));
  CHECK(refused(MediaKind::video, {{.rid = "a"}, {.rid = "b-c"}}));
  CHECK(refused(MediaKind::video, {{.scale_resolution_down_by = 0.5}}));
  CHECK(refused(MediaKind::audio, {{.rid = "a"}, {.rid = "b"}}));
  CHECK(scene.a.pc->transceivers().empty());
}

TEST_CASE("simulcast lives through a later negotiation of either side", "[peer]") {
  Scene scene;
  scene.start();
  scene.send_for(1s);
  REQUIRE(scene.b.pc->add_transceiver(MediaKind::audio));
  scene.negotiate(scene.b, scene.a);
  scene.send_for(1s);
  for (const char* rid : {"q", "h", "f"}) {
    const int before = scene.layers[rid].frames;
    scene.send_for(1s);
    INFO(rid);
    CHECK(scene.layers[rid].frames - before > 25);
    CHECK(scene.layers[rid].damaged == 0);
  }
}
