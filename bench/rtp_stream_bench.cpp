// The cost of one packet in each direction, and of one loss, with the heap allocations it takes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <vector>

#include "alloc_counter.hpp"
#include "parley/machine.hpp"
#include "parley/rtp/receive_stream.hpp"
#include "parley/rtp/send_stream.hpp"
#include "parley/rtp/transport_feedback.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {
constexpr Timestamp kStart{1'000'000s};
constexpr Ssrc kMedia{1};
constexpr Ssrc kRtx{2};
constexpr PayloadType kVideo{96};
constexpr PayloadType kVideoRtx{97};
constexpr std::size_t kPacketsPerFrame = 10;
constexpr std::size_t kFrameSize = 10'000;

SendStream::Config send_config() {
  SendStream::Config config;
  config.ssrc = kMedia;
  config.rtx_ssrc = kRtx;
  config.payload_type = kVideo;
  config.rtx_payload_type = kVideoRtx;
  if (!config.extensions.add(1, Extension::mid) ||
      !config.extensions.add(2, Extension::abs_send_time) ||
      !config.extensions.add(3, Extension::transport_sequence_number))
    std::abort();
  config.mid.assign(1, '0');
  config.retransmission_rate = DataRate::kilobits_per_second(1'000'000);
  return config;
}

ReceiveStream::Config receive_config() {
  ReceiveStream::Config config;
  config.ssrc = kMedia;
  config.rtx_ssrc = kRtx;
  config.rtx = {{kVideoRtx, kVideo}};
  config.nack.emplace();
  return config;
}

std::size_t make_packet(MutableBytes storage, std::uint16_t sequence) {
  PacketHeader header;
  header.payload_type = kVideo;
  header.sequence_number = sequence;
  header.timestamp = sequence * 300u;
  header.ssrc = kMedia;
  PacketWriter writer(storage, header);
  writer.reserve_payload(1000);
  return writer.finish()->size();
}

class PlainPacketizer final : public VideoPacketizer {
 public:
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t) override {
    std::vector<PayloadPart> parts(kPacketsPerFrame);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].offset = i * frame.data.size() / parts.size();
      parts[i].size = frame.data.size() / parts.size();
    }
    return parts;
  }
};

void report(benchmark::State& state, std::uint64_t allocations) {
  state.counters["allocs"] =
      benchmark::Counter(static_cast<double>(allocations), benchmark::Counter::kAvgIterations);
}
}  // namespace

// A frame of 10 packets queued and written; the frame's own two vectors are made by the encoder
// and the packetizer and are not counted.
static void BM_send_packet(benchmark::State& state) {
  SystemRandom random;
  SendStream stream{send_config(), random};
  PlainPacketizer packetizer;
  std::array<std::uint8_t, kMaxDatagramSize> storage{};
  Timestamp now = kStart;
  std::uint16_t transport = 0;
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    if (stream.queued(PacketClass::media).packets == 0) {
      state.PauseTiming();
      EncodedVideo frame;
      frame.data.resize(kFrameSize);
      frame.capture_time = now += 33ms;
      if (!stream.enqueue(now, std::move(frame), packetizer)) state.SkipWithError("queue full");
      state.ResumeTiming();
    }
    const bench::AllocationCounter counter;
    benchmark::DoNotOptimize(stream.write_next(now, PacketClass::media, transport++, storage));
    allocations += counter.count();
  }
  report(state, allocations);
}
BENCHMARK(BM_send_packet);

static void BM_enqueue_frame_of_10_packets(benchmark::State& state) {
  SystemRandom random;
  SendStream stream{send_config(), random};
  PlainPacketizer packetizer;
  Timestamp now = kStart;
  EncodedVideo frame;
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    frame.data.resize(kFrameSize);
    frame.capture_time = now += 33ms;
    const bench::AllocationCounter counter;
    benchmark::DoNotOptimize(stream.enqueue(now, std::move(frame), packetizer).has_value());
    allocations += counter.count();
    stream.clear_queue();
  }
  report(state, allocations);
}
BENCHMARK(BM_enqueue_frame_of_10_packets);

static void BM_receive_packet(benchmark::State& state) {
  ReceiveStream stream{receive_config()};
  std::array<std::uint8_t, kMaxDatagramSize> storage{};
  const std::size_t size = make_packet(storage, 0);
  Timestamp now = kStart;
  std::uint16_t sequence = 0;
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    store_be16(&storage[2], sequence++);
    now += 1ms;
    const bench::AllocationCounter counter;
    const auto packet = PacketView::parse(MutableBytes{storage}.first(size));
    benchmark::DoNotOptimize(stream.handle_packet(now, *packet));
    allocations += counter.count();
  }
  report(state, allocations);
}
BENCHMARK(BM_receive_packet);

// One loss: noticed, asked for, found in the history, written as RTX, unwrapped and placed.
static void BM_nack_cycle(benchmark::State& state) {
  SystemRandom random;
  SendStream sender{send_config(), random};
  ReceiveStream receiver{receive_config()};
  PlainPacketizer packetizer;
  std::array<std::uint8_t, kMaxDatagramSize> storage{};
  std::array<std::uint16_t, 64> lost{};
  Timestamp now = kStart;
  std::uint64_t allocations = 0;
  benchmark::IterationCount recovered = 0;
  std::uint16_t transport = 0;
  for (auto _ : state) {
    state.PauseTiming();
    EncodedVideo frame;
    frame.data.resize(kFrameSize);
    frame.capture_time = now += 33ms;
    if (!sender.enqueue(now, std::move(frame), packetizer)) state.SkipWithError("queue full");
    for (std::size_t i = 0; i < kPacketsPerFrame; ++i) {
      const auto written = sender.write_next(now, PacketClass::media, transport++, storage);
      if (i != 5) receiver.handle_packet(now, *PacketView::parse(written->bytes));
    }
    state.ResumeTiming();
    const bench::AllocationCounter counter;
    const std::size_t count = receiver.poll_nack(now, lost);
    sender.handle_nack(now, std::span{lost}.first(count));
    while (const auto rtx =
               sender.write_next(now, PacketClass::retransmission, transport++, storage))
      recovered += receiver.handle_retransmission(now, rtx->bytes).packet ? 1 : 0;
    allocations += counter.count();
  }
  if (recovered != state.iterations()) state.SkipWithError("not every loss was recovered");
  report(state, allocations);
}
BENCHMARK(BM_nack_cycle);

// Transport-wide numbers of one packet on both sides; building and reading the feedback itself
// happens twenty times a second and is not counted.
static void BM_transport_numbers(benchmark::State& state) {
  TransportFeedbackRecorder recorder;
  SentPacketLog log;
  std::array<std::uint8_t, 1200> storage{};
  Timestamp now = kStart;
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    now += 1ms;
    {
      const bench::AllocationCounter counter;
      recorder.handle_packet(now, log.next_sequence());
      benchmark::DoNotOptimize(log.handle_sent(now, DataSize::bytes(1200)));
      allocations += counter.count();
    }
    if (!recorder.due(now)) continue;
    ByteWriter out{storage};
    if (!recorder.build(now, kMedia, kMedia, out)) state.SkipWithError("no feedback");
    const auto sub = rtcp::SubPacket::parse(out.written());
    benchmark::DoNotOptimize(log.handle_feedback(now, *rtcp::TransportFeedback::parse(*sub)));
  }
  report(state, allocations);
}
BENCHMARK(BM_transport_numbers);
