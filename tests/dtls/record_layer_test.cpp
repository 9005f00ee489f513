// The protection of single records, and which of them are let through.
#include "dtls/record_layer.hpp"

#include <string>

#include "dtls/record_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;
using openssl::Aead;

namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr Aead kAll[] = {Aead::aes_128_gcm, Aead::aes_256_gcm, Aead::chacha20_poly1305};

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    for (const int digit : {byte >> 4, byte & 15}) {
      text += "0123456789abcdef"[static_cast<std::size_t>(digit)];
    }
  }
  return text;
}

Buffer text(std::string_view words) {
  const Bytes bytes = as_bytes(words);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("records are those of the specifications", "[dtls][rfc5288][rfc7905]") {
  // Put together from nonce, associated data and content with another program.
  struct Answer {
    Aead aead;
    std::string record;
  };
  const auto [aead, expected] =
      GENERATE(Answer{Aead::aes_128_gcm,
                      "17fefd0001000102030405001e"
                      "1122334455667789ae869aaff5c8404e6d6edd9cd0734e1a29446e5a9c36"},
               Answer{Aead::aes_256_gcm,
                      "17fefd0001000102030405001e"
                      "1122334455667789750efff6dfb3a743c99e7cc2c4f6941589796adad253"},
               Answer{Aead::chacha20_poly1305,
                      "17fefd00010001020304050016"
                      "a37dd182a1efcc0eea225d7dd18a896ce16bf57b6223"});
  RecordLayer client = make_layer(Role::client, aead, {0x0102030404, 0x1122334455667788});
  const Buffer record = protect(client, as_bytes("parley"));
  CHECK(hex(record) == expected);
  RecordLayer server = make_layer(Role::server, aead);
  CHECK(unprotect(server, record) == text("parley"));
}

TEST_CASE("records of every size come back as they were in both directions",
          "[dtls][rfc5288][rfc7905]") {
  for (const Aead aead : kAll) {
    RecordLayer client = make_layer(Role::client, aead);
    RecordLayer server = make_layer(Role::server, aead);
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 1163U, 16'384U}) {
      const Buffer content(size, 0x5A);
      CHECK(unprotect(server, protect(client, content)) == content);
      CHECK(unprotect(client, protect(server, content)) == content);
    }
    CHECK(protect(client, Buffer(16'385)).empty());
    // Nobody reads back what they wrote: each direction has a key of its own.
    CHECK_FALSE(unprotect(client, protect(client, as_bytes("mine"))));
  }
}

TEST_CASE("a record that does not fit its storage is refused", "[dtls]") {
  RecordLayer client = make_layer(Role::client);
  Buffer storage(100);
  CHECK(client.protect(ContentType::application_data, Buffer(64), storage).error().code ==
        Errc::too_large);
  CHECK(client.protect(ContentType::application_data, Buffer(63), storage)->size() == 100);
}

TEST_CASE("record numbers and explicit nonces go on after the last and never repeat",
          "[dtls][rfc5288]") {
  constexpr std::uint64_t kLast = ~std::uint64_t{0} - 1;  // The explicit nonce may wrap.
  RecordLayer client = make_layer(Role::client, Aead::aes_128_gcm, {7, kLast});
  for (std::uint64_t i = 1; i < 5; ++i) {
    const Buffer record = protect(client, as_bytes("x"));
    CHECK(parse_record_header(record)->sequence == 7 + i);
    CHECK(load_be64(&record[kRecordHeaderSize]) == kLast + i);
  }
}

TEST_CASE("the last record number is used and none after it", "[dtls][rfc6347]") {
  for (const Aead aead : kAll) {
    RecordLayer client = make_layer(Role::client, aead, {kMaxSequence - 1, 0});
    RecordLayer server = make_layer(Role::server, aead);
    const Buffer last = protect(client, as_bytes("last"));
    CHECK(parse_record_header(last)->sequence == kMaxSequence);
    CHECK(parse_record_header(last)->epoch == 1);
    CHECK(unprotect(server, last));
    Buffer storage(100);
    for (int i = 0; i < 2; ++i) {
      const auto refused = client.protect(ContentType::alert, as_bytes("x"), storage);
      CHECK(refused.error().code == Errc::closed);
    }
  }
}

TEST_CASE("a record is taken once and in any order within the window", "[dtls][rfc6347]") {
  RecordLayer client = make_layer(Role::client);
  RecordLayer server = make_layer(Role::server);
  std::vector<Buffer> records;
  for (int i = 0; i < 200; ++i) records.push_back(protect(client, as_bytes("x")));
  CHECK(unprotect(server, records[100]));
  CHECK_FALSE(unprotect(server, records[100]));
  CHECK(unprotect(server, records[99]));
  CHECK(unprotect(server, records[37]));        // The oldest within 64.
  CHECK_FALSE(unprotect(server, records[36]));  // And the next one.
  CHECK_FALSE(unprotect(server, records[0]));
  CHECK(unprotect(server, records[163]));
  CHECK(unprotect(server, records[101]));
  CHECK_FALSE(unprotect(server, records[100]));
  CHECK_FALSE(unprotect(server, records[37]));
}

TEST_CASE("what is not authentic does not move the window", "[dtls][rfc6347]") {
  RecordLayer client = make_layer(Role::client);
  RecordLayer server = make_layer(Role::server);
  const Buffer good = protect(client, as_bytes("good"));
  Buffer far = good;
  far[5] = 0xFF;  // The highest byte of the number.
  CHECK_FALSE(unprotect(server, far));
  Buffer broken = good;
  broken.back() ^= 1;
  CHECK_FALSE(unprotect(server, broken));
  CHECK(unprotect(server, good));
}

TEST_CASE("every bit of a record is protected", "[dtls][rfc5246]") {
  for (const Aead aead : kAll) {
    RecordLayer client = make_layer(Role::client, aead);
    RecordLayer server = make_layer(Role::server, aead);
    const Buffer good = protect(client, as_bytes("precious"));
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Buffer bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
      CHECK_FALSE(unprotect(server, bad));
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
      Buffer shorter(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      if (size >= kRecordHeaderSize) {
        store_be16(&shorter[11], static_cast<std::uint16_t>(size - kRecordHeaderSize));
      }
      CHECK_FALSE(unprotect(server, shorter));
    }
    CHECK(unprotect(server, good));
  }
}

TEST_CASE("records of other epochs and versions are not looked at", "[dtls][rfc6347]") {
  RecordLayer client = make_layer(Role::client);
  RecordLayer server = make_layer(Role::server);
  const Buffer good = protect(client, as_bytes("good"));
  for (const int epoch : {0, 2, 255}) {
    Buffer other = good;
    other[4] = static_cast<std::uint8_t>(epoch);
    CHECK_FALSE(unprotect(server, other));
  }
  Buffer older = good;
  older[2] = 0xFF;  // DTLS 1.0
  CHECK_FALSE(unprotect(server, older));
  CHECK(unprotect(server, good));
}

TEST_CASE("a record that is not all there has no header", "[dtls][rfc6347]") {
  RecordLayer client = make_layer(Role::client);
  const Buffer good = protect(client, as_bytes("good"));
  CHECK(parse_record_header(good)->record_size() == good.size());
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(parse_record_header(Bytes(good).first(size)));
  }
}
