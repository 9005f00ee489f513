// Whole calls through the audio buffer with a real codec: what a listener gets on given paths.
#include "audio_simulation.hpp"
#include "fake_decoder.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::jitter;
using parley::test::AudioCall;
using parley::test::run_audio_call;

namespace {

std::string describe(const test::AudioCallResult& r) {
  return "delay " + std::to_string(r.mean_delay_ms) + " ms, concealed " +
         std::to_string(r.concealed_percent) + " %, fec samples " +
         std::to_string(r.stats.fec_samples) + ", late " +
         std::to_string(r.stats.packets_discarded) + ", lost " +
         std::to_string(r.stats.packets_lost) + ", inserted " +
         std::to_string(r.stats.inserted_samples_for_deceleration) + ", removed " +
         std::to_string(r.stats.removed_samples_for_acceleration) + ", events " +
         std::to_string(r.stats.concealment_events) + ", step " + std::to_string(r.largest_step);
}

/// Lost by chance, delayed uniformly within delay -/+ jitter.
std::function<std::optional<Duration>(int)> random_path(SeededRandom& random, double loss,
                                                        Duration delay, Duration jitter) {
  return [&random, loss, delay, jitter](int) -> std::optional<Duration> {
    if (random.unit() < loss) return std::nullopt;
    const double part = 2.0 * random.unit() - 1.0;
    return delay + from_seconds(part * to_seconds(jitter));
  };
}

}  // namespace

