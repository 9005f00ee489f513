#include "parley/rtp/payload_format.hpp"

#include "parley/rtp/av1.hpp"
#include "parley/rtp/h264.hpp"
#include "parley/rtp/opus.hpp"
#include "parley/rtp/vp8.hpp"
#include "parley/rtp/vp9.hpp"

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

/// RFC 6184 section 8.1: absent means 0. No receiver here accepts mode 2.
H264Packetizer::Mode h264_mode(std::string_view fmtp) {
  constexpr std::string_view kKey = "packetization-mode=";
  const std::size_t at = fmtp.find(kKey);
  const bool one = at != std::string_view::npos && fmtp.substr(at + kKey.size(), 1) == "1";
  return one ? H264Packetizer::Mode::non_interleaved : H264Packetizer::Mode::single_nal_units;
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
  if (same_name(encoding_name, "H264")) return std::make_unique<H264Depacketizer>();
  if (same_name(encoding_name, "VP9")) return std::make_unique<Vp9Depacketizer>();
  if (same_name(encoding_name, "AV1")) return std::make_unique<Av1Depacketizer>();
  return nullptr;
}

std::unique_ptr<VideoPacketizer> make_video_packetizer(std::string_view encoding_name,
                                                       Random& random, TemporalLayers layers,
                                                       std::string_view fmtp) {
  const auto numbered = [&](auto config) {
    config.temporal_layers = layers;
    config.first_picture_id = static_cast<std::uint16_t>(random.below(1U << 15));
    config.first_tl0_picture_index = static_cast<std::uint8_t>(random.below(256));
    return config;
  };
  if (same_name(encoding_name, "VP8")) {
    return std::make_unique<Vp8Packetizer>(numbered(Vp8Packetizer::Config{}));
  }
  if (same_name(encoding_name, "VP9")) {
    return std::make_unique<Vp9Packetizer>(numbered(Vp9Packetizer::Config{}));
  }
  if (same_name(encoding_name, "H264")) return std::make_unique<H264Packetizer>(h264_mode(fmtp));
  if (same_name(encoding_name, "AV1")) return std::make_unique<Av1Packetizer>();
  return nullptr;
}

std::optional<int> audio_payload_samples(std::string_view encoding_name, Bytes payload) {
  if (same_name(encoding_name, "opus")) return opus_packet_samples(payload);
  if (same_name(encoding_name, "telephone-event") || same_name(encoding_name, "CN")) return 0;
  // RFC 3551 section 4.5: one byte for each sample of 8 kHz; of G.722, for each two of 16 kHz.
  constexpr int kPerByte = 6;
  constexpr std::size_t kMaxBytes = 8000;  // a second
  const bool known = same_name(encoding_name, "PCMU") || same_name(encoding_name, "PCMA") ||
                     same_name(encoding_name, "G722");
  if (!known || payload.empty() || payload.size() > kMaxBytes) return std::nullopt;
  return static_cast<int>(payload.size()) * kPerByte;
}

}  // namespace parley::rtp
