// Media that a receiver can check: a picture with a number in it, and a tone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "parley/base/media.hpp"

namespace interop {

/// The marker is a strip of eight cells over the top eighth of the picture: bright, dark, four bits
/// of a counter (highest first), their parity, bright. Every peer of the suite draws and reads the
/// same one.
inline constexpr int kMarkerCells = 8;

/// A gradient that moves, under the marker of `number`.
std::shared_ptr<const parley::I420Buffer> draw_picture(int number, int width, int height);

/// The counter in the marker (0 to 15), if there is a marker.
std::optional<int> read_marker(const parley::I420Buffer& picture);

/// Writes a sine of `hertz` at 48 kHz; `position` is where it goes on.
void write_tone(std::span<std::int16_t> pcm, double hertz, std::uint64_t position);

/// Finds the frequency of a tone in audio that comes in blocks.
class ToneMeter {
 public:
  void add(std::span<const std::int16_t> mono);
  /// In Hz, of the last half second that was complete; 0 when that was silence.
  double hertz() const { return hertz_; }
  int loudest() const { return loudest_; }

 private:
  std::vector<std::int16_t> window_;
  double hertz_ = 0;
  int loudest_ = 0;
};

}  // namespace interop
