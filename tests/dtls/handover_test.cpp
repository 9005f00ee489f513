// The moment when OpenSSL has done the handshake and the records go on without it.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "dtls/pair.hpp"
#include "dtls/raw_peer.hpp"
#include "dtls/record_layer.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

using Buffer = std::vector<std::uint8_t>;

std::unique_ptr<Transport> make_transport(Role role, std::size_t datagram_size,
                                          const std::shared_ptr<const Identity>& ours,
                                          const std::shared_ptr<const Identity>& theirs) {
  Config config;
  config.max_datagram_size = datagram_size;
  auto transport = *Transport::create(config, role, ours);
  transport->set_remote_fingerprints(RawPeer::kNow, {theirs->fingerprint()});
  transport->start(RawPeer::kNow);
  return transport;
}

// Data of several sizes both ways, then goodbye.
void talk(Transport& transport, RawPeer& peer) {
  peer.run();
  REQUIRE(transport.state() == State::connected);
  std::vector<Buffer> messages;
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, transport.max_data_size()}) {
    messages.emplace_back(size, static_cast<std::uint8_t>(size));
    REQUIRE(transport.send(messages.back()));
    REQUIRE(peer.send(messages.back()));
    peer.run();
  }
  CHECK(peer.data == messages);
  std::vector<Buffer> received;
  for (const Event& event : peer.events) {
    if (const auto* data = std::get_if<Data>(&event)) received.push_back(data->bytes);
  }
  CHECK(received == messages);
}

// The nonces that a side has used under its keys: the number decides for ChaCha20-Poly1305, the
// explicit part for GCM.
struct Nonces {
  std::vector<std::uint64_t> numbers;
  std::vector<std::uint64_t> explicit_parts;

  void note(Bytes datagram) {
    while (const auto header = parse_record_header(datagram)) {
      if (header->epoch == 1) {
        numbers.push_back(header->sequence);
        explicit_parts.push_back(load_be64(&datagram[kRecordHeaderSize]));
      }
      datagram = datagram.subspan(header->record_size());
    }
  }
};

bool all_different(const std::vector<std::uint64_t>& values) {
  return std::set<std::uint64_t>(values.begin(), values.end()).size() == values.size();
}

bool is_data(Bytes datagram) { return datagram[0] == 23; }
bool is_alert(Bytes datagram) { return datagram[0] == 21; }

}  // namespace

TEST_CASE("every suite goes on with OpenSSL as the other end in both roles",
          "[dtls][rfc5288][rfc7905]") {
  const auto* suite = GENERATE("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305");
  const bool rsa = GENERATE(false, true);
  const std::size_t size = GENERATE(as<std::size_t>{}, 256, 1200, 16'384);
  const std::string name = std::string(rsa ? "ECDHE-RSA-" : "ECDHE-ECDSA-") + suite;
  const auto ours = rsa ? rsa_identity() : server_identity();
  const auto configure = [&](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, name.c_str()); };
  SECTION("we are the server") {
    const auto server = make_transport(Role::server, size, ours, client_identity());
    RawClient client(*server, configure, size);
    client.use(*client_identity());
    talk(*server, client);
    CHECK(SSL_get_cipher_name(client.ssl()) == name);
    server->close(RawPeer::kNow);
    client.run();
    CHECK(client.told_of_the_end());
  }
  SECTION("we are the client") {
    const auto client = make_transport(Role::client, size, client_identity(), ours);
    RawServer server(*client, configure, size);
    server.use(*ours);
    talk(*client, server);
    CHECK(SSL_get_cipher_name(server.ssl()) == name);
    SSL_shutdown(server.ssl());
    server.run();
    CHECK(client->state() == State::closed);
    CHECK(std::holds_alternative<Closed>(server.events.back()));
  }
}

TEST_CASE("no suite is negotiated whose records cannot be taken over", "[dtls]") {
  const auto ssl = openssl::make_ssl(nullptr);
  STACK_OF(SSL_CIPHER)* const suites = SSL_get1_supported_ciphers(ssl.get());
  REQUIRE(suites != nullptr);
  CHECK(sk_SSL_CIPHER_num(suites) == 6);
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i) {
    const int cipher = SSL_CIPHER_get_cipher_nid(sk_SSL_CIPHER_value(suites, i));
    CHECK((cipher == NID_aes_128_gcm || cipher == NID_aes_256_gcm ||
           cipher == NID_chacha20_poly1305));
  }
  sk_SSL_CIPHER_free(suites);
}

