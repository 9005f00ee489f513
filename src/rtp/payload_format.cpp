#include "parley/rtp/payload_format.hpp"

#include "parley/rtp/vp8.hpp"

namespace parley::rtp {
namespace {

/// Encoding names compare without case (RFC 8866 section 6.6: as media subtypes do).
bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

VideoDepacketizer::~VideoDepacketizer() = default;
VideoPacketizer::~VideoPacketizer() = default;

bool PayloadPart::write_to(Bytes frame, ByteWriter& out) const {
  if (offset > frame.size() || size > frame.size() - offset) return false;
  if (!out.ok() || out.remaining() < payload_size()) return false;
  out.bytes(Bytes{prefix}.first(prefix_size));
  out.bytes(frame.subspan(offset, size));
  return true;
}

std::unique_ptr<VideoDepacketizer> make_video_depacketizer(std::string_view encoding_name) {
  if (same_name(encoding_name, "VP8")) return std::make_unique<Vp8Depacketizer>();
  return nullptr;
}

std::unique_ptr<VideoPacketizer> make_video_packetizer(std::string_view encoding_name,
                                                       Random& random, TemporalLayers layers) {
  if (same_name(encoding_name, "VP8")) {
    Vp8Packetizer::Config config;
    config.temporal_layers = layers;
    config.first_picture_id = static_cast<std::uint16_t>(random.below(1U << 15));
    config.first_tl0_picture_index = static_cast<std::uint8_t>(random.below(256));
    return std::make_unique<Vp8Packetizer>(config);
  }
  return nullptr;
}

}  // namespace parley::rtp
