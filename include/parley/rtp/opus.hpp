// What can be said of an Opus packet without decoding it (RFC 6716 section 3, RFC 7587). The RTP
// payload is the packet itself: there is nothing to split or join.
#pragma once

#include <cstdint>
#include <optional>

#include "parley/base/bytes.hpp"

namespace parley::rtp {

/// The coding layers of a packet (RFC 6716 section 3.1, table 2).
enum class OpusMode {
  silk,    ///< configs 0 to 11
  hybrid,  ///< configs 12 to 15
  celt,    ///< configs 16 to 31; never carries in-band FEC
};

/// The table of contents of a valid packet.
struct OpusPacketInfo {
  OpusMode mode = OpusMode::silk;
  std::uint8_t config = 0;  ///< 0 to 31
  bool stereo = false;
  int frame_count = 1;      ///< 1 to 48
  int frame_samples = 960;  ///< of one frame, per channel at 48 kHz: 120 to 2880
  /// Every frame has at most one byte: nothing was coded (DTX), and the decoder invents noise.
  bool dtx = false;

  int samples() const { return frame_count * frame_samples; }
};

/// Checks the framing by RFC 6716 section 3.4 (requirements R1 to R7). nullopt when the packet is
/// malformed.
std::optional<OpusPacketInfo> parse_opus_packet(Bytes packet);

/// The duration of a packet in samples per channel at 48 kHz (120 to 5760); nullopt when the packet
/// is malformed.
std::optional<int> opus_packet_samples(Bytes packet);

}  // namespace parley::rtp
