// The audio jitter buffer: packets in at any time and in any order, 10 ms of sound out whenever it
// is asked for.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/sequence.hpp"
#include "parley/jitter/delay_estimator.hpp"
#include "parley/jitter/time_stretcher.hpp"

namespace parley::jitter {

/// One received audio packet.
struct AudioPacket {
  std::int64_t sequence = 0;        ///< unwrapped sequence number
  std::uint32_t rtp_timestamp = 0;  ///< 48 kHz
  Bytes payload;                    ///< borrowed, copied on insert; 1 to 1500 bytes
  bool marker = false;              ///< first packet after a silence (RFC 3551 section 4.1)
};

/// What a block of sound consists of. A mixed block is called by the worst part of it.
enum class Outcome {
  not_started,  ///< nothing came yet, or the first packets wait for their turn: zeros
  normal,       ///< decoded
  silence,      ///< a pause of the sender (DTX): comfort noise, not concealment
  fec,          ///< at least partly from the redundant copy in a later packet
  conceal,      ///< at least partly invented
};

/// What became of an inserted packet.
enum class InsertResult {
  inserted,
  duplicate,  ///< its sequence number is buffered already
  late,       ///< its turn is over
  malformed,  ///< empty, too large, or not valid for the decoder
  restarted,  ///< so far from the others that the buffer was emptied and begins with it
};

struct AudioBufferConfig {
  Duration min_delay{};     ///< lower bound of the target delay
  Duration max_delay = 1s;  ///< upper bound; more buffered media than this is cut
  std::size_t capacity =
      256;  ///< packets, a power of two; also the widest span of sequence numbers
};

/// Counters in the sense of W3C webrtc-stats, all since construction. Samples are per channel.
struct AudioBufferStats {
  double jitter_buffer_delay = 0.0;          ///< jitterBufferDelay: seconds, summed over samples
  double jitter_buffer_target_delay = 0.0;   ///< jitterBufferTargetDelay
  double jitter_buffer_minimum_delay = 0.0;  ///< jitterBufferMinimumDelay
  std::uint64_t jitter_buffer_emitted_count = 0;
  std::uint64_t total_samples_received = 0;  ///< all samples given out, invented ones included
  std::uint64_t concealed_samples = 0;
  std::uint64_t silent_concealed_samples = 0;
  std::uint64_t concealment_events = 0;
  std::uint64_t inserted_samples_for_deceleration = 0;
  std::uint64_t removed_samples_for_acceleration = 0;
  std::uint64_t fec_packets_received = 0;   ///< packets that carried a copy of the one before
  std::uint64_t fec_packets_discarded = 0;  ///< of these, those whose copy was not needed
  std::uint64_t packets_discarded = 0;      ///< late ones, and those cut from an overfull buffer
  std::uint64_t packets_received = 0;       ///< all that were handed in
  std::uint64_t packets_duplicated = 0;
  std::uint64_t packets_malformed = 0;
  std::uint64_t packets_lost = 0;     ///< not there when their turn came, whether or not FEC helped
  std::uint64_t fec_samples = 0;      ///< samples from redundant copies
  std::uint64_t silence_samples = 0;  ///< comfort noise of DTX
  std::uint64_t restarts = 0;
  double total_audio_energy = 0.0;
  double total_samples_duration = 0.0;  ///< seconds
  double audio_level = 0.0;             ///< RMS of the last block, 0 to 1 (0 dBov)
};

/// Reorders packets, decodes them when their turn comes, and hides what is missing: by the
/// redundant copy in the next packet, else by the decoder's invention. The delay follows the
/// measured spread of arrivals (DelayEstimator), one packet more while packets are lost that FEC
/// could bring back; it is changed by stretching (TimeStretcher), within pauses, and by the gaps
/// that an underrun leaves. Drift between the sender's clock and the reader's is absorbed the same
/// way.
///
/// A missing packet counts as lost when it was not there at its turn. A pause (timestamps go on,
/// sequence numbers are contiguous) is not loss: sound that had to be invented before the pause
/// could be told from a loss is not counted as concealment.
///
/// Bounds: `capacity` packets; a packet outside the window of sequence numbers empties the buffer
/// and begins anew (a stream restart); at more than `max_delay` of buffered media the oldest
/// packets are dropped down to the target. No allocation per packet once payload storage has grown
/// to the largest packet.
///
/// Owns decoder, estimator and stretcher. One sequence of execution; `read_10ms` decodes. Times may
/// come from any clock of one origin, and are not expected to be evenly spaced.
class AudioBuffer {
 public:
  /// Null `estimator` or `stretcher` choose QuantileDelayEstimator and OverlapStretcher.
  AudioBuffer(const AudioBufferConfig& config, std::unique_ptr<AudioDecoder> decoder,
              std::unique_ptr<DelayEstimator> estimator = nullptr,
              std::unique_ptr<TimeStretcher> stretcher = nullptr);
  ~AudioBuffer();

  InsertResult insert(Timestamp now, const AudioPacket& packet);
  /// Gives the next 10 ms, always all of it. `now` is when it is asked for.
  Outcome read_10ms(Timestamp now, AudioBlock& out);
  /// Another stream (new SSRC, BYE): empties the buffer; counters go on.
  void reset();
  /// Bounds of the target delay (playout-delay extension, jitterBufferTarget). `min` not above
  /// `max`, both from 0 to 10 s, else clamped.
  void set_delay_bounds(Duration min, Duration max);

  /// The delay wanted now, above the fastest recent packet.
  Duration target_delay() const;
  /// The RTP timestamp of the sample that `read_10ms` gives out next; nullopt before the start. For
  /// synchronisation with other streams.
  std::optional<std::uint32_t> playout_timestamp() const;
  const AudioBufferStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::jitter
