// NAL units and what their parameter sets say (H.264 section 7.3, annex B).
#include <algorithm>

#include "parley/rtp/h264.hpp"
#include "rtp/bit_reader.hpp"

namespace parley::rtp::h264 {
namespace {

/// Where the next start code 00 00 01 begins from `at` on; the size of `stream` when there is none.
std::size_t find_start_code(Bytes stream, std::size_t at) {
  for (; at + 3 <= stream.size(); ++at) {
    if (stream[at] == 0 && stream[at + 1] == 0 && stream[at + 2] == 1) return at;
  }
  return stream.size();
}

/// The payload of a NAL unit without emulation prevention bytes (H.264 section 7.4.1), the first
/// bytes of it only: all that is read here lies within them.
std::vector<std::uint8_t> unescape(Bytes nal) {
  constexpr std::size_t kEnough = 512;
  std::vector<std::uint8_t> out;
  int zeros = 0;
  for (std::size_t i = 1; i < nal.size() && out.size() < kEnough; ++i) {
    if (zeros >= 2 && nal[i] == 3) {
      zeros = 0;
      continue;
    }
    zeros = nal[i] == 0 ? zeros + 1 : 0;
    out.push_back(nal[i]);
  }
  return out;
}

void skip_scaling_list(BitReader& in, int size) {
  int last = 8;
  int next = 8;
  for (int i = 0; i < size && in.ok(); ++i) {
    if (next != 0) next = (last + in.se()) & 0xFF;
    if (next != 0) last = next;
  }
}

/// Profiles with chroma_format_idc and what follows it.
bool is_high_profile(std::uint32_t profile) {
  constexpr std::uint32_t kHigh[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::find(std::begin(kHigh), std::end(kHigh), profile) != std::end(kHigh);
}

/// Returns chroma_format_idc.
std::uint32_t read_high_profile_fields(BitReader& in) {
  const std::uint32_t chroma = in.ue();
  if (chroma == 3) in.skip(1);  // separate_colour_plane_flag
  in.ue();                      // bit_depth_luma_minus8
  in.ue();                      // bit_depth_chroma_minus8
  in.skip(1);                   // qpprime_y_zero_transform_bypass_flag
  if (in.bit()) {               // seq_scaling_matrix_present_flag
    for (int i = 0; i < (chroma == 3 ? 12 : 8); ++i) {
      if (in.bit()) skip_scaling_list(in, i < 6 ? 16 : 64);
    }
  }
  return chroma;
}

void skip_picture_order_count(BitReader& in) {
  switch (in.ue()) {
    case 0:
      in.ue();  // log2_max_pic_order_cnt_lsb_minus4
      break;
    case 1: {
      in.skip(1);
      in.se();
      in.se();
      const std::uint32_t cycle = in.ue();
      for (std::uint32_t i = 0; i < cycle && in.ok(); ++i) in.se();
      break;
    }
    default:
      break;
  }
}

}  // namespace

std::vector<Bytes> split_annex_b(Bytes stream) {
  std::vector<Bytes> nals;
  std::size_t at = find_start_code(stream, 0);
  // Only zeros may be before the first start code.
  if (std::any_of(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(at),
                  [](std::uint8_t byte) { return byte != 0; })) {
    return nals;
  }
  while (at < stream.size()) {
    const std::size_t begin = at + 3;
    at = find_start_code(stream, begin);
    Bytes nal = stream.subspan(begin, at - begin);
    while (!nal.empty() && nal.back() == 0) nal = nal.first(nal.size() - 1);
    if (!nal.empty()) nals.push_back(nal);
  }
  return nals;
}

void append_annex_b(Bytes nal, std::vector<std::uint8_t>& stream) {
  stream.insert(stream.end(), {0, 0, 0, 1});
  stream.insert(stream.end(), nal.begin(), nal.end());
}

std::optional<PictureSize> picture_size(Bytes sequence_parameters) {
  if (nal_type(sequence_parameters) != kSequenceParameters) return std::nullopt;
  const auto bytes = unescape(sequence_parameters);
  BitReader in{bytes};
  const std::uint32_t profile = in.bits(8);
  in.skip(16);  // constraint flags, level
  in.ue();      // seq_parameter_set_id
  const std::uint32_t chroma = is_high_profile(profile) ? read_high_profile_fields(in) : 1;
  in.ue();  // log2_max_frame_num_minus4
  skip_picture_order_count(in);
  in.ue();     // max_num_ref_frames
  in.skip(1);  // gaps_in_frame_num_value_allowed_flag
  const std::uint32_t columns = in.ue();
  const std::uint32_t rows = in.ue();
  const bool frames_only = in.bit();
  if (!frames_only) in.skip(1);  // mb_adaptive_frame_field_flag
  in.skip(1);                    // direct_8x8_inference_flag
  std::uint32_t crop[4] = {};    // left, right, top, bottom
  if (in.bit()) {
    for (auto& side : crop) side = in.ue();
  }
  constexpr std::uint32_t kMaxUnits = 1024;  // 16384 pixels
  if (!in.ok() || columns >= kMaxUnits || rows >= kMaxUnits) return std::nullopt;
  // H.264 equations 7-19 to 7-22: cropping counts chroma samples, and field rows in pairs.
  const std::uint32_t field = frames_only ? 1 : 2;
  const std::uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const std::uint64_t unit_y = (chroma == 1 ? 2 : 1) * field;
  const std::uint64_t width = (columns + 1) * 16;
  const std::uint64_t height = (rows + 1) * 16 * field;
  const std::uint64_t lost_x = unit_x * (std::uint64_t{crop[0]} + crop[1]);
  const std::uint64_t lost_y = unit_y * (std::uint64_t{crop[2]} + crop[3]);
  if (lost_x >= width || lost_y >= height) return std::nullopt;
  return PictureSize{static_cast<int>(width - lost_x), static_cast<int>(height - lost_y)};
}

}  // namespace parley::rtp::h264

namespace parley::rtp {
namespace {

constexpr std::size_t kMaxSetSize = 1024;
constexpr std::size_t kMaxSequenceSets = 8;
constexpr std::size_t kMaxPictureSets = 32;

}  // namespace

void H264ParameterSets::learn(Bytes nal) {
  const bool sequence = h264::nal_type(nal) == h264::kSequenceParameters;
  if (nal.size() > kMaxSetSize) return;
  // The id is behind profile, constraints and level of a sequence parameter set; at the beginning
  // of a picture parameter set. Emulation prevention cannot come so early but behind zeros.
  const std::size_t skip = sequence ? 4 : 1;
  if (nal.size() <= skip) return;
  BitReader in{nal.subspan(skip)};
  const std::uint32_t id = in.ue();
  if (!in.ok()) return;
  Sets& sets = sequence ? sequence_ : picture_;
  if (sets.count(id) == 0 && sets.size() >= (sequence ? kMaxSequenceSets : kMaxPictureSets)) return;
  sets[id].assign(nal.begin(), nal.end());
}

H264ParameterSets::Outcome H264ParameterSets::complete(std::vector<std::uint8_t>& frame) {
  bool idr = false;
  bool has_sequence = false;
  bool has_picture = false;
  std::size_t insert_at = 0;
  for (const Bytes nal : h264::split_annex_b(frame)) {
    switch (h264::nal_type(nal)) {
      case h264::kIdrSlice:
        idr = true;
        break;
      case h264::kSequenceParameters:
        has_sequence = true;
        learn(nal);
        break;
      case h264::kPictureParameters:
        has_picture = true;
        learn(nal);
        break;
      case h264::kAccessUnitDelimiter:  // must stay the first (H.264 section 7.4.1.2.3)
        insert_at = static_cast<std::size_t>(nal.data() - frame.data()) + nal.size();
        break;
      default:
        break;
    }
  }
  if (!idr || (has_sequence && has_picture)) return Outcome::unchanged;
  if ((!has_sequence && sequence_.empty()) || (!has_picture && picture_.empty())) {
    return Outcome::undecodable;
  }
  std::vector<std::uint8_t> missing;
  if (!has_sequence) {
    for (const auto& [id, nal] : sequence_) h264::append_annex_b(nal, missing);
  }
  // A picture parameter set before the sequence parameter set that it refers to is an error: with
  // sequence parameter sets of its own, the frame gets the picture parameter sets behind them.
  if (!has_picture) {
    for (const auto& [id, nal] : picture_) h264::append_annex_b(nal, missing);
    if (has_sequence) {
      for (const Bytes nal : h264::split_annex_b(frame)) {
        if (h264::nal_type(nal) != h264::kSequenceParameters) continue;
        insert_at = static_cast<std::size_t>(nal.data() - frame.data()) + nal.size();
      }
    }
  }
  frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(insert_at), missing.begin(),
               missing.end());
  return Outcome::completed;
}

void H264ParameterSets::reset() {
  sequence_.clear();
  picture_.clear();
}

}  // namespace parley::rtp
