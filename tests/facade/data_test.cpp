// Data channels over real sockets, both ends on one io_context.
#include <memory>
#include <string>
#include <vector>

#include "io/io_support.hpp"
#include "parley/io/udp_driver.hpp"
#include "parley/peer_connection.hpp"
#include "support/catch.hpp"

using namespace parley;
using parley::test::kLoopback4;
using parley::test::run_until;

namespace {

/// Two connections that signal to each other at once.
struct DataCall {
  DataCall() {
    for (auto* end : {&a, &b}) {
      Configuration config;
      config.network.bind_addresses = {kLoopback4};
      config.network.include_loopback = true;
      auto made = PeerConnection::create(driver, config);
      REQUIRE(made);
      *end = std::move(*made);
    }
    a->on_ice_candidate([this](const IceCandidate& candidate) { add(b, candidate); });
    b->on_ice_candidate([this](const IceCandidate& candidate) { add(a, candidate); });
  }
  void negotiate(PeerConnection& offerer, PeerConnection& answerer) {
    const auto offer = offerer.set_local_description();
    REQUIRE(offer);
    REQUIRE(answerer.set_remote_description(*offer));
    const auto answer = answerer.set_local_description();
    REQUIRE(answer);
    REQUIRE(offerer.set_remote_description(*answer));
  }
  void add(std::unique_ptr<PeerConnection>& to, const IceCandidate& candidate) {
    // Candidates of the offerer come before its offer is applied here: they wait on the sequence.
    driver.post([&to, candidate] {
      if (to) (void)to->add_ice_candidate(candidate).has_value();
    });
  }
  bool run(const std::function<bool()>& done) { return run_until(context, done); }

  asio::io_context context{1};
  io::UdpDriver driver{context};
  std::unique_ptr<PeerConnection> a, b;
};

}  // namespace

TEST_CASE("a data channel over loopback sockets carries messages both ways", "[facade][data]") {
  const bool opener_offers = GENERATE(true, false);
  DataCall call;
  std::vector<std::string> heard, echoed;
  call.b->on_data_channel([&](DataChannel channel) {
    channel.on_message([&heard, channel](DataMessage& message) mutable {
      heard.emplace_back(message.text());
      CHECK(channel.send(std::move(message.data)));
    });
  });
  auto channel = *call.a->create_data_channel("chat");
  channel.on_message([&](DataMessage& message) { echoed.emplace_back(message.text()); });
  const std::string large(200'000, 'x');
  channel.on_open([&] {
    CHECK(channel.send("hello"));
    CHECK(channel.send(""));
    CHECK(channel.send(large));
  });
  if (opener_offers) {
    call.negotiate(*call.a, *call.b);
  } else {
    // The answerer's channel needs a data section, which the offerer has with a channel of its own.
    (void)call.b->create_data_channel("other").has_value();
    call.negotiate(*call.b, *call.a);
  }
  REQUIRE(call.run([&] { return echoed.size() == 3; }));
  CHECK(heard == std::vector<std::string>{"hello", "", large});
  CHECK(echoed == heard);
}

TEST_CASE("a data channel ends with the connection that closes", "[facade][data]") {
  DataCall call;
  std::vector<std::string> reasons;
  bool announced = false;
  call.b->on_data_channel([&](DataChannel channel) {
    announced = true;
    channel.on_close([&](std::string_view reason) { reasons.emplace_back(reason); });
  });
  auto channel = *call.a->create_data_channel("chat");
  call.negotiate(*call.a, *call.b);
  REQUIRE(call.run([&] { return announced; }));
  call.a->close();
  CHECK(channel.state() == DataChannelState::closed);
  CHECK(channel.send("late").error().code == Errc::closed);
  REQUIRE(call.run([&] { return !reasons.empty(); }));
  CHECK_FALSE(reasons[0].empty());
}
