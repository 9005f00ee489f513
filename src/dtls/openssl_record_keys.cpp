#include "dtls/openssl_record_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "dtls/openssl_library.hpp"
#include "parley/base/bytes.hpp"
#include "parley/base/crypto.hpp"

namespace parley::dtls::openssl {
namespace {

using KdfPtr = std::unique_ptr<EVP_KDF, Deleter<&EVP_KDF_free>>;
using KdfContextPtr = std::unique_ptr<EVP_KDF_CTX, Deleter<&EVP_KDF_CTX_free>>;

constexpr std::string_view kLabel = "key expansion";
constexpr std::size_t kRandomSize = SSL3_RANDOM_SIZE;

std::optional<Aead> aead_of(const SSL_CIPHER* suite) {
  switch (SSL_CIPHER_get_cipher_nid(suite)) {
    case NID_aes_128_gcm:
      return Aead::aes_128_gcm;
    case NID_aes_256_gcm:
      return Aead::aes_256_gcm;
    case NID_chacha20_poly1305:
      return Aead::chacha20_poly1305;
    default:
      return std::nullopt;
  }
}

// RFC 5246 section 5.
bool pseudorandom(const EVP_MD* hash, MutableBytes secret, MutableBytes label_and_seed,
                  MutableBytes out) {
  const KdfPtr kdf(EVP_KDF_fetch(library(), OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const KdfContextPtr context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  if (!context || hash == nullptr) return false;
  std::string name = EVP_MD_get0_name(hash);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name.data(), name.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label_and_seed.data(),
                                        label_and_seed.size()),
      OSSL_PARAM_construct_end()};
  return EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1;
}

// The suite has no MAC keys: keys of client and server, then their IVs.
RecordKeys split(Aead aead, Bytes block) {
  ByteReader reader(block);
  RecordKeys keys;
  keys.aead = aead;
  for (WriteKey* side : {&keys.client, &keys.server}) {
    const Bytes key = reader.bytes(key_size(aead));
    std::copy(key.begin(), key.end(), side->key.begin());
  }
  for (WriteKey* side : {&keys.client, &keys.server}) {
    const Bytes iv = reader.bytes(fixed_iv_size(aead));
    std::copy(iv.begin(), iv.end(), side->iv.begin());
  }
  return keys;
}

}  // namespace

RecordKeys::~RecordKeys() {
  for (WriteKey* side : {&client, &server}) {
    wipe(side->key);
    wipe(side->iv);
  }
}

std::size_t fixed_iv_size(Aead aead) { return aead == Aead::chacha20_poly1305 ? kNonceSize : 4; }

std::optional<RecordKeys> derive_record_keys(SSL* ssl) {
  const SSL_CIPHER* suite = SSL_get_current_cipher(ssl);
  const auto aead = aead_of(suite);
  if (!aead) return std::nullopt;
  std::array<std::uint8_t, SSL_MAX_MASTER_KEY_LENGTH> master;
  const std::size_t master_size =
      SSL_SESSION_get_master_key(SSL_get_session(ssl), master.data(), master.size());
  // Server's random first, unlike anywhere else (RFC 5246 section 6.3).
  std::array<std::uint8_t, kLabel.size() + 2 * kRandomSize> seed;
  std::copy(kLabel.begin(), kLabel.end(), seed.begin());
  SSL_get_server_random(ssl, seed.data() + kLabel.size(), kRandomSize);
  SSL_get_client_random(ssl, seed.data() + kLabel.size() + kRandomSize, kRandomSize);
  std::array<std::uint8_t, 2 * (kMaxKeySize + kNonceSize)> block;
  const MutableBytes wanted =
      MutableBytes(block).first(2 * (key_size(*aead) + fixed_iv_size(*aead)));
  std::optional<RecordKeys> keys;
  if (pseudorandom(SSL_CIPHER_get_handshake_digest(suite), MutableBytes(master).first(master_size),
                   seed, wanted)) {
    keys = split(*aead, wanted);
  }
  wipe(master);
  wipe(block);
  ERR_clear_error();
  return keys;
}

}  // namespace parley::dtls::openssl
