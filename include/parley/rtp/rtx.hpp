// The retransmission payload format (RFC 4588 section 4): a packet sent again in a stream of its
// own, with its original sequence number (OSN) in front of the payload.
#pragma once

#include <cstdint>
#include <optional>

#include "parley/base/bytes.hpp"
#include "parley/base/ids.hpp"
#include "parley/rtp/packet.hpp"

namespace parley::rtp {

inline constexpr std::size_t kRtxHeaderSize = 2;

/// Turns a retransmission packet back into the original, in place: the header moves over the OSN
/// and takes the original's sequence number, `ssrc` and `payload_type`. Marker, timestamp,
/// extensions and padding stay. Returns a view of the last bytes of `packet`; nullopt when it is no
/// RTP packet or carries no OSN (padding-only probes), and the bytes are unchanged then.
std::optional<PacketView> unwrap_rtx(MutableBytes packet, Ssrc ssrc, PayloadType payload_type);

}  // namespace parley::rtp
