// The program as a whole, from options to exit status, in virtual time.
#include "loopback_call/program.hpp"

#include <fstream>
#include <sstream>

#include "examples/scratch_dir.hpp"
#include "loopback_call/wav.hpp"
#include "loopback_call/y4m.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

using namespace std::chrono_literals;

Options small_call(const std::filesystem::path& out) {
  Options o;
  o.media_dir = out / "none";  // generated media
  o.length = 2s;
  o.is_virtual = true;
  o.seed = 3;
  o.out = out;
  o.quiet = true;
  return o;
}

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TEST_CASE("a virtual call passes its floor and leaves its results", "[example][call]") {
  const ScratchDir dir;
  const Options o = small_call(dir.path() / "out");
  CHECK(run(o) == 0);
  for (const char* end : {"a", "b"}) {
    const auto y4m = Y4mReader::open(o.out / (std::string(end) + "-received.y4m"));
    REQUIRE(y4m);
    CHECK(y4m->frame_count() == 60);
    const auto wav = read_wav(o.out / (std::string(end) + "-received.wav"));
    REQUIRE(wav);
    CHECK(wav->frames() >= 2 * 48'000);
  }
  CHECK(contents(o.out / "stats.json").find("\"passed\": true") != std::string::npos);
  CHECK(contents(o.out / "call-report.html").find("</html>") != std::string::npos);
}

TEST_CASE("two virtual calls from one seed leave the same bytes", "[example][call]") {
  const ScratchDir dir;
  Options first = small_call(dir.path() / "first");
  first.impairment = {.loss = 0.05, .delay = 40ms, .jitter = 20ms, .reorder = 0.02};
  Options second = first;
  second.out = dir.path() / "second";
  Options other = first;
  other.out = dir.path() / "other";
  other.seed = 4;
  // The first call of a process also makes what libssl and parley make once per process, which
  // takes random numbers: the two that are compared come after it, as two processes would be equal.
  run(other);
  CHECK(run(first) == run(second));
  for (const char* name : {"stats.json", "call-report.html", "a-received.wav", "b-received.wav",
                           "a-received.y4m", "b-received.y4m"}) {
    CAPTURE(name);
    CHECK(contents(first.out / name) == contents(second.out / name));
  }
  CHECK(contents(first.out / "stats.json") != contents(other.out / "stats.json"));
}

TEST_CASE("a call over a dead network ends with status 1", "[example][call]") {
  const ScratchDir dir;
  Options o = small_call(dir.path() / "out");
  o.impairment.loss = 1;
  CHECK(run(o) == 1);
  CHECK(contents(o.out / "stats.json").find("did not connect") != std::string::npos);
}

TEST_CASE("a floor that is missed ends with status 1", "[example][call]") {
  const ScratchDir dir;
  Options o = small_call(dir.path() / "out");
  o.length = 1s;
  o.min_psnr_db = 98;
  CHECK(run(o) == 1);
  CHECK(contents(o.out / "stats.json").find("is below 98.0 dB") != std::string::npos);
}

TEST_CASE("media that cannot be used end with status 2", "[example][call]") {
  const ScratchDir dir;
  Options o = small_call(dir.path() / "out");
  o.audio = dir.path() / "missing.wav";
  CHECK(run(o) == 2);
  o.audio.reset();
  o.video = dir.path() / "missing.y4m";
  CHECK(run(o) == 2);
  std::ofstream(*o.video) << "YUV4MPEG2 W641 H361 F30:1\nFRAME\n"
                          << std::string(641 * 361 * 2, 'x');
  CHECK(run(o) == 2);
  o.video.reset();
  o.out = "/proc/cannot/be/made";
  CHECK(run(o) == 2);
}

}  // namespace
}  // namespace loopback_call
