// What the two ends say and show: recordings played round and round, or generated stand-ins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "loopback_call/wav.hpp"
#include "loopback_call/y4m.hpp"
#include "parley/base/media.hpp"
#include "parley/base/result.hpp"

namespace loopback_call {

/// Speech without an end: sample n is the same whenever it is asked for. Shared by both ends, each
/// from a place of its own. Immutable.
class SpeechSource {
 public:
  /// A stereo clip is mixed down: the call sends mono. `clip` is not empty.
  explicit SpeechSource(const PcmClip& clip);

  /// Samples per round.
  std::int64_t length() const { return static_cast<std::int64_t>(mono_.size()); }
  /// Fills `out` with the samples from `first` (not negative) on.
  void read(std::int64_t first, std::span<std::int16_t> out) const;

 private:
  std::vector<std::int16_t> mono_;
};

/// Speech-like sound of `seconds`: voiced syllables with a moving pitch and two formants, hiss and
/// pauses. For machines without recordings. The same samples for the same arguments.
PcmClip generate_speech(double seconds);

/// A moving picture without an end. Not thread-safe.
class PictureSource {
 public:
  virtual ~PictureSource() = default;
  virtual Y4mFormat format() const = 0;
  /// Pictures before it comes to its end and plays backwards: no cut where it loops.
  virtual std::int64_t length() const = 0;
  /// Picture `number` (not negative) of the endless sequence. Errors: io.
  virtual parley::Result<std::shared_ptr<const parley::I420Buffer>> picture(
      std::int64_t number) = 0;
};

/// 0, 1, ... count-1, count-2, ... 1, 0, 1, ...: forwards and backwards in turn.
std::size_t palindrome_index(std::int64_t number, std::size_t count);

/// The pictures of a Y4M file.
std::unique_ptr<PictureSource> make_file_pictures(Y4mReader reader);

/// A textured landscape that pans, with discs that move over it. For machines without recordings.
std::unique_ptr<PictureSource> make_generated_pictures(Y4mFormat format);

}  // namespace loopback_call
