#include <cstdio>
#include <fstream>

#include "echo_server/file_player.hpp"
#include "echo_server/ivf.hpp"
#include "echo_server/ogg_opus.hpp"
#include "echo_server/recorder.hpp"
#include "parley/sim/network.hpp"
#include "scratch_dir.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;
using namespace std::chrono_literals;
using loopback_call::ScratchDir;

namespace {

const std::vector<std::uint8_t> kKey{0x10, 1, 2, 3};    // RFC 6386: bit 0 clear
const std::vector<std::uint8_t> kInter{0x11, 4, 5, 6};  // set
// Opus, CELT 20 ms, mono, one frame (RFC 6716 section 3.1: configuration 31).
const std::vector<std::uint8_t> kSound{0xF8, 1, 2, 3, 4};

std::shared_ptr<const MediaCodec> codec(const char* name) {
  return std::make_shared<MediaCodec>(MediaCodec{.name = name});
}

void write(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

struct Watched final : Watcher {
  void handle_publisher(const Content&) override {}
  void show(const EncodedVideo& frame) override { shown.push_back(frame); }
  void play(const EncodedAudio& packet, std::uint32_t at) override {
    played.emplace_back(at, packet.data);
  }
  std::vector<EncodedVideo> shown;
  std::vector<std::pair<std::uint32_t, std::vector<std::uint8_t>>> played;
};

}  // namespace

TEST_CASE("what is written as IVF is read back", "[echo]") {
  const ScratchDir dir;
  const auto path = dir.path() / "a.ivf";
  {
    auto writer = IvfWriter::create(path, "VP8", 320, 240);
    REQUIRE(writer);
    writer->write(kKey, 0);
    writer->write(kInter, 3000);
    writer->write(kInter, 9000);
  }
  const auto clip = IvfClip::read(path);
  REQUIRE(clip);
  CHECK(clip->codec == "VP8");
  CHECK((clip->width == 320 && clip->height == 240));
  REQUIRE(clip->frames.size() == 3);
  CHECK(clip->frames[0].key_frame);
  CHECK_FALSE(clip->frames[1].key_frame);
  CHECK(clip->frames[1].data == kInter);
  CHECK(clip->frames[2].ticks == 9000);
}

TEST_CASE("files that are no IVF or hold nothing are refused", "[echo]") {
  const ScratchDir dir;
  const auto path = dir.path() / "a.ivf";
  CHECK(IvfClip::read(path).error().code == Errc::io);
  write(path, "hello");
  CHECK(IvfClip::read(path).error().code == Errc::malformed);
  { (void)IvfWriter::create(path, "VP8", 320, 240).has_value(); }
  CHECK(IvfClip::read(path).error().code == Errc::malformed);
  CHECK(IvfWriter::create(path, "XYZ", 320, 240).error().code == Errc::unsupported);
}

TEST_CASE("key frames are known by their first bytes", "[echo]") {
  CHECK(is_key_frame("VP8", kKey));
  CHECK_FALSE(is_key_frame("VP8", kInter));
  // VP9 section 6.2: marker 2, profile 0, show_existing_frame 0, frame_type 0 or 1.
  CHECK(is_key_frame("VP9", std::vector<std::uint8_t>{0x82}));
  CHECK_FALSE(is_key_frame("VP9", std::vector<std::uint8_t>{0x86}));
  // AV1 section 5.3: a temporal delimiter, then a sequence header or a frame.
  CHECK(is_key_frame("AV1", std::vector<std::uint8_t>{0x12, 0, 0x0A, 1, 0}));
  CHECK_FALSE(is_key_frame("AV1", std::vector<std::uint8_t>{0x12, 0, 0x32, 1, 0}));
  CHECK_FALSE(is_key_frame("AV1", std::vector<std::uint8_t>{0x12, 0xFF}));
  CHECK(is_key_frame("H264", std::vector<std::uint8_t>{0, 0, 0, 1, 0x65, 1}));
  CHECK_FALSE(is_key_frame("H264", std::vector<std::uint8_t>{0, 0, 0, 1, 0x41, 1}));
  CHECK_FALSE(is_key_frame("VP8", {}));
}

TEST_CASE("what is written as Ogg Opus is read back with silence filled in", "[echo][rfc7845]") {
  const ScratchDir dir;
  const auto path = dir.path() / "a.ogg";
  std::vector<std::uint8_t> large(700, 9);
  large[0] = 0xF8;
  {
    auto writer = OggOpusWriter::create(path);
    REQUIRE(writer);
    writer->write(kSound, 0);
    writer->write(large, 3 * 960);
    writer->write({}, 0);  // no Opus
    for (int i = 0; i < 100; ++i) writer->write(kSound, 0);
  }
  const auto clip = OggOpusClip::read(path);
  REQUIRE(clip);
  REQUIRE(clip->packets.size() == 105);
  CHECK(clip->packets[0].data == kSound);
  CHECK(clip->packets[0].samples == 960);
  CHECK(clip->packets[1].data == std::vector<std::uint8_t>{0xF8});
  CHECK(clip->packets[4].data == large);
  CHECK(clip->packets[104].data == kSound);
}

TEST_CASE("a file that is no Ogg Opus is refused", "[echo]") {
  const ScratchDir dir;
  const auto path = dir.path() / "a.ogg";
  write(path, "OggS but not really");
  CHECK(OggOpusClip::read(path).error().code == Errc::malformed);
}

TEST_CASE("a recording begins with a key frame and stays in its folder", "[echo]") {
  const ScratchDir dir;
  sim::Network network{1};
  auto& host = network.add_host({.name = "a", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  {
    Recorder recorder(host, dir.path(), "0123");
    recorder.handle("../v", EncodedVideo{.data = kInter, .codec = codec("VP8")});
    recorder.handle(
        "../v",
        EncodedVideo{
            .data = kKey, .key_frame = true, .rtp_timestamp = 90'000, .codec = codec("VP8")});
    recorder.handle("../v",
                    EncodedVideo{.data = kInter, .rtp_timestamp = 93'000, .codec = codec("VP8")});
    recorder.handle("a", EncodedAudio{.data = kSound, .codec = codec("opus")}, 0);
    recorder.handle("a", EncodedAudio{.data = kSound, .codec = codec("opus")}, 960 * 3);
    network.run_for(1s);
  }
  const auto video = IvfClip::read(dir.path() / "0123-___v.ivf");
  REQUIRE(video);
  REQUIRE(video->frames.size() == 2);
  CHECK(video->frames[1].ticks == 3000);
  const auto audio = OggOpusClip::read(dir.path() / "0123-a.ogg");
  REQUIRE(audio);
  CHECK(audio->packets.size() == 4);
}

TEST_CASE("clips are played evenly and again and go back for a key frame", "[echo]") {
  sim::Network network{1};
  auto& host = network.add_host({.name = "a", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  auto clips = std::make_shared<Clips>();
  clips->video =
      IvfClip{"VP8", 32, 32, {{kKey, 0, true}, {kInter, 9000, false}, {kInter, 18'000, false}}};
  clips->audio = OggOpusClip{{{kSound, 960}, {{0xF8, 7}, 960}}};
  auto stream = FilePlayer::play(host, clips);
  Watched watched;
  stream->add(watched);
  network.run_for(1s);
  CHECK(watched.shown.empty());  // nobody asked yet

  stream->want_key_frame();
  network.run_for(1050ms);
  REQUIRE(watched.shown.size() == 11);
  for (std::size_t i = 0; i < watched.shown.size(); ++i) {
    CHECK(watched.shown[i].key_frame == (i % 3 == 0));
    CHECK(watched.shown[i].capture_time - watched.shown[0].capture_time == i * 100ms);
  }
  REQUIRE(watched.played.size() == 53);
  CHECK(watched.played[52].first == 52 * 960);
  CHECK(watched.played[52].second == kSound);

  // The next would have been the third frame of the clip.
  watched.shown.clear();
  stream->want_key_frame();
  network.run_for(100ms);
  REQUIRE(watched.shown.size() == 1);
  CHECK(watched.shown[0].key_frame);

  stream->remove(watched);
  stream.reset();
  network.run_for(1s);  // the player is gone with its stream
}

TEST_CASE("of each kind one file can be played", "[echo]") {
  const ScratchDir dir;
  const auto path = dir.path() / "a.ivf";
  { IvfWriter::create(path, "VP8", 32, 32).value().write(kKey, 0); }
  const auto clips = Clips::read({path});
  REQUIRE(clips);
  CHECK(clips->video);
  CHECK_FALSE(clips->empty());
  CHECK(Clips::read({path, path}).error().code == Errc::invalid_argument);
  CHECK(Clips::read({})->empty());
}
