// Open bitstream units and what the sequence header says (AV1 bitstream specification section 5).
#include "parley/rtp/av1.hpp"

#include <algorithm>

#include "rtp/bit_reader.hpp"
#include "rtp/leb128.hpp"

namespace parley::rtp::av1 {
namespace {

constexpr std::uint8_t kForbidden = 0x80;
constexpr std::uint8_t kHasExtension = 0x04;
constexpr std::uint8_t kHasSize = 0x02;

void skip_uvlc(BitReader& in) {
  unsigned zeros = 0;
  while (in.ok() && !in.bit()) ++zeros;
  if (zeros < 32) in.skip(zeros);
}

/// timing_info and decoder_model_info, as far as the operating points need it (section 5.5.3).
struct Timing {
  bool decoder_model = false;
  unsigned delay_bits = 0;
};

Timing read_timing(BitReader& in) {
  Timing timing;
  if (!in.bit()) return timing;  // timing_info_present_flag
  in.skip(64);                   // num_units_in_display_tick, time_scale
  if (in.bit()) skip_uvlc(in);   // num_ticks_per_picture_minus_1
  timing.decoder_model = in.bit();
  if (timing.decoder_model) {
    timing.delay_bits = in.bits(5) + 1;
    in.skip(32 + 5 + 5);
  }
  return timing;
}

void skip_operating_points(BitReader& in) {
  const Timing timing = read_timing(in);
  const bool display_delay = in.bit();
  const std::uint32_t count = in.bits(5) + 1;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    in.skip(12);                     // operating_point_idc
    if (in.bits(5) > 7) in.skip(1);  // seq_level_idx, seq_tier
    if (timing.decoder_model && in.bit()) in.skip(2 * timing.delay_bits + 1);
    if (display_delay && in.bit()) in.skip(4);
  }
}

/// The next OBU; when it is cut off, what is there of it, with `in` no longer ok. nullopt for what
/// is no OBU.
std::optional<Obu> read_obu(ByteReader& in) {
  Obu obu;
  obu.header = in.u8();
  if ((obu.header & kForbidden) != 0) return std::nullopt;
  if ((obu.header & kHasExtension) != 0) obu.extension = in.u8();
  if (!in.ok()) return std::nullopt;
  if ((obu.header & kHasSize) == 0) {
    obu.payload = in.rest();
    return obu;
  }
  const auto size = read_leb128(in);
  if (!size) return std::nullopt;
  const Bytes rest = ByteReader{in}.rest();
  obu.payload = rest.first(std::min<std::size_t>(*size, rest.size()));
  in.skip(*size);
  return obu;
}

}  // namespace

std::optional<std::uint8_t> Obu::layer() const {
  if (!extension) return std::nullopt;
  return static_cast<std::uint8_t>(*extension >> 3);
}

std::optional<std::vector<Obu>> split_obus(Bytes unit) {
  std::vector<Obu> obus;
  ByteReader in{unit};
  while (!in.at_end()) {
    const auto obu = read_obu(in);
    if (!obu || !in.ok()) return std::nullopt;
    obus.push_back(*obu);
  }
  return obus;
}

std::vector<Obu> first_obus(Bytes piece) {
  std::vector<Obu> obus;
  ByteReader in{piece};
  while (in.ok() && !in.at_end()) {
    const auto obu = read_obu(in);
    if (!obu) break;
    obus.push_back(*obu);
  }
  return obus;
}

std::optional<PictureSize> picture_size(Bytes sequence_header) {
  BitReader in{sequence_header};
  in.skip(3 + 1);  // seq_profile, still_picture
  if (in.bit()) {  // reduced_still_picture_header
    in.skip(5);
  } else {
    skip_operating_points(in);
  }
  const unsigned width_bits = in.bits(4) + 1;
  const unsigned height_bits = in.bits(4) + 1;
  const auto width = static_cast<int>(in.bits(width_bits)) + 1;
  const auto height = static_cast<int>(in.bits(height_bits)) + 1;
  if (!in.ok()) return std::nullopt;
  return PictureSize{width, height};
}

}  // namespace parley::rtp::av1
