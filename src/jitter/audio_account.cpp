#include "audio_account.hpp"

#include <cmath>

namespace parley::jitter {

void AudioAccount::count(const Segment& segment, int samples, Timestamp now, const Delays& delays,
                         bool silent) {
  const auto n = static_cast<std::uint64_t>(samples);
  stats_.total_samples_received += n;
  switch (segment.kind) {
    case SoundKind::unknown:
      unknown_ += n;
      unknown_silent_ += silent ? n : 0;
      if (unknown_ > kPatience) resolve(false);
      return;
    case SoundKind::conceal:
      count_concealed(n, silent ? n : 0);
      return;
    case SoundKind::silence:
      stats_.silence_samples += n;
      concealing_ = false;
      return;
    case SoundKind::fec:
      stats_.fec_samples += n;
      break;
    case SoundKind::normal:
      break;
  }
  concealing_ = false;
  stats_.jitter_buffer_delay += to_seconds(now - segment.arrival) * samples;
  stats_.jitter_buffer_target_delay += to_seconds(delays.target) * samples;
  stats_.jitter_buffer_minimum_delay += to_seconds(delays.minimum) * samples;
  stats_.jitter_buffer_emitted_count += n;
}

void AudioAccount::count_concealed(std::uint64_t samples, std::uint64_t silent) {
  if (samples == 0) return;
  stats_.concealed_samples += samples;
  stats_.silent_concealed_samples += silent;
  if (!concealing_) ++stats_.concealment_events;
  concealing_ = true;
}

void AudioAccount::resolve(bool pause) {
  if (pause) {
    stats_.silence_samples += unknown_;
  } else {
    count_concealed(unknown_, unknown_silent_);
  }
  unknown_ = 0;
  unknown_silent_ = 0;
}

void AudioAccount::measure(double level) {
  // webrtc-stats: the energy of a sample is its duration times the square of its level.
  constexpr double kBlockSeconds = 0.01;
  stats_.audio_level = level;
  stats_.total_audio_energy += level * level * kBlockSeconds;
  stats_.total_samples_duration += kBlockSeconds;
}

double audio_level(const AudioBlock& block) {
  std::int64_t sum = 0;
  for (const int s : block.samples()) sum += s * s;
  return std::sqrt(static_cast<double>(sum) / static_cast<double>(block.samples().size())) /
         32768.0;
}

}  // namespace parley::jitter