TEST_CASE("a clean path costs less than 40 ms and conceals next to nothing", "[jitter][audio]") {
  // What an ordinary operating system does: mostly punctual, now and then some milliseconds late.
  SeededRandom random{21};
  const auto scheduling = [&random] {
    const double p = random.unit();
    if (p < 0.9) return Duration{random.below(800)};
    if (p < 0.995) return Duration{random.below(4000)};
    return Duration{random.below(12'000)};
  };
  AudioCall call;
  call.length = 30s;
  call.path = [&](int) { return std::optional{Duration{100us} + scheduling()}; };
  call.read_lateness = [&](int) { return scheduling(); };
  const auto result = run_audio_call(call);
  INFO(describe(result));
  CHECK(result.mean_delay_ms < 40.0);
  CHECK(result.concealed_percent < 0.5);
}

TEST_CASE("five percent loss and 20 ms of jitter conceal less than three percent",
          "[jitter][audio][rfc7587]") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SeededRandom random{seed};
    AudioCall call;
    call.length = 60s;
    call.path = random_path(random, 0.05, 40ms, 20ms);
    const auto result = run_audio_call(call);
    INFO("seed " << seed << ": " << describe(result));
    CHECK(result.concealed_percent < 3.0);
    CHECK(result.stats.fec_samples > 24'000);
    CHECK(result.mean_delay_ms < 120.0);
  }
}

TEST_CASE("the delay follows the jitter of the path up and down", "[jitter][audio]") {
  SeededRandom random{4};
  AudioCall call;
  call.length = 60s;
  bool rough = false;
  call.path = [&](int n) -> std::optional<Duration> {
    rough = n >= 1000 && n < 2000;  // from 20 s to 40 s
    return Duration{30ms} + (rough ? Duration{random.below(80'000)} : Duration{random.below(2000)});
  };
  std::map<int, Duration> targets;
  call.watch = [&](Timestamp now, const AudioBuffer& buffer, Outcome, const AudioBlock&) {
    targets[static_cast<int>((now - Timestamp{} - 1000s) / 1s)] = buffer.target_delay();
  };
  const auto result = run_audio_call(call);
  INFO(describe(result));
  CHECK(targets[18] < 15ms);
  CHECK(targets[38] > 65ms);
  CHECK(targets[38] < 110ms);
  CHECK(targets[59] < 30ms);
  CHECK(result.stats.removed_samples_for_acceleration > 0);
}

TEST_CASE("clocks that differ by 500 ppm for an hour leave the delay where it was",
          "[jitter][audio]") {
  for (const double ppm : {500.0, -500.0}) {
    SeededRandom random{6};
    AudioBuffer buffer{{}, std::make_unique<test::FakeDecoder>()};
    const auto payload = test::FakePacket{}.bytes();
    const Timestamp begin = Timestamp{} + 1000s;
    const double interval = 20'000.0 / (1.0 + ppm * 1e-6);
    AudioBlock block;
    int sent = 0;
    double worst = 0.0;
    AudioBufferStats before;
    for (int read = 0; read < 360'000; ++read) {
      const Timestamp now = begin + Duration{10ms} * read;
      for (;; ++sent) {
        const Timestamp at = begin + Duration{static_cast<std::int64_t>(sent * interval)} +
                             Duration{random.below(5000)};
        if (at > now) break;
        buffer.insert(at, {sent, static_cast<std::uint32_t>(sent) * 960, payload, false});
      }
      buffer.read_10ms(now, block);
      if (read % 1000 != 999) continue;
      const auto& after = buffer.stats();
      worst = std::max(worst, (after.jitter_buffer_delay - before.jitter_buffer_delay) /
                                  static_cast<double>(after.jitter_buffer_emitted_count -
                                                      before.jitter_buffer_emitted_count));
      before = after;
    }
    INFO(ppm << " ppm: worst ten seconds " << worst * 1000 << " ms, concealed "
             << buffer.stats().concealed_samples);
    CHECK(worst < 0.045);
    CHECK(buffer.stats().concealed_samples < buffer.stats().total_samples_received / 500);
    const auto stretched = ppm > 0 ? buffer.stats().removed_samples_for_acceleration
                                   : buffer.stats().inserted_samples_for_deceleration;
    CHECK(stretched > 60'000);  // 1.8 s were gained or lost, 86,400 samples
  }
}

TEST_CASE("stretching and concealing make no clicks", "[jitter][audio]") {
  const AudioCall clean;
  const double ordinary = run_audio_call(clean).largest_step;
  SeededRandom random{8};
  AudioCall call;
  call.path = [&](int n) -> std::optional<Duration> {
    const bool rough = n / 100 % 2 == 1;
    if (rough && random.below(30) == 0) return std::nullopt;
    return Duration{20ms} + Duration{random.below(rough ? 60'000 : 1000)};
  };
  const auto result = run_audio_call(call);
  INFO(describe(result));
  CHECK(result.stats.removed_samples_for_acceleration > 1000);
  CHECK(result.largest_step < 1.5 * ordinary);
}

TEST_CASE("pauses with DTX are silence and not concealment", "[jitter][audio][rfc7587]") {
  AudioCall call;
  call.length = 30s;
  call.encoder.dtx = true;
  call.quiet = [](Duration t) { return t / 3s % 2 == 1; };  // three seconds each
  const auto result = run_audio_call(call);
  INFO(describe(result) << ", silence " << result.stats.silence_samples);
  CHECK(result.concealed_percent < 0.2);
  CHECK(result.stats.silence_samples > 48'000 * 10);
  CHECK(result.stats.packets_lost == 0);
}

TEST_CASE("a pause that nobody announced is not concealment either", "[jitter][audio]") {
  // A sender that sends nothing at all in pauses, with gaps shorter than the counters' patience.
  AudioBuffer buffer{{}, std::make_unique<test::FakeDecoder>()};
  const auto payload = test::FakePacket{}.bytes();
  AudioBlock block;
  int sequence = 0;
  for (int n = 0; n < 1000; ++n) {
    const Timestamp now = Timestamp{} + 50s + n * Duration{20ms};
    if (n % 50 < 30) {
      buffer.insert(now, {sequence++, static_cast<std::uint32_t>(n) * 960, payload, n % 50 == 0});
    }
    buffer.read_10ms(now, block);
    buffer.read_10ms(now + 10ms, block);
  }
  CHECK(buffer.stats().concealed_samples == 0);
  CHECK(buffer.stats().concealment_events == 0);
  CHECK(buffer.stats().silence_samples > 300'000);
}

TEST_CASE("an outage ends without lasting delay", "[jitter][audio]") {
  // 600 ms of packets are held up and arrive at once.
  AudioCall call;
  call.length = 20s;
  call.path = [](int n) -> std::optional<Duration> {
    if (n >= 250 && n < 280) return Duration{20ms} + Duration{20ms} * (280 - n);
    return Duration{20ms};
  };
  double delay_at_end = 0.0;
  double sum = 0.0;
  std::uint64_t count = 0;
  call.watch = [&](Timestamp now, const AudioBuffer& buffer, Outcome, const AudioBlock&) {
    const auto& s = buffer.stats();
    if (now - Timestamp{} < 1000s + 15s) {
      sum = s.jitter_buffer_delay;
      count = s.jitter_buffer_emitted_count;
    } else if (s.jitter_buffer_emitted_count > count) {
      delay_at_end = (s.jitter_buffer_delay - sum) /
                     static_cast<double>(s.jitter_buffer_emitted_count - count);
    }
  };
  const auto result = run_audio_call(call);
  INFO(describe(result) << ", in the end " << delay_at_end * 1000 << " ms");
  CHECK(delay_at_end < 0.05);
  CHECK(result.concealed_percent < 5.0);
}

TEST_CASE("a reader that is held up and catches up loses nothing", "[jitter][audio]") {
  AudioCall call;
  call.length = 20s;
  // Reads 500 to 539 come together, 400 ms late in the worst case.
  call.read_lateness = [](int n) {
    return n >= 500 && n < 540 ? Duration{10ms} * (540 - n) : Duration{};
  };
  const auto result = run_audio_call(call);
  INFO(describe(result));
  CHECK(result.concealed_percent < 0.1);
  CHECK(result.stats.packets_discarded == 0);
}

TEST_CASE("all packet durations and stereo play without concealment", "[jitter][audio]") {
  for (const int ms : {10, 20, 40, 60}) {
    for (const int channels : {1, 2}) {
      AudioCall call;
      call.length = 4s;
      call.encoder.frame_milliseconds = ms;
      call.encoder.channels = channels;
      const auto result = run_audio_call(call);
      INFO(ms << " ms, channels " << channels << ": " << describe(result));
      CHECK(result.concealed_percent < 0.5);
      CHECK(result.mean_delay_ms < 40.0 + ms);
      CHECK(result.stats.audio_level > 0.0);
    }
  }
}
