// Protection of DTLS 1.2 records with the keys of a completed handshake.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dtls/openssl_aead.hpp"
#include "dtls/openssl_record_keys.hpp"
#include "dtls/record.hpp"
#include "dtls/replay_window.hpp"
#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"
#include "parley/dtls/engine.hpp"

namespace parley::dtls {

/// RFC 5288 section 3: eight bytes of a GCM nonce travel with the record.
constexpr std::size_t kExplicitNonceSize = 8;
/// What a record adds to its content, at most: ChaCha20-Poly1305 has no explicit nonce.
constexpr std::size_t kMaxRecordOverhead =
    kRecordHeaderSize + kExplicitNonceSize + openssl::kTagSize;
/// The most application data in a datagram of that size.
std::size_t max_record_data(std::size_t datagram_size);

/// The last record that was written under the keys. The next ones must go on from there, because a
/// nonce that is used twice gives away the key stream and, with GCM, the key of the tags.
struct WrittenRecord {
  std::uint64_t sequence = 0;
  std::uint64_t explicit_nonce = 0;  ///< Of GCM; without meaning for others.
};

/// Records of epoch 1 in both directions (RFC 6347 section 4.1). There is no later epoch, because
/// renegotiation is refused. One sequence of execution; allocates nothing after `create`.
class RecordLayer {
 public:
  static constexpr std::uint16_t kEpoch = 1;

  /// `role` is ours. nullopt when the cryptographic library refuses.
  static std::optional<RecordLayer> create(const openssl::RecordKeys& keys, Role role,
                                           WrittenRecord last);

  /// Writes one record with `content`, which may lie in `storage`, to the front of `storage`.
  /// Errors: too_large when the record does not fit; closed when all record numbers are used up;
  /// crypto.
  Result<MutableBytes> protect(ContentType type, Bytes content, MutableBytes storage);

  /// Decrypts `record`, whole with its header, where it lies. nullopt when it is of another epoch,
  /// was seen before, or is not authentic; its bytes are spoiled then.
  std::optional<MutableBytes> unprotect(const RecordHeader& header, MutableBytes record);

 private:
  struct Direction {
    openssl::AeadKey key;
    std::array<std::uint8_t, openssl::kNonceSize> iv;
  };

  RecordLayer(openssl::Aead aead, Direction write, Direction read, WrittenRecord last);
  std::array<std::uint8_t, openssl::kNonceSize> nonce(const Direction& direction,
                                                      const std::uint8_t* explicit_nonce,
                                                      std::uint64_t numbered) const;

  std::size_t explicit_size_;
  Direction write_;
  Direction read_;
  std::uint64_t next_sequence_;
  std::uint64_t next_explicit_nonce_;
  ReplayWindow seen_;
};

}  // namespace parley::dtls
