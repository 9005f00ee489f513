#include "parley/rtp/vp9.hpp"

#include <utility>

#include "rtp/bit_reader.hpp"

namespace parley::rtp {
namespace {

// First byte of the descriptor (RFC 9628 section 4.2).
constexpr std::uint8_t kHasPictureId = 0x80;
constexpr std::uint8_t kPredicted = 0x40;
constexpr std::uint8_t kHasLayers = 0x20;
constexpr std::uint8_t kFlexible = 0x10;
constexpr std::uint8_t kBegins = 0x08;
constexpr std::uint8_t kEnds = 0x04;
constexpr std::uint8_t kHasStructure = 0x02;
// Layer indices.
constexpr std::uint8_t kSwitchingPoint = 0x10;
constexpr std::uint8_t kInterLayer = 0x01;
// Scalability structure.
constexpr std::uint8_t kHasSizes = 0x10;
constexpr std::uint8_t kHasPictureGroup = 0x08;

void parse_picture_id(ByteReader& in, VideoPayload& payload) {
  const std::uint8_t high = in.u8();
  const bool wide = (high & 0x80) != 0;  // M
  payload.picture_id_bits = wide ? 15 : 7;
  payload.picture_id =
      wide ? static_cast<std::uint16_t>(((high & 0x7F) << 8) | in.u8()) : std::uint16_t{high};
}

/// Returns the byte of layer indices.
std::uint8_t parse_layers(ByteReader& in, bool flexible, VideoPayload& payload) {
  const std::uint8_t indices = in.u8();
  payload.temporal_id = static_cast<std::uint8_t>(indices >> 5);
  payload.spatial_id = static_cast<std::uint8_t>((indices >> 1) & 7);
  payload.switching_point = (indices & kSwitchingPoint) != 0;
  if (!flexible) payload.tl0_picture_index = in.u8();
  return indices;
}

/// False when there are more than three (section 4.2: N is 0 in the third).
bool parse_references(ByteReader& in, VideoPayload& payload) {
  for (std::uint8_t more = 1; more != 0;) {
    if (payload.reference_count == payload.references.size()) return false;
    const std::uint8_t byte = in.u8();
    payload.references[payload.reference_count++] = static_cast<std::uint8_t>(byte >> 1);
    more = byte & 1;
  }
  return true;
}

/// Section 4.2.1. The size told is that of the highest layer; the picture group is skipped: each
/// picture says of itself what is needed.
void parse_structure(ByteReader& in, VideoPayload& payload) {
  const std::uint8_t head = in.u8();
  const int layers = (head >> 5) + 1;
  if ((head & kHasSizes) != 0) {
    for (int i = 0; i < layers; ++i) {
      payload.width = in.u16();
      payload.height = in.u16();
    }
  }
  if ((head & kHasPictureGroup) == 0) return;
  const int pictures = in.u8();
  for (int i = 0; i < pictures && in.ok(); ++i) in.skip((in.u8() >> 2) & 3);
}

struct FrameHeader {
  bool key_frame = false;
  int width = 0;
  int height = 0;
};

/// The beginning of the uncompressed header (VP9 bitstream specification section 6.2). nullopt
/// when it is cut off or no VP9.
std::optional<FrameHeader> parse_frame_header(Bytes frame) {
  BitReader in{frame};
  if (in.bits(2) != 2) return std::nullopt;  // frame_marker
  const std::uint32_t low = in.bits(1);
  const std::uint32_t profile = low + 2 * in.bits(1);
  if (profile == 3) in.skip(1);
  FrameHeader header;
  if (in.bit()) return header;  // show_existing_frame
  const bool inter = in.bit();  // frame_type
  in.skip(2);                   // show_frame, error_resilient_mode
  if (!in.ok()) return std::nullopt;
  if (inter) return header;
  constexpr std::uint32_t kSyncCode = 0x498342;
  if (in.bits(24) != kSyncCode) return std::nullopt;
  header.key_frame = true;
  if (profile >= 2) in.skip(1);  // ten_or_twelve_bit
  constexpr std::uint32_t kRgb = 7;
  if (in.bits(3) != kRgb) {
    in.skip(1);  // color_range
    if (profile == 1 || profile == 3) in.skip(3);
  } else if (profile == 1 || profile == 3) {
    in.skip(1);
  }
  header.width = static_cast<int>(in.bits(16)) + 1;
  header.height = static_cast<int>(in.bits(16)) + 1;
  if (!in.ok()) return FrameHeader{true, 0, 0};
  return header;
}

}  // namespace

std::optional<VideoPayload> Vp9Depacketizer::parse(Bytes bytes) const {
  ByteReader in{bytes};
  VideoPayload payload;
  const std::uint8_t first = in.u8();
  const bool flexible = (first & kFlexible) != 0;
  const bool predicted = (first & kPredicted) != 0;
  if ((first & kHasPictureId) != 0) parse_picture_id(in, payload);
  std::uint8_t layers = 0;
  if ((first & kHasLayers) != 0) layers = parse_layers(in, flexible, payload);
  if (flexible && predicted && !parse_references(in, payload)) return std::nullopt;
  payload.references_known = flexible && payload.picture_id.has_value();
  int width = 0;
  int height = 0;
  if ((first & kHasStructure) != 0) {
    parse_structure(in, payload);
    width = std::exchange(payload.width, 0);
    height = std::exchange(payload.height, 0);
  }
  payload.data = in.rest();
  if (!in.ok() || payload.data.empty()) return std::nullopt;
  if ((first & kBegins) == 0) return payload;

  if (payload.spatial_id.value_or(0) == 0) {
    payload.begins_frame = true;
    // Not predicted is the key picture; an intra-only frame says so in its own header.
    const auto header = parse_frame_header(payload.data);
    payload.key_frame = !predicted && (!header || header->key_frame);
    if (payload.key_frame) {
      payload.width = width > 0 || !header ? width : header->width;
      payload.height = height > 0 || !header ? height : header->height;
    }
  } else {
    // Where a middlebox takes lower layers away, a higher one that does not need them is the first.
    payload.may_begin_frame = (layers & kInterLayer) == 0;
  }
  return payload;
}

Vp9Packetizer::Vp9Packetizer(const Config& config)
    : temporal_layers_(config.temporal_layers),
      picture_id_(config.first_picture_id & 0x7FFF),
      next_tl0_picture_index_(config.first_tl0_picture_index) {}

PayloadPart Vp9Packetizer::build_descriptor(const EncodedVideo& frame, bool with_structure) const {
  PayloadPart part;
  ByteWriter out{part.prefix};
  const bool layers = temporal_layers_ == TemporalLayers::on;
  out.u8(static_cast<std::uint8_t>(kHasPictureId | (frame.key_frame ? 0 : kPredicted) |
                                   (layers ? kHasLayers : 0) |
                                   (with_structure ? kHasStructure : 0)));
  out.u16(static_cast<std::uint16_t>(0x8000 | picture_id_));  // M: always 15 bits
  if (layers) {
    // The encoders here tell VP8's layer sync only, which allows no switching up by itself.
    const bool base = frame.temporal_id == 0;
    out.u8(static_cast<std::uint8_t>((frame.temporal_id & 7) << 5));
    out.u8(static_cast<std::uint8_t>(base ? next_tl0_picture_index_ : next_tl0_picture_index_ - 1));
  }
  if (with_structure) {
    out.u8(kHasSizes);  // N_S = 0: one layer
    out.u16(static_cast<std::uint16_t>(frame.width));
    out.u16(static_cast<std::uint16_t>(frame.height));
  }
  part.prefix_size = static_cast<std::uint8_t>(out.size());
  return part;
}

std::vector<PayloadPart> Vp9Packetizer::packetize(EncodedVideo& frame, std::size_t max_payload) {
  const auto fits = [](int size) { return size > 0 && size <= 0xFFFF; };
  const bool structure = frame.key_frame && fits(frame.width) && fits(frame.height);
  const PayloadPart first = build_descriptor(frame, structure);
  const PayloadPart later = build_descriptor(frame, false);
  const std::size_t size = frame.data.size();
  if (size == 0 || max_payload <= first.prefix_size) return {};
  // The structure is in the first packet only; its few bytes are not worth uneven rooms.
  const std::size_t room = max_payload - first.prefix_size;
  const std::size_t count = (size + room - 1) / room;

  std::vector<PayloadPart> parts;
  parts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PayloadPart part = i == 0 ? first : later;
    part.offset = i * size / count;
    part.size = (i + 1) * size / count - part.offset;
    if (i == 0) part.prefix[0] |= kBegins;
    if (i + 1 == count) part.prefix[0] |= kEnds;
    parts.push_back(part);
  }
  picture_id_ = (picture_id_ + 1) & 0x7FFF;
  if (frame.temporal_id == 0) ++next_tl0_picture_index_;
  return parts;
}

}  // namespace parley::rtp
