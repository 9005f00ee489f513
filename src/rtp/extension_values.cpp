// The forms of the single extension values.
#include "parley/rtp/extensions.hpp"

namespace parley::rtp {

std::optional<AudioLevel> AudioLevel::parse(Bytes value) {
  if (value.size() != kSize) return std::nullopt;
  return AudioLevel{(value[0] & 0x80) != 0, static_cast<std::uint8_t>(value[0] & 0x7F)};
}

bool AudioLevel::write_to(ByteWriter& out) const {
  const std::uint8_t bounded = level > 127 ? std::uint8_t{127} : level;
  out.u8(static_cast<std::uint8_t>((voice ? 0x80 : 0) | bounded));
  return out.ok();
}

AbsSendTime AbsSendTime::from_ntp(NtpTime ntp) {
  // 6 bits of seconds and 18 of fraction out of 32 and 32.
  return {static_cast<std::uint32_t>(ntp.value >> 14) & 0xFF'FFFF};
}

Duration AbsSendTime::since(AbsSendTime earlier) const {
  const std::uint32_t forward = (value - earlier.value) & 0xFF'FFFF;
  const std::int64_t ticks =
      forward < 0x80'0000 ? std::int64_t{forward} : std::int64_t{forward} - 0x100'0000;
  return Duration{ticks * 1'000'000 / (1 << 18)};
}

std::optional<AbsSendTime> AbsSendTime::parse(Bytes value) {
  if (value.size() != kSize) return std::nullopt;
  return AbsSendTime{load_be24(value.data())};
}

bool AbsSendTime::write_to(ByteWriter& out) const {
  out.u24(value);
  return out.ok();
}

std::optional<AbsCaptureTime> AbsCaptureTime::parse(Bytes value) {
  if (value.size() != 8 && value.size() != kMaxSize) return std::nullopt;
  ByteReader in{value};
  AbsCaptureTime time{NtpTime{in.u64()}, std::nullopt};
  if (value.size() == kMaxSize) time.clock_offset = static_cast<std::int64_t>(in.u64());
  return time;
}

bool AbsCaptureTime::write_to(ByteWriter& out) const {
  out.u64(capture.value);
  if (clock_offset) out.u64(static_cast<std::uint64_t>(*clock_offset));
  return out.ok();
}

std::optional<PlayoutDelay> PlayoutDelay::parse(Bytes value) {
  if (value.size() != kSize) return std::nullopt;
  const std::uint32_t both = load_be24(value.data());
  const PlayoutDelay delay{static_cast<std::uint16_t>(both >> 12),
                           static_cast<std::uint16_t>(both & kMaxUnits)};
  if (delay.min_10ms > delay.max_10ms) return std::nullopt;
  return delay;
}

bool PlayoutDelay::write_to(ByteWriter& out) const {
  if (min_10ms > max_10ms || max_10ms > kMaxUnits) return false;
  out.u24((std::uint32_t{min_10ms} << 12) | max_10ms);
  return out.ok();
}

std::optional<VideoOrientation> VideoOrientation::parse(Bytes value) {
  if (value.size() != kSize) return std::nullopt;
  return VideoOrientation{(value[0] & 0x08) != 0, (value[0] & 0x04) != 0, 90 * (value[0] & 0x03)};
}

bool VideoOrientation::write_to(ByteWriter& out) const {
  if (rotation < 0 || rotation > 270 || rotation % 90 != 0) return false;
  out.u8(static_cast<std::uint8_t>((back_camera ? 0x08 : 0) | (flip ? 0x04 : 0) | rotation / 90));
  return out.ok();
}

}  // namespace parley::rtp
