// Jitter buffers: cost per packet in steady state, and that it includes no allocation.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <vector>

#include "alloc_counter.hpp"
#include "parley/codec/opus.hpp"
#include "parley/jitter/audio_buffer.hpp"
#include "parley/jitter/frame_assembler.hpp"

namespace {

using namespace parley;
using namespace parley::jitter;

/// A decoder that costs nothing: what is measured is the buffer.
class SilentDecoder final : public AudioDecoder {
 public:
  int channels() const override { return 1; }
  std::optional<int> packet_samples(Bytes) const override { return 960; }
  bool has_fec(Bytes) const override { return false; }
  Result<int> decode(Bytes, std::span<std::int16_t> pcm) override { return zeros(960, pcm); }
  Result<int> decode_fec(Bytes, int samples, std::span<std::int16_t> pcm) override {
    return zeros(samples, pcm);
  }
  Result<int> conceal(int samples, std::span<std::int16_t> pcm) override {
    return zeros(samples, pcm);
  }
  void reset() override {}

 private:
  static Result<int> zeros(int samples, std::span<std::int16_t> pcm) {
    std::fill_n(pcm.begin(), samples, std::int16_t{0});
    return samples;
  }
};

/// One packet of 20 ms in, two blocks out.
void play_audio(benchmark::State& state, std::unique_ptr<AudioDecoder> decoder, Bytes payload) {
  AudioBuffer buffer{{}, std::move(decoder)};
  AudioBlock block;
  std::int64_t n = 0;
  Timestamp now = Timestamp{} + 1000s;
  const auto step = [&] {
    buffer.insert(now, {n, static_cast<std::uint32_t>(n) * 960U, payload, false});
    buffer.read_10ms(now, block);
    buffer.read_10ms(now + 10ms, block);
    ++n;
    now += 20ms;
  };
  for (int i = 0; i < 1000; ++i) step();
  const parley::bench::AllocationCounter allocations;
  for (auto _ : state) step();
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations.count()),
                                                     benchmark::Counter::kAvgIterations);
}

void audio_insert_and_read(benchmark::State& state) {
  const std::array<std::uint8_t, 80> payload{};
  play_audio(state, std::make_unique<SilentDecoder>(), payload);
}
BENCHMARK(audio_insert_and_read);

void audio_insert_and_read_with_opus(benchmark::State& state) {
  auto encoder = std::move(codec::OpusEncoder::create({})).value();
  std::vector<std::int16_t> pcm(960);
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    pcm[i] = static_cast<std::int16_t>((i * 97) % 8000);
  }
  std::array<std::uint8_t, 1275> storage{};
  std::size_t size = 0;
  for (int i = 0; i < 50; ++i) size = encoder->encode(pcm, storage).value();
  play_audio(state, std::move(codec::OpusDecoder::create({})).value(), Bytes{storage}.first(size));
}
BENCHMARK(audio_insert_and_read_with_opus);

/// Frames of `range(0)` packets of 1100 bytes, in order; time is per packet.
void video_insert_and_poll(benchmark::State& state) {
  FrameAssembler assembler;
  const std::vector<std::uint8_t> data(1100, 0x55);
  const std::int64_t per_frame = state.range(0);
  std::int64_t n = 0;
  Timestamp now = Timestamp{} + 1000s;
  const auto step = [&] {
    VideoPacket packet;
    packet.sequence = n;
    packet.rtp_timestamp = static_cast<std::uint32_t>(n / per_frame) * 3000U;
    packet.marker = n % per_frame == per_frame - 1;
    packet.payload.data = data;
    packet.payload.begins_frame = n % per_frame == 0;
    packet.payload.key_frame = n == 0;
    assembler.insert(now, packet);
    if (auto frame = assembler.poll_frame(now)) assembler.recycle(std::move(frame->video.data));
    ++n;
    now += 1ms;
  };
  for (int i = 0; i < 5000; ++i) step();
  const parley::bench::AllocationCounter allocations;
  for (auto _ : state) step();
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations.count()),
                                                     benchmark::Counter::kAvgIterations);
}
BENCHMARK(video_insert_and_poll)->Arg(1)->Arg(4)->Arg(30)->Arg(300);

/// The worst ordinary case: a packet is missing, and frames pile up behind it for 100 packets until
/// it comes.
void video_behind_a_hole(benchmark::State& state) {
  FrameAssembler assembler;
  const std::vector<std::uint8_t> data(1100, 0x55);
  std::int64_t n = 0;
  Timestamp now = Timestamp{} + 1000s;
  const auto put = [&](std::int64_t sequence) {
    VideoPacket packet;
    packet.sequence = sequence;
    packet.rtp_timestamp = static_cast<std::uint32_t>(sequence / 4) * 3000U;
    packet.marker = sequence % 4 == 3;
    packet.payload.data = data;
    packet.payload.begins_frame = sequence % 4 == 0;
    packet.payload.key_frame = sequence == 0;
    assembler.insert(now, packet);
    while (auto frame = assembler.poll_frame(now)) {
      assembler.recycle(std::move(frame->video.data));
    }
  };
  std::int64_t missing = -1;
  const auto step = [&] {
    if (n % 100 == 50) missing = n;
    if (n != missing) put(n);
    if (n % 100 == 49 && missing >= 0) put(missing);
    ++n;
    now += 1ms;
  };
  for (int i = 0; i < 5000; ++i) step();
  for (auto _ : state) step();
}
BENCHMARK(video_behind_a_hole);

void delay_estimator(benchmark::State& state) {
  QuantileDelayEstimator estimator;
  std::uint32_t x = 1;
  std::int64_t n = 0;
  for (auto _ : state) {
    x = x * 1664525U + 1013904223U;
    const Duration media = Duration{20ms} * ++n;
    estimator.on_arrival({Timestamp{} + media + Duration{x % 40'000}, media, 20ms});
    benchmark::DoNotOptimize(estimator.target());
  }
}
BENCHMARK(delay_estimator);

void stretch_20ms(benchmark::State& state) {
  OverlapStretcher stretcher;
  std::vector<std::int16_t> source(1440);
  for (std::size_t i = 0; i < source.size(); ++i) {
    source[i] = static_cast<std::int16_t>(static_cast<int>(i % 300) * 40 - 6000);
  }
  std::vector<std::int16_t> pcm(source);
  for (auto _ : state) {
    std::copy(source.begin(), source.end(), pcm.begin());
    benchmark::DoNotOptimize(stretcher.accelerate(pcm, 1, 1440, 480));
  }
}
BENCHMARK(stretch_20ms);

}  // namespace
