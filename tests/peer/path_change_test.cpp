// Calls whose path is another one from some moment on (RFC 8445 section 9, RFC 8085 section 3.1).
#include "data_scene.hpp"

using namespace parley;
using namespace parley::test;
using namespace std::chrono_literals;

namespace {

/// `a` is in another network from now on, and its old address leads nowhere.
void move(CallScene& call, const sim::LinkConfig& link) {
  call.set_link(link);
  call.a.host->add_address(IpAddress::v4(10, 1, 0, 1));
  call.a.host->remove_address(IpAddress::v4(10, 0, 0, 1));
}

/// Keeps a data channel busy, and counts what arrives.
struct Transfer {
  explicit Transfer(DataScene& scene) : log(scene.open(scene.a)) {
    log->channel.on_open([this] { send(); });
    log->channel.on_writable([this] { send(); });
    scene.b.pc->on_data_channel([this](DataChannel channel) {
      channel.on_message([this](DataMessage& message) { received += message.data.size(); });
    });
  }
  void send() {
    while (log->channel.send(std::vector<std::uint8_t>(10'000))) continue;
  }
  std::shared_ptr<ChannelLog> log;
  std::size_t received = 0;
};

}  // namespace

TEST_CASE("a transfer goes on at once when a restart finds a path after an outage",
          "[peer][rfc8445][rfc9260]") {
  DataScene s;
  s.set_link({.delay = 10ms, .rate = DataRate::kilobits_per_second(10'000)});
  Transfer transfer(s);
  s.negotiate(s.a, s.b);
  REQUIRE(s.run_until([&] { return transfer.received > 1'000'000; }));
  move(s, {.delay = 10ms, .rate = DataRate::kilobits_per_second(10'000)});
  // Long enough for SCTP's retransmissions to come many seconds apart.
  s.run_for(20s);
  const std::size_t before = transfer.received;
  s.a.pc->restart_ice();
  s.negotiate(s.a, s.b);
  s.run_for(2s);
  CHECK(transfer.received > before + 500'000);
}

TEST_CASE("a transfer keeps to a path that is slower than the one before",
          "[peer][rfc8445][rfc8085]") {
  DataScene s;
  s.set_link({.delay = 5ms, .rate = DataRate::kilobits_per_second(50'000)});
  Transfer transfer(s);
  s.negotiate(s.a, s.b);
  REQUIRE(s.run_until([&] { return transfer.received > 20'000'000; }));
  move(s, {.delay = 50ms,
           .rate = DataRate::kilobits_per_second(1000),
           .queue_limit = DataSize::kilobytes(50)});
  s.a.pc->restart_ice();
  s.negotiate(s.a, s.b);
  s.run_for(4s);
  const std::size_t before = transfer.received;
  s.run_for(10s);
  // 1.25 MB fit in ten seconds.
  CHECK(transfer.received - before > 800'000);
}

TEST_CASE("pictures keep to a path that is slower than the one before",
          "[peer][rfc8445][rfc8085]") {
  CallScene call{{}};
  call.set_link({.delay = 5ms, .rate = DataRate::kilobits_per_second(50'000)});
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(20s);
  move(call, {.delay = 50ms,
              .rate = DataRate::kilobits_per_second(800),
              .queue_limit = DataSize::kilobytes(50)});
  call.a.pc->restart_ice();
  call.negotiate(call.a, call.b);
  call.run_media(5s);
  const int before = call.b.frames_shown;
  const int sent = call.a.frames_sent;
  call.run_media(10s);
  CHECK(call.b.frames_shown - before > (call.a.frames_sent - sent) / 2);
}
