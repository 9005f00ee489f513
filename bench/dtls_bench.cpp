// DTLS: what a connection costs and what a record costs, in memory.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "parley/dtls/transport.hpp"

namespace {

using namespace parley;
using namespace parley::dtls;

const Timestamp kNow{1s};

std::shared_ptr<const Identity> make_identity(std::uint64_t seed) {
  SeededRandom random(seed);
  const std::chrono::sys_seconds from{std::chrono::seconds{1'767'225'600}};
  return *Identity::create({from, from + std::chrono::hours{24 * 30}}, random);
}

struct Ends {
  std::unique_ptr<Transport> client;
  std::unique_ptr<Transport> server;
};

Ends make_ends(const std::shared_ptr<const Identity>& a, const std::shared_ptr<const Identity>& b) {
  Ends ends{*Transport::create({}, Role::client, a), *Transport::create({}, Role::server, b)};
  ends.client->set_remote_fingerprints(kNow, {b->fingerprint()});
  ends.server->set_remote_fingerprints(kNow, {a->fingerprint()});
  return ends;
}

bool carry(Transport& from, Transport& to) {
  std::array<std::uint8_t, 1500> storage;
  bool any = false;
  while (auto datagram = from.poll_transmit(kNow, storage)) {
    to.handle_datagram(kNow, MutableBytes(storage).first(datagram->size()));
    any = true;
  }
  return any;
}

void connect(Ends& ends) {
  ends.server->start(kNow);
  ends.client->start(kNow);
  while (carry(*ends.client, *ends.server) || carry(*ends.server, *ends.client)) {
  }
}

void BM_handshake(benchmark::State& state) {
  const auto a = make_identity(1);
  const auto b = make_identity(2);
  for (auto _ : state) {
    Ends ends = make_ends(a, b);
    connect(ends);
    if (ends.client->state() != State::connected || ends.server->state() != State::connected) {
      state.SkipWithError("not connected");
    }
  }
}

void BM_handshake_with_new_identities(benchmark::State& state) {
  for (auto _ : state) {
    Ends ends = make_ends(make_identity(1), make_identity(2));
    connect(ends);
    if (ends.client->state() != State::connected) state.SkipWithError("not connected");
  }
}

void BM_identity(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(make_identity(1));
}

void BM_transport(benchmark::State& state) {
  const auto identity = make_identity(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Transport::create({}, Role::client, identity));
  }
}

void BM_record(benchmark::State& state) {
  Ends ends = make_ends(make_identity(1), make_identity(2));
  connect(ends);
  while (ends.server->poll_event()) {
  }
  const std::vector<std::uint8_t> data(static_cast<std::size_t>(state.range(0)), 0x5A);
  for (auto _ : state) {
    if (!ends.client->send(data)) state.SkipWithError("refused");
    carry(*ends.client, *ends.server);
    if (!ends.server->poll_event()) state.SkipWithError("lost");
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// The way of steady data: no queue, decrypted where it lies.
void BM_record_in_place(benchmark::State& state) {
  Ends ends = make_ends(make_identity(1), make_identity(2));
  connect(ends);
  while (ends.server->poll_event()) {
  }
  const auto size = static_cast<std::size_t>(state.range(0));
  std::array<std::uint8_t, 1500> storage{};
  for (auto _ : state) {
    const auto datagram = ends.client->protect(Bytes(storage).first(size), storage);
    if (!datagram || !ends.server->unprotect(kNow, *datagram)) state.SkipWithError("lost");
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_handshake)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_handshake_with_new_identities)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_identity)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_transport)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_record)->Arg(100)->Arg(1100);
BENCHMARK(BM_record_in_place)->Arg(100)->Arg(1100);

}  // namespace
