// Calls of several peers with one UDP port, over real loopback sockets.
#include "parley/shared_port.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <memory>
#include <vector>

#include "facade/end.hpp"
#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;

TEST_CASE("Several calls share one real UDP port", "[facade][shared_port]") {
  asio::io_context context{1};
  io::UdpDriver server{context}, network{context};
  SharedPort port{server};
  const auto bound = port.bind(kLoopback4);
  REQUIRE(bound);
  std::vector<std::shared_ptr<End>> callers, callees;
  for (int i = 0; i < 5; ++i) {
    auto caller = callers.emplace_back(End::create(network, Media::encoded, kLoopback4));
    auto callee = callees.emplace_back(End::create(port, Media::encoded, kLoopback4));
    caller->set_peer(port, callee);
    callee->set_peer(network, caller);
    caller->call();
  }
  const auto all = [](const auto& ends, auto test) {
    return std::all_of(ends.begin(), ends.end(), [&](const auto& end) { return test(*end); });
  };
  const auto received = [](const End& end) { return end.received(5); };
  CHECK(run_until(context, [&] { return all(callers, received) && all(callees, received); }));
  const auto problem = [](const End& end) { return !end.problem.empty(); };
  CHECK(std::none_of(callers.begin(), callers.end(), [&](auto& e) { return problem(*e); }));
  for (const auto& callee : callees) {
    const auto description = callee->pc->local_description();
    REQUIRE(description);
    CHECK(description->sdp.find(" " + std::to_string(bound->port) + " typ host") !=
          std::string::npos);
  }
  CHECK(port.paths() == 5);
  CHECK(port.stats().refused_fragments == 0);

  // One leaves, its peer hears it, the others go on.
  callees[0]->pc->close();
  CHECK(port.paths() == 4);
  const int before = callees[1]->sounds;
  CHECK(run_until(context, [&] {
    return callers[0]->states.back() == ConnectionState::closed && callees[1]->sounds > before + 5;
  }));
  for (auto* ends : {&callers, &callees}) {
    for (auto& end : *ends) end->pc.reset();
  }
}
