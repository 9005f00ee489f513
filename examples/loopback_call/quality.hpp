// How good what arrived is: pictures against the pictures that were sent, sound against the sound.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "loopback_call/media_source.hpp"
#include "parley/base/media.hpp"
#include "parley/base/time.hpp"

namespace loopback_call {

/// Peak signal-to-noise ratio of the luma plane in dB: 10 log10(255^2 / mean squared error). Equal
/// pictures give 99. Both of one size.
double luma_psnr(const parley::I420Buffer& a, const parley::I420Buffer& b);

/// Freezes as W3C webrtc-stats defines freezeCount: the time between two rendered frames is a
/// freeze when it reaches max(3 * average, average + 150 ms), where the average is taken over the
/// last 30 intervals.
class FreezeMeter {
 public:
  /// A frame is shown at `now`.
  void handle_frame(parley::Timestamp now);
  /// Nothing was shown since the last frame, and the call ends at `now`.
  void finish(parley::Timestamp now);

  int count() const { return count_; }
  parley::Duration total() const { return total_; }

 private:
  void judge(parley::Duration interval);
  std::optional<parley::Timestamp> last_;
  std::deque<parley::Duration> intervals_;
  int count_ = 0;
  parley::Duration total_{};
};

/// The band of a telephone, 300 to 3400 Hz, of a stream of 48 kHz, at 12 kHz.
class SpeechBand {
 public:
  static constexpr int kRate = 12'000;

  SpeechBand();
  /// Appends what `pcm` contributes to `out`: a quarter of its samples. `pcm` has a multiple of
  /// four.
  void push(std::span<const std::int16_t> pcm, std::vector<float>& out);

 private:
  /// Second-order section, transposed direct form.
  struct Section {
    double b0, b1, b2, a1, a2;
    double s1 = 0;
    double s2 = 0;
    double step(double x);
  };
  static Section high_pass(double frequency);
  static Section low_pass(double frequency);
  std::array<Section, 4> sections_;
};

/// Received speech against sent speech, by pieces of half a second.
///
/// Each piece is looked for in the sent speech by cross-correlation, between samples too: at the
/// delay of the piece before, then near it, then within `longest_delay`. So a jitter buffer that
/// changes its delay costs nothing but the piece in which it does. With the best gain g the SNR of
/// a piece is |g s|^2 / |r - g s|^2, in the band of a telephone: below it Opus takes the rumble
/// away, above it, it keeps the sound and not the waveform. Undisturbed speech at 32 kbit/s
/// measures about 13 dB, at 64 kbit/s 15 dB. The figure is for comparing runs; it falls with
/// concealment, with stretched time, with clicks and with wrong samples.
///
/// One thread at a time; memory does not grow with the call but for 24 bytes per piece.
class SpeechMeter {
 public:
  /// Samples of a piece.
  static constexpr std::size_t kPieceSamples = parley::kAudioSampleRate / 2;

  /// `first_sent` is the sample of `sent` that was captured at the instant the first piece begins
  /// to play. `sent` outlives the meter.
  SpeechMeter(const SpeechSource& sent, std::int64_t first_sent, parley::Duration longest_delay);

  /// The next `kPieceSamples` samples that were played.
  void handle_piece(std::span<const std::int16_t> pcm);

  struct Piece {
    double at_s;      ///< Since the first piece began.
    double snr_db;    ///< Limited to -10 ... 35 dB, as is usual for segmental measures.
    double delay_ms;  ///< From the sent sample to the received one.
  };
  /// Those in which something was said.
  const std::vector<Piece>& pieces() const { return pieces_; }
  /// Mean over the pieces; nullopt when there is none.
  std::optional<double> mean_snr_db() const;
  std::optional<double> mean_delay_ms() const;

 private:
  void hear_sent(std::int64_t samples);

  const SpeechSource& sent_;
  std::int64_t next_sent_;  ///< of the source, at 48 kHz
  std::int64_t reach_;      ///< longest delay, in samples of the band
  SpeechBand sent_band_;
  SpeechBand received_band_;
  std::vector<float> said_;      ///< from `reach_` before the piece to a little after it
  std::optional<double> delay_;  ///< of the last piece that was found, in samples of the band
  double at_s_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace loopback_call
