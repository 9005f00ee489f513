#include "parley/base/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string>

namespace parley {
namespace {

const EVP_MD* message_digest(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::md5:
      return EVP_md5();
    case DigestAlgorithm::sha1:
      return EVP_sha1();
    case DigestAlgorithm::sha224:
      return EVP_sha224();
    case DigestAlgorithm::sha256:
      return EVP_sha256();
    case DigestAlgorithm::sha384:
      return EVP_sha384();
    case DigestAlgorithm::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

std::size_t digest_size(DigestAlgorithm algorithm) {
  return static_cast<std::size_t>(EVP_MD_get_size(message_digest(algorithm)));
}

std::vector<std::uint8_t> digest(DigestAlgorithm algorithm, Bytes data) {
  std::vector<std::uint8_t> out(digest_size(algorithm));
  unsigned int length = 0;
  if (EVP_Digest(data.data(), data.size(), out.data(), &length, message_digest(algorithm),
                 nullptr) != 1) {
    return {};
  }
  out.resize(length);
  return out;
}

// Fetching the algorithm and setting the key cost several times the computation of a STUN
// message's tag, so both are done once and each computation only re-initialises the context.
struct Hmac::Impl {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = mac != nullptr ? EVP_MAC_CTX_new(mac) : nullptr;
  bool usable = false;
  std::size_t size = 0;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
  }
};

Hmac::Hmac(DigestAlgorithm algorithm, Bytes key) : impl_(std::make_unique<Impl>()) {
  if (impl_->context == nullptr) return;
  impl_->size = digest_size(algorithm);
  std::string name = EVP_MD_get0_name(message_digest(algorithm));
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), name.size()),
      OSSL_PARAM_construct_end()};
  // A null key means "keep the old one" to OpenSSL, so an empty key needs a non-null address.
  static constexpr std::uint8_t kNoKey = 0;
  impl_->usable =
      EVP_MAC_init(impl_->context, key.empty() ? &kNoKey : key.data(), key.size(), params) == 1;
}

Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;
Hmac::~Hmac() = default;

std::size_t Hmac::compute(std::initializer_list<Bytes> parts, MutableBytes out) {
  if (!impl_ || !impl_->usable || out.size() < impl_->size) return 0;
  if (EVP_MAC_init(impl_->context, nullptr, 0, nullptr) != 1) return 0;
  for (const Bytes part : parts) {
    if (EVP_MAC_update(impl_->context, part.data(), part.size()) != 1) return 0;
  }
  std::size_t length = 0;
  if (EVP_MAC_final(impl_->context, out.data(), &length, out.size()) != 1) return 0;
  return length;
}

void wipe(MutableBytes secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

bool equal_in_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace parley
