// Payload formats, codec-neutral: what a jitter buffer or a sender needs to know of the payload of
// one RTP packet, without knowing the codec.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/media.hpp"
#include "parley/base/random.hpp"

namespace parley::rtp {

/// What a depacketizer says of one RTP payload of a video stream.
struct VideoPayload {
  Bytes data;                  ///< the bytes to append to the frame, borrowed from the payload
  bool begins_frame = false;   ///< first packet of the frame (VP8: S = 1 and PID = 0)
  bool key_frame = false;      ///< meaningful when `begins_frame`
  bool non_reference = false;  ///< no later frame refers to this one (VP8 N bit)
  std::optional<std::uint16_t> picture_id;
  std::uint8_t picture_id_bits = 0;  ///< width of `picture_id`: 7 or 15, by which it wraps; else 0
  std::optional<std::uint8_t> tl0_picture_index;  ///< wraps at 8 bits
  std::optional<std::uint8_t> temporal_id;        ///< 0 to 3, 0 the base layer
  bool layer_sync = false;  ///< refers to the base layer only; meaningful with `temporal_id`
  std::optional<std::uint8_t> key_index;  ///< 0 to 31
  int width = 0;                          ///< pixels; first packet of key frames only, else 0
  int height = 0;
};

/// Reads the payloads of one video codec. Stateless and const: one may serve many streams.
class VideoDepacketizer {
 public:
  virtual ~VideoDepacketizer();
  /// nullopt when the payload is malformed: drop the packet.
  virtual std::optional<VideoPayload> parse(Bytes payload) const = 0;
};

/// One RTP payload to be: a few bytes of payload descriptor and a piece of the frame. A value that
/// does not borrow; the frame's bytes are handed in again when it is written.
struct PayloadPart {
  static constexpr std::size_t kMaxPrefix = 8;
  std::array<std::uint8_t, kMaxPrefix> prefix{};
  std::uint8_t prefix_size = 0;
  std::size_t offset = 0;  ///< of the piece in the frame, in bytes
  std::size_t size = 0;    ///< of the piece, in bytes

  std::size_t payload_size() const { return prefix_size + size; }
  /// Writes descriptor and piece. `frame` is the data that was packetized. False when `out` lacks
  /// room (nothing is written then) or the piece lies outside `frame`.
  bool write_to(Bytes frame, ByteWriter& out) const;
};

/// Splits encoded pictures into RTP payloads. Keeps what counts from frame to frame (picture ids),
/// so one serves one stream. Not thread-safe.
class VideoPacketizer {
 public:
  virtual ~VideoPacketizer();
  /// The payloads of one frame in order, each of at most `max_payload` bytes, and evenly sized: a
  /// tiny last packet costs as much as a full one. The marker bit belongs on the last. Empty when
  /// the frame is empty or `max_payload` leaves no room beside the descriptor.
  virtual std::vector<PayloadPart> packetize(const EncodedVideo& frame,
                                             std::size_t max_payload) = 0;
};

/// The depacketizer of an encoding name as in `a=rtpmap` ("VP8", any case); null for others.
std::unique_ptr<VideoDepacketizer> make_video_depacketizer(std::string_view encoding_name);
/// Whether frames come in temporal layers, which the payload descriptor then tells.
enum class TemporalLayers { off, on };

/// The packetizer of an encoding name; null for others. `random` gives the first picture id and is
/// not kept.
std::unique_ptr<VideoPacketizer> make_video_packetizer(std::string_view encoding_name,
                                                       Random& random,
                                                       TemporalLayers layers = TemporalLayers::off);

}  // namespace parley::rtp
