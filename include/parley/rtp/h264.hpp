// The RTP payload format of H.264 (RFC 6184), non-interleaved: single NAL units, STAP-A and FU-A.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "parley/rtp/payload_format.hpp"

namespace parley::rtp {

/// NAL unit types that matter to transport (H.264 table 7-1).
namespace h264 {
inline constexpr std::uint8_t kSlice = 1;
inline constexpr std::uint8_t kIdrSlice = 5;
inline constexpr std::uint8_t kSequenceParameters = 7;
inline constexpr std::uint8_t kPictureParameters = 8;
inline constexpr std::uint8_t kAccessUnitDelimiter = 9;

inline std::uint8_t nal_type(Bytes nal) {
  return nal.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(nal[0] & 0x1F);
}

/// The NAL units of a byte stream (H.264 annex B), without start codes and trailing zeros,
/// borrowed. Empty when it does not begin with a start code.
std::vector<Bytes> split_annex_b(Bytes stream);
/// Appends a NAL unit with a start code of four bytes.
void append_annex_b(Bytes nal, std::vector<std::uint8_t>& stream);

struct PictureSize {
  int width = 0;
  int height = 0;
};
/// The size of the pictures, cropping applied, from a sequence parameter set (H.264 section
/// 7.3.2.1.1). nullopt when it is malformed.
std::optional<PictureSize> picture_size(Bytes sequence_parameters);
}  // namespace h264

/// Keeps the parameter sets of a stream, and puts them before IDR pictures that come without: many
/// encoders write them once, and a decoder that begins or begins again needs them there. A value;
/// at most 8 sequence and 32 picture parameter sets of 1 KiB each, of more the first stay.
class H264ParameterSets {
 public:
  enum class Outcome {
    unchanged,
    completed,    ///< parameter sets were inserted
    undecodable,  ///< an IDR picture whose parameter sets were never seen
  };
  /// Looks at a frame in annex B form, learns from it, and completes it.
  Outcome complete(std::vector<std::uint8_t>& frame);
  void reset();

 private:
  using Sets = std::map<std::uint32_t, std::vector<std::uint8_t>>;
  void learn(Bytes nal);

  Sets sequence_;  ///< by seq_parameter_set_id
  Sets picture_;   ///< by pic_parameter_set_id
};

/// Reads single NAL units, STAP-A and FU-A (RFC 6184 sections 5.6 to 5.8). Frames come out in
/// annex B form with start codes of four bytes. A key frame is one with an IDR slice; whether its
/// parameter sets are there is for H264ParameterSets. The types of the interleaved mode (STAP-B,
/// MTAP, FU-B) are malformed: it is never negotiated here.
class H264Depacketizer final : public VideoDepacketizer {
 public:
  std::optional<VideoPayload> parse(Bytes payload) const override;
};

/// Writes H.264 from frames in annex B form. Small NAL units go together into a STAP-A, large ones
/// into FU-As of even size. Parameter sets are put before IDR pictures that lack them, when the
/// stream had them before.
class H264Packetizer final : public VideoPacketizer {
 public:
  enum class Mode {
    single_nal_units,  ///< packetization-mode 0: a NAL unit above the limit refuses the frame
    non_interleaved,   ///< packetization-mode 1
  };
  explicit H264Packetizer(Mode mode) : mode_(mode) {}
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) override;

 private:
  Mode mode_;
  H264ParameterSets parameters_;
};

}  // namespace parley::rtp
