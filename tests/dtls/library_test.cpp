// What setting connections up asks of OpenSSL: little, and still all that peers need.
#include "dtls/openssl_library.hpp"

#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string_view>
#include <vector>

#include "dtls/openssl_handles.hpp"
#include "support/catch.hpp"

using namespace parley::dtls::openssl;

namespace {

std::vector<unsigned char> self_signed(EVP_PKEY* key) {
  const CertificatePtr certificate(X509_new());
  X509* const x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  ASN1_TIME_set(X509_getm_notBefore(x), 1'700'000'000);
  ASN1_TIME_set(X509_getm_notAfter(x), 1'900'000'000);
  X509_set_pubkey(x, key);
  X509_sign(x, key, EVP_sha256());
  std::vector<unsigned char> der(static_cast<std::size_t>(i2d_X509(x, nullptr)));
  unsigned char* at = der.data();
  i2d_X509(x, &at);
  return der;
}

}  // namespace

TEST_CASE("keys of peers are looked for among few decoders and kinds", "[dtls]") {
  const bool looks_long = OpenSSL_version_num() < 0x30200000UL;
  REQUIRE((library() != nullptr) == looks_long);
  if (!looks_long) return;
  int decoders = 0;
  OSSL_DECODER_do_all_provided(
      library(), [](OSSL_DECODER*, void* counter) { ++*static_cast<int*>(counter); }, &decoders);
  int kinds = 0;
  EVP_KEYMGMT_do_all_provided(
      library(), [](EVP_KEYMGMT*, void* counter) { ++*static_cast<int*>(counter); }, &kinds);
  CHECK(decoders == 4);
  CHECK(kinds == 4);
}

TEST_CASE("certificates with every kind of key that peers show are understood", "[dtls][rfc8827]") {
  const auto* const kind = GENERATE("P-256", "P-384", "RSA");
  INFO(kind);
  const bool rsa = std::string_view{kind} == "RSA";
  const KeyPtr key(rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind));
  REQUIRE(key);
  const auto der = self_signed(key.get());
  const unsigned char* at = der.data();
  X509* const read = X509_new_ex(library(), nullptr);
  const CertificatePtr certificate(read);
  X509* into = read;
  REQUIRE(d2i_X509(&into, &at, static_cast<long>(der.size())) == read);
  const EVP_PKEY* const found = X509_get0_pubkey(read);
  REQUIRE(found != nullptr);
  CHECK(EVP_PKEY_eq(found, key.get()) == 1);
}

TEST_CASE("what our suites and signatures are made of is there", "[dtls]") {
  for (const char* kind : {"X25519", "EC", "RSA", "RSA-PSS"}) {
    INFO(kind);
    EVP_KEYMGMT* const found = EVP_KEYMGMT_fetch(library(), kind, nullptr);
    CHECK(found != nullptr);
    EVP_KEYMGMT_free(found);
  }
  for (const char* cipher : {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"}) {
    INFO(cipher);
    EVP_CIPHER* const found = EVP_CIPHER_fetch(library(), cipher, nullptr);
    CHECK(found != nullptr);
    EVP_CIPHER_free(found);
  }
  for (const char* digest : {"SHA256", "SHA384", "SHA512"}) {
    INFO(digest);
    EVP_MD* const found = EVP_MD_fetch(library(), digest, nullptr);
    CHECK(found != nullptr);
    EVP_MD_free(found);
  }
}
