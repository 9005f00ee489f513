#include <algorithm>
#include <map>
#include <set>

#include "dtls/pair.hpp"
#include "dtls/retransmission_timer.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

// The datagrams of a handshake that are lost, by direction and index.
using LossList = std::set<std::pair<Direction, std::size_t>>;

void lose(Pair& pair, LossList lost) {
  pair.fate = [lost = std::move(lost)](Direction direction, std::size_t index, const auto&) {
    return Pair::Fate{lost.count({direction, index}) > 0 ? 0 : 1, 0us};
  };
}

Duration time_to_connect(Pair& pair) {
  pair.start();
  for (int ms = 0; ms < 60'000 && !pair.both_connected(); ms += 5) pair.run(5ms);
  return pair.now - pair.started;
}

std::vector<Duration> times_sent(const Pair& pair, Direction direction) {
  std::vector<Duration> times;
  for (const Sent& datagram : pair.sent) {
    if (datagram.direction == direction) times.push_back(datagram.at - pair.started);
  }
  return times;
}

// Certificates that do not fit one datagram: a handshake of many datagrams.
Options with_long_flights() {
  Options options;
  options.client.max_datagram_size = options.server.max_datagram_size = 600;
  options.server_identity = rsa_identity(1);
  return options;
}

void check_data_flows(Pair& pair) {
  pair.fate = nullptr;
  pair.send(Direction::to_server, as_bytes("up"));
  pair.send(Direction::to_client, as_bytes("down"));
  pair.run(1s);
  CHECK(pair.server.data().size() == 1);
  CHECK(pair.client.data().size() == 1);
}

}  // namespace

TEST_CASE("a handshake survives the loss of each single datagram", "[dtls][rfc6347]") {
  const bool long_flights = GENERATE(false, true);
  const Options options = long_flights ? with_long_flights() : Options{};
  Pair lossless(options);
  lossless.start();
  lossless.run(1s);
  REQUIRE(lossless.both_connected());
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    for (std::size_t index = 0; index < times_sent(lossless, direction).size(); ++index) {
      Pair pair(options);
      lose(pair, {{direction, index}});
      const Duration taken = time_to_connect(pair);
      INFO("direction " << static_cast<int>(direction) << " index " << index);
      REQUIRE(pair.both_connected());
      // Two round trips of 20 ms and one timeout of 50 ms, and the steps of the measurement.
      CHECK(taken <= 40ms + 60ms + 5ms);
      check_data_flows(pair);
    }
  }
}

TEST_CASE("a handshake survives the loss of each pair of datagrams", "[dtls][rfc6347]") {
  std::vector<std::pair<Direction, std::size_t>> all;
  for (std::size_t index = 0; index < 5; ++index) {
    all.emplace_back(Direction::to_server, index);
    all.emplace_back(Direction::to_client, index);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      Pair pair;
      lose(pair, {all[i], all[j]});
      const Duration taken = time_to_connect(pair);
      INFO("pair " << i << " and " << j);
      REQUIRE(pair.both_connected());
      CHECK(taken <= 40ms + 50ms + 100ms + 20ms + 5ms);
      check_data_flows(pair);
    }
  }
}

TEST_CASE("a handshake of many datagrams survives random loss of a quarter", "[dtls][rfc6347]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair(with_long_flights());
    SeededRandom random(seed);
    pair.fate = [&](Direction, std::size_t, const auto&) {
      return Pair::Fate{random.below(4) == 0 ? 0 : 1, 0us};
    };
    time_to_connect(pair);
    INFO("seed " << seed);
    CHECK(pair.both_connected());
  }
}

TEST_CASE("a handshake survives duplication of everything", "[dtls][rfc6347]") {
  Pair pair(with_long_flights());
  pair.fate = [](Direction, std::size_t, const auto&) { return Pair::Fate{2, 0us}; };
  pair.start();
  pair.run(1s);
  REQUIRE(pair.both_connected());
  check_data_flows(pair);  // And a duplicated record is delivered once.
}

