// Application data without queues: protected in the caller's storage, and read where it lies.
#include <algorithm>
#include <array>

#include "pair.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

struct Connected2 : Pair {
  Connected2() {
    start();
    run();
    REQUIRE(both_connected());
  }
};

std::vector<std::uint8_t> bytes_of(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  return bytes;
}

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

TEST_CASE("data is protected in the storage it lies in and read where it arrives", "[dtls]") {
  Connected2 pair;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{500}, pair.client.transport->max_data_size()}) {
    const auto message = bytes_of(size);
    std::array<std::uint8_t, 1200> storage{};
    std::copy(message.begin(), message.end(), storage.begin());
    const auto datagram = pair.client.transport->protect(Bytes{storage}.first(size), storage);
    REQUIRE(datagram);
    CHECK(datagram->data() == storage.data());
    CHECK(datagram->size() <= 1200);
    // A single byte of ciphertext may be what it was.
    const Bytes sealed = datagram->subspan(datagram->size() - 16 - size, size);
    if (size > 1) CHECK_FALSE(same(sealed, message));
    const auto content = pair.server.transport->unprotect(pair.now, *datagram);
    REQUIRE(content);
    CHECK(content->data() > datagram->data());
    CHECK(content->data() + size < datagram->data() + datagram->size());
    CHECK(same(*content, message));
    CHECK_FALSE(pair.server.transport->poll_event());
  }
}

TEST_CASE("protecting refuses what sending refuses", "[dtls]") {
  Pair fresh;
  std::array<std::uint8_t, 1200> storage{};
  CHECK(fresh.client.transport->protect(bytes_of(10), storage).error().code == Errc::invalid_state);
  Connected2 pair;
  CHECK(pair.client.transport->protect(bytes_of(1164), storage).error().code == Errc::too_large);
  CHECK(pair.client.transport->protect({}, storage).error().code == Errc::invalid_argument);
  pair.client.transport->close(pair.now);
  CHECK(pair.client.transport->protect(bytes_of(10), storage).error().code == Errc::closed);
}

TEST_CASE("further records of a datagram follow the first as events", "[dtls][rfc6347]") {
  Connected2 pair;
  std::vector<std::uint8_t> datagram;
  std::array<std::uint8_t, 1200> storage{};
  for (const std::size_t size : {10U, 20U, 30U}) {
    const auto record = pair.client.transport->protect(bytes_of(size), storage);
    REQUIRE(record);
    datagram.insert(datagram.end(), record->begin(), record->end());
  }
  const auto first = pair.server.transport->unprotect(pair.now, datagram);
  REQUIRE(first);
  CHECK(same(*first, bytes_of(10)));
  for (const std::size_t size : {20U, 30U}) {
    const auto event = pair.server.transport->poll_event();
    REQUIRE(event);
    REQUIRE(std::holds_alternative<Data>(*event));
    CHECK(std::get<Data>(*event).bytes == bytes_of(size));
  }
}

TEST_CASE("data does not overtake events that were not polled", "[dtls]") {
  Connected2 pair;
  std::array<std::uint8_t, 1200> storage{};
  const auto first = pair.client.transport->protect(bytes_of(10), storage);
  REQUIRE(first);
  pair.server.transport->handle_datagram(pair.now, *first);  // is not polled
  const auto second = pair.client.transport->protect(bytes_of(20), storage);
  REQUIRE(second);
  CHECK_FALSE(pair.server.transport->unprotect(pair.now, *second));
  for (const std::size_t size : {10U, 20U}) {
    const auto event = pair.server.transport->poll_event();
    REQUIRE(event);
    CHECK(std::get<Data>(*event).bytes == bytes_of(size));
  }
}

TEST_CASE("what is not data is told as ever when read in place", "[dtls]") {
  Connected2 pair;
  std::array<std::uint8_t, 1200> storage{};
  SECTION("a replayed record is dropped") {
    const auto record = pair.client.transport->protect(bytes_of(10), storage);
    REQUIRE(record);
    std::vector<std::uint8_t> copy(record->begin(), record->end());
    CHECK(pair.server.transport->unprotect(pair.now, *record));
    CHECK_FALSE(pair.server.transport->unprotect(pair.now, copy));
    CHECK_FALSE(pair.server.transport->poll_event());
  }
  SECTION("a changed record is dropped, and the next one read") {
    const auto record = pair.client.transport->protect(bytes_of(10), storage);
    REQUIRE(record);
    (*record)[record->size() - 1] ^= 1;
    CHECK_FALSE(pair.server.transport->unprotect(pair.now, *record));
    const auto next = pair.client.transport->protect(bytes_of(11), storage);
    REQUIRE(next);
    CHECK(pair.server.transport->unprotect(pair.now, *next));
  }
  SECTION("close_notify") {
    pair.client.transport->close(pair.now);
    const auto notify = pair.client.transport->poll_transmit(pair.now, storage);
    REQUIRE(notify);
    CHECK_FALSE(
        pair.server.transport->unprotect(pair.now, MutableBytes{storage}.first(notify->size())));
    const auto event = pair.server.transport->poll_event();
    REQUIRE(event);
    CHECK(std::holds_alternative<Closed>(*event));
  }
}
