#include "parley/stun/client.hpp"

#include <vector>

#include "stun/hex.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::stun;

namespace {

constexpr Timestamp kStart{1000s};
const Path kPath{*SocketAddress::parse("192.0.2.1:5000"),
                 *SocketAddress::parse("198.51.100.1:3478")};

// A client, its storage, and what a server would answer.
struct Setup {
  SeededRandom random{7};
  BindingClient client{BindingClient::Config{}, random};
  std::array<std::uint8_t, kMaxDatagramSize> storage{};

  std::vector<std::uint8_t> poll(Timestamp now) {
    const auto transmit = client.poll_transmit(now, storage);
    if (!transmit) return {};
    return {transmit->datagram.begin(), transmit->datagram.end()};
  }
  static std::vector<std::uint8_t> answer(Bytes request, Class c, auto fill) {
    std::vector<std::uint8_t> out(500);
    MessageWriter writer{out, c, Method::binding, MessageView::parse(request)->transaction_id()};
    fill(writer);
    out.resize(writer.finish().size());
    return out;
  }
  static std::vector<std::uint8_t> success(Bytes request) {
    return answer(request, Class::success_response, [](MessageWriter& w) {
      w.add_xor_address(Attribute::xor_mapped_address, *SocketAddress::parse("203.0.113.5:1111"));
    });
  }
};

}  // namespace

TEST_CASE("requests leave at the times of RFC 8489 section 6.2.1 and fail at 39.5 s",
          "[stun][rfc8489]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  std::vector<double> sent;
  std::vector<std::uint8_t> first;
  while (s.client.next_timeout() != kNever) {
    const Timestamp now = s.client.next_timeout();
    s.client.handle_timeout(now);
    auto m = s.poll(now);
    const auto event = s.client.poll_event();
    if (!m.empty()) {
      sent.push_back(to_seconds(now - kStart));
      if (first.empty()) first = m;
      CHECK(m == first);  // a retransmission is the same message
    }
    if (event) {
      CHECK(std::get<BindingFailed>(*event).code == 0);
      CHECK(now - kStart == 39'500ms);
    }
    REQUIRE((!m.empty() || event));  // no busy loop
  }
  CHECK(sent == std::vector<double>{0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5});
  CHECK(s.client.idle());
}

TEST_CASE("a success response ends the transaction with the mapped address", "[stun][rfc8489]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  const auto request = s.poll(kStart);
  CHECK(MessageView::parse(request)->check_fingerprint() == Verdict::right);
  auto response = Setup::success(request);
  CHECK(s.client.handle_response(kStart + 20ms, kPath, response));
  const auto event = s.client.poll_event();
  REQUIRE(event);
  CHECK(std::get<Mapped>(*event).mapped.to_string() == "203.0.113.5:1111");
  CHECK(s.client.next_timeout() == kNever);
  CHECK_FALSE(s.client.handle_response(kStart + 21ms, kPath, response));  // a duplicate
  CHECK_FALSE(s.client.poll_event());
}

TEST_CASE("responses from elsewhere or to other requests are not taken", "[stun][rfc8489]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  const auto request = s.poll(kStart);
  auto response = Setup::success(request);
  Path path = kPath;
  SECTION("another server") { path.remote.port = 3479; }
  SECTION("another socket") { path.local.port = 5001; }
  SECTION("another transaction") { response[19] ^= 1; }
  SECTION("a request") { response = request; }
  SECTION("garbage") { response.assign(30, 0); }
  CHECK_FALSE(s.client.handle_response(kStart, path, response));
  CHECK_FALSE(s.client.idle());
  CHECK_FALSE(s.client.poll_event());
}

TEST_CASE("an unknown required attribute in a response fails the transaction", "[stun][rfc8489]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  const auto request = s.poll(kStart);
  const auto response = Setup::answer(request, Class::success_response, [](MessageWriter& w) {
    w.add_u32(static_cast<Attribute>(0x7777), 1);
    w.add_xor_address(Attribute::xor_mapped_address, *SocketAddress::parse("203.0.113.5:1111"));
  });
  CHECK(s.client.handle_response(kStart, kPath, response));
  CHECK(std::holds_alternative<BindingFailed>(*s.client.poll_event()));
  CHECK(s.client.idle());
}

TEST_CASE("a response of an RFC 3489 server with its old attributes serves", "[stun]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  const auto response =
      Setup::answer(s.poll(kStart), Class::success_response, [](MessageWriter& w) {
        const auto address = *SocketAddress::parse("203.0.113.5:1111");
        w.add_address(Attribute::mapped_address, address);
        w.add_address(static_cast<Attribute>(0x0004), address);
        w.add_address(static_cast<Attribute>(0x0005), address);
      });
  CHECK(s.client.handle_response(kStart, kPath, response));
  CHECK(std::holds_alternative<Mapped>(*s.client.poll_event()));
}

TEST_CASE("an error response is reported with its code", "[stun][rfc8489]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  const auto response = Setup::answer(s.poll(kStart), Class::error_response,
                                      [](MessageWriter& w) { w.add_error(300, "Try Alternate"); });
  CHECK(s.client.handle_response(kStart, kPath, response));
  const auto event = s.client.poll_event();
  CHECK(std::get<BindingFailed>(*event).code == 300);
  CHECK(std::get<BindingFailed>(*event).reason == "Try Alternate");
}

TEST_CASE("a dead server does not delay another", "[stun]") {
  Setup s;
  Path dead = kPath;
  dead.remote.port = 1;
  REQUIRE(s.client.start(kStart, dead));
  REQUIRE(s.client.start(kStart, kPath));
  s.poll(kStart);
  const auto request = s.poll(kStart);
  REQUIRE_FALSE(request.empty());
  CHECK(s.client.handle_response(kStart + 10ms, kPath, Setup::success(request)));
  CHECK(s.client.poll_event());
}

TEST_CASE("impossible starts are refused and the number is bounded", "[stun]") {
  Setup s;
  Path mixed = kPath;
  mixed.remote = *SocketAddress::parse("[2001:db8::1]:3478");
  CHECK(s.client.start(kStart, mixed).error().code == Errc::invalid_argument);
  Path no_port = kPath;
  no_port.remote.port = 0;
  CHECK(s.client.start(kStart, no_port).error().code == Errc::invalid_argument);
  for (int i = 0; i < 64; ++i) REQUIRE(s.client.start(kStart, kPath));
  CHECK(s.client.start(kStart, kPath).error().code == Errc::queue_full);
  s.client.cancel();
  CHECK(s.client.idle());
}

TEST_CASE("storage that is too small costs the send but never spins", "[stun]") {
  Setup s;
  REQUIRE(s.client.start(kStart, kPath));
  std::array<std::uint8_t, 10> tiny{};
  CHECK_FALSE(s.client.poll_transmit(kStart, tiny));
  CHECK(s.client.next_timeout() > kStart);
}
