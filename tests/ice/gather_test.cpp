// Gathering of local candidates (RFC 8445 section 5.1.1).
#include "ice/network.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

namespace {

template <class T>
int count(const Node& n) {
  int found = 0;
  for (const Event& e : n.events) found += std::holds_alternative<T>(e) ? 1 : 0;
  return found;
}

NetworkInterface with_address(const SocketAddress& a, bool is_temporary = false) {
  NetworkInterface i;
  i.address = a.ip;
  i.is_temporary = is_temporary;
  i.is_loopback = a.ip.is_loopback();
  return i;
}

}  // namespace

TEST_CASE("host candidates have unique priorities in the order of preference",
          "[ice][rfc8445][rfc8421]") {
  SeededRandom random{1};
  const Timestamp now{1s};
  Agent agent{Config{}, random, now};
  const char* const order[] = {"[2001:db8::9]:1", "[2001:db8::1]:1", "192.0.2.1:1",
                               "[2001:db8::2]:1", "192.0.2.2:1",     "127.0.0.1:1"};
  for (const int i : {5, 2, 4, 1, 3, 0}) {
    const auto a = at(order[i]);
    REQUIRE(agent.add_local_socket(now, a, with_address(a, i == 0)));
  }
  std::map<std::uint32_t, std::string, std::greater<>> sorted;
  std::set<std::string> foundations;
  for (const Candidate& c : agent.stats().local_candidates) {
    sorted[c.priority] = c.address.to_string();
    foundations.insert(c.foundation);
    CHECK(c.priority >> 24 == 126);
    CHECK((c.priority & 0xFF) == 255);
    CHECK(c.ufrag == agent.local_credentials().ufrag);
  }
  CHECK(foundations.size() == 6);
  REQUIRE(sorted.size() == 6);
  int i = 0;
  for (const auto& [priority, address] : sorted) CHECK(address == order[i++]);
}

TEST_CASE("gathering is seen to begin and to complete", "[ice]") {
  Network net;
  Node& a = net.add(controlling(), {at("192.0.2.1:1")});
  REQUIRE(a.events.size() == 3);
  CHECK(std::get<GatheringStateChanged>(a.events[0]).state == GatheringState::gathering);
  CHECK(std::holds_alternative<CandidateGathered>(a.events[1]));
  CHECK(std::get<GatheringStateChanged>(a.events[2]).state == GatheringState::complete);
  Node& b = net.add(controlling(), {});
  REQUIRE(b.events.size() == 2);
  CHECK(std::get<GatheringStateChanged>(b.events[1]).state == GatheringState::complete);
}

TEST_CASE("a server-reflexive address that is the base is redundant", "[ice][rfc8445]") {
  Network net{5ms};
  net.stun_server = at("198.51.100.1:3478");
  Node& a = net.add(controlling(), {at("192.0.2.1:1"), at("192.0.2.1:2")});
  CHECK(a.agent.gathering_state() == GatheringState::gathering);
  net.run_for(1s);
  CHECK(count<CandidateGathered>(a) == 2);
  CHECK(a.agent.gathering_state() == GatheringState::complete);
}

TEST_CASE("one dead server holds up completion for a bounded time and nothing else", "[ice]") {
  Network net{5ms};
  net.stun_server = at("198.51.100.1:3478");
  Nat nat{NatKind::cone, *IpAddress::parse("203.0.113.1"), 40'000, {}};
  Node& a = net.add(controlling(), {}, nat);
  SeededRandom random{1};
  // Its own agent, so that the dead server comes first.
  a.agent = Agent{Config{}, random, net.now};
  a.events.clear();
  a.agent.add_stun_server(net.now, at("198.51.100.99:3478"));
  a.agent.add_stun_server(net.now, *net.stun_server);
  a.sockets = {at("10.0.0.1:1")};
  REQUIRE(a.agent.add_local_socket(net.now, a.sockets[0], with_address(a.sockets[0])));
  a.agent.end_of_local_sockets(net.now);
  net.drain(a);
  net.run_for(100ms);
  CHECK(count<CandidateGathered>(a) == 2);
  CHECK(a.agent.gathering_state() == GatheringState::gathering);
  net.run_for(9'400ms);
  CHECK(a.agent.gathering_state() == GatheringState::complete);
  REQUIRE(count<GatheringError>(a) == 1);
  for (const Event& e : a.events) {
    if (const auto* error = std::get_if<GatheringError>(&e)) CHECK(error->code == 701);
  }
}

TEST_CASE("requests to servers are paced and only within a family", "[ice][rfc8445]") {
  Network net{5ms};
  net.stun_server = at("198.51.100.1:3478");
  Node& a = net.add(controlling(), {at("192.0.2.1:1"), at("[2001:db8::1]:1"), at("192.0.2.2:1"),
                                    at("127.0.0.1:1")});
  const Timestamp start = net.now;
  net.run_for(1s);
  REQUIRE(a.sent_at.size() == 2);
  CHECK(a.sent_at[0] == start);
  CHECK(a.sent_at[1] == start + 50ms);
}

TEST_CASE("related addresses can be hidden", "[ice][rfc8839]") {
  Network net{5ms};
  net.stun_server = at("198.51.100.1:3478");
  Nat nat{NatKind::cone, *IpAddress::parse("203.0.113.1"), 40'000, {}};
  Config config;
  config.hide_related_addresses = true;
  Node& a = net.add(config, {at("10.0.0.1:1")}, nat);
  net.run_for(1s);
  const auto candidates = Network::candidates(a);
  REQUIRE(candidates.size() == 2);
  CHECK(candidates[1].to_string().find(" raddr 0.0.0.0 rport 9 ") != std::string::npos);
}

TEST_CASE("mappings are kept open until a path is found", "[ice][rfc8445]") {
  Network net{5ms};
  net.stun_server = at("198.51.100.1:3478");
  Nat nat{NatKind::cone, *IpAddress::parse("203.0.113.1"), 40'000, {}};
  Node& a = net.add(controlling(), {at("10.0.0.1:1")}, nat);
  net.run_for(100s);
  CHECK(a.sent == 7);  // one, and one each 15 s
  CHECK(count<CandidateGathered>(a) == 2);
}

TEST_CASE("local candidates stop at their limit and servers at eight", "[ice]") {
  SeededRandom random{1};
  const Timestamp now{1s};
  Config config;
  config.max_local_candidates = 3;
  Agent agent{config, random, now};
  for (std::uint16_t port = 1; port <= 3; ++port) {
    REQUIRE(agent.add_local_socket(now, {at("192.0.2.1:1").ip, port}, {}));
  }
  CHECK(agent.add_local_socket(now, at("192.0.2.1:9"), {}).error().code == Errc::too_large);
  for (std::uint16_t port = 1; port <= 20; ++port) {
    agent.add_stun_server(now, {at("198.51.100.1:1").ip, port});
  }
  agent.end_of_local_sockets(now);
  std::array<std::uint8_t, kMaxDatagramSize> storage;
  std::set<SocketAddress> asked;
  for (Timestamp t = now; t < now + 3s; t += 10ms) {
    agent.handle_timeout(t);
    while (const auto transmit = agent.poll_transmit(t, storage))
      asked.insert(transmit->path.remote);
  }
  CHECK(asked.size() == 8);
}