TEST_CASE("no nonce is used twice whoever wrote the record", "[dtls][rfc5288]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Pair pair;
    SeededRandom random(seed);
    // Repeated Finished messages take numbers before the handover.
    pair.fate = [&](Direction, std::size_t, const Buffer&) {
      return Pair::Fate{random.below(3) == 0 ? 0 : 1, 0us};
    };
    pair.start();
    pair.run(20s);
    INFO("seed " << seed);
    REQUIRE(pair.both_connected());
    for (int i = 0; i < 5; ++i) {
      pair.send(Direction::to_server, as_bytes("up"));
      pair.send(Direction::to_client, as_bytes("down"));
    }
    pair.run(1s);
    pair.client.transport->close(pair.now);
    pair.run(1s);
    // What the server's last flight repeats is the same ciphertext, not another under its nonce.
    std::map<Direction, std::set<Buffer>> different;
    for (const Sent& datagram : pair.sent) different[datagram.direction].insert(datagram.bytes);
    for (const auto& [direction, datagrams] : different) {
      Nonces nonces;
      for (const Buffer& datagram : datagrams) nonces.note(datagram);
      CHECK(nonces.numbers.size() > 5);
      CHECK(all_different(nonces.numbers));
      CHECK(all_different(nonces.explicit_parts));
    }
  }
}

TEST_CASE("explicit nonces go on where OpenSSL stopped", "[dtls][rfc5288]") {
  Pair pair;
  pair.start();
  pair.run(1s);
  for (int i = 0; i < 3; ++i) pair.send(Direction::to_server, as_bytes("up"));
  pair.run(1s);
  Nonces client;
  for (const Sent& datagram : pair.sent) {
    if (datagram.direction == Direction::to_server) client.note(datagram.bytes);
  }
  REQUIRE(client.numbers == std::vector<std::uint64_t>{0, 1, 2, 3});
  for (std::uint64_t i = 0; i < 4; ++i) {
    CHECK(client.explicit_parts[i] == client.explicit_parts[0] + i);
  }
}

TEST_CASE("data that overtakes the last flight is not lost", "[dtls][rfc6347]") {
  const bool last_flight_lost = GENERATE(false, true);
  Pair pair;
  // The client's second flight is answered by datagram 1.
  pair.fate = [&](Direction direction, std::size_t index, const Buffer&) {
    if (direction == Direction::to_server || index != 1) return Pair::Fate{};
    return last_flight_lost ? Pair::Fate{0, 0us} : Pair::Fate{1, 15ms};
  };
  pair.start();
  pair.run(35ms);
  REQUIRE(pair.server.connected() != nullptr);
  for (int i = 0; i < 3; ++i) pair.send(Direction::to_client, as_bytes("early"));
  pair.run(12ms);
  CHECK(pair.client.events.empty());
  pair.run(1s);
  REQUIRE(pair.both_connected());
  REQUIRE(pair.client.events.size() == 4);
  CHECK(std::holds_alternative<Connected>(pair.client.events[0]));
  CHECK(pair.client.data().size() == 3);
  // And what came early counts as seen.
  const std::vector<Sent> conversation = pair.sent;
  for (const Sent& datagram : conversation) pair.inject(datagram.direction, datagram.bytes);
  CHECK(pair.client.data().size() == 3);
}

TEST_CASE("early records are kept within a bound", "[dtls]") {
  Pair pair;
  pair.fate = [](Direction direction, std::size_t index, const Buffer&) {
    return Pair::Fate{1, direction == Direction::to_client && index == 1 ? 15ms : 0us};
  };
  pair.start();
  pair.run(35ms);
  const std::size_t size = pair.server.transport->max_data_size();
  for (int i = 0; i < 40; ++i) pair.send(Direction::to_client, Buffer(size, 0x11));
  pair.run(1s);
  REQUIRE(pair.both_connected());
  CHECK(pair.client.data().size() == 27);  // Of 1200 bytes in 32 KiB.
  pair.send(Direction::to_client, as_bytes("later"));
  pair.run(1s);
  CHECK(pair.client.data().size() == 28);
}

