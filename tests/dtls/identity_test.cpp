#include "parley/dtls/identity.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "dtls/pair.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace std::chrono;

namespace {
const auto kFrom = sys_days(year(2026) / 11 / 21) + hours(7);
}

TEST_CASE("a new identity is a self-signed P-256 certificate", "[dtls][rfc8827]") {
  SeededRandom random(3);
  const auto identity = Identity::create({kFrom, kFrom + days(30)}, random);
  REQUIRE(identity);
  const Bytes der = (*identity)->certificate_der();
  const unsigned char* at = der.data();
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  REQUIRE(certificate != nullptr);
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  CHECK(EVP_PKEY_is_a(key, "EC") == 1);
  CHECK(EVP_PKEY_get_bits(key) == 256);
  CHECK(X509_verify(certificate, key) == 1);
  CHECK(X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0);
  X509_free(certificate);
}

TEST_CASE("a certificate carries the validity it was asked for", "[dtls]") {
  SeededRandom random(3);
  const auto identity = Identity::create({kFrom, kFrom + days(30)}, random);
  REQUIRE(identity);
  CHECK((*identity)->validity().not_before == kFrom);
  CHECK((*identity)->validity().not_after == kFrom + days(30));
}

TEST_CASE("a validity that ends before it begins is refused", "[dtls]") {
  SeededRandom random(3);
  const auto identity = Identity::create({kFrom, kFrom}, random);
  REQUIRE_FALSE(identity);
  CHECK(identity.error().code == Errc::invalid_argument);
}

TEST_CASE("two identities differ even with the same random numbers", "[dtls]") {
  // The seed reaches the serial number only: keys never come from a reproducible source.
  SeededRandom one(3);
  SeededRandom other(3);
  const auto a = Identity::create({kFrom, kFrom + days(1)}, one);
  const auto b = Identity::create({kFrom, kFrom + days(1)}, other);
  CHECK_FALSE((*a)->fingerprint() == (*b)->fingerprint());
}

TEST_CASE("an identity survives being saved and loaded", "[dtls]") {
  const auto saved = dtls::testing::client_identity();
  const auto loaded = Identity::from_pem(saved->certificate_pem(), saved->private_key_pem());
  REQUIRE(loaded);
  CHECK((*loaded)->fingerprint() == saved->fingerprint());
  CHECK((*loaded)->private_key_pem() == saved->private_key_pem());
}

TEST_CASE("the default fingerprint is the SHA-256 of the certificate", "[dtls][rfc8122]") {
  const auto identity = dtls::testing::client_identity();
  CHECK(identity->fingerprint().algorithm == "sha-256");
  CHECK(identity->fingerprint().value ==
        digest(DigestAlgorithm::sha256, identity->certificate_der()));
  CHECK(identity->fingerprint(DigestAlgorithm::sha512).algorithm == "sha-512");
}

TEST_CASE("PEM that is not a certificate with its key is refused with the reason", "[dtls]") {
  const auto a = dtls::testing::client_identity();
  const auto b = dtls::testing::server_identity();
  CHECK(Identity::from_pem("", "").error().code == Errc::syntax);
  CHECK(Identity::from_pem("nonsense", a->private_key_pem()).error().code == Errc::syntax);
  CHECK(Identity::from_pem(a->certificate_pem(), "nonsense").error().code == Errc::syntax);
  CHECK(Identity::from_pem(a->certificate_pem(), b->private_key_pem()).error().code ==
        Errc::invalid_argument);
}

TEST_CASE("keys that are neither EC nor long RSA are refused", "[dtls][rfc9325]") {
  const auto certificate = dtls::testing::client_identity()->certificate_pem();
  const auto pem = [](EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return text;
  };
  const auto ed = pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const auto rsa = pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}));
  CHECK(Identity::from_pem(certificate, ed).error().code == Errc::unsupported);
  CHECK(Identity::from_pem(certificate, rsa).error().code == Errc::unsupported);
}
