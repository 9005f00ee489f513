#include "loopback_call/wav.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <string>

#include "examples/scratch_dir.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

using parley::Errc;

void put(std::vector<std::uint8_t>& out, std::uint32_t v, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}
void put(std::vector<std::uint8_t>& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

struct Header {
  std::uint16_t coding = 1;
  std::uint16_t channels = 1;
  std::uint32_t rate = 48'000;
  std::uint16_t bits = 16;
  std::uint32_t data_size = 0;
};

/// A WAV file with a chunk that nobody knows before the samples.
std::vector<std::uint8_t> make_wav(Header h, const std::vector<std::uint8_t>& data) {
  std::vector<std::uint8_t> f;
  put(f, "RIFF");
  put(f, 0, 4);
  put(f, "WAVELIST");
  put(f, 3, 4);
  put(f, "abc");
  f.push_back(0);  // chunks are padded to even lengths
  put(f, "fmt ");
  put(f, 16, 4);
  put(f, h.coding, 2);
  put(f, h.channels, 2);
  put(f, h.rate, 4);
  put(f, 0, 4);
  put(f, 0, 2);
  put(f, h.bits, 2);
  put(f, "data");
  put(f, h.data_size, 4);
  f.insert(f.end(), data.begin(), data.end());
  return f;
}

TEST_CASE("a WAV file of 16 bits gives its samples", "[example][wav]") {
  const auto clip = parse_wav(make_wav({.data_size = 4}, {0x34, 0x12, 0xFE, 0xFF}));
  REQUIRE(clip);
  CHECK(clip->channels == 1);
  CHECK(clip->samples == std::vector<std::int16_t>{0x1234, -2});
}

TEST_CASE("wider samples keep their upper 16 bits", "[example][wav]") {
  const auto clip24 =
      parse_wav(make_wav({.bits = 24, .data_size = 6}, {0x99, 0x34, 0x12, 0x00, 0x00, 0x80}));
  REQUIRE(clip24);
  CHECK(clip24->samples == std::vector<std::int16_t>{0x1234, -32768});
  const auto clip32 = parse_wav(make_wav({.bits = 32, .data_size = 4}, {1, 2, 0x34, 0x92}));
  REQUIRE(clip32);
  CHECK(clip32->samples == std::vector<std::int16_t>{static_cast<std::int16_t>(0x9234)});
}

TEST_CASE("float samples are scaled and limited and a NaN is silence", "[example][wav]") {
  std::vector<std::uint8_t> data;
  for (const float v : {0.5F, -1.0F, 2.0F, std::numeric_limits<float>::quiet_NaN()}) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v, 4);
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  const auto clip = parse_wav(make_wav({.coding = 3, .bits = 32, .data_size = 16}, data));
  REQUIRE(clip);
  CHECK(clip->samples == std::vector<std::int16_t>{16384, -32768, 32767, 0});
}

TEST_CASE("a length that was left open takes what is there", "[example][wav]") {
  const auto clip = parse_wav(make_wav({.channels = 2, .data_size = 0xFFFFFFFF}, {1, 0, 2, 0, 3}));
  REQUIRE(clip);
  CHECK(clip->frames() == 1);
}

TEST_CASE("WAV files that do not fit are refused with the reason", "[example][wav]") {
  const std::vector<std::uint8_t> two{0, 0};
  const auto rate = parse_wav(make_wav({.rate = 44'100, .data_size = 2}, two));
  REQUIRE_FALSE(rate);
  CHECK(rate.error().code == Errc::unsupported);
  CHECK(rate.error().where == "the rate is 44100 Hz, only 48000 Hz is taken");
  CHECK(parse_wav(make_wav({.channels = 6, .data_size = 2}, two)).error().code ==
        Errc::unsupported);
  CHECK(parse_wav(make_wav({.bits = 8, .data_size = 2}, two)).error().code == Errc::unsupported);
  CHECK(parse_wav(make_wav({.coding = 6, .data_size = 2}, two)).error().code == Errc::unsupported);
  CHECK(parse_wav(make_wav({}, {})).error().code == Errc::malformed);
  CHECK(parse_wav({}).error().code == Errc::malformed);
}

TEST_CASE("no cut of a WAV file reads past its end", "[example][wav]") {
  const auto file = make_wav({.channels = 2, .data_size = 8}, {1, 2, 3, 4, 5, 6, 7, 8});
  for (std::size_t n = 0; n < file.size(); ++n) {
    // A copy of the exact size, so that the address sanitizer sees every step too far.
    const std::vector<std::uint8_t> cut(file.begin(),
                                        file.begin() + static_cast<std::ptrdiff_t>(n));
    const auto clip = parse_wav(cut);
    CHECK((!clip || clip->frames() < 2));
  }
}

TEST_CASE("what is written as WAV reads back equal", "[example][wav]") {
  const ScratchDir dir;
  const auto path = dir.path() / "sound.wav";
  std::vector<std::int16_t> samples(10'000);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int16_t>(i * 7919);
  auto writer = WavWriter::create(path, 2);
  REQUIRE(writer);
  writer->write(std::span(samples).first(3000));
  writer->write(std::span(samples).subspan(3000));
  REQUIRE(writer->finish());
  const auto clip = read_wav(path);
  REQUIRE(clip);
  CHECK(clip->channels == 2);
  CHECK(clip->samples == samples);
}

TEST_CASE("a WAV file that is not there is an error with its path", "[example][wav]") {
  const auto clip = read_wav("/nonexistent/sound.wav");
  REQUIRE_FALSE(clip);
  CHECK(clip.error().code == Errc::io);
  CHECK(clip.error().where.find("/nonexistent/sound.wav") == 0);
}

}  // namespace
}  // namespace loopback_call
