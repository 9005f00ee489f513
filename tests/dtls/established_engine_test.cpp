// What an association does after its handshake, with a peer that can say anything.
#include "dtls/established_engine.hpp"

#include <array>

#include "dtls/record_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

using Buffer = std::vector<std::uint8_t>;
using Closed = Engine::Closed;

constexpr Timestamp kStart{5s};
const Buffer kLastFlight(75, 0x16);

Buffer handshake_message(int type) {
  Buffer message(24);
  message[0] = static_cast<std::uint8_t>(type);
  return message;
}

// A server, and the keys of its client.
struct Scene {
  explicit Scene(WrittenRecord last = {}) : engine(kStart, handover(last)) { engine.poll_event(); }

  static EstablishedEngine::Handover handover(WrittenRecord last) {
    return {.report = {},
            .records = make_layer(Role::server, openssl::Aead::aes_128_gcm, last),
            .last_flight = {kLastFlight},
            .outgoing = {},
            .max_datagram_size = 1200,
            .retransmissions = 3};
  }

  void hear(Bytes content, ContentType type) { hear_datagram(protect(peer, content, type)); }
  void hear_datagram(Buffer datagram) {
    engine.handle_datagram(now, datagram, FirstRecord::as_event);
  }
  // A record of epoch 0, as anybody can write it.
  void hear_unprotected(Bytes content, ContentType type) {
    Buffer record(kRecordHeaderSize);
    record[0] = static_cast<std::uint8_t>(type);
    store_be16(&record[1], kDtls12);
    store_be16(&record[11], static_cast<std::uint16_t>(content.size()));
    record.insert(record.end(), content.begin(), content.end());
    hear_datagram(record);
  }
  std::vector<Buffer> sent() {
    std::vector<Buffer> all;
    std::array<std::uint8_t, 1200> storage;
    while (const auto datagram = engine.poll_transmit(storage)) {
      all.emplace_back(datagram->begin(), datagram->end());
    }
    return all;
  }
  bool takes_data() { return engine.send(as_bytes("data")).has_value(); }

  EstablishedEngine engine;
  RecordLayer peer = make_layer(Role::client);
  Timestamp now = kStart + 1s;
};

constexpr std::array<std::uint8_t, 2> kCloseNotify = {1, 0};
constexpr std::array<std::uint8_t, 2> kUserCanceled = {1, 90};
constexpr std::array<std::uint8_t, 2> kInternalError = {2, 80};

}  // namespace

TEST_CASE("close_notify ends an association", "[dtls][rfc5246]") {
  Scene scene;
  scene.hear(kCloseNotify, ContentType::alert);
  const auto event = scene.engine.poll_event();
  REQUIRE(event);
  CHECK(std::holds_alternative<Closed>(*event));
  CHECK_FALSE(scene.takes_data());
  scene.hear(as_bytes("late"), ContentType::application_data);
  CHECK_FALSE(scene.engine.poll_event());
  scene.engine.close();
  CHECK(scene.sent().empty());
}

TEST_CASE("a fatal alert is a failure with its name", "[dtls][rfc5246]") {
  Scene scene;
  scene.hear(kInternalError, ContentType::alert);
  const auto event = scene.engine.poll_event();
  REQUIRE(event);
  REQUIRE(std::holds_alternative<Failure>(*event));
  CHECK(std::get<Failure>(*event).kind == FailureKind::alert_received);
  CHECK(std::get<Failure>(*event).text == "alert internal_error received");
  CHECK_FALSE(scene.takes_data());
}

TEST_CASE("warnings and what is no alert do not end an association", "[dtls][rfc5246]") {
  Scene scene;
  scene.hear(kUserCanceled, ContentType::alert);
  scene.hear(Bytes(kInternalError).first(1), ContentType::alert);
  scene.hear(std::array<std::uint8_t, 3>{2, 80, 0}, ContentType::alert);
  scene.hear({}, ContentType::alert);
  scene.hear(std::array<std::uint8_t, 1>{1}, ContentType::change_cipher_spec);
  scene.hear(as_bytes("?"), static_cast<ContentType>(26));
  scene.hear_unprotected(kCloseNotify, ContentType::alert);
  scene.hear_unprotected(kInternalError, ContentType::alert);
  CHECK_FALSE(scene.engine.poll_event());
  CHECK(scene.sent().empty());
  CHECK(scene.takes_data());
}

