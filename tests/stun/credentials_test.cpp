#include "parley/stun/credentials.hpp"

#include "stun/hex.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::stun;

TEST_CASE("the long-term MD5 key is that of the RFC 8489 example", "[stun][rfc8489]") {
  // RFC 8489 section 9.2.2: user "user", realm "realm", password "pass".
  CHECK(test::hex(long_term_key(PasswordAlgorithm::md5, "user", "realm", "pass")) ==
        "8493fbc53ba582fb4c044c456bdc40eb");
  CHECK(long_term_key(PasswordAlgorithm::sha256, "user", "realm", "pass").size() == 32);
}

TEST_CASE("the nonce cookie announces features from the most significant bit", "[stun][rfc8489]") {
  struct Row {
    const char* nonce;
    bool has_cookie, algorithms, anonymity;
  };
  const auto row = GENERATE(
      Row{"obMatJos2AAAAxyz", true, false, false}, Row{"obMatJos2gAAA", true, true, false},
      Row{"obMatJos2QAAA", true, false, true}, Row{"obMatJos2wAAAxyz", true, true, true},
      Row{"obMatJos2wAA", false, false, false}, Row{"obMatJos2w-AA", false, false, false},
      Row{"f//499k954d6OL34oL9FSTvy64sA", false, false, false}, Row{"", false, false, false});
  const auto features = parse_nonce_features(row.nonce);
  REQUIRE(features.has_value() == row.has_cookie);
  if (!features) return;
  CHECK(features->password_algorithms == row.algorithms);
  CHECK(features->username_anonymity == row.anonymity);
}
