// Constants of the STUN wire format that parsing and writing share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace parley::stun {

inline constexpr std::size_t kAttributeHeaderSize = 4;
inline constexpr std::size_t kSha1TagSize = 20;
inline constexpr std::size_t kSha256TagSize = 32;
/// The least size of a cut MESSAGE-INTEGRITY-SHA256 (RFC 8489 section 14.6).
inline constexpr std::size_t kSha256TagMinimum = 16;
inline constexpr std::size_t kFingerprintSize = 4;
/// RFC 8489 section 14.7: "STUN".
inline constexpr std::uint32_t kFingerprintXor = 0x5354554E;

/// Attribute values are filled up to 32 bits (RFC 8489 section 14).
constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace parley::stun
