#include "parley/rtp/opus.hpp"

#include <algorithm>

namespace parley::rtp {
namespace {

constexpr std::size_t kMaxFrameBytes = 1275;  // RFC 6716 section 3.4, R2
constexpr int kMaxPacketSamples = 120 * 48;   // 120 ms: RFC 6716 section 3.4, R5

OpusMode mode_of(std::uint8_t config) {
  if (config < 12) return OpusMode::silk;
  return config < 16 ? OpusMode::hybrid : OpusMode::celt;
}

/// RFC 6716 section 3.1, table 2, in samples at 48 kHz.
int frame_samples_of(std::uint8_t config) {
  switch (mode_of(config)) {
    case OpusMode::silk: {
      constexpr int kSilk[] = {480, 960, 1920, 2880};
      return kSilk[config & 3];
    }
    case OpusMode::hybrid:
      return (config & 1) == 0 ? 480 : 960;
    case OpusMode::celt:
      break;
  }
  return 120 << (config & 3);
}

/// A frame length of one or two bytes (RFC 6716 section 3.2.1).
std::size_t read_frame_length(ByteReader& in) {
  const std::uint8_t first = in.u8();
  return first < 252 ? first : first + 4U * in.u8();
}

/// What the framing of a packet comes to.
struct Framing {
  int count = 0;
  std::size_t longest = 0;
};

/// Code 3 (RFC 6716 section 3.2.5): a signalled number of frames, all of one length (CBR) or each
/// with its own, and padding.
std::optional<Framing> parse_code3(ByteReader in) {
  const std::uint8_t head = in.u8();
  Framing framing{head & 0x3F, 0};
  if (!in.ok() || framing.count == 0) return std::nullopt;  // R5, R6
  std::size_t padding = 0;
  if ((head & 0x40) != 0) {
    std::uint8_t more;
    do {
      more = in.u8();
      padding += more == 255 ? 254U : more;
    } while (more == 255 && in.ok());
  }
  if (!in.ok() || padding > in.remaining()) return std::nullopt;  // R6, R7

  if ((head & 0x80) == 0) {
    const std::size_t rest = in.remaining() - padding;
    if (rest % static_cast<std::size_t>(framing.count) != 0) return std::nullopt;  // R6
    framing.longest = rest / static_cast<std::size_t>(framing.count);
    return framing;
  }
  std::size_t sum = 0;
  for (int i = 0; i + 1 < framing.count; ++i) {
    const std::size_t length = read_frame_length(in);
    framing.longest = std::max(framing.longest, length);
    sum += length;
  }
  if (!in.ok() || in.remaining() < padding + sum) return std::nullopt;  // R7
  framing.longest = std::max(framing.longest, in.remaining() - padding - sum);
  return framing;
}

std::optional<Framing> parse_framing(std::uint8_t code, ByteReader in) {
  switch (code) {
    case 0:
      return Framing{1, in.remaining()};
    case 1:
      if (in.remaining() % 2 != 0) return std::nullopt;  // R3
      return Framing{2, in.remaining() / 2};
    case 2: {
      const std::size_t first = read_frame_length(in);
      if (!in.ok() || first > in.remaining()) return std::nullopt;  // R4
      return Framing{2, std::max(first, in.remaining() - first)};
    }
    default:
      return parse_code3(in);
  }
}

}  // namespace

std::optional<OpusPacketInfo> parse_opus_packet(Bytes packet) {
  ByteReader in{packet};
  const std::uint8_t toc = in.u8();
  if (!in.ok()) return std::nullopt;  // R1
  const auto framing = parse_framing(toc & 3, in);
  if (!framing || framing->longest > kMaxFrameBytes) return std::nullopt;  // R2

  OpusPacketInfo info;
  info.config = static_cast<std::uint8_t>(toc >> 3);
  info.mode = mode_of(info.config);
  info.stereo = (toc & 4) != 0;
  info.frame_count = framing->count;
  info.frame_samples = frame_samples_of(info.config);
  info.dtx = framing->longest <= 1;
  if (info.samples() > kMaxPacketSamples) return std::nullopt;  // R5
  return info;
}

std::optional<int> opus_packet_samples(Bytes packet) {
  const auto info = parse_opus_packet(packet);
  if (!info) return std::nullopt;
  return info->samples();
}

}  // namespace parley::rtp
