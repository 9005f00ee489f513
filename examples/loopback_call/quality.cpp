#include "loopback_call/quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace loopback_call {
namespace {

using parley::Duration;
using parley::Timestamp;
using namespace std::chrono_literals;

constexpr std::size_t kFreezeIntervals = 30;

constexpr std::int64_t kPiece = SpeechMeter::kPieceSamples;
/// What is below is in samples of the speech band.
constexpr std::int64_t kRate = SpeechBand::kRate;
constexpr std::int64_t kDecimation = parley::kAudioSampleRate / kRate;
constexpr std::int64_t kBandPiece = kPiece / kDecimation;
/// How much younger than the piece the speech may be in which it is looked for: the clocks of the
/// two ends may be a step apart.
constexpr std::int64_t kLead = kRate / 50;
/// How far the delay may move between two pieces before the whole range is searched.
constexpr std::int64_t kNear = kRate * 60 / 1000;
/// Below this correlation the piece is taken for not found where it was looked for.
constexpr double kMatch = 0.5;
/// From here on nothing better is looked for.
constexpr double kGood = 0.9;
/// Pieces quieter than -50 dB of full scale say nothing.
constexpr double kSilence = 32768 * 0.003162;

using Signal = std::vector<float>;

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

struct Match {
  double offset = 0;        ///< Into the searched signal.
  double correlation = -1;  ///< The cosine of the angle between both.
};

/// The correlation between samples, from those at samples around `peak`: a signal that is moved by
/// part of a sample is its neighbours, interpolated, and so is its correlation.
Match interpolate(const std::vector<double>& at, std::int64_t peak) {
  constexpr std::int64_t kTaps = 8;
  constexpr int kSteps = 16;
  Match best{0, at[static_cast<std::size_t>(peak)]};
  if (peak < kTaps || peak + kTaps >= static_cast<std::int64_t>(at.size())) return best;
  for (int step = -kSteps / 2; step <= kSteps / 2; ++step) {
    const double shift = static_cast<double>(step) / kSteps;
    double sum = 0;
    for (std::int64_t k = -kTaps; k <= kTaps; ++k) {
      const double x = std::numbers::pi * (static_cast<double>(k) - shift);
      const double window = 0.5 + 0.5 * std::cos(x / (kTaps + 1));
      sum += at[static_cast<std::size_t>(peak + k)] * window *
             (std::abs(x) < 1e-9 ? 1 : std::sin(x) / x);
    }
    if (sum > best.correlation) best = {shift, std::min(sum, 1.0)};
  }
  return best;
}

/// Where `piece` fits best into `field`, among the offsets from `first` to `last` that it has.
Match best_match(const Signal& piece, const Signal& field, std::int64_t first, std::int64_t last) {
  const std::size_t n = piece.size();
  first = std::max<std::int64_t>(first, 0);
  last = std::min(last, static_cast<std::int64_t>(field.size()) - static_cast<std::int64_t>(n));
  if (first > last) return {};
  std::vector<double> at;
  const double own = energy(piece.data(), n);
  // The energy of the window slides along with it.
  double window = energy(&field[static_cast<std::size_t>(first)], n);
  for (std::int64_t offset = first; offset <= last; ++offset) {
    const auto i = static_cast<std::size_t>(offset);
    const double both = own * window;
    at.push_back(both > 1e-3 ? dot(piece.data(), &field[i], n) / std::sqrt(both) : 0);
    if (offset < last)
      window += static_cast<double>(field[i + n] * field[i + n] - field[i] * field[i]);
  }
  const std::int64_t peak = std::max_element(at.begin(), at.end()) - at.begin();
  Match best = interpolate(at, peak);
  best.offset += static_cast<double>(first + peak);
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

// The sections are those of the Audio EQ Cookbook (R. Bristow-Johnson), with Butterworth's Q.
SpeechBand::Section SpeechBand::high_pass(double frequency) {
  const double w = 2 * std::numbers::pi * frequency / parley::kAudioSampleRate;
  const double c = std::cos(w);
  const double alpha = std::sin(w) / std::numbers::sqrt2;
  const double a0 = 1 + alpha;
  return {(1 + c) / 2 / a0, -(1 + c) / a0, (1 + c) / 2 / a0, -2 * c / a0, (1 - alpha) / a0};
}

SpeechBand::Section SpeechBand::low_pass(double frequency) {
  const double w = 2 * std::numbers::pi * frequency / parley::kAudioSampleRate;
  const double c = std::cos(w);
  const double alpha = std::sin(w) / std::numbers::sqrt2;
  const double a0 = 1 + alpha;
  return {(1 - c) / 2 / a0, (1 - c) / a0, (1 - c) / 2 / a0, -2 * c / a0, (1 - alpha) / a0};
}

double SpeechBand::Section::step(double x) {
  const double y = b0 * x + s1;
  s1 = b1 * x - a1 * y + s2;
  s2 = b2 * x - a2 * y;
  return y;
}

SpeechBand::SpeechBand()
    : sections_{high_pass(300), high_pass(300), low_pass(3400), low_pass(3400)} {}

void SpeechBand::push(std::span<const std::int16_t> pcm, std::vector<float>& out) {
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    double value = pcm[i];
    for (Section& section : sections_) value = section.step(value);
    if (i % kDecimation == 0) out.push_back(static_cast<float>(value));
  }
}

SpeechMeter::SpeechMeter(const SpeechSource& sent, std::int64_t first_sent, Duration longest_delay)
    : sent_(sent),
      next_sent_(first_sent),
      reach_(longest_delay.count() * kRate / 1'000'000),
      // Before its first sample nothing was said.
      said_(static_cast<std::size_t>(reach_ + kBandPiece), 0.0F) {
  hear_sent(kLead * kDecimation);
}

void SpeechMeter::hear_sent(std::int64_t samples) {
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(samples));
  sent_.read(next_sent_, pcm);
  next_sent_ += samples;
  sent_band_.push(pcm, said_);
}

void SpeechMeter::handle_piece(std::span<const std::int16_t> pcm) {
  const double at_s = std::exchange(at_s_, at_s_ + 0.5);
  said_.erase(said_.begin(), said_.begin() + kBandPiece);
  hear_sent(kPiece);
  Signal piece;
  received_band_.push(pcm, piece);
  // Whether something was said is asked of what was sent: a piece that was lost whole counts.
  const std::int64_t expected = reach_ - std::lround(delay_.value_or(0));
  if (energy(&said_[static_cast<std::size_t>(expected)], kBandPiece) <
      static_cast<double>(kBandPiece) * kSilence * kSilence)
    return;

  Match best;
  const auto look = [&](std::int64_t first, std::int64_t last) {
    const Match match = best_match(piece, said_, first, last);
    if (match.correlation > best.correlation) best = match;
  };
  constexpr std::int64_t kHere = 16;
  if (delay_) look(expected - kHere, expected + kHere);
  if (delay_ && best.correlation < kGood) look(expected - kNear, expected + kNear);
  if (best.correlation < kMatch) look(0, static_cast<std::int64_t>(said_.size()));
  const double delay = static_cast<double>(reach_) - best.offset;
  if (best.correlation >= kMatch) delay_ = delay;
  pieces_.push_back({at_s, snr_db(best.correlation), 1000.0 * delay / kRate});
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
