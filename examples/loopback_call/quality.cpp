#include "loopback_call/quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace loopback_call {
namespace {

using parley::Duration;
using parley::Timestamp;
using namespace std::chrono_literals;

constexpr std::size_t kFreezeIntervals = 30;

constexpr std::int64_t kRate = parley::kAudioSampleRate;
constexpr std::int64_t kPiece = SpeechMeter::kPieceSamples;
/// The coarse search runs on every eighth sample, averaged.
constexpr std::int64_t kCoarse = 8;
/// How far the delay may move between two pieces before the whole range is searched again.
constexpr std::int64_t kNear = kRate * 60 / 1000;
/// Below this correlation the piece is taken for not found where it was looked for.
constexpr double kMatch = 0.5;
/// Pieces quieter than -50 dB of full scale say nothing.
constexpr double kSilence = 32768 * 0.003162;

using Signal = SpeechMeter::Signal;

double energy(const float* x, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i] * x[i]);
  return sum;
}

/// Sums in parts, so that floats keep their precision and the compiler can use wide registers.
double dot(const float* a, const float* b, std::size_t n) {
  double sum = 0;
  for (std::size_t at = 0; at < n;) {
    const std::size_t end = std::min(n, at + 256);
    std::array<float, 8> part{};
    for (; at + 8 <= end; at += 8)
      for (std::size_t k = 0; k < 8; ++k) part[k] += a[at + k] * b[at + k];
    for (; at < end; ++at) part[0] += a[at] * b[at];
    sum += static_cast<double>(std::accumulate(part.begin(), part.end(), 0.0F));
  }
  return sum;
}

/// The cosine of the angle between two signals; 0 when one is silent.
double correlation(const float* a, const float* b, std::size_t n) {
  const double both = energy(a, n) * energy(b, n);
  return both > 0 ? dot(a, b, n) / std::sqrt(both) : 0;
}

struct Match {
  std::int64_t offset = 0;  ///< Into the searched signal.
  double correlation = -1;
};

/// Where `piece` fits best into `field`, among offsets from `first` to `last` (kept in range).
Match best_match(const Signal& piece, const Signal& field, std::int64_t first, std::int64_t last) {
  const std::size_t n = piece.size();
  first = std::max<std::int64_t>(first, 0);
  last = std::min(last, static_cast<std::int64_t>(field.size() - n));
  Match best;
  const double own = energy(piece.data(), n);
  if (first > last || own <= 0) return best;
  // The energy of the window slides along with it.
  double window = energy(&field[static_cast<std::size_t>(first)], n);
  for (std::int64_t at = first; at <= last; ++at) {
    const auto i = static_cast<std::size_t>(at);
    const double both = own * window;
    const double c = both > 1e-3 ? dot(piece.data(), &field[i], n) / std::sqrt(both) : 0;
    if (c > best.correlation) best = {at, c};
    if (at < last) window += static_cast<double>(field[i + n] * field[i + n] - field[i] * field[i]);
  }
  return best;
}

Signal decimate(const Signal& in) {
  Signal out(in.size() / kCoarse);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = std::accumulate(&in[i * kCoarse], &in[i * kCoarse] + kCoarse, 0.0F) / kCoarse;
  return out;
}

/// The best match within `reach` samples of `around`, and between samples: a codec may delay by
/// less than a sample, which costs coherence at high frequencies. The correlation with a signal
/// moved by part of a sample is the correlations at whole samples, interpolated (both are
/// band-limited).
Match fine_match(const Signal& piece, const Signal& field, std::int64_t around) {
  constexpr std::int64_t kTaps = 16;
  constexpr std::int64_t kReach = 2 * kCoarse + kTaps;
  constexpr int kSteps = 16;
  const auto n = static_cast<std::int64_t>(piece.size());
  const std::int64_t first = std::max<std::int64_t>(0, around - kReach);
  const std::int64_t last = std::min(static_cast<std::int64_t>(field.size()) - n, around + kReach);
  std::vector<double> at;
  for (std::int64_t offset = first; offset <= last; ++offset)
    at.push_back(correlation(piece.data(), &field[static_cast<std::size_t>(offset)], piece.size()));
  if (at.empty()) return {};
  const auto peak = std::max_element(at.begin(), at.end()) - at.begin();
  Match best{first + peak, at[static_cast<std::size_t>(peak)]};
  if (peak < kTaps || peak + kTaps >= static_cast<std::int64_t>(at.size())) return best;
  for (int step = -kSteps / 2; step <= kSteps / 2; ++step) {
    double sum = 0;
    for (std::int64_t k = -kTaps; k <= kTaps; ++k) {
      const double x =
          std::numbers::pi * (static_cast<double>(k) - static_cast<double>(step) / kSteps);
      const double window = 0.5 + 0.5 * std::cos(x / (kTaps + 1));
      sum += at[static_cast<std::size_t>(peak + k)] * window *
             (std::abs(x) < 1e-9 ? 1 : std::sin(x) / x);
    }
    best.correlation = std::max(best.correlation, std::min(sum, 1.0));
  }
  return best;
}

