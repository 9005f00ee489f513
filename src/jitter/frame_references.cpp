#include "frame_references.hpp"

#include <algorithm>

namespace parley::jitter {
namespace {

bool has_layers(const rtp::VideoPayload& frame) {
  return frame.temporal_id && frame.tl0_picture_index;
}

}  // namespace

std::optional<std::uint32_t> FrameReferences::distance(const rtp::VideoPayload& frame) const {
  if (!picture_id_ || !frame.picture_id || frame.picture_id_bits == 0) return std::nullopt;
  // RFC 7741 section 4.2: the id wraps at 7 or 15 bits, whichever this packet uses.
  const std::uint32_t mask = (1U << frame.picture_id_bits) - 1U;
  return (std::uint32_t{*frame.picture_id} - std::uint32_t{*picture_id_}) & mask;
}

bool FrameReferences::layers_intact(std::uint8_t temporal_id) const {
  const std::size_t top = std::min<std::size_t>(temporal_id, kLayers - 1);
  for (std::size_t layer = 1; layer <= top; ++layer) {
    if (!intact_[layer]) return false;
  }
  return true;
}

/// RFC 9628 section 4.2.1: P_DIFF counts back from this picture, which is `distance` after the last
/// one given out.
bool FrameReferences::references_given(const rtp::VideoPayload& frame,
                                       std::uint32_t distance) const {
  for (std::size_t i = 0; i < frame.reference_count; ++i) {
    const std::uint32_t back = frame.references[i];
    if (back < distance || back - distance >= given_.size() || !given_[back - distance]) {
      return false;
    }
  }
  return true;
}

Verdict FrameReferences::judge(const rtp::VideoPayload& frame, Gap gap) const {
  if (frame.key_frame) return gap == Gap::none ? Verdict::follows : Verdict::independent;
  if (!has_key_frame_) return Verdict::undecodable;
  const bool next_picture = gap == Gap::none || distance(frame) == 1U;
  const Verdict decodable = next_picture ? Verdict::follows : Verdict::independent;

  if (frame.references_known) {
    if (const auto ahead = distance(frame)) {
      return references_given(frame, *ahead) ? decodable : Verdict::undecodable;
    }
  }
  if (!has_layers(frame)) {
    return next_picture || gap == Gap::unreferenced ? decodable : Verdict::undecodable;
  }
  const bool base_layer = *frame.temporal_id == 0;
  if (tl0_picture_index_ && !next_picture) {
    const auto ahead = static_cast<std::uint8_t>(*frame.tl0_picture_index - *tl0_picture_index_);
    if (ahead != (base_layer ? 1 : 0)) return Verdict::undecodable;
  } else if (!next_picture) {
    return Verdict::undecodable;
  }
  if (base_layer || frame.layer_sync) return decodable;
  const bool complete = next_picture || gap == Gap::unreferenced;
  return complete && layers_intact(*frame.temporal_id) ? decodable : Verdict::undecodable;
}

void FrameReferences::on_emitted(const rtp::VideoPayload& frame, Verdict verdict) {
  if (frame.key_frame) {
    has_key_frame_ = true;
    intact_.fill(true);
  } else if (verdict == Verdict::independent) {
    intact_.fill(false);  // what is missing may have been of any layer but the base
  }
  if (frame.layer_sync && frame.temporal_id && *frame.temporal_id > 0) {
    intact_[std::min<std::size_t>(*frame.temporal_id, kLayers - 1)] = true;
  }
  if (frame.switching_point) {
    for (std::size_t i = frame.temporal_id.value_or(0) + 1U; i < kLayers; ++i) intact_[i] = true;
  }
  remember(frame);
  picture_id_ = frame.picture_id;
  if (frame.tl0_picture_index) {
    tl0_picture_index_ = frame.tl0_picture_index;
  } else {
    tl0_picture_index_.reset();
  }
}

void FrameReferences::remember(const rtp::VideoPayload& frame) {
  const auto ahead = distance(frame);
  if (frame.key_frame || !ahead || *ahead >= given_.size()) {
    given_.reset();
  } else {
    given_ <<= *ahead;
  }
  given_.set(0);
}

}  // namespace parley::jitter
