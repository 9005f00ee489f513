// Hostile and broken input.
#include <array>

#include "dtls/pair.hpp"
#include "dtls/raw_peer.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer garbage(Random& random) {
  Buffer datagram(1 + random.below(200));
  random.fill(datagram);
  datagram[0] = static_cast<std::uint8_t>(20 + random.below(44));
  return datagram;
}

// A well-formed record of epoch 0 or another, as somebody without the keys can make it.
Buffer forged_record(std::uint8_t type, std::uint16_t epoch, Bytes content) {
  Buffer record(13 + content.size());
  ByteWriter writer(record);
  writer.u8(type);
  writer.u16(0xFEFD);
  writer.u16(epoch);
  writer.u16(0);
  writer.u32(77);
  writer.u16(static_cast<std::uint16_t>(content.size()));
  writer.bytes(content);
  return record;
}

void check_alive(Pair& pair) {
  CHECK(pair.client.transport->state() == State::connected);
  CHECK(pair.server.transport->state() == State::connected);
  const std::size_t up = pair.server.data().size();
  const std::size_t down = pair.client.data().size();
  pair.send(Direction::to_server, as_bytes("up"));
  pair.send(Direction::to_client, as_bytes("down"));
  pair.run(1s);
  CHECK(pair.server.data().size() == up + 1);
  CHECK(pair.client.data().size() == down + 1);
}

std::unique_ptr<Transport> make_server() {
  auto server = *Transport::create({}, Role::server, server_identity());
  server->set_remote_fingerprints(Timestamp{5s}, {client_identity()->fingerprint()});
  return server;
}

template <class T>
const T* last_event(const RawClient& client) {
  return client.events.empty() ? nullptr : std::get_if<T>(&client.events.back());
}

}  // namespace

TEST_CASE("garbage does not end an established association", "[dtls][rfc6347]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  REQUIRE(pair.both_connected());
  SeededRandom random(5);
  for (int i = 0; i < 2'000; ++i) {
    pair.inject(Direction::to_server, garbage(random));
    pair.inject(Direction::to_client, garbage(random));
  }
  check_alive(pair);
}

TEST_CASE("garbage before and during a handshake does not hinder it", "[dtls][rfc6347]") {
  Pair pair;
  SeededRandom random(6);
  for (int i = 0; i < 200; ++i) pair.inject(Direction::to_server, garbage(random));
  pair.start();
  for (int ms = 0; ms < 60; ++ms) {
    for (int i = 0; i < 20; ++i) {
      pair.inject(Direction::to_server, garbage(random));
      pair.inject(Direction::to_client, garbage(random));
    }
    pair.run(1ms);
  }
  REQUIRE(pair.both_connected());
  check_alive(pair);
}

TEST_CASE("forged alerts and handshake messages do not end an established association",
          "[dtls][rfc6347]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  REQUIRE(pair.both_connected());
  const std::array<std::uint8_t, 2> fatal = {2, 40};
  const std::array<std::uint8_t, 2> close_notify = {1, 0};
  const std::array<std::uint8_t, 12> hello_request = {};
  const std::array<std::uint8_t, 60> noise = {1, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48, 0xFE, 0xFD};
  for (std::uint16_t epoch = 0; epoch < 4; ++epoch) {
    for (const Direction direction : {Direction::to_server, Direction::to_client}) {
      pair.inject(direction, forged_record(21, epoch, fatal));
      pair.inject(direction, forged_record(21, epoch, close_notify));
      pair.inject(direction, forged_record(22, epoch, hello_request));
      pair.inject(direction, forged_record(22, epoch, noise));
      pair.inject(direction, forged_record(20, epoch, Bytes(fatal).first(1)));
      pair.inject(direction, forged_record(23, epoch, noise));
      pair.inject(direction, forged_record(26, epoch, noise));
    }
  }
  CHECK(pair.client.data().empty());
  CHECK(pair.server.data().empty());
  check_alive(pair);
}

TEST_CASE("no flipped bit of a record passes and none harms", "[dtls][rfc6347]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  REQUIRE(pair.both_connected());
  pair.send(Direction::to_server, as_bytes("precious"));
  std::array<std::uint8_t, 1500> storage;
  const auto sent = pair.client.transport->poll_transmit(pair.now, storage);
  REQUIRE(sent);
  const Buffer good(sent->begin(), sent->end());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Buffer bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    pair.inject(Direction::to_server, bad);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    pair.inject(Direction::to_server, Buffer(good.begin(), good.begin() + static_cast<long>(size)));
  }
  CHECK(pair.server.data().empty());
  pair.inject(Direction::to_server, good);
  CHECK(pair.server.data().size() == 1);
  check_alive(pair);
}

TEST_CASE("a flipped bit during a handshake never leads to differing keys", "[dtls][rfc5246]") {
  // Before keys exist nothing is authentic: such a bit may end the handshake, or cost a repetition,
  // but the Finished messages see to it that both ends saw the same.
  int connected = 0;
  int failed = 0;
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    for (std::size_t index = 0; index < 2; ++index) {
      for (std::size_t bit = 0; bit < 800 * 8; bit += 83) {
        Pair pair;
        pair.tamper = [&](Direction d, std::size_t i, Buffer& datagram) {
          if (d != direction || i != index || bit / 8 >= datagram.size()) return;
          datagram[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
        };
        pair.start();
        pair.run(Config{}.handshake_timeout + 1s);
        if (pair.both_connected()) {
          ++connected;
          CHECK(pair.client.connected()->srtp->local_key ==
                pair.server.connected()->srtp->remote_key);
        } else {
          ++failed;
          CHECK((pair.client.failed() != nullptr || pair.server.failed() != nullptr));
        }
      }
    }
  }
  CHECK(connected > 0);
  CHECK(failed > 0);
}