TEST_CASE("a repeated flight is answered with the last flight", "[dtls][rfc6347]") {
  Scene scene;
  SECTION("by its Finished") {
    scene.hear(handshake_message(20), ContentType::handshake);
    CHECK(scene.sent() == std::vector<Buffer>{kLastFlight});
  }
  SECTION("by its messages of epoch 0") {
    for (const int type : {11, 15, 16}) {
      scene.hear_unprotected(handshake_message(type), ContentType::handshake);
      CHECK(scene.sent() == std::vector<Buffer>{kLastFlight});
      scene.now += 20ms;
    }
  }
  SECTION("once when all of it arrives") {
    for (const int type : {11, 16, 15}) {
      scene.hear_unprotected(handshake_message(type), ContentType::handshake);
    }
    scene.hear(handshake_message(20), ContentType::handshake);
    CHECK(scene.sent() == std::vector<Buffer>{kLastFlight});
    scene.now += 19ms;
    scene.hear(handshake_message(20), ContentType::handshake);
    CHECK(scene.sent().empty());
    scene.now += 1ms;
    scene.hear(handshake_message(20), ContentType::handshake);
    CHECK(scene.sent() == std::vector<Buffer>{kLastFlight});
  }
  SECTION("not for what is no part of it") {
    for (const int type : {0, 1, 2, 14, 20}) {
      scene.hear_unprotected(handshake_message(type), ContentType::handshake);
    }
    scene.hear_unprotected(Bytes(handshake_message(16)).first(11), ContentType::handshake);
    scene.hear_unprotected(handshake_message(16), ContentType::application_data);
    CHECK(scene.sent().empty());
  }
  SECTION("not when it has only just been sent") {
    scene.now = kStart + 19ms;
    scene.hear(handshake_message(20), ContentType::handshake);
    CHECK(scene.sent().empty());
  }
  SECTION("not to a peer that has sent data and so has seen it") {
    scene.hear(as_bytes("data"), ContentType::application_data);
    scene.hear(handshake_message(20), ContentType::handshake);
    scene.hear_unprotected(handshake_message(16), ContentType::handshake);
    CHECK(scene.sent().empty());
  }
  CHECK(scene.takes_data());
}

TEST_CASE("another handshake is refused with a warning", "[dtls][rfc5246]") {
  for (const int type : {0, 1}) {
    Scene scene;
    scene.hear(handshake_message(type), ContentType::handshake);
    const auto sent = scene.sent();
    REQUIRE(sent.size() == 1);
    CHECK(parse_record_header(sent[0])->type == ContentType::alert);
    CHECK(unprotect(scene.peer, sent[0]) == Buffer{1, 100});  // no_renegotiation
    CHECK(scene.takes_data());
  }
}

TEST_CASE("warnings asked for without end do not fill memory", "[dtls]") {
  Scene scene;
  for (int i = 0; i < 1'000; ++i) scene.hear(handshake_message(1), ContentType::handshake);
  CHECK(scene.sent().size() == DatagramQueue::kMaxQueued);
}

TEST_CASE("goodbye is said three times with numbers of their own", "[dtls][rfc5246]") {
  Scene scene;
  scene.engine.close();
  scene.engine.close();
  const auto sent = scene.sent();
  REQUIRE(sent.size() == 3);
  for (const Buffer& datagram : sent) {
    CHECK(unprotect(scene.peer, datagram) == Buffer{1, 0});
  }
}

TEST_CASE("an association whose record numbers are used up sends no more", "[dtls][rfc6347]") {
  Scene scene({kMaxSequence - 1, 0});
  CHECK(scene.takes_data());
  CHECK(scene.engine.send(as_bytes("more")).error().code == Errc::closed);
  std::array<std::uint8_t, 1200> storage;
  CHECK(scene.engine.protect(as_bytes("more"), storage).error().code == Errc::closed);
  CHECK(scene.sent().size() == 1);
  scene.engine.close();
  CHECK(scene.sent().empty());
  scene.hear(as_bytes("still heard"), ContentType::application_data);
}

TEST_CASE("records that are not authentic do not hide those behind them", "[dtls][rfc6347]") {
  Scene scene;
  const Buffer first = protect(scene.peer, as_bytes("first"));
  const Buffer second = protect(scene.peer, as_bytes("second"));
  Buffer datagram = first;
  datagram.back() ^= 1;
  datagram.insert(datagram.end(), second.begin(), second.end());
  datagram.push_back(23);  // And the beginning of another.
  const auto content = scene.engine.handle_datagram(scene.now, datagram, FirstRecord::in_place);
  REQUIRE(content);
  CHECK(as_text(*content) == "second");
  CHECK_FALSE(scene.engine.poll_event());
}
