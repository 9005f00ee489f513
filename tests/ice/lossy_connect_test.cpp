// How long connecting takes on paths that lose datagrams.
#include "ice/network.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

namespace {

constexpr int kCalls = 200;
constexpr Duration kOneWay = 20ms;

/// Until both ends have a nominated pair, in order of length.
std::vector<Duration> connect_times(double loss, Duration check_again) {
  std::vector<Duration> times;
  for (std::uint64_t seed = 1; seed <= kCalls; ++seed) {
    Network net{kOneWay};
    Config offerer = controlling();
    Config answerer = controlled();
    offerer.check_again = answerer.check_again = check_again;
    Node& a = net.add(offerer, {at("192.0.2.1:1000")});
    Node& b = net.add(answerer, {at("192.0.2.2:2000")});
    SeededRandom random(seed);
    for (Node* node : {&a, &b}) {
      for (int i = 0; i < 200; ++i) {
        if (random.below(1000) < static_cast<std::uint32_t>(1000 * loss)) node->lost.insert(i);
      }
    }
    const Timestamp begin = net.now;
    net.signal(a, b);
    net.signal(b, a);
    const auto completed = [](const Node& n) { return n.agent.state() == State::completed; };
    REQUIRE(net.run_until([&] { return completed(a) && completed(b); }, 20s));
    times.push_back(net.now - begin);
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

TEST_CASE("a lost check costs a tenth of a second and not a half", "[ice][rfc8445]") {
  // With no check beside another a retransmission waits 500 ms; 200 calls take, in ms, at 5 % loss
  // 80 (median), 160 (95 in 100) and 630 (all); at 20 % loss 160, 1600 and 15640.
  const auto five = connect_times(0.05, Config{}.check_again);
  CHECK(five[kCalls / 2] <= 80ms);
  CHECK(five[kCalls * 95 / 100] <= 160ms);
  CHECK(five.back() <= 300ms);
  const auto twenty = connect_times(0.2, Config{}.check_again);
  CHECK(twenty[kCalls / 2] <= 160ms);
  CHECK(twenty[kCalls * 95 / 100] <= 400ms);
  CHECK(twenty.back() <= 1s);
}

TEST_CASE("checks beside a late one keep to the pace and let new pairs go first",
          "[ice][rfc8445]") {
  Network net{10ms};
  Node& a = net.add(controlling(), {at("192.0.2.1:1000"), at("198.51.100.1:1001")});
  Node& b = net.add(controlled(), {at("192.0.2.2:2000"), at("198.51.100.2:2001")});
  a.is_cut = b.is_cut = true;
  net.signal(b, a);
  net.run_for(990ms);
  std::map<stun::TransactionId, Timestamp> begun;
  for (std::size_t i = 0; i < a.datagrams.size(); ++i) {
    begun.emplace(stun::MessageView::parse(a.datagrams[i])->transaction_id(), a.sent_at[i]);
  }
  std::vector<Timestamp> times;
  for (const auto& [id, time] : begun) times.push_back(time);
  std::sort(times.begin(), times.end());
  REQUIRE(times.size() > 4);
  for (std::size_t i = 1; i < times.size(); ++i) CHECK(times[i] - times[i - 1] >= 50ms);
  const auto stats = a.agent.stats();
  REQUIRE(stats.pairs.size() == 4);
  for (const PairStats& pair : stats.pairs) CHECK(pair.requests_sent >= 2);
  net.run_for(2s);
  // From then on only the retransmissions of each pair.
  CHECK(a.datagrams.size() < begun.size() + 4 * 3);
}
