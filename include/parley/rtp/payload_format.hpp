// Payload formats, codec-neutral: what a jitter buffer or a sender needs to know of the payload of
// one RTP packet, without knowing the codec.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/media.hpp"
#include "parley/base/random.hpp"

namespace parley::rtp {

/// Makes a frame as decoders take it of the `VideoPayload::data` of its packets, in order, and
/// appends it to `frame`. False when they do not fit together: the frame is of no use.
using FrameJoiner = bool (*)(std::span<const Bytes> parts, std::vector<std::uint8_t>& frame);

/// What a depacketizer says of one RTP payload of a video stream.
struct VideoPayload {
  /// What the packet gives to the frame, borrowed from the payload.
  Bytes data;
  FrameJoiner join = nullptr;  ///< how the data of packets makes the frame; null: one after another
  bool begins_frame = false;   ///< first packet of the frame (VP8: S = 1 and PID = 0)
  /// The format does not mark the first packets of frames surely. This one begins a frame when the
  /// packet before it is of another; when that is not known, `begins_frame` is the better guess.
  bool may_begin_frame = false;
  /// The frame is one if any of its packets says so (VP8, VP9 and AV1 tell in the first one).
  bool key_frame = false;
  bool non_reference = false;  ///< no later frame refers to this one (VP8 N bit)
  std::optional<std::uint16_t> picture_id;
  std::uint8_t picture_id_bits = 0;  ///< width of `picture_id`: 7 or 15, by which it wraps; else 0
  std::optional<std::uint8_t> tl0_picture_index;  ///< wraps at 8 bits
  std::optional<std::uint8_t> temporal_id;        ///< 0 to 7, 0 the base layer
  std::optional<std::uint8_t> spatial_id;         ///< 0 to 7, 0 the base layer
  bool layer_sync = false;  ///< refers to the base layer only; meaningful with `temporal_id`
  /// Later frames of higher temporal layers refer to nothing of those layers that was before this
  /// one (VP9 U bit); meaningful with `temporal_id`.
  bool switching_point = false;
  /// The frames that this one refers to, as distances of picture ids (VP9 flexible mode), when
  /// `references_known`. None: it refers to no other frame.
  std::array<std::uint8_t, 3> references{};
  std::uint8_t reference_count = 0;
  bool references_known = false;
  std::optional<std::uint8_t> key_index;  ///< 0 to 31
  int width = 0;                          ///< pixels; key frames only, else 0
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
  static constexpr std::size_t kMaxPrefix = 16;
  std::array<std::uint8_t, kMaxPrefix> prefix{};
  std::uint8_t prefix_size = 0;
  std::size_t offset = 0;  ///< of the piece in the frame, in bytes
  std::size_t size = 0;    ///< of the piece, in bytes

  std::size_t payload_size() const { return prefix_size + size; }
  /// Writes descriptor and piece. `frame` is the data that `packetize` left. False when `out` lacks
  /// room (nothing is written then) or the piece lies outside `frame`.
  bool write_to(Bytes frame, ByteWriter& out) const;
};

/// Splits encoded pictures into RTP payloads. Keeps what counts from frame to frame (picture ids,
/// parameter sets), so one serves one stream. Not thread-safe.
class VideoPacketizer {
 public:
  virtual ~VideoPacketizer();
  /// The payloads of one frame in order, each of at most `max_payload` bytes, and evenly sized: a
  /// tiny last packet costs as much as a full one. The marker bit belongs on the last. May put
  /// `frame.data` into the order in which it leaves: the parts refer to what it is afterwards.
  /// Empty when the frame is empty or malformed, or `max_payload` leaves no room beside the
  /// descriptor.
  virtual std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) = 0;
};

/// The depacketizer of an encoding name as in `a=rtpmap` ("VP8", "H264", "VP9", "AV1", any case);
/// null for others.
std::unique_ptr<VideoDepacketizer> make_video_depacketizer(std::string_view encoding_name);
/// Whether frames come in temporal layers, which the payload descriptor then tells.
enum class TemporalLayers { off, on };

/// The packetizer of an encoding name; null for others. `random` gives the first picture id and is
/// not kept. `fmtp` are the parameters of the receiver, of which `packetization-mode` of H.264
/// matters here.
std::unique_ptr<VideoPacketizer> make_video_packetizer(std::string_view encoding_name,
                                                       Random& random,
                                                       TemporalLayers layers = TemporalLayers::off,
                                                       std::string_view fmtp = {});

/// How long the audio of a payload lasts, in samples of 48 kHz: Opus, PCMU, PCMA and G722 by their
/// content, 0 for telephone-event and CN, which stand for no fixed time. nullopt for other encoding
/// names and for payloads that are not valid.
std::optional<int> audio_payload_samples(std::string_view encoding_name, Bytes payload);

}  // namespace parley::rtp
