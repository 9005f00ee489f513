// Digests and keyed digests: the one door from the cores to libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"

namespace parley {

enum class DigestAlgorithm { md5, sha1, sha224, sha256, sha384, sha512 };

/// The length of a digest in bytes.
std::size_t digest_size(DigestAlgorithm algorithm);

/// The digest of `data`. Empty only when libcrypto refuses the algorithm (FIPS mode and MD5).
std::vector<std::uint8_t> digest(DigestAlgorithm algorithm, Bytes data);

/// HMAC (RFC 2104) with the key set once: the key schedule is the larger half of a short HMAC.
/// Movable; not thread-safe.
class Hmac {
 public:
  Hmac(DigestAlgorithm algorithm, Bytes key);
  Hmac(Hmac&&) noexcept;
  Hmac& operator=(Hmac&&) noexcept;
  ~Hmac();

  /// Writes the tag of the concatenation of `parts` and returns its length (digest_size); `out` has
  /// at least that room. 0 when libcrypto failed.
  std::size_t compute(std::initializer_list<Bytes> parts, MutableBytes out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Overwrites a secret that is no longer needed, in a way that the compiler does not leave out.
void wipe(MutableBytes secret);

/// Compares without telling by its duration where the first difference is.
bool equal_in_constant_time(Bytes a, Bytes b);

}  // namespace parley
