// The W3C statistics of sound that leaves an audio buffer.
#pragma once

#include "parley/jitter/audio_buffer.hpp"
#include "pcm_queue.hpp"

namespace parley::jitter {

/// Counts every sample that is given out by its kind. Sound that was invented while nobody could
/// know whether the sender paused or a packet was late is held back from the counters, which never
/// go down, until `resolve` tells; after `kPatience` it counts as concealment.
class AudioAccount {
 public:
  /// Longer than the 400 ms between two packets of an Opus pause.
  static constexpr int kPatience = 24'000;  ///< samples

  /// Delays that hold for what is given out now.
  struct Delays {
    Duration target{};   ///< with the bounds of the application
    Duration minimum{};  ///< what the path alone asks for
  };

  explicit AudioAccount(AudioBufferStats& stats) : stats_(stats) {}

  /// `samples` samples of a segment were given out at `now`; `silent` tells that nothing is heard.
  void count(const Segment& segment, int samples, Timestamp now, const Delays& delays, bool silent);
  /// A block of this level, 0 to 1, was given out.
  void measure(double level);
  /// What was invented belongs to a pause of the sender, or to a loss.
  void resolve(bool pause);

 private:
  void count_concealed(std::uint64_t samples, std::uint64_t silent);

  AudioBufferStats& stats_;
  bool concealing_ = false;
  std::uint64_t unknown_ = 0;
  std::uint64_t unknown_silent_ = 0;
};

/// Root mean square of a block, 0 to 1.
double audio_level(const AudioBlock& block);

}  // namespace parley::jitter
