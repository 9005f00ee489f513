// The CRC-32 of ITU-T V.42 (polynomial 0x04C11DB7, reflected) that FINGERPRINT uses.
#pragma once

#include <cstdint>

#include "parley/base/bytes.hpp"

namespace parley::stun {

/// Pass the result of the part before as `before` to continue over several parts.
std::uint32_t crc32(Bytes data, std::uint32_t before = 0);

}  // namespace parley::stun
