#include "parley/dtls/fingerprint.hpp"

#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;

namespace {

// The example of RFC 8122 section 5.
constexpr char kRfcSha256[] =
    "sha-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:"
    "7C:AB:4A:AD";
const Bytes kCertificate = as_bytes("any bytes will do, for a hash");

}  // namespace

TEST_CASE("a fingerprint is read and written as in RFC 8122", "[dtls][rfc8122]") {
  const auto fingerprint = Fingerprint::parse(kRfcSha256);
  REQUIRE(fingerprint);
  CHECK(fingerprint->algorithm == "sha-256");
  CHECK(fingerprint->value.size() == 32);
  CHECK(fingerprint->value[0] == 0x12);
  CHECK(fingerprint->to_string() == kRfcSha256);
}

TEST_CASE("hash names and digits of a fingerprint may have any case", "[dtls][rfc8122]") {
  std::string text = kRfcSha256;
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  CHECK(Fingerprint::parse(text) == Fingerprint::parse(kRfcSha256));
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(Fingerprint::parse(text) == Fingerprint::parse(kRfcSha256));
}

TEST_CASE("malformed fingerprints are refused", "[dtls][rfc8122]") {
  const std::string good = kRfcSha256;
  CHECK_FALSE(Fingerprint::parse(""));
  CHECK_FALSE(Fingerprint::parse("sha-256"));
  CHECK_FALSE(Fingerprint::parse("sha-256 "));
  CHECK_FALSE(Fingerprint::parse(" 12:DF"));
  CHECK_FALSE(Fingerprint::parse("sha 1 12:DF"));
  CHECK_FALSE(Fingerprint::parse(good + ":"));
  CHECK_FALSE(Fingerprint::parse(good + ":0"));
  CHECK_FALSE(Fingerprint::parse(good + " "));
  CHECK_FALSE(Fingerprint::parse("sha-256 12-DF"));
  CHECK_FALSE(Fingerprint::parse("sha-256 1G:DF"));
  // A known hash with a digest of another length.
  CHECK_FALSE(Fingerprint::parse("sha-256 12:DF:3E"));
  CHECK_FALSE(Fingerprint::parse(good + ":00"));
}

TEST_CASE("a fingerprint by an unknown hash is legal and never matches", "[dtls][rfc8122]") {
  const auto unknown = Fingerprint::parse("sha3-256 12:DF");
  REQUIRE(unknown);
  CHECK_FALSE(matches_any({*unknown}, kCertificate));
}

TEST_CASE("one matching line of a supported hash is enough", "[dtls][rfc8122]") {
  const auto other = Fingerprint::parse(kRfcSha256);
  for (const auto algorithm : {DigestAlgorithm::sha224, DigestAlgorithm::sha256,
                               DigestAlgorithm::sha384, DigestAlgorithm::sha512}) {
    const auto match = Fingerprint::of(kCertificate, algorithm);
    CHECK(matches_any({match}, kCertificate));
    CHECK(matches_any({*other, match}, kCertificate));
    CHECK(matches_any({match, *other}, kCertificate));
  }
  CHECK_FALSE(matches_any({*other}, kCertificate));
  CHECK_FALSE(matches_any({}, kCertificate));
}

TEST_CASE("sha-1 and md5 fingerprints prove nothing", "[dtls][rfc8827]") {
  const auto sha1 = Fingerprint::of(kCertificate, DigestAlgorithm::sha1);
  const auto md5 = Fingerprint::of(kCertificate, DigestAlgorithm::md5);
  CHECK(sha1.algorithm == "sha-1");
  CHECK(Fingerprint::parse(sha1.to_string()) == sha1);
  CHECK_FALSE(matches_any({sha1, md5}, kCertificate));
}
