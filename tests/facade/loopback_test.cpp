// Calls over real sockets with both ends on one io_context.
#include "facade/end.hpp"
#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using parley::test::End;
using parley::test::kLoopback4;
using parley::test::kLoopback6;
using parley::test::link_ends;
using parley::test::Media;
using parley::test::run_until;

namespace {

/// Two ends on one driver.
struct LoopbackCall {
  explicit LoopbackCall(Driver& driver, Media media, const IpAddress& address = kLoopback4)
      : a(End::create(driver, media, address)), b(End::create(driver, media, address)) {
    link_ends(driver, a, driver, b);
    a->call();
  }
  bool received(int wanted) const { return a->received(wanted) && b->received(wanted); }

  std::shared_ptr<End> a, b;
};

void check_raw_call(const IpAddress& address) {
  asio::io_context context{1};
  io::UdpDriver driver{context};
  const LoopbackCall call{driver, Media::raw, address};
  REQUIRE(run_until(context, [&] { return call.received(20); }));
  for (const auto& end : {call.a, call.b}) {
    CHECK(end->problem.empty());
    CHECK(end->worst_psnr > 28);
    CHECK(end->states == std::vector{ConnectionState::connecting, ConnectionState::connected});
  }
}

}  // namespace

TEST_CASE("a call over loopback sockets shows pictures and plays sound at both ends", "[facade]") {
  check_raw_call(kLoopback4);
}

TEST_CASE("a call goes over IPv6 loopback sockets", "[facade]") {
  asio::io_context context{1};
  io::UdpDriver driver{context};
  bool has_ipv6 = false;
  for (const auto& interface : driver.interfaces()) has_ipv6 |= interface.address == kLoopback6;
  if (!has_ipv6) {
    WARN("this machine has no IPv6 loopback address");
    return;
  }
  check_raw_call(kLoopback6);
}

TEST_CASE("twenty calls share one io_context", "[facade]") {
  asio::io_context context{1};
  io::UdpDriver driver{context};
  std::vector<LoopbackCall> calls;
  for (int i = 0; i < 20; ++i) calls.emplace_back(driver, Media::encoded);
  REQUIRE(run_until(context, [&] {
    return std::all_of(calls.begin(), calls.end(),
                       [](const LoopbackCall& call) { return call.received(10); });
  }));
  for (const auto& call : calls) {
    CHECK(call.a->problem.empty());
    CHECK(call.b->problem.empty());
  }
  CHECK(driver.stats().unknown_local == 0);
  CHECK(driver.stats().send_failed == 0);
}

TEST_CASE("an end that closes tells the other", "[facade][rfc8446]") {
  asio::io_context context{1};
  io::UdpDriver driver{context};
  const LoopbackCall call{driver, Media::encoded};
  REQUIRE(run_until(context, [&] { return call.received(3); }));
  call.a->pc->close();
  CHECK(call.a->pc->connection_state() == ConnectionState::closed);
  REQUIRE(run_until(context,
                    [&] { return call.b->pc->connection_state() == ConnectionState::closed; }));
  CHECK(call.b->states.back() == ConnectionState::closed);
}
