// First flights as other programs send them.
#include <algorithm>
#include <array>

#include "dtls/chromium_client_hello.hpp"
#include "dtls/pair.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr Timestamp kNow{5s};

Buffer from_hex(std::string_view digits) {
  Buffer out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

// One handshake fragment in one record in one datagram (RFC 6347 sections 4.1 and 4.2.2).
Buffer fragment(std::uint8_t type, std::uint16_t message_number, std::uint64_t record_number,
                Bytes body, std::size_t offset, std::size_t length) {
  Buffer datagram(25 + length);
  ByteWriter writer(datagram);
  writer.u8(22);
  writer.u16(0xFEFF);
  writer.u64(record_number);  // Epoch 0 is the upper 16 bits.
  writer.u16(static_cast<std::uint16_t>(12 + length));
  writer.u8(type);
  writer.u24(static_cast<std::uint32_t>(body.size()));
  writer.u16(message_number);
  writer.u24(static_cast<std::uint32_t>(offset));
  writer.u24(static_cast<std::uint32_t>(length));
  writer.bytes(body.subspan(offset, length));
  REQUIRE(writer.ok());
  return datagram;
}

struct Server {
  std::unique_ptr<Transport> transport = *Transport::create({}, Role::server, server_identity());
  std::uint64_t record_number = 0;

  // The server's datagrams in answer to this part of Chromium's ClientHello.
  std::vector<Buffer> hear(std::size_t offset, std::size_t length) {
    static const Buffer hello = from_hex(kChromiumClientHello);
    Buffer datagram = fragment(1, 0, record_number++, hello, offset, length);
    transport->handle_datagram(kNow, datagram);
    std::vector<Buffer> out;
    std::array<std::uint8_t, 1500> storage;
    while (auto sent = transport->poll_transmit(kNow, storage)) {
      out.emplace_back(sent->begin(), sent->end());
    }
    return out;
  }
};

// The answer begins with a ServerHello that chooses AEAD_AES_128_GCM (use_srtp, extension 14).
void check_server_hello(const std::vector<Buffer>& answer) {
  REQUIRE_FALSE(answer.empty());
  const Buffer& first = answer.front();
  REQUIRE(first.size() > 25);
  CHECK(first[0] == 22);
  CHECK(first[13] == 2);  // server_hello, at once: no cookie is asked for.
  const Buffer use_srtp = from_hex(
      "000e000500020007"
      "00");
  CHECK(std::search(first.begin(), first.end(), use_srtp.begin(), use_srtp.end()) != first.end());
}

}  // namespace

TEST_CASE("a ClientHello of Chromium in two datagrams is answered in 1.2", "[dtls][rfc6347]") {
  Server server;
  CHECK(server.hear(0, 1175).empty());
  CHECK(server.transport->next_timeout() == kNow + Config{}.handshake_timeout);
  check_server_hello(server.hear(1175, 238));
}

TEST_CASE("fragments of a ClientHello may come in any order", "[dtls][rfc6347]") {
  Server server;
  CHECK(server.hear(1175, 238).empty());
  check_server_hello(server.hear(0, 1175));
}

TEST_CASE("a repeated ClientHello may have other fragment boundaries", "[dtls][rfc6347]") {
  Server server;
  CHECK(server.hear(0, 1175).empty());  // The second fragment is lost.
  CHECK(server.hear(0, 500).empty());
  CHECK(server.hear(500, 500).empty());
  check_server_hello(server.hear(1000, 413));  // Overlaps what came with the first attempt.
}

TEST_CASE("a ClientHello in many small overlapping fragments is put together", "[dtls][rfc6347]") {
  Server server;
  std::vector<Buffer> answer;
  for (std::size_t at = 0; at < 1413 && answer.empty(); at += 50) {
    answer = server.hear(at, std::min<std::size_t>(80, 1413 - at));
  }
  check_server_hello(answer);
}

TEST_CASE("a server with all fragments but one keeps silent", "[dtls][rfc6347]") {
  Server server;
  for (int round = 0; round < 100; ++round) CHECK(server.hear(0, 1175).empty());
  CHECK(server.transport->state() == State::connecting);
}

TEST_CASE("a client answers a HelloVerifyRequest with its cookie", "[dtls][rfc6347]") {
  const auto client = *Transport::create({}, Role::client, client_identity());
  client->start(kNow);
  std::array<std::uint8_t, 1500> storage;
  REQUIRE(client->poll_transmit(kNow, storage));
  Buffer cookie(20);
  for (std::size_t i = 0; i < cookie.size(); ++i) cookie[i] = static_cast<std::uint8_t>(0xC0 + i);
  Buffer body = {0xFE, 0xFF, 20};
  body.insert(body.end(), cookie.begin(), cookie.end());
  Buffer request = fragment(3, 0, 0, body, 0, body.size());
  client->handle_datagram(kNow, request);
  const auto second = client->poll_transmit(kNow, storage);
  REQUIRE(second);
  CHECK((*second)[13] == 1);
  CHECK(std::search(second->begin(), second->end(), cookie.begin(), cookie.end()) != second->end());
  CHECK(client->next_timeout() == kNow + 400ms);  // A new flight with a timer of its own.
}
