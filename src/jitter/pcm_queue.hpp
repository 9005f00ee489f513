// Decoded sound on its way out, which knows where each part of it came from.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "parley/base/time.hpp"

namespace parley::jitter {

/// Where sound came from.
enum class SoundKind : std::uint8_t {
  normal,
  silence,  ///< comfort noise in a pause of the sender
  fec,
  unknown,  ///< invented, not yet known whether in a pause or for a loss
  conceal,
};

/// A run of samples of one origin.
struct Segment {
  SoundKind kind = SoundKind::normal;
  int samples = 0;      ///< per channel
  Timestamp arrival{};  ///< of the packet it was decoded from (normal and fec)
};

/// A queue of interleaved PCM. Storage and the number of segments are fixed; beyond
/// `kMaxSegments`, a segment is counted with its neighbour.
class PcmQueue {
 public:
  static constexpr std::size_t kMaxSegments = 32;

  /// Room for `capacity` samples per channel.
  PcmQueue(int channels, int capacity);

  int channels() const { return channels_; }
  int length() const { return length_; }
  int room() const { return capacity_ - length_; }

  /// Where the next samples are to be written: all free room.
  std::span<std::int16_t> tail();
  /// What was written to `tail` counts from now on.
  void commit(const Segment& segment);
  /// Takes back the last `samples` samples but leaves those before (a copy whose beginning is not
  /// wanted): removes [length - samples, length - samples + count).
  void drop_before_last(int samples, int count);
  /// All samples, with the room behind them, to be changed in place; then `resize`.
  std::span<std::int16_t> all() { return pcm_; }
  /// The length became `length` by stretching: the difference is put on the first segment.
  void resize(int length);
  /// Copies `samples` samples to `out` and forgets them; `visit` sees each segment of them.
  template <class Visit>
  void take(int samples, std::span<std::int16_t> out, Visit&& visit) {
    copy_out(samples, out);
    while (samples > 0 && used_ > 0) {
      const int part = samples < segments_[0].samples ? samples : segments_[0].samples;
      visit(segments_[0], part);
      samples -= part;
      shrink_first(part);
    }
  }
  /// Sound of kind unknown is of kind `kind` from now on.
  void resolve_unknown(SoundKind kind);
  void clear();

 private:
  void copy_out(int samples, std::span<std::int16_t> out);
  void shrink_first(int samples);

  int channels_;
  int capacity_;
  int length_ = 0;
  std::vector<std::int16_t> pcm_;
  std::array<Segment, kMaxSegments> segments_{};
  std::size_t used_ = 0;
};

}  // namespace parley::jitter
