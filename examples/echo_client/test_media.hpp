// Pictures and sound that are known, and what is left of them after a way through the network.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "parley/base/media.hpp"

namespace echo_client {

inline constexpr int kPictureWidth = 640;
inline constexpr int kPictureHeight = 360;
inline constexpr double kToneHz = 440;

/// Picture `number` of a moving scene. Its number stands in it as 16 light or dark squares.
std::shared_ptr<const parley::I420Buffer> draw_picture(std::uint16_t number);

/// The number in a picture of any size; nullopt when a square is neither light nor dark, or the
/// marks at the two ends of the row are missing.
std::optional<std::uint16_t> read_number(const parley::I420Buffer& picture);

/// Luma PSNR in dB of two pictures of one size, at most 99.
double luma_psnr(const parley::I420Buffer& a, const parley::I420Buffer& b);

/// An endless sine of kToneHz.
class Tone {
 public:
  void fill(std::span<std::int16_t> samples);

 private:
  double phase_ = 0;
};

/// The share of the loudness of 10 ms blocks that lies at kToneHz, over 100 ms at a time.
class ToneDetector {
 public:
  /// True or false at the end of each 100 ms: did the tone sound?
  std::optional<bool> handle_block(std::span<const std::int16_t> mono);

 private:
  static constexpr int kWindow = parley::kAudioSampleRate / 10;
  std::complex<double> at_tone_;
  double energy_ = 0;
  int samples_ = 0;
};

}  // namespace echo_client
