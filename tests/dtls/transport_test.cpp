#include "parley/dtls/transport.hpp"

#include <algorithm>

#include "dtls/pair.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

const Bytes kHello = as_bytes("hello");

std::vector<std::uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

std::size_t count(const Pair& pair, Direction direction) {
  return static_cast<std::size_t>(
      std::count_if(pair.sent.begin(), pair.sent.end(),
                    [&](const Sent& datagram) { return datagram.direction == direction; }));
}

}  // namespace

TEST_CASE("first bytes 20 to 63 are DTLS and nothing else is", "[dtls][rfc7983]") {
  for (int first = 0; first < 256; ++first) {
    const std::uint8_t byte = static_cast<std::uint8_t>(first);
    CHECK(is_dtls({&byte, 1}) == (first >= 20 && first <= 63));
  }
  CHECK_FALSE(is_dtls({}));
}

TEST_CASE("a handshake takes two round trips and four flights", "[dtls][rfc6347]") {
  Pair pair;
  pair.start();
  REQUIRE(pair.sent.size() == 1);  // The client's first flight leaves at once.
  pair.run(1s);
  REQUIRE(pair.both_connected());
  const auto last = std::max_element(pair.sent.begin(), pair.sent.end(),
                                     [](const Sent& a, const Sent& b) { return a.at < b.at; });
  CHECK(last->at - pair.started == 30ms);  // Three one-way delays; it arrives after the fourth.
  // With P-256 certificates each flight fits one datagram of 1200 bytes.
  CHECK(count(pair, Direction::to_server) == 2);
  CHECK(count(pair, Direction::to_client) == 2);
  CHECK(pair.client.transport->state() == State::connected);
  CHECK(pair.server.transport->state() == State::connected);
  CHECK(pair.client.transport->next_timeout() == kNever);
  CHECK(pair.server.transport->next_timeout() == kNever);
}

