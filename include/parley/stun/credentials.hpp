// Keys of STUN's long-term credentials and what a nonce announces (RFC 8489 sections 9.2 and 18.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"

namespace parley::stun {

/// RFC 8489 section 18.5.
enum class PasswordAlgorithm : std::uint16_t { md5 = 0x0001, sha256 = 0x0002 };

/// The key of the long-term mechanism: the digest of "username:realm:password" (RFC 8489 section
/// 18.5.1). Texts are used byte for byte: whoever reads them from people prepares them with the
/// OpaqueString profile (RFC 8265). Empty when libcrypto refuses MD5.
std::vector<std::uint8_t> long_term_key(PasswordAlgorithm algorithm, std::string_view username,
                                        std::string_view realm, std::string_view password);

/// USERHASH: SHA-256 of "username:realm" (RFC 8489 section 14.4).
std::vector<std::uint8_t> user_hash(std::string_view username, std::string_view realm);

/// The security features that a server announces in its nonce (RFC 8489 section 9.2).
struct NonceFeatures {
  bool password_algorithms = false;  ///< bit 0: PASSWORD-ALGORITHMS must be in the 401.
  bool username_anonymity = false;   ///< bit 1: USERHASH is understood.
};

/// nullopt when the nonce does not begin with the nonce cookie "obMatJos2" and 4 base64 characters.
/// A client that sees `password_algorithms` without that attribute in the same message is being
/// bid down and must not answer (RFC 8489 section 9.2.5).
std::optional<NonceFeatures> parse_nonce_features(std::string_view nonce);

}  // namespace parley::stun
