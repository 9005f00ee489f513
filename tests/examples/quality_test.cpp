#include "loopback_call/quality.hpp"

#include <cmath>

#include "parley/base/random.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

using namespace std::chrono_literals;
using parley::I420Buffer;
using parley::Timestamp;

TEST_CASE("luma PSNR follows its definition", "[example][quality]") {
  I420Buffer a(32, 16);
  I420Buffer b(32, 16);
  std::fill(a.data().begin(), a.data().end(), std::uint8_t{100});
  std::fill(b.data().begin(), b.data().end(), std::uint8_t{100});
  CHECK(luma_psnr(a, b) == 99);
  // One pixel in four is off by 10: the mean squared error is 25.
  for (int y = 0; y < 16; y += 2)
    for (std::size_t x = 0; x < 32; x += 2) b.y().row(y)[x] = 110;
  CHECK(luma_psnr(a, b) == Approx(10 * std::log10(255.0 * 255.0 / 25)));
  std::fill(b.u().row(0).begin(), b.u().row(0).end(), std::uint8_t{0});
  CHECK(luma_psnr(a, b) == Approx(34.15).epsilon(0.001));  // chroma does not count
}

TEST_CASE("a freeze is an interval of 150 ms above the average and three times it",
          "[example][quality]") {
  FreezeMeter meter;
  Timestamp now{1h};
  const auto show_after = [&](parley::Duration d) { meter.handle_frame(now += d); };
  show_after(0ms);
  for (int i = 0; i < 40; ++i) show_after(33ms);
  show_after(182ms);  // the average is 33 ms: below 183
  CHECK(meter.count() == 0);
  for (int i = 0; i < 40; ++i) show_after(33ms);
  show_after(183ms);
  CHECK(meter.count() == 1);
  CHECK(meter.total() == 183ms);
  for (int i = 0; i < 40; ++i) show_after(100ms);
  show_after(290ms);  // three times 100 ms is the larger bound
  CHECK(meter.count() == 1);
  for (int i = 0; i < 40; ++i) show_after(100ms);
  show_after(300ms);
  CHECK(meter.count() == 2);
  meter.finish(now + 2s);
  CHECK(meter.count() == 3);
  CHECK(meter.total() == 183ms + 300ms + 2s);
}

/// Speech as it came out after `delay` samples with `gain` and noise.
std::vector<std::int16_t> played(const SpeechSource& speech, std::int64_t first, std::size_t count,
                                 std::int64_t delay, double gain, double noise) {
  std::vector<std::int16_t> pcm(count);
  const auto silent = static_cast<std::size_t>(std::max<std::int64_t>(0, delay - first));
  speech.read(std::max<std::int64_t>(0, first - delay), std::span(pcm).subspan(silent));
  parley::SeededRandom random(3);
  for (std::int16_t& s : pcm) {
    // Sum of 12 uniform numbers: normal enough, with variance 1.
    double n = -6;
    for (int k = 0; k < 12; ++k) n += random.unit();
    s = static_cast<std::int16_t>(std::clamp(gain * s + noise * n, -32768.0, 32767.0));
  }
  return pcm;
}

double rms(const std::vector<std::int16_t>& pcm) {
  double sum = 0;
  for (const std::int16_t s : pcm) sum += static_cast<double>(s) * s;
  return std::sqrt(sum / static_cast<double>(pcm.size()));
}

TEST_CASE("speech is found at its delay and measured with its gain taken out",
          "[example][quality]") {
  const SpeechSource speech(generate_speech(4));
  constexpr std::int64_t kDelay = 3217;
  const std::size_t n = SpeechMeter::kPieceSamples;
  SpeechMeter meter(speech, 0, 500ms);
  double expected = 0;
  int counted = 0;
  for (std::int64_t piece = 1; piece < 7; ++piece) {
    const auto first = piece * static_cast<std::int64_t>(n);
    const double signal = 0.7 * rms(played(speech, first, n, kDelay, 1, 0));
    // Of white noise up to 24 kHz, the band of 3.1 kHz holds this much.
    expected += 20 * std::log10(signal / 500) + 10 * std::log10(24.0 / 3.1);
    ++counted;
  }
  meter.handle_piece(std::vector<std::int16_t>(n));
  for (std::int64_t piece = 1; piece < 7; ++piece)
    meter.handle_piece(played(speech, piece * static_cast<std::int64_t>(n), n, kDelay, 0.7, 500));
  REQUIRE(meter.pieces().size() == 7);
  double sum = 0;
  for (std::size_t i = 1; i < 7; ++i) {
    CHECK(meter.pieces()[i].delay_ms == Approx(kDelay / 48.0).margin(0.03));
    sum += meter.pieces()[i].snr_db;
  }
  CHECK(sum / counted == Approx(expected / counted).margin(1));
  // The first piece was silent although something had been said.
  CHECK(meter.pieces()[0].snr_db == -10);
}

TEST_CASE("a delay that jumps is followed", "[example][quality]") {
  const SpeechSource speech(generate_speech(4));
  const std::size_t n = SpeechMeter::kPieceSamples;
  SpeechMeter meter(speech, 0, 1s);
  for (std::int64_t piece = 0; piece < 6; ++piece)
    meter.handle_piece(
        played(speech, piece * static_cast<std::int64_t>(n), n, piece < 3 ? 2000 : 30'000, 1, 20));
  CHECK(meter.pieces()[2].delay_ms == Approx(2000 / 48.0).margin(0.03));
  CHECK(meter.pieces()[5].delay_ms == Approx(30'000 / 48.0).margin(0.03));
  CHECK(meter.pieces()[5].snr_db > 20);
}

TEST_CASE("other sound than what was said measures near nothing", "[example][quality]") {
  const SpeechSource speech(generate_speech(4));
  SpeechMeter meter(speech, 0, 200ms);
  parley::SeededRandom random(5);
  for (int piece = 0; piece < 3; ++piece) {
    std::vector<std::int16_t> noise(SpeechMeter::kPieceSamples);
    for (std::int16_t& s : noise) s = static_cast<std::int16_t>(random.below(20'000));
    meter.handle_piece(noise);
  }
  REQUIRE(meter.mean_snr_db());
  CHECK(*meter.mean_snr_db() < 0);
}

TEST_CASE("silence is not measured", "[example][quality]") {
  PcmClip silent;
  silent.samples.resize(48'000);
  const SpeechSource speech(silent);
  SpeechMeter meter(speech, 0, 200ms);
  meter.handle_piece(std::vector<std::int16_t>(SpeechMeter::kPieceSamples));
  CHECK_FALSE(meter.mean_snr_db());
}

}  // namespace
}  // namespace loopback_call
