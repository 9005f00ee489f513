// Which frames can be decoded after what was given out: the dependency rules of VP8 and VP9 payload
// descriptors, and of streams that say nothing.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "parley/rtp/payload_format.hpp"

namespace parley::jitter {

/// Whether a frame can be decoded, given what was given out before it.
enum class Verdict {
  follows,      ///< yes, and no picture is missing before it
  independent,  ///< yes, although pictures before it are missing
  undecodable,  ///< not unless missing pictures come
};

/// What is missing between the last frame given out and the one in question.
enum class Gap {
  none,          ///< nothing: sequence numbers are contiguous but for padding
  unreferenced,  ///< pictures, all of them known to be referred to by no other
  unknown,
};

/// Follows one stream of frames in decoding order. RFC 7741 section 4.2: PictureID counts pictures,
/// TL0PICIDX pictures of the base layer; a picture refers to none of a higher layer, and with Y set
/// to the base layer only. RFC 9628 section 4.2: pictures behind one with U set refer to nothing of
/// higher layers before it; in flexible mode each picture names what it refers to. A value.
class FrameReferences {
 public:
  Verdict judge(const rtp::VideoPayload& frame, Gap gap) const;
  /// `frame`, with the verdict that it got, was given out.
  void on_emitted(const rtp::VideoPayload& frame, Verdict verdict);
  /// References are lost: only a key frame can be decoded.
  void reset() { *this = FrameReferences{}; }
  /// Pictures after the last one given out up to and with `frame`, by picture ids: 1 when it is the
  /// next. nullopt without ids.
  std::optional<std::uint32_t> distance(const rtp::VideoPayload& frame) const;
  bool has_key_frame() const { return has_key_frame_; }

 private:
  static constexpr std::size_t kLayers = 8;
  bool layers_intact(std::uint8_t temporal_id) const;
  bool references_given(const rtp::VideoPayload& frame, std::uint32_t distance) const;
  void remember(const rtp::VideoPayload& frame);

  bool has_key_frame_ = false;
  std::optional<std::uint16_t> picture_id_;
  std::optional<std::uint8_t> tl0_picture_index_;
  std::array<bool, kLayers> intact_{};  ///< no picture of it is missing since its last sync
  /// Which of the last pictures were given out, by their distance from the last of them. P_DIFF has
  /// 7 bits.
  std::bitset<128> given_;
};

}  // namespace parley::jitter