TEST_CASE("a forged early record does no harm", "[dtls][rfc6347]") {
  Pair pair;
  pair.fate = [](Direction direction, std::size_t index, const Buffer&) {
    return Pair::Fate{1, direction == Direction::to_client && index == 1 ? 15ms : 0us};
  };
  pair.start();
  pair.run(35ms);
  Buffer forged(kRecordHeaderSize + 40, 0xFF);  // Epoch 1 and the highest number of all.
  forged[0] = 23;
  store_be16(&forged[1], kDtls12);
  store_be16(&forged[3], 1);
  store_be16(&forged[11], 40);
  pair.inject(Direction::to_client, forged);
  pair.run(1s);
  REQUIRE(pair.both_connected());
  pair.send(Direction::to_client, as_bytes("down"));
  pair.run(1s);
  CHECK(pair.client.data().size() == 1);
}

TEST_CASE("a client that repeats its flight byte by byte gets the last flight again",
          "[dtls][rfc6347]") {
  Pair pair;
  pair.fate = [](Direction direction, std::size_t index, const Buffer&) {
    return Pair::Fate{direction == Direction::to_client && index == 1 ? 0 : 1, 0us};
  };
  pair.start();
  pair.run(35ms);
  REQUIRE(pair.server.connected() != nullptr);
  REQUIRE(pair.client.connected() == nullptr);
  REQUIRE(pair.sent.size() == 4);
  const Buffer flight = pair.sent[2].bytes;
  const Buffer last_flight = pair.sent[3].bytes;
  CHECK(last_flight.size() < 100);
  pair.inject(Direction::to_server, flight);
  CHECK(pair.sent.size() == 4);  // Just sent.
  pair.now += 20ms;
  for (int i = 0; i < 10; ++i) pair.inject(Direction::to_server, flight);
  REQUIRE(pair.sent.size() == 5);
  CHECK(pair.sent.back().bytes == last_flight);
  pair.run(11ms);
  CHECK(pair.both_connected());
}

TEST_CASE("goodbye survives the loss of two datagrams of three", "[dtls]") {
  const std::size_t passes = GENERATE(0, 1, 2);
  const bool client_closes = GENERATE(true, false);
  Pair pair;
  pair.start();
  pair.run(1s);
  std::size_t alerts = 0;
  pair.fate = [&](Direction, std::size_t, const Buffer& datagram) {
    if (!is_alert(datagram)) return Pair::Fate{};
    return Pair::Fate{alerts++ == passes ? 1 : 0, 0us};
  };
  Peer& closer = client_closes ? pair.client : pair.server;
  Peer& other = client_closes ? pair.server : pair.client;
  closer.transport->close(pair.now);
  pair.run(1s);
  CHECK(alerts == 3);
  CHECK(other.closed());
}

TEST_CASE("data travels while the other direction of the last flight is lost", "[dtls][rfc6347]") {
  // Whatever of the second flights and of their repetitions is lost, both ends meet.
  for (unsigned pattern = 0; pattern < 64; ++pattern) {
    Pair pair;
    pair.fate = [pattern](Direction direction, std::size_t index, const Buffer& datagram) {
      if (is_data(datagram) || index == 0 || index > 3) return Pair::Fate{};
      const unsigned bit =
          static_cast<unsigned>(index - 1) + (direction == Direction::to_client ? 3U : 0U);
      return Pair::Fate{(pattern >> bit & 1U) != 0 ? 0 : 1, 0us};
    };
    pair.start();
    bool sent = false;
    for (int ms = 0; ms < 3'000; ms += 5) {
      pair.run(5ms);
      if (!sent && pair.server.connected() != nullptr) {
        pair.send(Direction::to_client, as_bytes("first"));
        sent = true;
      }
    }
    INFO("pattern " << pattern);
    REQUIRE(pair.both_connected());
    CHECK(pair.client.data().size() == 1);
    pair.send(Direction::to_server, as_bytes("up"));
    pair.run(1s);
    CHECK(pair.server.data().size() == 1);
  }
}
