#include "parley/base/crypto.hpp"

#include <array>

#include "support/catch.hpp"

using namespace parley;

namespace {
std::string hex(Bytes bytes) {
  std::string text;
  for (const auto b : bytes) {
    text += "0123456789abcdef"[b >> 4];
    text += "0123456789abcdef"[b & 15];
  }
  return text;
}
}  // namespace

TEST_CASE("HMAC-SHA1 gives the tags of RFC 2202 test case 2", "[base][rfc2104]") {
  Hmac hmac{DigestAlgorithm::sha1, as_bytes("Jefe")};
  std::array<std::uint8_t, 20> tag{};
  REQUIRE(hmac.compute({as_bytes("what do ya want for nothing?")}, tag) == 20);
  CHECK(hex(tag) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST_CASE("HMAC-SHA256 gives the tag of RFC 4231 test case 2, in parts and again",
          "[base][rfc2104]") {
  Hmac hmac{DigestAlgorithm::sha256, as_bytes("Jefe")};
  std::array<std::uint8_t, 32> tag{};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(hmac.compute({as_bytes("what do ya want "), as_bytes("for nothing?")}, tag) == 32);
    CHECK(hex(tag) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  }
}

TEST_CASE("HMAC with an empty key is a key of its own", "[base]") {
  Hmac hmac{DigestAlgorithm::sha1, {}};
  std::array<std::uint8_t, 20> tag{};
  REQUIRE(hmac.compute({}, tag) == 20);
  CHECK(hex(tag) == "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

TEST_CASE("HMAC refuses storage that is too small", "[base]") {
  Hmac hmac{DigestAlgorithm::sha256, as_bytes("key")};
  std::array<std::uint8_t, 31> tag{};
  CHECK(hmac.compute({as_bytes("x")}, tag) == 0);
}

TEST_CASE("a SHA-256 digest matches FIPS 180 for abc", "[base]") {
  CHECK(hex(digest(DigestAlgorithm::sha256, as_bytes("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("wiping leaves only zeros", "[base]") {
  std::array<std::uint8_t, 4> secret{1, 2, 3, 4};
  wipe(secret);
  CHECK(secret == std::array<std::uint8_t, 4>{});
}
