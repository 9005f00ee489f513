#include "echo_server/forwarding.hpp"

#include <vector>

#include "echo_server/stream.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;
using namespace std::chrono_literals;

namespace {

constexpr Timestamp kStart{1000s};

struct Recorded final : Watcher {
  void handle_publisher(const Content& content) override { codecs.push_back(content.video_codec); }
  void show(const EncodedVideo& frame) override { shown.push_back(frame.capture_time); }
  void play(const EncodedAudio&, std::uint32_t at) override { played.push_back(at); }
  std::vector<Timestamp> shown;
  std::vector<std::uint32_t> played;
  std::vector<std::string> codecs;
};

}  // namespace

TEST_CASE("pictures that came unevenly are sent on evenly", "[echo]") {
  VideoClock clock;
  const auto first = clock.place(0, kStart);
  CHECK(first == kStart);
  // 30 ms late, then 5 ms late, then in time.
  CHECK(clock.place(3000, kStart + 63'333us) == kStart + 33'333us);
  CHECK(clock.place(6000, kStart + 71'666us) == kStart + 66'666us);
  CHECK(clock.place(9000, kStart + 100ms) == kStart + 100ms);
}

TEST_CASE("a picture is never placed in the future nor before the one ahead of it", "[echo]") {
  VideoClock clock;
  (void)clock.place(0, kStart + 50ms);  // had been delayed
  const Timestamp second = clock.place(3000, kStart + 60ms);
  CHECK(second == kStart + 60ms);
  CHECK(clock.place(6000, kStart + 60ms) > second);
}

TEST_CASE("a sender's clock that jumps does not move pictures out of the present", "[echo]") {
  VideoClock clock;
  (void)clock.place(0, kStart);
  CHECK(clock.place(90'000 * 3600, kStart + 1s) == kStart + 1s);
  // The peer stood still for a minute without its timestamps going on.
  CHECK(clock.place(90'000 * 3600 + 3000, kStart + 60s) == kStart + 60s);
}

TEST_CASE("the wrap of RTP timestamps does not show", "[echo]") {
  VideoClock clock;
  (void)clock.place(0xFFFF'F000U, kStart);
  CHECK(clock.place(0xFFFF'F000U + 9000U, kStart + 100ms) == kStart + 100ms);
}

TEST_CASE("silence between audio packets is a gap and a late packet is left out", "[echo]") {
  AudioGaps gaps;
  const EncodedAudio packet{.samples_per_channel = 960};
  CHECK(gaps.before(packet, 4'000'000'000U) == 0U);
  CHECK(gaps.before(packet, 4'000'000'960U) == 0U);
  CHECK(gaps.before(packet, 4'000'000'960U + 960 + 48'000) == 48'000U);
  CHECK(gaps.before(packet, 4'000'001'920U) == std::nullopt);
  // Across the wrap, and far away.
  CHECK(gaps.before(packet, 4'000'050'880U + 48'000) == 48'000U);
  CHECK(gaps.before(packet, 4'000'050'880U + 1'000'000'000U) == 0U);
}

TEST_CASE("of simulcast streams the largest one that is alive goes on", "[echo][rfc8853]") {
  using Verdict = LayerChoice::Verdict;
  LayerChoice choice;
  Timestamp now = kStart;
  const auto judge = [&](const char* rid, bool key, int width) {
    return choice.judge({.key_frame = key, .width = width, .height = width, .rid = rid}, now);
  };
  CHECK(judge("", false, 0) == Verdict::pass);
  CHECK(judge("l", false, 0) == Verdict::want_key_frame);
  CHECK(judge("l", true, 160) == Verdict::pass);
  CHECK(judge("m", true, 320) == Verdict::pass);
  CHECK(judge("l", false, 0) == Verdict::drop);
  CHECK(judge("h", false, 0) == Verdict::want_key_frame);
  CHECK(judge("m", false, 0) == Verdict::pass);
  CHECK(judge("h", true, 640) == Verdict::pass);
  CHECK(judge("m", true, 320) == Verdict::drop);
  CHECK(choice.current() == "h");
  // The largest stops.
  now += 800ms;
  CHECK(judge("m", false, 0) == Verdict::want_key_frame);
  CHECK(judge("m", true, 320) == Verdict::pass);
  CHECK(judge("l", true, 160) == Verdict::drop);
  // And comes back.
  CHECK(judge("h", false, 0) == Verdict::want_key_frame);
}

TEST_CASE("a stream has one publisher and any number of watchers", "[echo]") {
  Stream stream;
  Recorded one;
  Recorded two;
  int wanted = 0;
  stream.add(one);
  stream.want_key_frame();  // nobody to ask
  REQUIRE(stream.begin({"VP8", "OPUS"}, [&] { ++wanted; }));
  CHECK_FALSE(stream.begin({"VP8", "OPUS"}, [] {}));
  stream.add(two);
  stream.want_key_frame();
  CHECK(wanted == 1);
  stream.publish(EncodedVideo{.rtp_timestamp = 0}, kStart);
  stream.publish(EncodedAudio{}, 7);
  stream.remove(one);
  stream.publish(EncodedVideo{.rtp_timestamp = 3000}, kStart + 40ms);
  CHECK(one.shown.size() == 1);
  CHECK(one.played == std::vector<std::uint32_t>{7});
  REQUIRE(two.shown.size() == 2);
  CHECK(two.shown[1] - two.shown[0] == 33'333us);
  stream.end();
  CHECK_FALSE(stream.content());
  CHECK(stream.begin({"VP9", ""}, [] {}));
  CHECK(two.codecs == std::vector<std::string>{"VP9"});
}
