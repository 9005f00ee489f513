// STUN messages and the agent's handling of one check.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "parley/ice/agent.hpp"
#include "parley/stun/message.hpp"

using namespace parley;
using namespace parley::stun;

namespace {

constexpr TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

// A check as agents send it: 100 bytes.
Bytes write_check(MutableBytes storage, Hmac& key, std::string_view username) {
  MessageWriter out{storage, Class::request, Method::binding, kId};
  out.add_text(Attribute::username, username);
  out.add_u32(Attribute::priority, 0x6E0001FF);
  out.add_u64(Attribute::ice_controlled, 0x0102030405060708);
  out.add_integrity(key);
  out.add_fingerprint();
  return out.finish();
}

Hmac make_key() { return Hmac{DigestAlgorithm::sha1, as_bytes("VOkJxbRl1RmTxUk/WvJxBtaa")}; }

void parse(benchmark::State& state) {
  Hmac key = make_key();
  std::array<std::uint8_t, 200> storage{};
  const Bytes m = write_check(storage, key, "abcdefgh:ijklmnop");
  for (auto _ : state) benchmark::DoNotOptimize(MessageView::parse(m));
}
BENCHMARK(parse);

void parse_and_verify(benchmark::State& state) {
  Hmac key = make_key();
  std::array<std::uint8_t, 200> storage{};
  const Bytes m = write_check(storage, key, "abcdefgh:ijklmnop");
  for (auto _ : state) {
    const auto view = MessageView::parse(m);
    benchmark::DoNotOptimize(view->check_fingerprint());
    benchmark::DoNotOptimize(view->check_integrity(key));
  }
}
BENCHMARK(parse_and_verify);

void verify_fingerprint(benchmark::State& state) {
  Hmac key = make_key();
  std::array<std::uint8_t, 200> storage{};
  const auto view = MessageView::parse(write_check(storage, key, "abcdefgh:ijklmnop"));
  for (auto _ : state) benchmark::DoNotOptimize(view->check_fingerprint());
}
BENCHMARK(verify_fingerprint);

void build(benchmark::State& state) {
  Hmac key = make_key();
  std::array<std::uint8_t, 200> storage{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_check(storage, key, "abcdefgh:ijklmnop"));
  }
}
BENCHMARK(build);

// A consent check of the peer in, the response out: what each connected peer costs every 5 s, and
// the most that a stranger with the right password can make an agent do.
void agent_answers_check(benchmark::State& state) {
  SeededRandom random{1};
  const Timestamp now{1000s};
  ice::Agent agent{ice::Config{}, random, now};
  const Path path{*SocketAddress::parse("192.0.2.1:1000"), *SocketAddress::parse("192.0.2.2:2000")};
  if (!agent.add_local_socket(now, path.local, {}) ||
      !agent.set_remote_credentials(now, {"ijklmnop", "the password of the peer"})) {
    return;
  }
  const ice::Credentials& ours = agent.local_credentials();
  Hmac key{DigestAlgorithm::sha1, as_bytes(ours.password)};
  std::array<std::uint8_t, 200> storage{};
  const Bytes m = write_check(storage, key, ours.ufrag + ":ijklmnop");
  std::array<std::uint8_t, kMaxDatagramSize> out{};
  for (auto _ : state) {
    agent.handle_datagram(now, path, MutableBytes{storage}.first(m.size()));
    benchmark::DoNotOptimize(agent.poll_transmit(now, out));
  }
}
BENCHMARK(agent_answers_check);

// What each data packet asks.
void agent_accepts_and_notes(benchmark::State& state) {
  SeededRandom random{1};
  const Timestamp now{1000s};
  ice::Agent agent{ice::Config{}, random, now};
  const Path path{*SocketAddress::parse("192.0.2.1:1000"), *SocketAddress::parse("192.0.2.2:2000")};
  if (!agent.add_local_socket(now, path.local, {}) ||
      !agent.set_remote_credentials(now, {"ijklmnop", "the password of the peer"})) {
    return;
  }
  Hmac key{DigestAlgorithm::sha1, as_bytes(agent.local_credentials().password)};
  std::array<std::uint8_t, 200> storage{};
  const Bytes m = write_check(storage, key, agent.local_credentials().ufrag + ":ijklmnop");
  agent.handle_datagram(now, path, MutableBytes{storage}.first(m.size()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(agent.accepts(path));
    agent.note_received(path, 1200, now);
  }
}
BENCHMARK(agent_accepts_and_notes);

}  // namespace
