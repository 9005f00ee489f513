// Random scenarios: every message that should arrive arrives once, in order where promised, equal.
#include <map>

#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

struct Expected {
  std::uint16_t stream;
  bool ordered;
  bool reliable;
  std::size_t size;
};

// Bytes that tell their own number and place.
std::vector<std::uint8_t> numbered(std::uint32_t number, std::size_t size) {
  std::vector<std::uint8_t> data(size);
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = static_cast<std::uint8_t>(number * 31 + i * 7 + i / 256);
  }
  store_be32(data.data(), number);
  return data;
}

// RFC 9260's window, let out at a constant rate.
class FixedRateController final : public CongestionController {
 public:
  FixedRateController(std::size_t mtu, DataRate rate) : standard_(mtu), rate_(rate) {}
  void on_sent(Timestamp now, std::size_t bytes, std::size_t in_flight) override {
    standard_.on_sent(now, bytes, in_flight);
  }
  void on_ack(Timestamp now, const AckSample& sample) override { standard_.on_ack(now, sample); }
  void on_loss(Timestamp now, const LossSample& sample) override { standard_.on_loss(now, sample); }
  void on_timeout(Timestamp now) override { standard_.on_timeout(now); }
  void on_idle(Duration idle, Duration rto) override { standard_.on_idle(idle, rto); }
  void set_mtu(std::size_t mtu) override { standard_.set_mtu(mtu); }
  std::size_t window() const override { return standard_.window(); }
  std::optional<DataRate> pacing_rate() const override { return rate_; }

 private:
  StandardController standard_;
  DataRate rate_;
};

void play(std::uint64_t seed) {
  SeededRandom random{seed};
  PathOptions path;
  path.delay = Duration{random.below(60'000)};
  if (random.below(2) == 0) path.loss = random.unit() * 0.15;
  if (random.below(3) == 0) path.duplicate = 0.1;
  if (random.below(2) == 0) path.jitter = Duration{1 + random.below(40'000)};
  if (random.below(4) == 0) path.outages = {{300ms, 2300ms}};
  if (random.below(3) == 0) path.bytes_per_second = 100'000 + random.below(1'000'000);
  Config a;
  Config b;
  a.interleaving = random.below(3) > 0;
  b.zero_checksum = random.below(2) == 0;
  a.mtu = 300 + random.below(1000);
  if (random.below(3) == 0) b.receive_window = 30'000 + random.below(100'000);
  b.max_receive_message = 20'000;
  // Kinds of congestion control, and pacing at a rate that has nothing to do with the path.
  const std::uint32_t control = random.below(4);
  if (control == 1) {
    a.congestion_control = [](std::size_t mtu) {
      return std::make_unique<StandardController>(mtu);
    };
  } else if (control == 2) {
    const auto rate = DataRate::kilobits_per_second(100 + random.below(20'000));
    a.congestion_control = [rate](std::size_t mtu) {
      return std::make_unique<FixedRateController>(mtu, rate);
    };
  }
  TwoPeers peers{a, b, path, seed};
  peers.a.association->connect(peers.now);
  if (random.below(2) == 0) peers.b.association->connect(peers.now);

  std::map<std::uint32_t, Expected> sent;
  const std::uint32_t count = 1 + random.below(80);
  for (std::uint32_t i = 0; i < count; ++i) {
    Expected e{};
    e.stream = static_cast<std::uint16_t>(random.below(5));
    e.size = 4 + (random.below(4) == 0 ? random.below(19'000) : random.below(1500));
    SendOptions options;
    options.ordered = e.ordered = random.below(2) == 0;
    const std::uint32_t kind = random.below(4);
    e.reliable = kind > 1;
    if (kind == 0) options.max_retransmits = random.below(3);
    if (kind == 1) options.lifetime = Duration{1 + random.below(200'000)};
    REQUIRE(
        peers.a.association->send(peers.now, StreamId{e.stream}, 53, numbered(i, e.size), options));
    sent[i] = e;
    if (random.below(3) == 0) peers.run_for(Duration{random.below(50'000)});
  }
  const bool closing = random.below(3) == 0;
  peers.run_until_done(60s, [&] { return peers.a.association->state() == State::established; });
  if (closing) peers.a.association->shutdown(peers.now);
  peers.run_until_done(400s, [&] {
    return closing ? peers.a.association->state() == State::closed &&
                         peers.b.association->state() == State::closed
                   : peers.a.association->stats().buffered == 0;
  });
  peers.run_for(5s);

  std::map<std::uint16_t, std::int64_t> last_ordered;
  std::map<std::uint32_t, int> arrived;
  for (const Message& m : peers.b.messages) {
    const std::uint32_t number = load_be32(m.data.data());
    INFO("message " << number);
    REQUIRE(sent.count(number) == 1);
    const Expected& e = sent[number];
    REQUIRE(++arrived[number] == 1);
    REQUIRE(m.stream == StreamId{e.stream});
    REQUIRE(m.data == numbered(number, e.size));
    if (!e.ordered) continue;
    const auto last = last_ordered.find(e.stream);
    if (last != last_ordered.end()) REQUIRE(last->second < static_cast<std::int64_t>(number));
    last_ordered[e.stream] = number;
  }
  for (const auto& [number, e] : sent) {
    INFO("message " << number);
    if (e.reliable) REQUIRE(arrived.count(number) == 1);
  }
  REQUIRE(peers.a.association->stats().buffered == 0);
  if (!closing) REQUIRE(peers.b.association->stats().local_window == b.receive_window);
}
}  // namespace

TEST_CASE("every message arrives once and in order in random scenarios", "[sctp][property]") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    play(seed);
  }
}

TEST_CASE("every message arrives once and in order in ten thousand scenarios",
          "[sctp][property][.long]") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    INFO("seed " << seed);
    play(seed);
  }
}
