// The keys of records, from a handshake that OpenSSL has completed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dtls/openssl_aead.hpp"
#include "dtls/openssl_handles.hpp"

namespace parley::dtls::openssl {

/// RFC 5246 section 6.3: what one side writes with.
struct WriteKey {
  std::array<std::uint8_t, kMaxKeySize> key{};
  std::array<std::uint8_t, kNonceSize> iv{};  ///< Only its first four bytes with GCM.
};

/// Both directions. Wiped on destruction.
struct RecordKeys {
  Aead aead = Aead::aes_128_gcm;
  WriteKey client;
  WriteKey server;

  RecordKeys() = default;
  RecordKeys(const RecordKeys&) = default;
  RecordKeys& operator=(const RecordKeys&) = default;
  ~RecordKeys();
};

/// GCM takes four bytes of its nonce from the key block (RFC 5288 section 3), ChaCha20-Poly1305 all
/// twelve (RFC 7905 section 2).
std::size_t fixed_iv_size(Aead aead);

/// Key expansion (RFC 5246 section 6.3) with the session's master secret and the pseudorandom
/// function of its suite. nullopt when the suite is none of Aead, or the library refuses.
std::optional<RecordKeys> derive_record_keys(SSL* ssl);

}  // namespace parley::dtls::openssl
