#include "pcm_queue.hpp"

#include <algorithm>

#include "parley/base/assert.hpp"

namespace parley::jitter {

PcmQueue::PcmQueue(int channels, int capacity)
    : channels_(channels),
      capacity_(capacity),
      pcm_(static_cast<std::size_t>(channels) * static_cast<std::size_t>(capacity)) {}

std::span<std::int16_t> PcmQueue::tail() {
  return std::span{pcm_}.subspan(static_cast<std::size_t>(length_ * channels_));
}

void PcmQueue::commit(const Segment& segment) {
  PARLEY_ASSERT(segment.samples >= 0 && segment.samples <= room(),
                "whoever wrote to tail() stayed within it");
  if (segment.samples == 0) return;
  length_ += segment.samples;
  const bool joins = used_ > 0 && segments_[used_ - 1].kind == segment.kind &&
                     segments_[used_ - 1].arrival == segment.arrival;
  if (joins || used_ == kMaxSegments) {
    segments_[used_ - 1].samples += segment.samples;
  } else {
    segments_[used_++] = segment;
  }
}

void PcmQueue::drop_before_last(int samples, int count) {
  count = std::min({count, samples, length_});
  if (count <= 0 || used_ == 0) return;
  const auto from = pcm_.begin() + static_cast<std::ptrdiff_t>((length_ - samples) * channels_);
  const auto end = pcm_.begin() + static_cast<std::ptrdiff_t>(length_ * channels_);
  std::move(from + static_cast<std::ptrdiff_t>(count * channels_), end, from);
  length_ -= count;
  segments_[used_ - 1].samples -= count;
  if (segments_[used_ - 1].samples == 0) --used_;
}

void PcmQueue::resize(int length) {
  PARLEY_ASSERT(length >= 0 && length <= capacity_ && used_ > 0,
                "stretchers keep to the bounds they are given");
  const int change = length - length_;
  length_ = length;
  if (change >= 0) {
    segments_[0].samples += change;
  } else {
    // The cut may be longer than the first segment.
    int rest = -change;
    while (rest > 0 && used_ > 0) {
      const int part = std::min(rest, segments_[0].samples);
      rest -= part;
      shrink_first(part);
    }
  }
}

void PcmQueue::copy_out(int samples, std::span<std::int16_t> out) {
  const auto count = static_cast<std::ptrdiff_t>(samples * channels_);
  std::copy(pcm_.begin(), pcm_.begin() + count, out.begin());
  std::move(pcm_.begin() + count, pcm_.begin() + static_cast<std::ptrdiff_t>(length_ * channels_),
            pcm_.begin());
  length_ -= samples;
}

void PcmQueue::shrink_first(int samples) {
  segments_[0].samples -= samples;
  if (segments_[0].samples > 0) return;
  std::move(segments_.begin() + 1, segments_.begin() + static_cast<std::ptrdiff_t>(used_),
            segments_.begin());
  --used_;
}

void PcmQueue::resolve_unknown(SoundKind kind) {
  for (std::size_t i = 0; i < used_; ++i) {
    if (segments_[i].kind == SoundKind::unknown) segments_[i].kind = kind;
  }
}

void PcmQueue::clear() {
  length_ = 0;
  used_ = 0;
}

}  // namespace parley::jitter
