// A call in one direction without a network: an encoder, a path as a function, an audio buffer that
// is read every 10 ms.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/codec/opus.hpp"
#include "parley/jitter/audio_buffer.hpp"

namespace parley::test {

/// Harmonics of a gliding pitch under a syllable envelope, at second `t`.
class Voice {
 public:
  std::int16_t next() {
    const double t = static_cast<double>(n_++) / 48'000.0;
    const double pitch = 140.0 + 30.0 * std::sin(2 * std::numbers::pi * 0.7 * t);
    phase_ += 2 * std::numbers::pi * pitch / 48'000.0;
    double v = 0.0;
    for (int h = 1; h <= 8; ++h) v += std::sin(h * phase_) / h;
    const double envelope = 0.55 + 0.45 * std::sin(2 * std::numbers::pi * 3.0 * t);
    return static_cast<std::int16_t>(5000.0 * envelope * v);
  }

 private:
  std::int64_t n_ = 0;
  double phase_ = 0.0;
};

/// Encoding is not what these calls are about.
inline codec::OpusEncoderConfig cheap_encoder() {
  codec::OpusEncoderConfig config;
  config.complexity = 1;
  return config;
}

struct AudioCall {
  Duration length = 20s;
  /// Delay of packet n, or nullopt when it is lost.
  std::function<std::optional<Duration>(int)> path = [](int) { return Duration{20ms}; };
  /// By how much the read number n is late.
  std::function<Duration(int)> read_lateness = [](int) { return Duration{}; };
  double sender_ppm = 0.0;  ///< how much faster the sender's clock runs than the reader's
  codec::OpusEncoderConfig encoder = cheap_encoder();
  jitter::AudioBufferConfig buffer{};
  /// True while the speaker is silent at a time since the start.
  std::function<bool(Duration)> quiet = [](Duration) { return false; };
  /// Looks on after each read.
  std::function<void(Timestamp, const jitter::AudioBuffer&, jitter::Outcome, const AudioBlock&)>
      watch = {};
  std::uint64_t seed = 1;
};

struct AudioCallResult {
  jitter::AudioBufferStats stats;
  std::map<jitter::Outcome, int> outcomes;
  double mean_delay_ms = 0.0;
  double concealed_percent = 0.0;
  double largest_step = 0.0;  ///< between two samples, out of 32768
};

inline AudioCallResult run_audio_call(const AudioCall& call) {
  const Timestamp begin = Timestamp{} + 1000s;
  auto encoder = std::move(codec::OpusEncoder::create(call.encoder)).value();
  jitter::AudioBuffer buffer{
      call.buffer, std::move(codec::OpusDecoder::create({call.encoder.channels})).value()};
  Voice voice;
  SeededRandom noise{call.seed};
  std::multimap<Timestamp, std::pair<jitter::AudioPacket, std::vector<std::uint8_t>>> flying;

  const int frame = encoder->frame_samples();
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(frame * call.encoder.channels));
  std::array<std::uint8_t, 4000> storage;
  std::int64_t sequence = 65'530;
  std::uint32_t timestamp = 0xFFFF'0000U;  // wraps soon
  int sent = 0;
  int reads = 0;
  AudioCallResult result;
  AudioBlock block;
  double last_sample = 0.0;
  Timestamp send_at = begin;
  const double frame_us = frame / 48.0 * 1000.0 / (1.0 + call.sender_ppm * 1e-6);
  std::int64_t frames = 0;
  for (Duration at{}; at < call.length; at += 10ms, ++reads) {
    const Timestamp now = begin + at + call.read_lateness(reads);
    while (send_at <= now) {
      const bool quiet = call.quiet(send_at - begin);
      for (std::size_t i = 0; i < pcm.size();
           i += static_cast<std::size_t>(call.encoder.channels)) {
        const std::int16_t v = quiet ? static_cast<std::int16_t>(noise.below(3)) : voice.next();
        for (int c = 0; c < call.encoder.channels; ++c) pcm[i + static_cast<std::size_t>(c)] = v;
      }
      const std::size_t size = encoder->encode(pcm, storage).value();
      if (size > 0) {
        if (const auto delay = call.path(sent)) {
          std::vector<std::uint8_t> payload(storage.begin(),
                                            storage.begin() + static_cast<std::ptrdiff_t>(size));
          flying.emplace(send_at + *delay,
                         std::pair{jitter::AudioPacket{sequence, timestamp, {}, false}, payload});
        }
        ++sequence;
        ++sent;
      }
      timestamp += static_cast<std::uint32_t>(frame);
      ++frames;
      send_at = begin + Duration{static_cast<std::int64_t>(static_cast<double>(frames) * frame_us)};
    }
    while (!flying.empty() && flying.begin()->first <= now) {
      auto& [packet, payload] = flying.begin()->second;
      packet.payload = payload;
      buffer.insert(flying.begin()->first, packet);
      flying.erase(flying.begin());
    }
    const auto outcome = buffer.read_10ms(now, block);
    ++result.outcomes[outcome];
    for (std::size_t i = 0; i < block.samples().size();
         i += static_cast<std::size_t>(block.channels)) {
      const double v = block.samples()[i];
      result.largest_step = std::max(result.largest_step, std::abs(v - last_sample));
      last_sample = v;
    }
    if (call.watch) call.watch(now, buffer, outcome, block);
  }
  result.stats = buffer.stats();
  result.mean_delay_ms = 1000.0 * result.stats.jitter_buffer_delay /
                         static_cast<double>(result.stats.jitter_buffer_emitted_count);
  result.concealed_percent = 100.0 * static_cast<double>(result.stats.concealed_samples) /
                             static_cast<double>(result.stats.total_samples_received);
  return result;
}

}  // namespace parley::test
