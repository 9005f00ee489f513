// CRC32c as SCTP uses it (RFC 9260 appendix A).
#pragma once

#include <cstdint>

#include "parley/base/bytes.hpp"

namespace parley::sctp {

/// The checksum of `data`. On the wire its least significant byte comes first.
std::uint32_t crc32c(Bytes data);

/// The same in pieces: `state` begins as kCrc32cStart, and the checksum is its complement at the
/// end.
inline constexpr std::uint32_t kCrc32cStart = 0xFFFFFFFF;
std::uint32_t crc32c_extend(std::uint32_t state, Bytes data);

/// The same without the processor's own instruction.
std::uint32_t crc32c_extend_portable(std::uint32_t state, Bytes data);

}  // namespace parley::sctp
