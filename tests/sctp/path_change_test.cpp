// Associations that go on over another path (RFC 9260 section 6.3.2, RFC 8085 section 3.1).
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

/// What controllers were told, the newest only.
struct Told {
  int made = 0;
  std::vector<Duration> round_trips;
  int rates = 0;
  int lost = 0, first_lost = 0;
};

class Listening final : public CongestionController {
 public:
  Listening(std::size_t mtu, Told& told) : standard_(mtu), told_(told) {
    told_ = {.made = told_.made + 1, .round_trips = {}};
  }
  void on_sent(Timestamp now, std::size_t bytes, std::size_t in_flight) override {
    standard_.on_sent(now, bytes, in_flight);
  }
  void on_ack(Timestamp now, const AckSample& sample) override {
    if (sample.round_trip) told_.round_trips.push_back(*sample.round_trip);
    if (sample.delivery_rate) ++told_.rates;
    standard_.on_ack(now, sample);
  }
  void on_loss(Timestamp now, const LossSample& sample) override {
    ++told_.lost;
    if (sample.first_of_window) ++told_.first_lost;
    standard_.on_loss(now, sample);
  }
  void on_timeout(Timestamp now) override { standard_.on_timeout(now); }
  void on_idle(Duration idle, Duration rto) override { standard_.on_idle(idle, rto); }
  void set_mtu(std::size_t mtu) override { standard_.set_mtu(mtu); }
  std::size_t window() const override { return standard_.window(); }

 private:
  StandardController standard_;
  Told& told_;
};

Config listening(Told& told) {
  Config config;
  config.congestion_control = [&told](std::size_t mtu) {
    return std::make_unique<Listening>(mtu, told);
  };
  return config;
}

}  // namespace

TEST_CASE("on another path control begins anew and is told of nothing that left on the old one",
          "[sctp][rfc8085]") {
  Told told;
  TwoPeers peers{listening(told), {}, {.delay = 10ms}};
  peers.connect();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(peers.a.association->send(peers.now, StreamId{1}, 53, pattern(100'000)));
  }
  peers.run_for(55ms);
  REQUIRE(told.rates > 0);
  // The last packets on the old path: some are acknowledged by way of the new one, one is lost.
  peers.path.lose_a = {peers.a.sent + 3};
  peers.run_for(10ms);
  REQUIRE(peers.a.sent > *peers.path.lose_a.begin() + 10);
  peers.path.delay = 100ms;
  peers.a.association->handle_path_change(peers.now, 200ms);
  CHECK(told.made == 2);
  CHECK(peers.a.association->stats().retransmission_timeout == 600ms);
  peers.run_for(190ms);
  CHECK(told.round_trips.empty());
  CHECK(told.rates == 0);
  CHECK(told.lost > 0);
  peers.run_for(5s);
  REQUIRE_FALSE(told.round_trips.empty());
  CHECK(*std::min_element(told.round_trips.begin(), told.round_trips.end()) >= 200ms);
  CHECK(told.rates > 0);
  CHECK(told.first_lost == 0);
  CHECK(peers.a.association->stats().smoothed_round_trip >= 200ms);
  CHECK(peers.b.messages.size() == 20);
}

TEST_CASE("what a longer path still delivers says nothing of a shorter one", "[sctp][rfc8085]") {
  Told told;
  TwoPeers peers{listening(told), {}, {.delay = 100ms, .bytes_per_second = 1'000'000}};
  peers.connect();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(peers.a.association->send(peers.now, StreamId{1}, 53, pattern(100'000)));
  }
  peers.run_for(2s);
  const int before = told.rates;
  peers.run_for(15ms);
  REQUIRE(told.rates > before);
  peers.path.delay = 10ms;
  peers.a.association->handle_path_change(peers.now, 20ms);
  peers.run_for(15ms);
  CHECK(told.made == 2);
  CHECK(told.rates == 0);
  CHECK(told.round_trips.empty());
}

TEST_CASE("what waits for the path before is sent on another one after a timeout of its own",
          "[sctp][rfc9260]") {
  Config config;
  config.max_retransmissions = 4;
  TwoPeers peers{config, config, {.delay = 10ms}};
  peers.connect();
  // The new path is as dead for a while, and what was silent before does not count on it.
  const Duration since = peers.now - peers.start;
  peers.path.outages = {{since, since + 9500ms}};
  REQUIRE(peers.a.association->send(peers.now, StreamId{1}, 53, pattern(1000)));
  peers.run_for(9s);
  CHECK(peers.a.association->stats().retransmission_timeout == 5s);
  peers.a.association->handle_path_change(peers.now, 20ms);
  peers.run_for(1300ms);
  CHECK(peers.b.messages.size() == 1);
  CHECK(peers.a.count<Closed>() == 0);
}

TEST_CASE("a handshake that waited for the path before goes on at once on another one",
          "[sctp][rfc9260]") {
  TwoPeers peers{{}, {}, {.delay = 10ms, .outages = {{0s, 20s}}}};
  peers.a.association->connect(peers.now);
  peers.run_for(21s);
  REQUIRE(peers.a.association->state() == State::cookie_wait);
  peers.a.association->handle_path_change(peers.now, 20ms);
  peers.run_for(700ms);
  CHECK(peers.a.association->state() == State::established);
}

TEST_CASE("an association that is shut down ends at once on another path", "[sctp][rfc9260]") {
  TwoPeers peers;
  peers.connect();
  const Duration since = peers.now - peers.start;
  peers.path.outages = {{since, since + 9s}};
  peers.a.association->shutdown(peers.now);
  peers.run_for(9s);
  peers.a.association->handle_path_change(peers.now, 20ms);
  peers.run_for(500ms);
  CHECK(peers.a.count<Closed>() == 1);
}