TEST_CASE("both sides report the association alike", "[dtls][rfc7627]") {
  Pair pair;
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  const Connected& client = *pair.client.connected();
  const Connected& server = *pair.server.connected();
  CHECK(client.version == "1.2");
  CHECK(client.cipher == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  CHECK(client.cipher == server.cipher);
  CHECK(client.extended_master_secret);
  CHECK(server.extended_master_secret);
  CHECK(client.peer_certificate == copy(server_identity()->certificate_der()));
  CHECK(server.peer_certificate == copy(client_identity()->certificate_der()));
}

TEST_CASE("application data travels both ways with one record per datagram", "[dtls]") {
  Pair pair;
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  const std::size_t before = pair.sent.size();
  std::vector<std::uint8_t> largest(pair.client.transport->max_data_size(), 0xA5);
  pair.send(Direction::to_server, kHello);
  pair.send(Direction::to_server, largest);
  pair.send(Direction::to_client, kHello);
  pair.run();
  CHECK(pair.sent.size() == before + 3);
  CHECK(pair.server.data() == std::vector<std::vector<std::uint8_t>>{copy(kHello), largest});
  CHECK(pair.client.data() == std::vector<std::vector<std::uint8_t>>{copy(kHello)});
  CHECK(pair.sent[before + 1].bytes.size() == Config{}.max_datagram_size);
}

TEST_CASE("what cannot be sent is refused with the reason", "[dtls]") {
  Pair pair;
  CHECK(pair.client.transport->send(kHello).error().code == Errc::invalid_state);
  pair.start();
  CHECK(pair.client.transport->send(kHello).error().code == Errc::invalid_state);
  pair.run();
  REQUIRE(pair.both_connected());
  const std::vector<std::uint8_t> large(pair.client.transport->max_data_size() + 1);
  CHECK(pair.client.transport->send(large).error().code == Errc::too_large);
  CHECK(pair.client.transport->send({}).error().code == Errc::invalid_argument);
  std::size_t taken = 0;
  while (taken < 10'000 && pair.client.transport->send(kHello)) ++taken;
  CHECK(taken == 256);
  CHECK(pair.client.transport->send(kHello).error().code == Errc::queue_full);
  pair.run();
  CHECK(pair.server.data().size() == taken);
  pair.client.transport->close(pair.now);
  CHECK(pair.client.transport->send(kHello).error().code == Errc::closed);
}

TEST_CASE("a certificate without a matching fingerprint yields neither keys nor data",
          "[dtls][rfc8827]") {
  const bool wrong_at_client = GENERATE(true, false);
  Options options;
  (wrong_at_client ? options.client_knows_fingerprint : options.server_knows_fingerprint) = false;
  Pair pair(options);
  Peer& victim = wrong_at_client ? pair.client : pair.server;
  Peer& other = wrong_at_client ? pair.server : pair.client;
  victim.transport->set_remote_fingerprints(pair.now, {Fingerprint::of(kHello)});
  pair.start();
  pair.run();
  REQUIRE(victim.events.size() == 1);
  REQUIRE(victim.failed() != nullptr);
  CHECK(victim.failed()->failure.kind == FailureKind::fingerprint_mismatch);
  CHECK(victim.transport->state() == State::failed);
  CHECK(victim.transport->next_timeout() == kNever);
  REQUIRE(other.failed() != nullptr);
  CHECK(other.failed()->failure.kind == FailureKind::alert_received);
  CHECK(other.failed()->failure.text == "alert bad_certificate received");
}

TEST_CASE("an empty list of fingerprints trusts nobody", "[dtls][rfc8827]") {
  Options options;
  options.client_knows_fingerprint = false;
  Pair pair(options);
  pair.client.transport->set_remote_fingerprints(pair.now, {});
  pair.start();
  pair.run();
  CHECK(pair.client.connected() == nullptr);
  REQUIRE(pair.client.failed() != nullptr);
}

TEST_CASE("a handshake may end before the fingerprints are known but reports nothing",
          "[dtls][rfc8842]") {
  Options options;
  options.server_knows_fingerprint = false;  // The ClientHello overtook the answer.
  Pair pair(options);
  pair.start();
  pair.run(1s);
  REQUIRE(pair.client.connected() != nullptr);
  pair.send(Direction::to_server, kHello);
  pair.run(40s);  // Longer than the handshake may take: waiting for the description is no failure.
  CHECK(pair.server.events.empty());
  CHECK(pair.server.transport->state() == State::connecting);
  CHECK(pair.server.transport->send(kHello).error().code == Errc::invalid_state);

  SECTION("the right fingerprint releases keys first and then the data") {
    pair.server.transport->set_remote_fingerprints(pair.now, {client_identity()->fingerprint()});
    pair.run();
    REQUIRE(pair.server.events.size() == 2);
    REQUIRE(std::holds_alternative<Connected>(pair.server.events[0]));
    CHECK(std::get<Connected>(pair.server.events[0]).srtp.has_value());
    CHECK(std::get<Data>(pair.server.events[1]).bytes == copy(kHello));
  }
  SECTION("a wrong fingerprint discards everything and says goodbye") {
    pair.server.transport->set_remote_fingerprints(pair.now, {server_identity()->fingerprint()});
    pair.run();
    REQUIRE(pair.server.events.size() == 1);
    REQUIRE(pair.server.failed() != nullptr);
    CHECK(pair.server.failed()->failure.kind == FailureKind::fingerprint_mismatch);
    CHECK(pair.client.closed());
  }
  SECTION("a peer that leaves in the meantime leaves nothing but the news of it") {
    pair.client.transport->close(pair.now);
    pair.run();
    REQUIRE(pair.server.events.size() == 1);
    CHECK(pair.server.closed());
    pair.server.transport->set_remote_fingerprints(pair.now, {client_identity()->fingerprint()});
    pair.run();
    CHECK(pair.server.events.size() == 1);
  }
  SECTION("data held for an unknown peer is bounded") {
    for (std::size_t i = 0; i < Transport::kMaxHeldRecords + 50; ++i) {
      pair.send(Direction::to_server, kHello);
      pair.run(1ms);
    }
    pair.run(1s);
    CHECK(pair.server.transport->stats().data_dropped == 51);
    pair.server.transport->set_remote_fingerprints(pair.now, {client_identity()->fingerprint()});
    pair.run();
    CHECK(pair.server.data().size() == Transport::kMaxHeldRecords);
  }
}

TEST_CASE("later fingerprints do not change the judgement", "[dtls][rfc8842]") {
  Options options;
  options.client_knows_fingerprint = false;
  Pair pair(options);
  pair.client.transport->set_remote_fingerprints(pair.now, {Fingerprint::of(kHello)});
  pair.client.transport->set_remote_fingerprints(pair.now, {server_identity()->fingerprint()});
  pair.start();
  pair.run();
  CHECK(pair.client.connected() == nullptr);
}

TEST_CASE("a peer with an RSA certificate connects in either role", "[dtls][rfc5289]") {
  const bool rsa_client = GENERATE(true, false);
  Options options;
  (rsa_client ? options.client_identity : options.server_identity) = rsa_identity();
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  const std::string expected = rsa_client ? "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
                                          : "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
  CHECK(pair.client.connected()->cipher == expected);
}

TEST_CASE("datagrams keep to the size they are given whatever the certificates",
          "[dtls][rfc6347]") {
  const std::size_t size = GENERATE(as<std::size_t>{}, 256, 300, 576, 1200, 1400);
  Options options;
  options.client.max_datagram_size = options.server.max_datagram_size = size;
  options.server_identity = rsa_identity(5);  // About 4.5 kB of certificates.
  options.client_identity = rsa_identity(2);
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  std::size_t largest = 0;
  for (const Sent& datagram : pair.sent) largest = std::max(largest, datagram.bytes.size());
  CHECK(largest <= size);
  CHECK(largest > size - 60);  // And they use it.
}

TEST_CASE("a datagram size that cannot carry a handshake is refused", "[dtls]") {
  Config config;
  config.max_datagram_size = 255;
  CHECK(Transport::create(config, Role::client, client_identity()).error().code ==
        Errc::invalid_argument);
  config.max_datagram_size = 16'385;
  CHECK(Transport::create(config, Role::client, client_identity()).error().code ==
        Errc::invalid_argument);
  CHECK(Transport::create({}, Role::client, nullptr).error().code == Errc::invalid_argument);
}

TEST_CASE("close says goodbye and ends both sides", "[dtls][rfc5246]") {
  const bool client_closes = GENERATE(true, false);
  Pair pair;
  pair.start();
  pair.run();
  Peer& closer = client_closes ? pair.client : pair.server;
  Peer& other = client_closes ? pair.server : pair.client;
  closer.transport->close(pair.now);
  pair.run();
  CHECK(closer.transport->state() == State::closed);
  CHECK_FALSE(closer.closed());  // The one who asks knows.
  CHECK(other.transport->state() == State::closed);
  CHECK(other.closed());
  CHECK(other.transport->send(kHello).error().code == Errc::closed);
  const std::size_t events = other.events.size();
  other.transport->close(pair.now);
  closer.transport->close(pair.now);
  pair.run();
  CHECK(other.events.size() == events);
}

TEST_CASE("a peer that leaves a handshake says so", "[dtls][rfc5246]") {
  const bool client_closes = GENERATE(true, false);
  Pair pair;
  pair.start();
  pair.run(15ms);  // The ClientHello has been answered.
  REQUIRE(pair.sent.size() == 2);
  Peer& closer = client_closes ? pair.client : pair.server;
  Peer& other = client_closes ? pair.server : pair.client;
  closer.transport->close(pair.now);
  pair.run(30ms);
  CHECK(closer.transport->state() == State::closed);
  CHECK(other.transport->state() == State::closed);
  CHECK(other.events.size() == 1);
  CHECK(other.closed());
  CHECK(other.transport->next_timeout() == kNever);
}

TEST_CASE("who leaves before any handshake says nothing", "[dtls]") {
  Pair pair;
  pair.server.transport->start(pair.now);
  pair.server.transport->close(pair.now);
  pair.client.transport->close(pair.now);
  pair.run(1s);
  CHECK(pair.sent.empty());
}

TEST_CASE("a server that was not started starts with the first datagram", "[dtls]") {
  Pair pair;
  pair.client.transport->start(pair.now);
  pair.run(1s);
  CHECK(pair.both_connected());
}

TEST_CASE("the key log is written only when asked for", "[dtls]") {
  Options options;
  std::vector<std::string> lines;
  options.client.key_log = [&](std::string_view line) { lines.emplace_back(line); };
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].rfind("CLIENT_RANDOM ", 0) == 0);
}