TEST_CASE("a handshake survives reordering", "[dtls][rfc6347]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair(with_long_flights());
    SeededRandom random(seed);
    pair.fate = [&](Direction, std::size_t, const auto&) {
      return Pair::Fate{1, Duration{random.below(15'000)}};
    };
    time_to_connect(pair);
    INFO("seed " << seed);
    REQUIRE(pair.both_connected());
    check_data_flows(pair);
  }
}

TEST_CASE("the first retransmission comes after one and a half round trips", "[dtls][rfc9147]") {
  struct Case {
    Duration rtt;
    Duration expected;
  };
  const auto [rtt, expected] = GENERATE(Case{0us, 400ms},    // Unknown.
                                        Case{20ms, 50ms},    // Our lower bound.
                                        Case{200ms, 300ms},  // 1.5 RTT.
                                        Case{2s, 1s});       // Our upper bound.
  Options options;
  options.round_trip_time = rtt;
  Pair pair(options);
  pair.fate = [](Direction, std::size_t, const auto&) { return Pair::Fate{0, 0us}; };
  pair.start();
  pair.run(expected * 7);
  // Doubling: after 1, 3 and 7 times the first timeout, on the caller's clock to the microsecond.
  CHECK(times_sent(pair, Direction::to_server) ==
        std::vector<Duration>{0us, expected, expected * 3, expected * 7});
  CHECK(pair.client.transport->stats().retransmissions == 3);
}

TEST_CASE("a server repeats its own flight without hearing from the client", "[dtls][rfc6347]") {
  Pair pair;
  pair.fate = [](Direction direction, std::size_t index, const auto&) {
    const bool passes = direction == Direction::to_server && index == 0;
    return Pair::Fate{passes ? 1 : 0, 0us};
  };
  pair.start();
  pair.run(400ms);
  CHECK(times_sent(pair, Direction::to_client) == std::vector<Duration>{10ms, 60ms, 160ms, 360ms});
}

TEST_CASE("no retransmission happens while answers come in time", "[dtls][rfc6347]") {
  Options options;
  options.one_way_delay = 100ms;
  options.round_trip_time = 200ms;
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  CHECK(pair.client.transport->stats().retransmissions == 0);
  CHECK(pair.server.transport->stats().retransmissions == 0);
  CHECK(pair.sent.size() == 4);
}

TEST_CASE("a server keeps its last flight for a client that repeats its own", "[dtls][rfc6347]") {
  Pair pair;
  // The server's second flight is lost three times: the server is connected and has no timer, so
  // each repetition is an answer to the client's.
  lose(pair, {{Direction::to_client, 1}, {Direction::to_client, 2}, {Direction::to_client, 3}});
  pair.start();
  pair.run(35ms);
  CHECK(pair.server.connected() != nullptr);
  CHECK(pair.server.transport->next_timeout() == kNever);
  pair.run(2s);
  REQUIRE(pair.both_connected());
  CHECK(pair.client.transport->stats().retransmissions == 3);
  check_data_flows(pair);
}

TEST_CASE("retransmitted records carry new sequence numbers", "[dtls][rfc6347]") {
  // RFC 6347 section 4.1.2.6: a peer drops a record number that it saw before, so a repetition that
  // repeated the number would never make it answer again.
  Pair pair;
  pair.fate = [](Direction, std::size_t, const auto&) { return Pair::Fate{0, 0us}; };
  pair.start();
  pair.run(1s);
  std::set<std::uint64_t> numbers;
  for (const Sent& datagram : pair.sent) {
    CHECK(numbers.insert(load_be64(&datagram.bytes[3])).second);
  }
  CHECK(numbers.size() >= 4);
}

TEST_CASE("a handshake that gets no answer fails in time", "[dtls]") {
  Options options;
  options.client.handshake_timeout = 10s;
  Pair pair(options);
  pair.fate = [](Direction, std::size_t, const auto&) { return Pair::Fate{0, 0us}; };
  pair.start();
  pair.run(10s - 1us);
  CHECK(pair.client.failed() == nullptr);
  pair.run(2us);
  REQUIRE(pair.client.failed() != nullptr);
  CHECK(pair.client.failed()->failure.kind == FailureKind::timeout);
  CHECK(pair.client.transport->next_timeout() == kNever);
}

TEST_CASE("a server whose client falls silent fails in time", "[dtls]") {
  Pair pair;
  pair.fate = [](Direction direction, std::size_t index, const auto&) {
    return Pair::Fate{direction == Direction::to_server && index == 0 ? 1 : 0, 0us};
  };
  pair.start();
  pair.run(60s);
  REQUIRE(pair.server.failed() != nullptr);
  CHECK(pair.server.failed()->failure.kind == FailureKind::timeout);
}

TEST_CASE("the timer doubles up to a minute and keeps its value after a loss", "[dtls][rfc6347]") {
  RetransmissionTimer timer;
  const Timestamp t{5s};
  timer.set_initial(100ms);
  timer.start(t);
  CHECK(timer.deadline() == t + 100ms);
  timer.back_off(t);
  CHECK(timer.deadline() == t + 200ms);
  timer.start(t);  // The next flight, after one that was repeated.
  CHECK(timer.deadline() == t + 200ms);
  timer.start(t);  // And after one that was not.
  CHECK(timer.deadline() == t + 100ms);
  for (int i = 0; i < 20; ++i) timer.back_off(t);
  CHECK(timer.timeout() == 60s);
  timer.stop();
  CHECK_FALSE(timer.running());
}
