// Several encodings of one video at the server: which one is sent on, what is recorded.
#include <nlohmann/json.hpp>
#include <set>

#include "echo/publishing.hpp"
#include "echo_server/ivf.hpp"
#include "echo_server/ogg_opus.hpp"
#include "scratch_dir.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;
using loopback_call::ScratchDir;

namespace {

constexpr int kWidth = 320;
constexpr int kHeight = 192;

std::vector<SendEncoding> encodings(bool with_largest = true) {
  return {{.rid = "q", .scale_resolution_down_by = 4},
          {.rid = "h", .scale_resolution_down_by = 2},
          {.rid = "f", .active = with_largest}};
}

/// The sizes of what a peer is sent.
class Sizes {
 public:
  Sizes(ServerFixture& server, TestPeer& peer) : server_(server) {
    server.runtime.run_sync([&] {
      peer.video->on_encoded_frame([state = state_](const EncodedVideo& frame) {
        if (frame.key_frame) state->width = frame.width;
        state->rids.insert(frame.rid);
        ++state->frames;
      });
    });
  }
  bool become(int width) {
    return eventually([&] { return get().width == width; });
  }
  bool goes_on() {
    const int before = get().frames;
    return eventually([&] { return get().frames > before + 20; });
  }
  std::set<std::string> rids() { return get().rids; }

 private:
  struct State {
    int width = 0;  ///< of the last key frame
    int frames = 0;
    std::set<std::string> rids;
  };
  State get() {
    return server_.runtime.run_sync([&] { return *state_; });
  }
  ServerFixture& server_;
  std::shared_ptr<State> state_ = std::make_shared<State>();  ///< of the sequence
};

std::string call(ServerFixture& server, TestPeer& peer) {
  using nlohmann::json;
  const auto response =
      server.send("POST", "/offer", json{{"type", "offer"}, {"sdp", peer.offer}}.dump());
  REQUIRE(response.status == 200);
  const json answer = json::parse(response.body);
  REQUIRE(peer.accept(answer.at("sdp")));
  REQUIRE(peer.connects());
  return answer.at("id");
}

void set_largest(ServerFixture& server, TestPeer& peer, bool active) {
  server.runtime.run_sync([&] { REQUIRE(peer.video->set_encodings(encodings(active))); });
}

/// Ends the calls and their recordings, and gives what was recorded of `id`: by name its width.
std::map<std::string, int> recorded(ServerFixture& server, const std::filesystem::path& dir,
                                    const std::string& id) {
  server.runtime.run_sync([&] { server.peers->hang_up_all(); });
  std::map<std::string, int> found;
  // The files are complete when the workers have let go of them.
  (void)eventually([&] {
    found.clear();
    for (const auto& entry : std::filesystem::directory_iterator(dir)) {
      const std::string name = entry.path().filename().string();
      const auto clip = IvfClip::read(entry.path());
      if (name.starts_with(id) && clip && clip->frames.size() > 10)
        found[name.substr(id.size() + 1)] = clip->width;
    }
    return found.size() == 3;
  });
  return found;
}

}  // namespace

TEST_CASE("the largest of several encodings is echoed and each of them recorded",
          "[echo][rfc8853]") {
  const ScratchDir dir;
  Options options = loopback_options();
  options.record = dir.path();
  ServerFixture server(options);
  TestPeer peer(server, {.video = Direction::sendrecv, .encodings = encodings()});
  Sizes sizes(server, peer);
  const std::string id = call(server, peer);
  std::optional<Publishing> media(std::in_place, server, peer, kWidth, kHeight);
  CHECK(sizes.become(kWidth));
  CHECK(sizes.goes_on());
  // The sender leaves the largest out: the next one takes over with a key frame that it is asked
  // for.
  set_largest(server, peer, false);
  CHECK(sizes.become(kWidth / 2));
  CHECK(sizes.goes_on());
  set_largest(server, peer, true);
  CHECK(sizes.become(kWidth));
  CHECK(sizes.rids() == std::set<std::string>{""});  // one stream to the peer
  media.reset();
  CHECK(recorded(server, dir.path(), id) == std::map<std::string, int>{{"0_f.ivf", kWidth},
                                                                       {"0_h.ivf", kWidth / 2},
                                                                       {"0_q.ivf", kWidth / 4}});
}

TEST_CASE("viewers of a simulcast publisher see the largest encoding that comes",
          "[echo][whep][rfc8853]") {
  ServerFixture server;
  TestPeer publisher(server, {.video = Direction::sendonly, .encodings = encodings()});
  const auto published = server.post_sdp("/whip", publisher.offer);
  REQUIRE(published.status == 201);
  CHECK(published.body.find("a=simulcast:recv q;h;f") != std::string::npos);
  REQUIRE(publisher.accept(published.body));
  REQUIRE(publisher.connects());
  Publishing media(server, publisher, kWidth, kHeight);
  TestPeer viewer(server, {.video = Direction::recvonly});
  Sizes sizes(server, viewer);
  const auto created = server.post_sdp("/whep", viewer.offer);
  REQUIRE(created.status == 201);
  REQUIRE(viewer.accept(created.body));
  CHECK(sizes.become(kWidth));
  set_largest(server, publisher, false);
  CHECK(sizes.become(kWidth / 2));
  // Who comes now begins with a key frame of the encoding that is shown now.
  TestPeer late(server, {.video = Direction::recvonly});
  Sizes seen_late(server, late);
  const auto joined = server.post_sdp("/whep", late.offer);
  REQUIRE(joined.status == 201);
  REQUIRE(late.accept(joined.body));
  CHECK(seen_late.become(kWidth / 2));
  CHECK(seen_late.goes_on());
  set_largest(server, publisher, true);
  CHECK(sizes.become(kWidth));
  CHECK(seen_late.become(kWidth));
}

TEST_CASE("what is transcoded is recorded as it came", "[echo]") {
  const ScratchDir dir;
  Options options = loopback_options();
  options.record = dir.path();
  options.transcode = true;
  ServerFixture server(options);
  TestPeer peer(server, {.audio = Direction::sendrecv, .video = Direction::sendrecv});
  Sizes sizes(server, peer);
  const std::string id = call(server, peer);
  std::optional<Publishing> media(std::in_place, server, peer);
  CHECK(sizes.become(160));
  CHECK(sizes.goes_on());
  CHECK(eventually([&] { return peer.inbound("audio", "packetsReceived") > 20; }));
  media.reset();
  server.runtime.run_sync([&] { server.peers->hang_up_all(); });
  CHECK(eventually([&] {
    const auto clip = IvfClip::read(dir.path() / (id + "-1.ivf"));
    const auto sound = OggOpusClip::read(dir.path() / (id + "-0.ogg"));
    return clip && clip->width == 160 && clip->frames.size() > 10 && sound &&
           sound->packets.size() > 20;
  }));
}
