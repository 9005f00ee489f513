// The state of an audio buffer, shared by its sources: audio_buffer.cpp takes packets in,
// audio_turns.cpp decides what is heard next, audio_sound.cpp makes it.
#pragma once

#include <array>
#include <optional>

#include "audio_account.hpp"
#include "audio_packets.hpp"
#include "audio_playout.hpp"
#include "parley/jitter/audio_buffer.hpp"
#include "pcm_queue.hpp"

namespace parley::jitter {

/// RFC 7587 section 4.2: packets of up to 120 ms.
inline constexpr int kMaxPacketSamples = kAudioSampleRate * 120 / 1000;
/// Decoders invent sound in multiples of 2.5 ms.
inline constexpr int kQuantum = 120;
/// Sound that is on hand before a packet is decoded, a packet of 120 ms, and a stretch of 20 ms.
inline constexpr int kQueueCapacity = 2 * kSamplesPer10Ms + kMaxPacketSamples + 2 * kSamplesPer10Ms;
/// Ours: nothing to play for so long means that the stream paused; the next packet starts it anew.
inline constexpr int kLongGap = 2 * kAudioSampleRate;

struct AudioBuffer::Impl {
  Impl(const AudioBufferConfig& config, std::unique_ptr<AudioDecoder> d,
       std::unique_ptr<DelayEstimator> e, std::unique_ptr<TimeStretcher> s)
      : decoder(std::move(d)),
        stretcher(std::move(s)),
        control(std::move(e)),
        packets(config.capacity),
        queue(decoder->channels(), kQueueCapacity) {
    control.set_bounds(config.min_delay, config.max_delay);
  }

  // In: packets.
  InsertResult insert(Timestamp now, const AudioPacket& packet);
  enum class Belonging { this_stream, another_stream, stray };
  Belonging classify(Timestamp now, const AudioPacket& packet, std::int64_t timestamp) const;
  void restart();

  // Out: sound.
  Outcome read(Timestamp now, AudioBlock& out);
  bool start(Timestamp now);
  void skip_to_target(Timestamp now);
  void cut_excess(Timestamp now);
  void produce(Timestamp now);
  void play_in_order(Timestamp now, StoredPacket& packet);
  void play_past_hole(Timestamp now, StoredPacket& next);
  void wait_in_pause();
  void decode(StoredPacket& packet);
  bool decode_copy(StoredPacket& next, int samples);
  void invent(int samples, SoundKind kind);
  void resolve(bool pause);
  void prepare_seam();
  void smooth_seam(int samples);
  void stretch(Duration change);
  Outcome emit(Timestamp now, AudioBlock& out);

  std::unique_ptr<AudioDecoder> decoder;
  std::unique_ptr<TimeStretcher> stretcher;
  PlayoutControl control;
  ReadClock clock;
  AudioPackets packets;
  PcmQueue queue;
  AudioBufferStats stats;
  AudioAccount account{stats};
  TimestampUnwrapper unwrapper;

  bool started = false;
  std::int64_t next_sequence = 0;   ///< whose turn is next; meaningful when started
  std::int64_t next_timestamp = 0;  ///< of the first sample after what was decoded
  int filled = 0;            ///< samples invented after `next_timestamp` while nothing was there
  int packet_samples = 960;  ///< of the last packet
  bool in_pause = false;     ///< the last packet announced silence
  int copies_expected = 0;   ///< packets for which the stream still counts as one with FEC
  bool seam = false;         ///< packets were skipped: fade into the next one
  std::optional<std::int64_t> suspect;  ///< second packet of another stream, were it to come
  std::array<std::int16_t, 2 * kSamplesPer10Ms> fade{};
};

}  // namespace parley::jitter
