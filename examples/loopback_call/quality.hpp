// How good what arrived is: pictures against the pictures that were sent, sound against the sound.
#pragma once

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

/// Received speech against sent speech, by pieces of half a second.
///
/// Each piece is looked for in the sent speech by cross-correlation: coarsely at 6 kHz, then to the
/// sample, then between samples; near the delay of the piece before, and when that is no match,
/// within `longest_delay`. So a jitter buffer that changes its delay costs nothing but the piece in
/// which it does. With the best gain g the SNR of a piece is |g s|^2 / |r - g s|^2, over the whole
/// band. Opus keeps the waveform of low frequencies and the sound of high ones, so even undisturbed
/// speech at 32 to 64 kbit/s measures about 10 to 20 dB: the figure is for comparing runs, and it
/// falls with concealment, with clicks and with wrong samples.
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

  using Signal = std::vector<float>;

 private:
  /// Samples `from` to `to` as they were said: silence before the first.
  Signal said(std::int64_t from, std::int64_t to) const;

  const SpeechSource& sent_;
  std::int64_t first_sent_;
  std::int64_t reach_;
  std::int64_t at_ = 0;  ///< Samples before the next piece.
  std::optional<std::int64_t> delay_;
  std::vector<Piece> pieces_;
};

}  // namespace loopback_call
