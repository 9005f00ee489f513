// The RTP payload format of VP9 (RFC 9628).
#pragma once

#include <cstdint>

#include "parley/rtp/payload_format.hpp"

namespace parley::rtp {

/// Reads VP9 payload descriptors (RFC 9628 section 4.2) of both modes, the scalability structure
/// included, and the beginning of key frames' uncompressed header. The frames of all spatial layers
/// of one picture make one frame here: their RTP timestamp is one.
///
///      |I|P|L|F|B|E|V|Z|  required
///   I: |M| PICTURE ID  |  M: 15 bits instead of 7
///   L: | TID |U| SID |D|
///      |   TL0PICIDX   |  with L, non-flexible mode (F = 0)
/// P,F: | P_DIFF      |N|  up to three, N: another follows
///   V: | N_S |Y|G|-----|  scalability structure
class Vp9Depacketizer final : public VideoDepacketizer {
 public:
  std::optional<VideoPayload> parse(Bytes payload) const override;
};

/// Writes VP9 in non-flexible mode with a 15-bit picture id in every packet, the size of the
/// picture with key frames, and TID and TL0PICIDX when the stream has temporal layers. Pictures of
/// several spatial layers leave as one layer: receivers decode them alike, middleboxes cannot
/// thin them.
class Vp9Packetizer final : public VideoPacketizer {
 public:
  struct Config {
    TemporalLayers temporal_layers = TemporalLayers::off;  ///< write TID, U and TL0PICIDX
    std::uint16_t first_picture_id = 0;                    ///< below 2^15; random by section 4.2
    std::uint8_t first_tl0_picture_index = 0;
  };
  explicit Vp9Packetizer(const Config& config);
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) override;

 private:
  PayloadPart build_descriptor(const EncodedVideo& frame, bool with_structure) const;

  TemporalLayers temporal_layers_;
  std::uint16_t picture_id_;
  std::uint8_t next_tl0_picture_index_;  // of the next base layer frame
};

}  // namespace parley::rtp