TEST_CASE("replaying a whole conversation changes nothing", "[dtls][rfc6347]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  pair.send(Direction::to_server, as_bytes("once"));
  pair.send(Direction::to_client, as_bytes("once"));
  pair.run(1s);
  REQUIRE(pair.server.data().size() == 1);
  const std::vector<Sent> conversation = pair.sent;
  for (const Sent& datagram : conversation) pair.inject(datagram.direction, datagram.bytes);
  CHECK(pair.server.data().size() == 1);
  CHECK(pair.client.data().size() == 1);
  CHECK(pair.sent.size() == conversation.size());  // And nobody answers.
  check_alive(pair);
}

TEST_CASE("what is not DTLS is dropped and counted", "[dtls][rfc7983]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  pair.inject(Direction::to_client, {});
  pair.inject(Direction::to_client, {0x00, 0x01});
  pair.inject(Direction::to_client, Buffer(100, 0x80));
  CHECK(pair.client.transport->stats().datagrams_dropped == 3);
  check_alive(pair);
}

TEST_CASE("input after the end changes nothing", "[dtls]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  const std::vector<Sent> conversation = pair.sent;
  pair.client.transport->close(pair.now);
  pair.run(1s);
  const std::size_t events = pair.server.events.size();
  for (const Sent& datagram : conversation) pair.inject(datagram.direction, datagram.bytes);
  pair.client.transport->handle_timeout(pair.now);
  pair.client.transport->start(pair.now);
  pair.client.transport->set_remote_fingerprints(pair.now, {});
  pair.client.transport->set_round_trip_time(10ms);
  pair.run(60s);
  CHECK(pair.client.transport->state() == State::closed);
  CHECK(pair.server.transport->state() == State::closed);
  CHECK(pair.server.events.size() == events);
  CHECK(pair.client.transport->stats().datagrams_dropped > 0);
}

TEST_CASE("a client hears nothing before it starts", "[dtls]") {
  Pair pair;
  SeededRandom random(9);
  for (int i = 0; i < 10; ++i) pair.inject(Direction::to_client, garbage(random));
  CHECK(pair.client.transport->stats().datagrams_dropped == 10);
  CHECK(pair.client.transport->state() == State::idle);
}

TEST_CASE("renegotiation is refused and the association goes on", "[dtls][rfc5246]") {
  const auto server = make_server();
  RawClient client(*server);
  client.use(*client_identity());
  client.run();
  REQUIRE(last_event<Connected>(client) != nullptr);
  REQUIRE(SSL_renegotiate(client.ssl()) == 1);
  client.speak();
  CHECK(server->state() == State::connected);
  CHECK_FALSE(server->poll_event());
  // The answer is an alert (a warning, no_renegotiation), not a ServerHello.
  std::array<std::uint8_t, 1500> storage;
  const auto answer = server->poll_transmit(Timestamp{5s}, storage);
  REQUIRE(answer);
  CHECK((*answer)[0] == 21);
  CHECK_FALSE(server->poll_transmit(Timestamp{5s}, storage));
  CHECK(server->send(as_bytes("still here")).has_value());
}

TEST_CASE("a client without a certificate is refused", "[dtls][rfc5763]") {
  const auto server = make_server();
  RawClient client(*server);
  client.run();
  const auto* failed = last_event<Failed>(client);
  REQUIRE(failed != nullptr);
  CHECK(failed->failure.kind == FailureKind::protocol_error);
  CHECK(failed->failure.text == "peer did not return a certificate, alert handshake_failure sent");
}

TEST_CASE("suites without forward secrecy or authenticated encryption are refused",
          "[dtls][rfc8827]") {
  for (const char* suites : {"ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"}) {
    const auto server = make_server();
    RawClient client(*server, [&](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, suites); });
    client.use(*client_identity());
    client.run();
    const auto* failed = last_event<Failed>(client);
    REQUIRE(failed != nullptr);
    CHECK(failed->failure.text == "no shared cipher, alert handshake_failure sent");
  }
}

TEST_CASE("DTLS 1.0 is refused", "[dtls][rfc8996]") {
  const auto server = make_server();
  RawClient client(*server, [](SSL_CTX* c) {
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_min_proto_version(c, DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, DTLS1_VERSION);
  });
  client.run();
  const auto* failed = last_event<Failed>(client);
  REQUIRE(failed != nullptr);
  CHECK(failed->failure.kind == FailureKind::protocol_error);
}

TEST_CASE("every suite on our list connects", "[dtls][rfc5288][rfc5289]") {
  const auto* suite = GENERATE("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                               "ECDHE-ECDSA-CHACHA20-POLY1305");
  const auto server = make_server();
  RawClient client(*server, [&](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, suite); });
  client.use(*client_identity());
  client.run();
  REQUIRE(last_event<Connected>(client) != nullptr);
  CHECK(std::string(SSL_get_cipher_name(client.ssl())) == suite);
  const Buffer largest(server->max_data_size());
  REQUIRE(server->send(largest));
  std::array<std::uint8_t, 1500> storage;
  const auto datagram = server->poll_transmit(Timestamp{5s}, storage);
  REQUIRE(datagram);
  CHECK(datagram->size() <= Config{}.max_datagram_size);
}

TEST_CASE("an association that its peer aborts has failed", "[dtls][rfc5246]") {
  const auto server = make_server();
  RawClient client(*server, [](SSL_CTX* c) {
    // Refuses the server's certificate.
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 0; });
  });
  client.use(*client_identity());
  client.run();
  const auto* failed = last_event<Failed>(client);
  REQUIRE(failed != nullptr);
  CHECK(failed->failure.kind == FailureKind::alert_received);
  CHECK(failed->failure.text.rfind("alert ", 0) == 0);
}
