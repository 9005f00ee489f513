// The RTP payload format of VP8 (RFC 7741).
#pragma once

#include "parley/rtp/payload_format.hpp"

namespace parley::rtp {

/// Reads VP8 payload descriptors in every legal form (RFC 7741 section 4.2), missing picture ids
/// included, and the payload header of key frames (section 4.3, RFC 6386 section 9.1).
///
///       0 1 2 3 4 5 6 7
///      |X|R|N|S|R| PID |  required
///   X: |I|L|T|K| RSV   |
///   I: |M| PictureID   |  M: 15 bits instead of 7
///   L: |   TL0PICIDX   |
/// T/K: |TID|Y| KEYIDX  |
class Vp8Depacketizer final : public VideoDepacketizer {
 public:
  std::optional<VideoPayload> parse(Bytes payload) const override;
};

/// Writes VP8 payloads: a 15-bit picture id in every packet, and TL0PICIDX, TID and Y when the
/// stream has temporal layers.
class Vp8Packetizer final : public VideoPacketizer {
 public:
  struct Config {
    TemporalLayers temporal_layers = TemporalLayers::off;  ///< write TL0PICIDX, TID and Y
    std::uint16_t first_picture_id = 0;  ///< below 2^15; random by RFC 7741 section 4.2
    std::uint8_t first_tl0_picture_index = 0;
  };
  explicit Vp8Packetizer(const Config& config);
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) override;

 private:
  PayloadPart build_descriptor(const EncodedVideo& frame) const;

  TemporalLayers temporal_layers_;
  std::uint16_t picture_id_;
  std::uint8_t next_tl0_picture_index_;  // of the next base layer frame
};

}  // namespace parley::rtp