/// With the best gain, signal to noise is c^2 / (1 - c^2).
double snr_db(double c) {
  if (c <= 0) return -10;
  const double noise = std::max(1 - c * c, 1e-9);
  return std::clamp(10 * std::log10(c * c / noise), -10.0, 35.0);
}

}  // namespace

double luma_psnr(const parley::I420Buffer& a, const parley::I420Buffer& b) {
  std::uint64_t squares = 0;
  for (int y = 0; y < a.height(); ++y) {
    const std::uint8_t* left = a.y().row(y).data();
    const std::uint8_t* right = b.y().row(y).data();
    std::uint32_t row = 0;  // up to 4096 * 255^2: fits
    for (int x = 0; x < a.width(); ++x) {
      const int d = left[x] - right[x];
      row += static_cast<std::uint32_t>(d * d);
    }
    squares += row;
  }
  if (squares == 0) return 99;
  const double pixels = static_cast<double>(a.width()) * a.height();
  return std::min(99.0, 10 * std::log10(255.0 * 255.0 * pixels / static_cast<double>(squares)));
}

void FreezeMeter::judge(Duration interval) {
  if (intervals_.empty()) return;
  const Duration average = std::accumulate(intervals_.begin(), intervals_.end(), Duration{}) /
                           static_cast<std::int64_t>(intervals_.size());
  if (interval >= std::max(3 * average, average + 150ms)) {
    ++count_;
    total_ += interval;
  }
}

void FreezeMeter::handle_frame(Timestamp now) {
  if (last_) {
    const Duration interval = now - *last_;
    judge(interval);
    intervals_.push_back(interval);
    if (intervals_.size() > kFreezeIntervals) intervals_.pop_front();
  }
  last_ = now;
}

void FreezeMeter::finish(Timestamp now) {
  if (last_) judge(now - *last_);
}

SpeechMeter::SpeechMeter(const SpeechSource& sent, std::int64_t first_sent, Duration longest_delay)
    : sent_(sent),
      first_sent_(first_sent),
      reach_(longest_delay.count() * parley::kAudioSampleRate / 1'000'000) {}

Signal SpeechMeter::said(std::int64_t from, std::int64_t to) const {
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(to - from));
  // Before its first sample nothing was said.
  const std::int64_t silent = std::clamp<std::int64_t>(first_sent_ - from, 0, to - from);
  sent_.read(from + silent, std::span(pcm).subspan(static_cast<std::size_t>(silent)));
  return {pcm.begin(), pcm.end()};
}

void SpeechMeter::handle_piece(std::span<const std::int16_t> pcm) {
  const std::int64_t at = at_;
  at_ += kPiece;
  // What was said from `reach_` before the piece to a little after it: the clocks of the two ends
  // may be a step apart.
  const std::int64_t start = first_sent_ + at - reach_;
  const Signal field = said(start, first_sent_ + at + kPiece + kRate / 50);
  const Signal piece(pcm.begin(), pcm.end());
  // Whether something was said is asked of what was sent: a piece that was lost whole counts.
  const std::int64_t expected = reach_ - delay_.value_or(0);
  if (energy(&field[static_cast<std::size_t>(expected)], kPiece) <
      static_cast<double>(kPiece) * kSilence * kSilence)
    return;

  // At the delay of the piece before, near it, and only then anywhere.
  Match best;
  const auto consider = [&best](const Match& match) {
    if (match.correlation > best.correlation) best = match;
  };
  const Signal coarse_piece = decimate(piece);
  const Signal coarse_field = decimate(field);
  if (delay_) {
    consider(fine_match(piece, field, expected));
    const Match near = best_match(coarse_piece, coarse_field, (expected - kNear) / kCoarse,
                                  (expected + kNear) / kCoarse);
    consider(fine_match(piece, field, near.offset * kCoarse));
  }
  if (best.correlation < kMatch) {
    const Match anywhere =
        best_match(coarse_piece, coarse_field, 0, static_cast<std::int64_t>(coarse_field.size()));
    consider(fine_match(piece, field, anywhere.offset * kCoarse));
  }
  const std::int64_t delay = reach_ - best.offset;
  if (best.correlation >= kMatch) delay_ = delay;
  pieces_.push_back({static_cast<double>(at) / kRate, snr_db(best.correlation),
                     1000.0 * static_cast<double>(delay) / kRate});
}

std::optional<double> SpeechMeter::mean_snr_db() const {
  if (pieces_.empty()) return std::nullopt;
  double sum = 0;
  for (const Piece& p : pieces_) sum += p.snr_db;
  return sum / static_cast<double>(pieces_.size());
}

std::optional<double> SpeechMeter::mean_delay_ms() const {
  if (pieces_.empty()) return std::nullopt;
  double sum = 0;
  for (const Piece& p : pieces_) sum += p.delay_ms;
  return sum / static_cast<double>(pieces_.size());
}

}  // namespace loopback_call
