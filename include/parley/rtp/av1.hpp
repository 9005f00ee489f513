// The RTP payload format of AV1 ("RTP Payload Format For AV1", Alliance for Open Media, v1.0).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/rtp/payload_format.hpp"

namespace parley::rtp {

namespace av1 {
/// OBU types that matter to transport (AV1 bitstream specification section 6.2.2).
inline constexpr std::uint8_t kSequenceHeader = 1;
inline constexpr std::uint8_t kTemporalDelimiter = 2;
inline constexpr std::uint8_t kFrameHeader = 3;
inline constexpr std::uint8_t kFrame = 6;
inline constexpr std::uint8_t kTileList = 8;
inline constexpr std::uint8_t kPadding = 15;

/// One OBU, borrowed: `header` is its first byte, `extension` the second if there is one, `payload`
/// the rest without the size field.
struct Obu {
  std::uint8_t header = 0;
  std::optional<std::uint8_t> extension;
  Bytes payload;

  std::uint8_t type() const { return (header >> 3) & 0x0F; }
  /// temporal_id and spatial_id in the upper five bits; nullopt without extension.
  std::optional<std::uint8_t> layer() const;
};

/// The OBUs of a temporal unit in the low overhead format (section 5.2); the last one may lack its
/// size. nullopt when it is malformed.
std::optional<std::vector<Obu>> split_obus(Bytes unit);

/// The OBUs at the beginning of a temporal unit, of which the last may be cut off.
std::vector<Obu> first_obus(Bytes piece);

struct PictureSize {
  int width = 0;
  int height = 0;
};
/// The largest size of frames, from the payload of a sequence header OBU (section 5.5.1).
std::optional<PictureSize> picture_size(Bytes sequence_header);
}  // namespace av1

/// Reads AV1 aggregation headers and OBU elements (section 4.4 and 4.5 of the payload format).
/// Frames come out as temporal units in the low overhead format: every OBU has its size, temporal
/// delimiters and tile lists are left out. An element with several OBUs, which is none of that
/// format, is taken apart when they have their sizes: Pion sends a temporal unit as one.
///
///      |Z|Y| W |N|-----|  Z: goes on with an OBU, Y: its last OBU goes on, N: new sequence
class Av1Depacketizer final : public VideoDepacketizer {
 public:
  std::optional<VideoPayload> parse(Bytes payload) const override;
};

/// Writes AV1 from temporal units in the low overhead format: sizes are taken off the OBUs,
/// temporal delimiters, tile lists and padding dropped, OBUs of one layer put together and split
/// where they do not fit.
class Av1Packetizer final : public VideoPacketizer {
 public:
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) override;
};

}  // namespace parley::rtp
