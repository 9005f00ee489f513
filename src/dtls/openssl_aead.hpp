// Authenticated encryption by OpenSSL, with the key set once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dtls/openssl_handles.hpp"
#include "parley/base/bytes.hpp"

namespace parley::dtls::openssl {

/// The algorithms of RFC 5288 and RFC 7905: nonces of 12 bytes and tags of 16.
enum class Aead { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kMaxKeySize = 32;
std::size_t key_size(Aead aead);

/// One key for one direction. Setting a nonce leaves the key schedule as it is, so that a message
/// costs its bytes and no allocation. Movable; one sequence of execution.
class AeadKey {
 public:
  enum class Use { seal, open };

  /// `key` has key_size(aead) bytes. nullopt when the library refuses.
  static std::optional<AeadKey> create(Aead aead, Use use, Bytes key);

  /// Encrypts `text` where it lies and writes its tag. A nonce is used once per key.
  bool seal(Bytes nonce, Bytes associated, MutableBytes text, MutableBytes tag);
  /// Decrypts `text` where it lies. False, with nonsense in `text`, when the tag does not fit.
  bool open(Bytes nonce, Bytes associated, MutableBytes text, MutableBytes tag);

 private:
  explicit AeadKey(CipherContextPtr context) : context_(std::move(context)) {}

  CipherContextPtr context_;
};

}  // namespace parley::dtls::openssl
