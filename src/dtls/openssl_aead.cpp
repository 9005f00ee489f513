#include "dtls/openssl_aead.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <array>
#include <utility>

#include "dtls/openssl_library.hpp"

namespace parley::dtls::openssl {
namespace {

// Looked up once in the context of the handshake, which has them all, and shared by all keys.
const EVP_CIPHER* cipher_of(Aead aead) {
  static const EVP_CIPHER* const kCiphers[] = {
      EVP_CIPHER_fetch(library(), "AES-128-GCM", nullptr),
      EVP_CIPHER_fetch(library(), "AES-256-GCM", nullptr),
      EVP_CIPHER_fetch(library(), "ChaCha20-Poly1305", nullptr)};
  return kCiphers[static_cast<std::size_t>(aead)];
}

// The tag as a parameter: one lookup where EVP_CIPHER_CTX_ctrl needs several.
std::array<OSSL_PARAM, 2> tag_parameter(MutableBytes tag) {
  return {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag.data(), tag.size()),
          OSSL_PARAM_construct_end()};
}

}  // namespace

std::size_t key_size(Aead aead) { return aead == Aead::aes_128_gcm ? 16 : kMaxKeySize; }

std::optional<AeadKey> AeadKey::create(Aead aead, Use use, Bytes key) {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  // Nonces of twelve bytes are the default of all three.
  if (!context || EVP_CipherInit_ex2(context.get(), cipher_of(aead), key.data(), nullptr,
                                     use == Use::seal ? 1 : 0, nullptr) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return AeadKey(std::move(context));
}

bool AeadKey::seal(Bytes nonce, Bytes associated, MutableBytes text, MutableBytes tag) {
  EVP_CIPHER_CTX* c = context_.get();
  auto wanted = tag_parameter(tag);
  int length = 0;
  return EVP_EncryptInit_ex2(c, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
         EVP_EncryptUpdate(c, nullptr, &length, associated.data(),
                           static_cast<int>(associated.size())) == 1 &&
         EVP_EncryptUpdate(c, text.data(), &length, text.data(), static_cast<int>(text.size())) ==
             1 &&
         EVP_EncryptFinal_ex(c, text.data() + length, &length) == 1 &&
         EVP_CIPHER_CTX_get_params(c, wanted.data()) == 1;
}

bool AeadKey::open(Bytes nonce, Bytes associated, MutableBytes text, MutableBytes tag) {
  EVP_CIPHER_CTX* c = context_.get();
  const auto expected = tag_parameter(tag);
  int length = 0;
  return EVP_DecryptInit_ex2(c, nullptr, nullptr, nonce.data(), expected.data()) == 1 &&
         EVP_DecryptUpdate(c, nullptr, &length, associated.data(),
                           static_cast<int>(associated.size())) == 1 &&
         EVP_DecryptUpdate(c, text.data(), &length, text.data(), static_cast<int>(text.size())) ==
             1 &&
         EVP_DecryptFinal_ex(c, text.data() + length, &length) == 1;
}

}  // namespace parley::dtls::openssl
