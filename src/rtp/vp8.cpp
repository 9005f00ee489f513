#include "parley/rtp/vp8.hpp"

namespace parley::rtp {
namespace {

// First byte of the descriptor (RFC 7741 section 4.2, figure 2).
constexpr std::uint8_t kExtended = 0x80;
constexpr std::uint8_t kNonReference = 0x20;
constexpr std::uint8_t kStartOfPartition = 0x10;
constexpr std::uint8_t kPartitionMask = 0x07;
// Extended control bits.
constexpr std::uint8_t kHasPictureId = 0x80;
constexpr std::uint8_t kHasTl0Index = 0x40;
constexpr std::uint8_t kHasTemporalId = 0x20;
constexpr std::uint8_t kHasKeyIndex = 0x10;

constexpr std::size_t kKeyFrameHeaderSize = 10;  // RFC 6386 section 9.1
constexpr std::uint32_t kStartCode = 0x9D012A;   // RFC 6386 section 9.1

/// The optional fields that the extended control bits announce.
void parse_extension(ByteReader& in, VideoPayload& payload) {
  const std::uint8_t control = in.u8();
  if ((control & kHasPictureId) != 0) {
    const std::uint8_t high = in.u8();
    const bool wide = (high & 0x80) != 0;  // M
    payload.picture_id_bits = wide ? 15 : 7;
    payload.picture_id =
        wide ? static_cast<std::uint16_t>(((high & 0x7F) << 8) | in.u8()) : std::uint16_t{high};
  }
  if ((control & kHasTl0Index) != 0) payload.tl0_picture_index = in.u8();
  if ((control & (kHasTemporalId | kHasKeyIndex)) != 0) {
    // One byte for both, present when either is; the part not announced is ignored.
    const std::uint8_t both = in.u8();
    if ((control & kHasTemporalId) != 0) {
      payload.temporal_id = static_cast<std::uint8_t>(both >> 6);
      payload.layer_sync = (both & 0x20) != 0;
    }
    if ((control & kHasKeyIndex) != 0) payload.key_index = static_cast<std::uint8_t>(both & 0x1F);
  }
}

/// Width and height of a key frame whose header is whole. False when its start code is wrong.
bool parse_key_frame_header(Bytes frame, VideoPayload& payload) {
  if (load_be24(&frame[3]) != kStartCode) return false;
  // 14 bits of size and 2 of scale, little-endian.
  payload.width = frame[6] | ((frame[7] & 0x3F) << 8);
  payload.height = frame[8] | ((frame[9] & 0x3F) << 8);
  return true;
}

}  // namespace

std::optional<VideoPayload> Vp8Depacketizer::parse(Bytes bytes) const {
  ByteReader in{bytes};
  VideoPayload payload;
  const std::uint8_t first = in.u8();
  if ((first & kExtended) != 0) parse_extension(in, payload);
  payload.data = in.rest();
  if (!in.ok() || payload.data.empty()) return std::nullopt;

  payload.non_reference = (first & kNonReference) != 0;
  payload.begins_frame = (first & kStartOfPartition) != 0 && (first & kPartitionMask) == 0;
  if (payload.begins_frame) {
    payload.key_frame = (payload.data[0] & 0x01) == 0;  // RFC 7741 section 4.3: inverse flag
    // A sender with tiny packets may split the header; then the size stays unknown.
    if (payload.key_frame && payload.data.size() >= kKeyFrameHeaderSize &&
        !parse_key_frame_header(payload.data, payload)) {
      return std::nullopt;
    }
  }
  return payload;
}

Vp8Packetizer::Vp8Packetizer(const Config& config)
    : temporal_layers_(config.temporal_layers),
      picture_id_(config.first_picture_id & 0x7FFF),
      next_tl0_picture_index_(config.first_tl0_picture_index) {}

PayloadPart Vp8Packetizer::build_descriptor(const EncodedVideo& frame) const {
  PayloadPart part;
  ByteWriter out{part.prefix};
  const bool layers = temporal_layers_ == TemporalLayers::on;
  out.u8(kExtended);
  out.u8(layers ? kHasPictureId | kHasTl0Index | kHasTemporalId : kHasPictureId);
  out.u16(static_cast<std::uint16_t>(0x8000 | picture_id_));  // M: always 15 bits
  if (layers) {
    // TL0PICIDX of a higher layer is that of the base frame it depends on.
    const bool base = frame.temporal_id == 0;
    out.u8(static_cast<std::uint8_t>(base ? next_tl0_picture_index_ : next_tl0_picture_index_ - 1));
    out.u8(
        static_cast<std::uint8_t>(((frame.temporal_id & 3) << 6) | (frame.layer_sync ? 0x20 : 0)));
  }
  part.prefix_size = static_cast<std::uint8_t>(out.size());
  return part;
}

std::vector<PayloadPart> Vp8Packetizer::packetize(EncodedVideo& frame, std::size_t max_payload) {
  PayloadPart part = build_descriptor(frame);
  const std::size_t size = frame.data.size();
  if (size == 0 || max_payload <= part.prefix_size) return {};
  const std::size_t room = max_payload - part.prefix_size;
  const std::size_t count = (size + room - 1) / room;

  std::vector<PayloadPart> parts;
  parts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    part.offset = i * size / count;
    part.size = (i + 1) * size / count - part.offset;
    // PID stays 0 for all packets, which RFC 7741 section 4.2 allows, so S marks the frame's start.
    part.prefix[0] = i == 0 ? kExtended | kStartOfPartition : kExtended;
    parts.push_back(part);
  }
  picture_id_ = (picture_id_ + 1) & 0x7FFF;
  if (frame.temporal_id == 0) ++next_tl0_picture_index_;
  return parts;
}

}  // namespace parley::rtp
