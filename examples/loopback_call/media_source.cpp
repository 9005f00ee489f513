#include "loopback_call/media_source.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "parley/base/random.hpp"

namespace loopback_call {
namespace {

using parley::I420Buffer;
using parley::Result;
using PicturePtr = std::shared_ptr<const I420Buffer>;

constexpr double kTau = 2 * std::numbers::pi;

class FilePictures final : public PictureSource {
 public:
  explicit FilePictures(Y4mReader reader) : reader_(std::move(reader)) {}
  Y4mFormat format() const override { return reader_.format(); }
  std::int64_t length() const override { return static_cast<std::int64_t>(reader_.frame_count()); }
  Result<PicturePtr> picture(std::int64_t number) override {
    return reader_.read(palindrome_index(number, reader_.frame_count()));
  }

 private:
  Y4mReader reader_;
};

/// Smooth noise of three grains, for an even and an endless landscape.
class Texture {
 public:
  Texture() {
    parley::SeededRandom random(7);
    for (double& v : grid_) v = random.unit();
  }
  double at(double x, double y) const {
    return 0.6 * octave(x / 48, y / 48) + 0.3 * octave(x / 17, y / 17) + 0.1 * octave(x / 5, y / 5);
  }

 private:
  double octave(double x, double y) const {
    const double fx = std::floor(x);
    const double fy = std::floor(y);
    const auto ix = static_cast<int>(fx);
    const auto iy = static_cast<int>(fy);
    const double tx = ease(x - fx);
    const double ty = ease(y - fy);
    const double top = node(ix, iy) * (1 - tx) + node(ix + 1, iy) * tx;
    const double bottom = node(ix, iy + 1) * (1 - tx) + node(ix + 1, iy + 1) * tx;
    return top * (1 - ty) + bottom * ty;
  }
  static double ease(double t) { return t * t * (3 - 2 * t); }
  double node(int x, int y) const {
    return grid_[static_cast<std::size_t>((y & 63) * 64 + (x & 63))];
  }
  std::array<double, 64 * 64> grid_{};
};

class GeneratedPictures final : public PictureSource {
 public:
  explicit GeneratedPictures(Y4mFormat format)
      : format_(format),
        luma_(paint(format.width, format.height, 1, 40, 210)),
        u_(paint(format.width / 2, format.height / 2, 2, 108, 148)),
        v_(paint(format.width / 2, format.height / 2, 2, 148, 108)) {
    for (int i = 0; i < kLength; ++i) pictures_.push_back(draw(i));
  }
  Y4mFormat format() const override { return format_; }
  std::int64_t length() const override { return kLength; }
  Result<PicturePtr> picture(std::int64_t number) override {
    return pictures_[palindrome_index(number, pictures_.size())];
  }

 private:
  static constexpr int kLength = 90;

  PicturePtr draw(int n) const {
    auto picture = std::make_shared<I420Buffer>(format_.width, format_.height);
    // The landscape drifts by a pixel and a bit per picture under a window of the picture's size.
    copy_window(luma_, picture->y(), 4 * n / 3, n / 3);
    copy_window(u_, picture->u(), 2 * n / 3, n / 6);
    copy_window(v_, picture->v(), 2 * n / 3, n / 6);
    for (int disc = 0; disc < 3; ++disc) draw_disc(*picture, disc, n / format_.rate.per_second());
    return picture;
  }

  struct Canvas {
    int width;
    std::vector<std::uint8_t> pixels;
  };

  static void copy_window(const Canvas& canvas, parley::PlaneView<std::uint8_t> plane, int left,
                          int top) {
    for (int y = 0; y < plane.height; ++y)
      std::copy_n(&canvas.pixels[static_cast<std::size_t>((y + top) * canvas.width + left)],
                  plane.width, plane.row(y).begin());
  }

  /// Room for the drift of all pictures is left at the right and at the bottom.
  static Canvas paint(int width, int height, double zoom, double low, double high) {
    const Texture texture;
    Canvas canvas{width + 2 * kLength, {}};
    for (int y = 0; y < height + kLength; ++y)
      for (int x = 0; x < canvas.width; ++x)
        canvas.pixels.push_back(
            static_cast<std::uint8_t>(low + (high - low) * texture.at(zoom * x, zoom * y)));
    return canvas;
  }

