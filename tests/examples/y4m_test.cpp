#include "loopback_call/y4m.hpp"

#include <fstream>

#include "examples/scratch_dir.hpp"
#include "loopback_call/media_source.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

using parley::Errc;

std::filesystem::path write(const ScratchDir& dir, const std::string& bytes) {
  const auto path = dir.path() / "pictures.y4m";
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string picture(char fill) { return std::string(16 * 16 * 3 / 2, fill); }

TEST_CASE("a Y4M header gives size and rate", "[example][y4m]") {
  const auto f =
      parse_y4m_header("YUV4MPEG2 W640 H360 F30000:1001 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED");
  REQUIRE(f);
  CHECK(f->width == 640);
  CHECK(f->height == 360);
  CHECK(f->rate.per_second() == Approx(29.97).epsilon(0.001));
  CHECK(parse_y4m_header("YUV4MPEG2 W640 H360 F30:1"));  // 4:2:0 when nothing is said
}

TEST_CASE("Y4M headers that do not fit are refused with the reason", "[example][y4m]") {
  const auto code = [](std::string_view line) { return parse_y4m_header(line).error().code; };
  CHECK(code("RIFF") == Errc::malformed);
  CHECK(code("YUV4MPEG2 W640 H360") == Errc::malformed);
  CHECK(code("YUV4MPEG2 W640 H360 F30:0") == Errc::malformed);
  for (const char* line :
       {"YUV4MPEG2 W641 H360 F30:1", "YUV4MPEG2 W640 H361 F30:1", "YUV4MPEG2 W8 H360 F30:1",
        "YUV4MPEG2 W640 H8192 F30:1", "YUV4MPEG2 W-2 H360 F30:1", "YUV4MPEG2 H360 F30:1",
        "YUV4MPEG2 W640 H360 F1000:1", "YUV4MPEG2 W640 H360 F1:10", "YUV4MPEG2 W640 H360 F30:1 It",
        "YUV4MPEG2 W640 H360 F30:1 C422", "YUV4MPEG2 W640 H360 F30:1 C420p10",
        "YUV4MPEG2 W640 H360 F30:1 Cmono"}) {
    CAPTURE(line);
    CHECK(code(line) == Errc::unsupported);
  }
  CHECK(parse_y4m_header("YUV4MPEG2 W641 H360 F30:1").error().where ==
        "pictures of 641x360, width and height must be even and from 16 to 4096");
}

TEST_CASE("pictures of a Y4M file are found behind their own parameters", "[example][y4m]") {
  const ScratchDir dir;
  const auto path = write(dir, "YUV4MPEG2 W16 H16 F25:1 C420\nFRAME\n" + picture('a') +
                                   "FRAME Ixyz\n" + picture('b') + "FRAME\ncut short");
  const auto reader = Y4mReader::open(path);
  REQUIRE(reader);
  REQUIRE(reader->frame_count() == 2);
  const auto second = reader->read(1);
  REQUIRE(second);
  CHECK((*second)->data()[0] == 'b');
  CHECK((*second)->data().back() == 'b');
  CHECK((*reader->read(0))->data()[7] == 'a');
}

TEST_CASE("Y4M files without a whole picture are refused", "[example][y4m]") {
  const ScratchDir dir;
  const auto code = [&dir](const std::string& bytes) {
    return Y4mReader::open(write(dir, bytes)).error().code;
  };
  CHECK(code("") == Errc::malformed);
  CHECK(code(std::string(1000, 'x')) == Errc::malformed);
  CHECK(code("YUV4MPEG2 W16 H16 F25:1\nFRAME\nshort") == Errc::malformed);
  CHECK(code("YUV4MPEG2 W16 H16 F25:1\nFR" + picture('a') + "\n") == Errc::malformed);
  CHECK(Y4mReader::open("/nonexistent/pictures.y4m").error().code == Errc::io);
}

TEST_CASE("what is written as Y4M reads back equal", "[example][y4m]") {
  const ScratchDir dir;
  const auto path = dir.path() / "pictures.y4m";
  const auto source = make_generated_pictures({64, 48, {30, 1}});
  auto writer = Y4mWriter::create(path, source->format());
  REQUIRE(writer);
  for (int i = 0; i < 3; ++i) writer->write(**source->picture(i));
  REQUIRE(writer->finish());
  const auto reader = Y4mReader::open(path);
  REQUIRE(reader);
  CHECK(reader->format().width == 64);
  REQUIRE(reader->frame_count() == 3);
  for (int i = 0; i < 3; ++i) {
    const auto want = *source->picture(i);
    const auto got = *reader->read(static_cast<std::size_t>(i));
    CHECK(std::equal(want->data().begin(), want->data().end(), got->data().begin(),
                     got->data().end()));
  }
}

TEST_CASE("an endless picture runs forwards and backwards", "[example][y4m]") {
  std::vector<std::size_t> order;
  for (int n = 0; n < 9; ++n) order.push_back(palindrome_index(n, 4));
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3, 2, 1, 0, 1, 2});
  CHECK(palindrome_index(1'000'000'007, 1) == 0);
  CHECK(palindrome_index(5, 2) == 1);
}

}  // namespace
}  // namespace loopback_call
