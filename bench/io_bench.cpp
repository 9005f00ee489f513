// The cost of a driver: datagrams between two engines over loopback, and in simulation.
#include <benchmark/benchmark.h>

#include <asio/io_context.hpp>

#include "parley/base/bytes.hpp"
#include "parley/io/udp_driver.hpp"
#include "parley/sim/network.hpp"

using namespace parley;

namespace {

constexpr std::size_t kSize = 1200;

/// Sends `to_send` datagrams from its storage and counts what comes in.
class Counter final : public Engine {
 public:
  void handle_datagram(Timestamp, const Path&, MutableBytes) override { ++received; }
  void handle_timeout(Timestamp) override {}
  std::optional<Transmit> poll_transmit(Timestamp, MutableBytes storage) override {
    if (to_send == 0) return std::nullopt;
    --to_send;
    return Transmit{path, storage.first(kSize)};
  }
  Timestamp next_timeout() const override { return kNever; }
  bool deliver_events(Timestamp) override { return false; }

  Path path;
  std::uint64_t to_send = 0;
  std::uint64_t received = 0;
};

/// Bursts of `range(0)` datagrams of 1200 bytes, each awaited; a datagram is sent and received on
/// the same thread, so that its CPU time is that of both ends. `range(1)`: whether the system may
/// join them (UDP_SEGMENT and UDP_GRO).
void BM_LoopbackDatagrams(benchmark::State& state) {
  asio::io_context context{1};
  io::UdpDriver driver{context, {.segmentation_offload = state.range(1) != 0}};
  Counter a, b;
  driver.attach(a);
  driver.attach(b);
  const IpAddress loopback = IpAddress::loopback(AddressFamily::ipv4);
  a.path = {*driver.open_socket(a, {loopback, 0}), *driver.open_socket(b, {loopback, 0})};
  const auto burst = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t expected = 0;
  for (auto _ : state) {
    a.to_send = burst;
    expected += burst;
    driver.wake(a);
    while (b.received < expected) context.run_one();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(b.received));
  const auto ratio = [](std::uint64_t datagrams, std::uint64_t parts) {
    return static_cast<double>(datagrams) / static_cast<double>(parts);
  };
  const io::UdpDriverStats& stats = driver.stats();
  state.counters["per_send_call"] = ratio(stats.sent, stats.send_calls);
  state.counters["per_send_message"] = ratio(stats.sent, stats.send_messages);
  state.counters["per_receive_call"] = ratio(stats.received, stats.receive_calls);
  state.counters["cpu_per_datagram"] = benchmark::Counter(
      static_cast<double>(b.received), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  driver.detach(a);
  driver.detach(b);
}
BENCHMARK(BM_LoopbackDatagrams)
    ->ArgNames({"burst", "offload"})
    ->ArgsProduct({{1, 8, 32, 128}, {0, 1}});

/// The same through a simulated network: two links, their random draws, the transcript.
void BM_SimulatedDatagrams(benchmark::State& state) {
  sim::Network network{1};
  auto& left = network.add_host({.name = "left", .addresses = {IpAddress::v4(192, 0, 2, 1)}});
  auto& right = network.add_host({.name = "right", .addresses = {IpAddress::v4(192, 0, 2, 2)}});
  Counter a, b;
  left.attach(a);
  right.attach(b);
  a.path = {*left.open_socket(a, {IpAddress::v4(192, 0, 2, 1), 0}),
            *right.open_socket(b, {IpAddress::v4(192, 0, 2, 2), 0})};
  for (auto _ : state) {
    a.to_send = 32;
    left.wake(a);
    network.run_for(10ms);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(b.received));
}
BENCHMARK(BM_SimulatedDatagrams);

/// Tasks of the virtual clock, with a thousand waiting.
void BM_SimulatedTasks(benchmark::State& state) {
  sim::Network network{1};
  auto& host = network.add_host({.name = "host"});
  std::function<void()> again = [&] { host.post_at(host.now() + 1ms, again); };
  for (int i = 0; i < 1000; ++i) host.post_at(host.now() + i * 1us, again);
  for (auto _ : state) network.run_for(1ms);
  state.SetItemsProcessed(static_cast<std::int64_t>(network.clock().tasks_run()));
}
BENCHMARK(BM_SimulatedTasks);

}  // namespace
