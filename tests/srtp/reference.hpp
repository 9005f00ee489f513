// SRTP written a second time, from the RFCs and with libcrypto alone: what the wrapped library is
// compared with. Checked itself against the published vectors. Slow and plain on purpose.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "parley/srtp/session.hpp"

namespace parley::srtp::reference {

using Buffer = std::vector<std::uint8_t>;

/// Bytes from hexadecimal digits; blanks are ignored.
Buffer hex(std::string_view digits);

/// AES in counter mode (RFC 3711 section 4.1.1): `length` bytes of key stream from `iv`.
Buffer key_stream(Bytes key, Bytes iv, std::size_t length);

/// The pseudo-random function of RFC 3711 section 4.3.3 with key derivation rate 0. A 96-bit salt
/// is padded as RFC 7714 section 11 says.
Buffer derive(Bytes master_key, Bytes master_salt, std::uint8_t label, std::size_t length);

/// Session keys of RTP or RTCP for one direction.
struct Keys {
  Buffer encryption;
  Buffer salt;
  Buffer authentication;  ///< Empty with GCM.
};
Keys rtp_keys(Profile profile, Bytes master_key, Bytes master_salt);
Keys rtcp_keys(Profile profile, Bytes master_key, Bytes master_salt);

Buffer protect_rtp(Profile profile, const Keys& keys, std::uint32_t roc, Bytes packet);

enum class Encryption { on, off };
Buffer protect_rtcp(Profile profile, const Keys& keys, std::uint32_t index, Encryption encryption,
                    Bytes packet);

}  // namespace parley::srtp::reference
