// Making speech a little shorter or longer without changing its pitch.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "parley/base/media.hpp"

namespace parley::jitter {

/// Shortens or lengthens PCM of 48 kHz. A plug point of AudioBuffer. One sequence of execution.
class TimeStretcher {
 public:
  virtual ~TimeStretcher() = default;
  /// Removes some samples from `pcm` (interleaved, `length` samples per channel), in place, and
  /// returns the new length, which is at least `min_length`. The same length when it found no
  /// place where that would go unheard.
  virtual int accelerate(std::span<std::int16_t> pcm, int channels, int length, int min_length) = 0;
  /// Adds samples; `pcm` has room for `max_length` samples per channel. Returns the new length, the
  /// same when it found no place where that would go unheard.
  virtual int expand(std::span<std::int16_t> pcm, int channels, int length, int max_length) = 0;
};

/// Overlap-add at the lag of greatest similarity (WSOLA): cuts or repeats whole pitch periods of
/// voiced sound, and anything in silence. About 50 microseconds per call; no allocation.
class OverlapStretcher final : public TimeStretcher {
 public:
  int accelerate(std::span<std::int16_t> pcm, int channels, int length, int min_length) override;
  int expand(std::span<std::int16_t> pcm, int channels, int length, int max_length) override;
};

}  // namespace parley::jitter
