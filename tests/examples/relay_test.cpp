#include <map>

#include "common/relay.hpp"
#include "loopback_call/impairment.hpp"
#include "parley/ice/candidate.hpp"
#include "parley/sim/network.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

using namespace std::chrono_literals;
using example::Relay;
using example::Side;
using parley::IpAddress;
using parley::MutableBytes;
using parley::Path;
using parley::SocketAddress;
using parley::Timestamp;
using parley::Transmit;

/// An end that sends what it is told and remembers what came from where.
class Talker final : public parley::Engine {
 public:
  explicit Talker(parley::Driver& driver) : driver_(driver) {
    driver_.attach(*this);
    address_ = *driver_.open_socket(*this, {IpAddress::loopback(parley::AddressFamily::ipv4), 0});
  }
  ~Talker() override { driver_.detach(*this); }
  void send(const SocketAddress& to, std::uint8_t byte) {
    out_.push_back({to, byte});
    driver_.wake(*this);
  }
  const SocketAddress& address() const { return address_; }
  struct Heard {
    SocketAddress from;
    std::uint8_t byte;
    Timestamp at;
  };
  const std::vector<Heard>& heard() const { return heard_; }

  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) override {
    heard_.push_back({path.remote, bytes[0], now});
  }
  void handle_timeout(Timestamp) override {}
  std::optional<Transmit> poll_transmit(Timestamp, MutableBytes storage) override {
    if (out_.empty()) return std::nullopt;
    storage[0] = out_.front().second;
    const Path path{address_, out_.front().first};
    out_.erase(out_.begin());
    return Transmit{path, storage.first(1), parley::Ecn::not_ect};
  }
  Timestamp next_timeout() const override { return parley::kNever; }
  bool deliver_events(Timestamp) override { return false; }

 private:
  parley::Driver& driver_;
  SocketAddress address_;
  std::vector<std::pair<SocketAddress, std::uint8_t>> out_;
  std::vector<Heard> heard_;
};

std::string candidate_line(const SocketAddress& address) {
  parley::ice::Candidate c;
  c.foundation = "1";
  c.priority = 1000;
  c.address = address;
  return c.to_string();
}

SocketAddress address_in(const std::string& line) {
  return parley::ice::Candidate::parse(line)->address;
}

struct Fixture {
  explicit Fixture(const Impairment& impairment)
      : relay(host, link_config(impairment), 5), a(host), b(host) {}
  parley::sim::Network network{3};
  parley::sim::Host& host = network.add_host({.name = "one"});
  Relay relay;
  Talker a;
  Talker b;
};

TEST_CASE("each end meets the other at its stand-in", "[example][relay]") {
  Fixture f({.delay = 30ms});
  const auto a_seen = address_in(*f.relay.rewrite(Side::a, candidate_line(f.a.address())));
  const auto b_seen = address_in(*f.relay.rewrite(Side::b, candidate_line(f.b.address())));
  CHECK(a_seen != f.a.address());
  CHECK(a_seen != b_seen);
  // The same candidate again has the same stand-in.
  CHECK(address_in(*f.relay.rewrite(Side::a, candidate_line(f.a.address()))) == a_seen);

  const Timestamp start = f.network.now();
  f.b.send(a_seen, 17);
  f.a.send(b_seen, 18);
  f.network.run_for(1s);
  REQUIRE(f.a.heard().size() == 1);
  CHECK(f.a.heard()[0].byte == 17);
  CHECK(f.a.heard()[0].from == b_seen);
  CHECK(f.a.heard()[0].at - start >= 30ms);
  REQUIRE(f.b.heard().size() == 1);
  CHECK(f.b.heard()[0].from == a_seen);
}

TEST_CASE("a datagram may come before the candidate of its sender", "[example][relay]") {
  Fixture f({});
  const auto a_seen = address_in(*f.relay.rewrite(Side::a, candidate_line(f.a.address())));
  f.b.send(a_seen, 1);
  f.network.run_for(1s);
  REQUIRE(f.a.heard().size() == 1);
  CHECK(f.a.heard()[0].from ==
        address_in(*f.relay.rewrite(Side::b, candidate_line(f.b.address()))));
}

TEST_CASE("the relay loses as many datagrams as it was told", "[example][relay]") {
  Fixture f({.loss = 0.3});
  const auto a_seen = address_in(*f.relay.rewrite(Side::a, candidate_line(f.a.address())));
  for (int i = 0; i < 1000; ++i) f.b.send(a_seen, 1);
  f.network.run_for(1s);
  CHECK(f.a.heard().size() > 640);
  CHECK(f.a.heard().size() < 760);
  CHECK(f.relay.stats(Side::b).total_dropped() == 1000 - f.a.heard().size());
  CHECK(f.relay.stats(Side::a).sent == 0);
}

TEST_CASE("reordered datagrams arrive after later ones", "[example][relay]") {
  Fixture f({.reorder = 0.1});
  const auto a_seen = address_in(*f.relay.rewrite(Side::a, candidate_line(f.a.address())));
  for (int i = 0; i < 200; ++i) {
    f.b.send(a_seen, static_cast<std::uint8_t>(i));
    f.network.run_for(1ms);
  }
  f.network.run_for(1s);
  REQUIRE(f.a.heard().size() == 200);
  int overtaken = 0;
  for (std::size_t i = 1; i < 200; ++i)
    if (f.a.heard()[i].byte < f.a.heard()[i - 1].byte) ++overtaken;
  CHECK(overtaken > 5);
}

TEST_CASE("lines without an address pass the relay unchanged", "[example][relay]") {
  Fixture f({});
  CHECK(*f.relay.rewrite(Side::a, "") == "");
  const std::string hidden = "candidate:1 1 udp 1 0a1b.local 5000 typ host";
  CHECK(*f.relay.rewrite(Side::a, hidden) == hidden);
  CHECK_FALSE(f.relay.rewrite(Side::a, "candidate:rubbish"));
}

TEST_CASE("impairments read as people say them", "[example][relay]") {
  CHECK(describe({}) == "clean network");
  CHECK(describe({.loss = 0.05, .delay = 40ms, .jitter = 20ms}) ==
        "5.0 % loss, 40 ms delay, 20 ms jitter each way");
}

}  // namespace
}  // namespace loopback_call
