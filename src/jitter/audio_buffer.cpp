#include "parley/jitter/audio_buffer.hpp"

#include <algorithm>
#include <bit>

#include "audio_buffer_impl.hpp"
#include "parley/base/assert.hpp"

namespace parley::jitter {
namespace {

/// Largest payload taken: that of a datagram.
constexpr std::size_t kMaxPayload = 1500;
/// RFC 3550 appendix A.1, MAX_MISORDER: what is older by more is not late but another stream.
constexpr std::int64_t kMaxMisorder = 3000;
/// Ours: packets this far off the path's transit come from a sender whose clock jumped.
constexpr Duration kClockJump = 2s;

}  // namespace

InsertResult AudioBuffer::Impl::insert(Timestamp now, const AudioPacket& packet) {
  ++stats.packets_received;
  const std::size_t size = packet.payload.size();
  const auto samples =
      size >= 1 && size <= kMaxPayload ? decoder->packet_samples(packet.payload) : std::nullopt;
  if (!samples || *samples < kQuantum || *samples > kMaxPacketSamples) {
    ++stats.packets_malformed;
    return InsertResult::malformed;
  }
  InsertResult result = InsertResult::inserted;
  std::int64_t timestamp = unwrapper.peek(packet.rtp_timestamp);
  switch (classify(now, packet, timestamp)) {
    case Belonging::stray:
      suspect = packet.sequence + 1;
      ++stats.packets_discarded;
      return InsertResult::late;
    case Belonging::another_stream:
      restart();
      ++stats.restarts;
      timestamp = unwrapper.peek(packet.rtp_timestamp);
      result = InsertResult::restarted;
      break;
    case Belonging::this_stream:
      suspect.reset();
      break;
  }
  if (packets.knows(packet.sequence)) {
    ++stats.packets_duplicated;
    return InsertResult::duplicate;
  }
  unwrapper.unwrap(packet.rtp_timestamp);

  // Late packets teach the estimator too: they are why it should wait longer.
  control.on_arrival({now, media_time(timestamp), media_time(*samples)});
  if (started && packet.sequence < next_sequence) {
    ++stats.packets_discarded;
    return InsertResult::late;
  }
  StoredPacket& stored = packets.add(packet.sequence, packet.payload);
  stored.timestamp = timestamp;
  stored.samples = *samples;
  stored.arrival = now;
  stored.has_fec = decoder->has_fec(packet.payload);
  stored.is_dtx = decoder->is_dtx(packet.payload);
  if (stored.has_fec) ++stats.fec_packets_received;
  return result;
}

/// Ahead of the window of sequence numbers, or off the path's transit: another stream. Behind, one
/// packet may be very late; the second in a row is a stream that began anew (RFC 3550 appendix
/// A.1).
AudioBuffer::Impl::Belonging AudioBuffer::Impl::classify(Timestamp now, const AudioPacket& packet,
                                                         std::int64_t timestamp) const {
  if (!started && packets.empty()) return Belonging::this_stream;
  const std::int64_t first = started ? next_sequence : packets.first();
  const std::int64_t last = packets.empty() ? first : packets.last();
  if (packet.sequence - first >= packets.capacity()) return Belonging::another_stream;
  if (!started && last - packet.sequence >= packets.capacity()) return Belonging::another_stream;
  const Duration off = control.deviation(now, media_time(timestamp));
  const bool clock_jumped = off > kClockJump || off < -kClockJump;
  if (packet.sequence >= first) {
    return clock_jumped ? Belonging::another_stream : Belonging::this_stream;
  }
  if (!clock_jumped && first - packet.sequence <= kMaxMisorder) return Belonging::this_stream;
  return suspect == packet.sequence ? Belonging::another_stream : Belonging::stray;
}

void AudioBuffer::Impl::restart() {
  stats.packets_discarded += packets.size();
  packets.clear();
  unwrapper.reset();
  control.reset();
  resolve(false);
  started = false;
  in_pause = false;
  filled = 0;
  suspect.reset();
  seam = queue.length() > 0;
}

AudioBuffer::AudioBuffer(const AudioBufferConfig& config, std::unique_ptr<AudioDecoder> decoder,
                         std::unique_ptr<DelayEstimator> estimator,
                         std::unique_ptr<TimeStretcher> stretcher) {
  PARLEY_ASSERT(decoder != nullptr && (decoder->channels() == 1 || decoder->channels() == 2),
                "an audio buffer is given its decoder, of one or two channels");
  PARLEY_ASSERT(std::has_single_bit(config.capacity), "the ring is indexed by a mask");
  if (!estimator) estimator = std::make_unique<QuantileDelayEstimator>();
  if (!stretcher) stretcher = std::make_unique<OverlapStretcher>();
  impl_ = std::make_unique<Impl>(config, std::move(decoder), std::move(estimator),
                                 std::move(stretcher));
}
AudioBuffer::~AudioBuffer() = default;

InsertResult AudioBuffer::insert(Timestamp now, const AudioPacket& packet) {
  return impl_->insert(now, packet);
}

Outcome AudioBuffer::read_10ms(Timestamp now, AudioBlock& out) { return impl_->read(now, out); }

void AudioBuffer::reset() { impl_->restart(); }

void AudioBuffer::set_delay_bounds(Duration min, Duration max) {
  impl_->control.set_bounds(min, max);
}

Duration AudioBuffer::target_delay() const { return impl_->control.target_delay(); }

std::optional<std::uint32_t> AudioBuffer::playout_timestamp() const {
  if (!impl_->started) return std::nullopt;
  return static_cast<std::uint32_t>(impl_->next_timestamp - impl_->queue.length());
}

const AudioBufferStats& AudioBuffer::stats() const { return impl_->stats; }

}  // namespace parley::jitter
