// Certificate fingerprints as SDP carries them: what binds a DTLS association to the signalling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/crypto.hpp"

namespace parley::dtls {

/// One `a=fingerprint` value (RFC 8122 section 5): the hash function's name and the hash of the
/// certificate's DER bytes. A plain value.
struct Fingerprint {
  std::string algorithm;  ///< Lower case, "sha-256".
  std::vector<std::uint8_t> value;

  /// Reads "sha-256 AB:CD:...". The name and the hexadecimal digits may have any case. The name may
  /// be one that we do not support: such a line is legal and simply never matches. nullopt when the
  /// text does not follow the grammar, or a known hash has the wrong length.
  static std::optional<Fingerprint> parse(std::string_view text);

  /// The fingerprint of `certificate_der` by `algorithm`.
  static Fingerprint of(Bytes certificate_der, DigestAlgorithm algorithm = DigestAlgorithm::sha256);

  /// "sha-256 AB:CD:..." with upper-case digits (RFC 8122 section 5: UHEX).
  std::string to_string() const;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// True when at least one of `fingerprints` has a supported hash (sha-224, sha-256, sha-384,
/// sha-512) and is the fingerprint of `certificate_der` (RFC 8122 section 5: one match is enough).
/// sha-1 and md5 prove nothing on their own and never count (RFC 8827 section 6.5).
bool matches_any(const std::vector<Fingerprint>& fingerprints, Bytes certificate_der);

}  // namespace parley::dtls
