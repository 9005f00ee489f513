#include <algorithm>
#include <cmath>
#include <optional>

#include "parley/jitter/time_stretcher.hpp"

namespace parley::jitter {
namespace {

/// Samples per channel at 48 kHz. The lags cover pitch from 67 to 400 Hz.
constexpr int kMinLag = 120;
constexpr int kMaxLag = 720;
constexpr int kOverlap = 480;
/// The coarse search sees every fourth sample: 12 kHz hold all that makes a pitch.
constexpr int kStep = 4;
/// Similarity from which a cut goes unheard in voiced sound; between 0 and 1. Ours.
constexpr double kSimilar = 0.75;
/// Mean square of a sample below which everything goes: about -55 dBov.
constexpr double kQuietPower = 60.0 * 60.0;

/// The sum of all channels at one instant.
double mono(const std::int16_t* pcm, int channels, int at) {
  const std::int16_t* sample = pcm + static_cast<std::ptrdiff_t>(at) * channels;
  return channels == 1 ? sample[0] : (sample[0] + sample[1]) * 0.5;
}

struct Match {
  double similarity = -1.0;
  double power = 0.0;
};

/// Compares the first kOverlap samples with those `lag` later, every `step`th of them.
Match compare(const std::int16_t* pcm, int channels, int lag, int step) {
  double ab = 0.0;
  double aa = 0.0;
  double bb = 0.0;
  for (int i = 0; i < kOverlap; i += step) {
    const double a = mono(pcm, channels, i);
    const double b = mono(pcm, channels, i + lag);
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  const double norm = std::sqrt(aa * bb);
  return {norm > 0.0 ? ab / norm : 1.0, (aa + bb) * step / (2.0 * kOverlap)};
}

/// The lag up to `limit` at which the sound repeats itself best; nullopt when it never does.
std::optional<int> find_lag(const std::int16_t* pcm, int channels, int length, int limit) {
  limit = std::min({limit, kMaxLag, length - kOverlap});
  if (limit < kMinLag) return std::nullopt;
  int best = kMinLag;
  Match best_match;
  double loudest = 0.0;
  for (int lag = kMinLag; lag <= limit; lag += kStep) {
    const Match match = compare(pcm, channels, lag, kStep);
    loudest = std::max(loudest, match.power);
    if (match.similarity > best_match.similarity) {
      best_match = match;
      best = lag;
    }
  }
  if (loudest < kQuietPower) return limit;
  if (best_match.similarity < kSimilar) return std::nullopt;
  const int from = std::max(kMinLag, best - kStep + 1);
  const int to = std::min(limit, best + kStep - 1);
  best_match = {};
  for (int lag = from; lag <= to; ++lag) {
    const Match match = compare(pcm, channels, lag, 1);
    if (match.similarity > best_match.similarity) {
      best_match = match;
      best = lag;
    }
  }
  return best;
}

/// Goes over from `from` to `to` linearly within kOverlap samples. `out` may be either.
void cross_fade(const std::int16_t* from, const std::int16_t* to, int channels, std::int16_t* out) {
  for (int i = 0; i < kOverlap; ++i) {
    for (int c = 0; c < channels; ++c) {
      const int at = i * channels + c;
      const int mixed = from[at] * (kOverlap - i) + to[at] * i;
      out[at] = static_cast<std::int16_t>(mixed / kOverlap);
    }
  }
}

}  // namespace

int OverlapStretcher::accelerate(std::span<std::int16_t> pcm, int channels, int length,
                                 int min_length) {
  const auto lag = find_lag(pcm.data(), channels, length, length - min_length);
  if (!lag) return length;
  // [0, overlap) fades into what follows one lag later; the lag disappears.
  const std::ptrdiff_t cut = static_cast<std::ptrdiff_t>(*lag) * channels;
  cross_fade(pcm.data(), pcm.data() + cut, channels, pcm.data());
  const auto kept = pcm.begin() + static_cast<std::ptrdiff_t>(kOverlap) * channels;
  std::move(kept + cut, pcm.begin() + static_cast<std::ptrdiff_t>(length) * channels, kept);
  return length - *lag;
}

int OverlapStretcher::expand(std::span<std::int16_t> pcm, int channels, int length,
                             int max_length) {
  const auto lag = find_lag(pcm.data(), channels, length, max_length - length);
  if (!lag) return length;
  // [0, lag) is heard, then fades back to the beginning: the lag is heard twice.
  const std::ptrdiff_t extra = static_cast<std::ptrdiff_t>(*lag) * channels;
  const auto end = pcm.begin() + static_cast<std::ptrdiff_t>(length) * channels;
  std::array<std::int16_t, 2 * kOverlap> seam{};
  cross_fade(pcm.data() + extra, pcm.data(), channels, seam.data());
  const auto seam_size = static_cast<std::ptrdiff_t>(kOverlap) * channels;
  std::move_backward(pcm.begin() + seam_size, end, end + extra);
  std::copy(seam.begin(), seam.begin() + seam_size, pcm.begin() + extra);
  return length + *lag;
}

}  // namespace parley::jitter