  void draw_disc(I420Buffer& picture, int disc, double t) const {
    const double phase = t * (0.5 + 0.2 * disc) + disc * 2.1;
    const double cx = format_.width * (0.5 + 0.35 * std::sin(phase));
    const double cy = format_.height * (0.5 + 0.3 * std::cos(1.3 * phase));
    const double radius = format_.height * 0.09;
    const auto luma = static_cast<std::uint8_t>(90 + 60 * disc);
    const auto chroma = static_cast<std::uint8_t>(80 + 48 * disc);
    fill_disc(picture.y(), cx, cy, radius, luma);
    fill_disc(picture.u(), cx / 2, cy / 2, radius / 2, chroma);
    fill_disc(picture.v(), cx / 2, cy / 2, radius / 2, static_cast<std::uint8_t>(255 - chroma));
  }

  static void fill_disc(parley::PlaneView<std::uint8_t> plane, double cx, double cy, double radius,
                        std::uint8_t value) {
    for (int y = 0; y < plane.height; ++y) {
      const double half = radius * radius - (y - cy) * (y - cy);
      if (half <= 0) continue;
      const int first = std::max(0, static_cast<int>(cx - std::sqrt(half)));
      const int last = std::min(plane.width - 1, static_cast<int>(cx + std::sqrt(half)));
      const auto row = plane.row(y);
      for (int x = first; x <= last; ++x) row[static_cast<std::size_t>(x)] = value;
    }
  }

  Y4mFormat format_;
  Canvas luma_;
  Canvas u_;
  Canvas v_;
  std::vector<PicturePtr> pictures_;
};

/// The loudness of a syllable of 220 ms followed by a gap, with a longer pause after each sixth.
double syllable_envelope(double t) {
  const double cycle = std::fmod(t, 2.0);
  if (cycle > 1.65) return 0;
  const double within = std::fmod(cycle, 0.275);
  return within < 0.22 ? std::pow(std::sin(std::numbers::pi * within / 0.22), 0.7) : 0;
}

}  // namespace

SpeechSource::SpeechSource(const PcmClip& clip) {
  mono_.resize(clip.frames());
  for (std::size_t i = 0; i < mono_.size(); ++i)
    mono_[i] = clip.channels == 1
                   ? clip.samples[i]
                   : static_cast<std::int16_t>((clip.samples[2 * i] + clip.samples[2 * i + 1]) / 2);
}

void SpeechSource::read(std::int64_t first, std::span<std::int16_t> out) const {
  auto at = static_cast<std::size_t>(first % length());
  for (std::int16_t& sample : out) {
    sample = mono_[at];
    at = at + 1 == mono_.size() ? 0 : at + 1;
  }
}

PcmClip generate_speech(double seconds) {
  PcmClip clip;
  clip.samples.resize(static_cast<std::size_t>(seconds * parley::kAudioSampleRate));
  parley::SeededRandom random(11);
  double phase = 0;
  for (std::size_t i = 0; i < clip.samples.size(); ++i) {
    const double t = static_cast<double>(i) / parley::kAudioSampleRate;
    const double pitch = 125 + 25 * std::sin(kTau * 0.7 * t) + 10 * std::sin(kTau * 2.3 * t);
    const double first_formant = 550 + 250 * std::sin(kTau * 1.1 * t);
    const double second_formant = 1500 + 600 * std::sin(kTau * 0.8 * t + 1);
    phase += kTau * pitch / parley::kAudioSampleRate;
    double voice = 0;
    for (int harmonic = 1; harmonic <= 24; ++harmonic) {
      const double f = pitch * harmonic;
      const double a = std::exp(-std::pow((f - first_formant) / 220, 2)) +
                       0.5 * std::exp(-std::pow((f - second_formant) / 300, 2)) + 0.02;
      voice += a * std::sin(harmonic * phase);
    }
    const double hiss = 0.03 * (random.unit() - 0.5);
    clip.samples[i] = static_cast<std::int16_t>(
        std::clamp(6000 * syllable_envelope(t) * (voice + hiss), -3e4, 3e4));
  }
  return clip;
}

std::size_t palindrome_index(std::int64_t number, std::size_t count) {
  if (count <= 1) return 0;
  const auto round = static_cast<std::int64_t>(2 * count - 2);
  const auto at = static_cast<std::size_t>(number % round);
  return at < count ? at : 2 * count - 2 - at;
}

std::unique_ptr<PictureSource> make_file_pictures(Y4mReader reader) {
  return std::make_unique<FilePictures>(std::move(reader));
}

std::unique_ptr<PictureSource> make_generated_pictures(Y4mFormat format) {
  return std::make_unique<GeneratedPictures>(format);
}

}  // namespace loopback_call
