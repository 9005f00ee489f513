// Two associations in memory, without sockets or encryption: bytes and messages per second, and
// what an association weighs.
#include <benchmark/benchmark.h>

#include <malloc.h>

#include <array>
#include <memory>
#include <vector>

#include "alloc_counter.hpp"
#include "parley/sctp/association.hpp"
#include "sctp/crc32c.hpp"
#include "sctp/flight.hpp"

using namespace parley;
using namespace parley::sctp;

namespace {

struct Pair {
  explicit Pair(const Config& config = {}) : a(config, random, now), b(config, random, now) {
    a.connect(now);
    b.connect(now);
    for (int i = 0; i < 10; ++i) exchange();
  }
  // What a batch of `packets` in each direction does.
  bool exchange(int packets = 64) {
    bool any = false;
    for (int i = 0; i < packets; ++i) {
      const auto p = a.poll_transmit(now, storage);
      if (!p) break;
      b.handle_packet(now, *p);
      any = true;
    }
    while (auto e = b.poll_event()) {
      if (auto* m = std::get_if<Message>(&*e)) {
        ++received;
        b.recycle(std::move(m->data));
      }
    }
    for (int i = 0; i < packets; ++i) {
      const auto p = b.poll_transmit(now, storage);
      if (!p) break;
      a.handle_packet(now, *p);
      any = true;
    }
    while (a.poll_event()) {
    }
    now += 50us;
    if (a.next_timeout() <= now) a.handle_timeout(now);
    if (b.next_timeout() <= now) b.handle_timeout(now);
    return any;
  }

  SeededRandom random{1};
  Timestamp now{1000s};
  std::array<std::uint8_t, 1500> storage{};
  std::size_t received = 0;
  Association a;
  Association b;
};

void throughput(benchmark::State& state) {
  Config config;
  config.interleaving = state.range(1) != 0;
  config.zero_checksum = state.range(2) != 0;
  Pair pair{config};
  const std::vector<std::uint8_t> message(static_cast<std::size_t>(state.range(0)), 7);
  std::size_t sent = 0;
  const auto run = [&](std::size_t bytes) {
    const std::size_t end = sent + std::max<std::size_t>(1, bytes / message.size());
    while (sent < end) {
      while (pair.a.stats().buffered < 2'000'000 && sent < end &&
             pair.a.send(pair.now, StreamId{1}, 53, message)) {
        ++sent;
      }
      pair.exchange();
    }
  };
  run(20'000'000);
  const parley::bench::AllocationCounter allocations;
  const std::uint64_t packets_before = pair.a.stats().packets_sent;
  std::size_t before = sent;
  for (auto _ : state) run(4'000'000);
  const auto messages = static_cast<double>(sent - before);
  const auto packets = static_cast<double>(pair.a.stats().packets_sent - packets_before);
  state.SetBytesProcessed(static_cast<std::int64_t>(messages) * state.range(0));
  state.counters["messages"] = benchmark::Counter(messages, benchmark::Counter::kIsRate);
  state.counters["allocs_per_packet"] = static_cast<double>(allocations.count()) / packets;
}
// Message size, interleaving, zero checksum.
BENCHMARK(throughput)
    ->Args({32, 1, 1})
    ->Args({1024, 1, 1})
    ->Args({16'384, 1, 1})
    ->Args({65'536, 1, 1})
    ->Args({65'536, 1, 0})
    ->Args({65'536, 0, 1})
    ->Args({262'144, 1, 1});

// What a sender does with a SACK that tells so many gaps among 10,000 parts in flight, and
// acknowledges one part more than the one before.
struct Sacked {
  static constexpr int kParts = 10'000;
  static constexpr int kGapped = 8000;
  explicit Sacked(int gaps) {
    flight.start(1);
    const MessageIndex message = pool.take();
    pool[message].data.resize(1);
    for (int i = 0; i < kParts; ++i) {
      Part part;
      part.message = message;
      part.size = 1000;
      part.begin = i == 0;
      flight.add(now, part, 1016);
      now += 5us;
    }
    now += 50ms;
    const int stride = kGapped / gaps;
    for (int i = 0; i < gaps; ++i) {
      const int start = i * stride + 2;
      blocks.push_back(
          {static_cast<std::uint16_t>(start), static_cast<std::uint16_t>(start + stride - 2)});
    }
    take();  // what is missing is found to be lost before the measurement
  }
  bool more() const { return blocks.back().end < kParts; }
  void take() {
    ++blocks.back().end;
    value.resize(SackChunk::kFixedSize + 4 * blocks.size());
    write_sack(value, 0, 10'000'000, blocks, {});
    const AckOutcome outcome = flight.acknowledge(now, *SackChunk::parse(value), 50ms, SIZE_MAX);
    benchmark::DoNotOptimize(outcome.acked);
  }
  Timestamp now{1000s};
  MessagePool pool;
  SendQueue queue{pool};
  Flight flight{pool, queue};
  std::vector<GapBlock> blocks;
  std::vector<std::uint8_t> value;
};

void sack(benchmark::State& state) {
  const auto gaps = static_cast<int>(state.range(0));
  auto sender = std::make_unique<Sacked>(gaps);
  for (auto _ : state) {
    if (!sender->more()) {
      state.PauseTiming();
      sender = std::make_unique<Sacked>(gaps);
      state.ResumeTiming();
    }
    sender->take();
  }
}
BENCHMARK(sack)->Arg(1)->Arg(64)->Arg(1000);

void open_pair(benchmark::State& state) {
  for (auto _ : state) {
    Pair pair;
    if (pair.a.state() != State::established) state.SkipWithError("not established");
  }
}
BENCHMARK(open_pair);

// Heap bytes of an association that is established and has carried nothing, or something.
void memory(benchmark::State& state) {
  constexpr std::size_t kPairs = 500;
  for (auto _ : state) {
    std::vector<std::unique_ptr<Pair>> pairs;
    pairs.reserve(kPairs);
    const std::size_t before = mallinfo2().uordblks;
    for (std::size_t i = 0; i < kPairs; ++i) {
      pairs.push_back(std::make_unique<Pair>());
      for (int m = 0; m < state.range(0); ++m) {
        const std::vector<std::uint8_t> message(16'384, 7);
        if (!pairs.back()->a.send(pairs.back()->now, StreamId{1}, 53, message)) return;
        while (pairs.back()->exchange()) {
        }
      }
    }
    const std::size_t used = mallinfo2().uordblks - before;
    state.counters["bytes_per_association"] =
        static_cast<double>(used) / static_cast<double>(2 * kPairs);
  }
}
// 16 KiB messages carried before.
BENCHMARK(memory)->Arg(0)->Arg(100)->Iterations(1);

void checksum(benchmark::State& state) {
  const std::vector<std::uint8_t> packet(1200, 7);
  for (auto _ : state) {
    if (state.range(0) == 0) {
      benchmark::DoNotOptimize(crc32c(packet));
    } else {
      benchmark::DoNotOptimize(crc32c_extend_portable(kCrc32cStart, packet));
    }
  }
  state.SetBytesProcessed(state.iterations() * 1200);
}
BENCHMARK(checksum)->Arg(0)->Arg(1);

}  // namespace
