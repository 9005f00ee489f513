#include "parley/jitter/audio_buffer.hpp"

#include <algorithm>
#include <bit>

#include "audio_account.hpp"
#include "audio_packets.hpp"
#include "audio_playout.hpp"
#include "parley/base/assert.hpp"

namespace parley::jitter {
namespace {

/// Largest payload taken: that of a datagram.
constexpr std::size_t kMaxPayload = 1500;
/// RFC 7587 section 4.2: packets of up to 120 ms.
constexpr int kMaxPacketSamples = kAudioSampleRate * 120 / 1000;
/// Decoders invent sound in multiples of 2.5 ms.
constexpr int kQuantum = 120;
/// Sound that is on hand before a packet is decoded, a packet of 120 ms, and a stretch of 20 ms.
constexpr int kQueueCapacity = 2 * kSamplesPer10Ms + kMaxPacketSamples + 2 * kSamplesPer10Ms;
/// Stretching needs this much sound to find a pitch in.
constexpr int kStretchLength = 2 * kSamplesPer10Ms;
/// RFC 3550 appendix A.1, MAX_MISORDER: what is older by more is not late but another stream.
constexpr std::int64_t kMaxMisorder = 3000;
/// Ours: packets this far off the path's transit come from a sender whose clock jumped.
constexpr Duration kClockJump = 2s;
/// Ours: nothing to play for so long means that the stream paused; the next packet starts it anew.
constexpr int kLongGap = 2 * kAudioSampleRate;
/// Ours: packets without a copy after which the sender seems to have stopped sending any.
constexpr int kFecMemory = 100;
/// Ours: sound below this RMS is not heard (-60 dBov).
constexpr double kSilentLevel = 0.001;
/// Ours: decoders fade out within this time; after it zeros cost less.
constexpr int kInventedAtMost = kAudioSampleRate / 2;

}  // namespace

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

Outcome AudioBuffer::Impl::read(Timestamp now, AudioBlock& out) {
  if (!started && !start(now) && queue.length() < kSamplesPer10Ms) {
    queue.clear();
    out.channels = decoder->channels();
    std::ranges::fill(out.samples(), std::int16_t{0});
    return Outcome::not_started;
  }
  const Timestamp turn = clock.tick(now);
  cut_excess(now);
  while (started && queue.length() < kSamplesPer10Ms) produce(turn);
  return emit(now, out);
}

/// Start-up: the first packet waits for its time like every other.
bool AudioBuffer::Impl::start(Timestamp now) {
  if (packets.empty()) return false;
  if (control.excess(now, media_time(packets.front().timestamp)) < 0ms) return false;
  skip_to_target(now);
  started = true;
  next_sequence = packets.front().sequence;
  next_timestamp = packets.front().timestamp;
  packet_samples = packets.front().samples;
  filled = 0;
  control.restart_measurement();
  clock.reset();
  return true;
}

/// Drops packets whose time is over so far that the one behind them is due as well.
void AudioBuffer::Impl::skip_to_target(Timestamp now) {
  while (packets.first() != packets.last()) {
    const StoredPacket& front = packets.front();
    if (control.excess(now, media_time(front.timestamp + front.samples)) < 0ms) return;
    packets.pop_front();
    ++stats.packets_discarded;
    seam = true;
  }
}

/// The drop rule for too much buffered media, after an outage or when nobody read for a while.
void AudioBuffer::Impl::cut_excess(Timestamp now) {
  if (!started || packets.empty()) return;
  const StoredPacket& newest = packets.back();
  const std::int64_t end = newest.timestamp + newest.samples;
  const Duration wanted = control.target_delay() + media_time(newest.samples);
  const Duration most = std::max(control.max_delay(), 2 * wanted);
  if (media_time(end - packets.front().timestamp) <= most) return;
  while (packets.first() != packets.last() &&
         media_time(end - packets.front().timestamp) > wanted) {
    packets.pop_front();
    ++stats.packets_discarded;
  }
  seam = true;
  next_sequence = packets.front().sequence;
  next_timestamp = packets.front().timestamp;
  filled = 0;
  resolve(false);
  clock.reset();
  clock.tick(now);
  control.restart_measurement();
}

/// Does what is due next: makes some sound or finds a packet lost.
void AudioBuffer::Impl::produce(Timestamp now) {
  if (StoredPacket* packet = packets.find(next_sequence)) return play_in_order(now, *packet);
  if (!packets.empty()) return play_past_hole(now, packets.front());
  if (in_pause) return wait_in_pause();
  if (filled >= kLongGap) {
    // What comes next has nothing to do with what was; learn its timing anew.
    resolve(false);
    control.reset();
    unwrapper.reset();
    decoder->reset();
    started = false;
  }
  invent(kSamplesPer10Ms, SoundKind::unknown);
}

void AudioBuffer::Impl::play_in_order(Timestamp now, StoredPacket& packet) {
  const std::int64_t pause = packet.timestamp - next_timestamp;
  if (pause > 0) {
    // RFC 7587 section 4.1: in DTX the timestamp advances and the sequence number does not. The
    // pause ends when the packet's time has come, however long that makes it: here the delay
    // adapts for free.
    resolve(true);
    in_pause = true;
    if (control.excess(now, media_time(packet.timestamp)) < 0ms) return wait_in_pause();
    control.restart_measurement();
  } else if (filled > 0) {
    resolve(in_pause);
    control.restart_measurement();
  }
  control.on_turn(false, copies_expected > 0, media_time(packet.samples));
  const Duration change = control.on_decode(now, media_time(packet.timestamp));
  decode(packet);
  if (change != 0ms) stretch(change);
}

/// The turn of `next_sequence` has come, and only packets after it are there.
void AudioBuffer::Impl::play_past_hole(Timestamp now, StoredPacket& next) {
  const std::int64_t lost = next.sequence - next_sequence;
  const std::int64_t missing = next.timestamp - next_timestamp;
  // In a pause nothing was said; and what was invented already stands for what was lost.
  if (in_pause || missing <= filled) {
    stats.packets_lost += static_cast<std::uint64_t>(lost);
    next_sequence = next.sequence;
    if (!in_pause) {
      resolve(false);
      next_timestamp = next.timestamp;
      filled = 0;
    }
    return play_in_order(now, next);
  }
  ++stats.packets_lost;
  control.on_turn(true, copies_expected > 0, media_time(packet_samples));
  resolve(false);
  // Lost packets share the missing time; a pause among them is told by what is left over.
  const auto share = static_cast<int>(
      std::clamp<std::int64_t>(missing / lost, 1, std::max(packet_samples, next.samples)));
  const int wanted = std::max(share - filled, 0);
  if (wanted > 0 && !(lost == 1 && decode_copy(next, wanted))) {
    invent((wanted + kQuantum - 1) / kQuantum * kQuantum, SoundKind::conceal);
  }
  filled = std::max(filled - share, 0);
  next_timestamp += share;
  ++next_sequence;
}

void AudioBuffer::Impl::wait_in_pause() { invent(kSamplesPer10Ms, SoundKind::silence); }

void AudioBuffer::Impl::decode(StoredPacket& packet) {
  if (seam) prepare_seam();
  const auto decoded = decoder->decode(packet.payload, queue.tail());
  if (decoded && *decoded == packet.samples) {
    queue.commit({SoundKind::normal, packet.samples, packet.arrival});
    if (seam) smooth_seam(packet.samples);
  } else {
    // The framing was valid and the contents were not: as good as lost.
    invent((packet.samples + kQuantum - 1) / kQuantum * kQuantum, SoundKind::conceal);
  }
  if (packet.has_fec && !packet.fec_used) ++stats.fec_packets_discarded;
  // Encoders leave the copy out where it would not be heard: its absence means nothing at once.
  copies_expected = packet.has_fec ? kFecMemory : std::max(copies_expected - 1, 0);
  in_pause = packet.is_dtx;
  packet_samples = packet.samples;
  next_sequence = packet.sequence + 1;
  next_timestamp = packet.timestamp + packet.samples;
  filled = 0;
  packets.pop_front();
}

/// Decodes the copy in `next` of the packet before it and keeps the last `samples` of it.
bool AudioBuffer::Impl::decode_copy(StoredPacket& next, int samples) {
  if (!next.has_fec) return false;
  // The copy is of the duration of a packet; the decoder takes whole quanta only.
  const int whole = std::max(packet_samples, (samples + kQuantum - 1) / kQuantum * kQuantum);
  const auto decoded = decoder->decode_fec(next.payload, whole, queue.tail());
  if (!decoded || *decoded != whole) return false;
  queue.commit({SoundKind::fec, whole, next.arrival});
  queue.drop_before_last(whole, whole - samples);
  next.fec_used = true;
  return true;
}

void AudioBuffer::Impl::invent(int samples, SoundKind kind) {
  const auto tail = queue.tail();
  const auto count = static_cast<std::size_t>(samples * queue.channels());
  const bool faded_out = filled >= kInventedAtMost && kind == SoundKind::unknown;
  const auto made = faded_out ? Result<int>{Error{}} : decoder->conceal(samples, tail);
  if (!made || *made != samples) std::ranges::fill(tail.first(count), std::int16_t{0});
  queue.commit({kind, samples, {}});
  if (kind != SoundKind::conceal) filled = std::min(filled + samples, kLongGap);
}

void AudioBuffer::Impl::resolve(bool pause) {
  account.resolve(pause);
  queue.resolve_unknown(pause ? SoundKind::silence : SoundKind::conceal);
}

/// What would have come next, had nothing been skipped.
void AudioBuffer::Impl::prepare_seam() {
  const auto made = decoder->conceal(kSamplesPer10Ms, queue.tail());
  if (!made || *made != kSamplesPer10Ms) return fade.fill(0);
  std::copy_n(queue.tail().begin(), queue.channels() == 2 ? 2 * kSamplesPer10Ms : kSamplesPer10Ms,
              fade.begin());
}

/// After a skip the new sound fades in over a continuation of the old one. Without it, the jump
/// from one waveform to another would be a click.
void AudioBuffer::Impl::smooth_seam(int samples) {
  seam = false;
  const int length = std::min(samples, kSamplesPer10Ms);
  const auto begin = static_cast<std::size_t>((queue.length() - samples) * queue.channels());
  const auto fresh = queue.all().subspan(begin);
  for (int i = 0; i < length * queue.channels(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const int in = i / queue.channels();
    fresh[at] = static_cast<std::int16_t>((fade[at] * (length - in) + fresh[at] * in) / length);
  }
}

/// Makes what is queued longer or shorter by about `change`, if that can go unheard.
void AudioBuffer::Impl::stretch(Duration change) {
  // Packets shorter than a pitch period are joined first, as far as they are there.
  while (queue.length() < kStretchLength) {
    StoredPacket* next = packets.find(next_sequence);
    if (next == nullptr || next->timestamp != next_timestamp) return;
    control.on_turn(false, copies_expected > 0, media_time(next->samples));
    decode(*next);
  }
  const int length = queue.length();
  const auto samples = static_cast<int>(change.count() * kAudioSampleRate / 1'000'000);
  int stretched = length;
  if (samples < 0) {
    const int least = std::max(length + samples, kSamplesPer10Ms);
    stretched = stretcher->accelerate(queue.all(), queue.channels(), length, least);
  } else {
    // A little more than asked for, so that sound of a low pitch can be lengthened by a period.
    const int most = std::min(length + std::max(samples, kSamplesPer10Ms), length + queue.room());
    stretched = stretcher->expand(queue.all(), queue.channels(), length, most);
  }
  if (stretched == length) return;
  if (stretched < length) {
    stats.removed_samples_for_acceleration += static_cast<std::uint64_t>(length - stretched);
  } else {
    stats.inserted_samples_for_deceleration += static_cast<std::uint64_t>(stretched - length);
  }
  queue.resize(stretched);
  control.restart_measurement();
}

Outcome AudioBuffer::Impl::emit(Timestamp now, AudioBlock& out) {
  out.channels = queue.channels();
  const AudioAccount::Delays delays{control.target_delay(), control.minimum_delay()};
  Outcome outcome = Outcome::silence;
  std::array<std::pair<Segment, int>, PcmQueue::kMaxSegments> parts;
  std::size_t used = 0;
  queue.take(kSamplesPer10Ms, out.samples(), [&](const Segment& segment, int samples) {
    parts[used++] = {segment, samples};
  });
  const double level = audio_level(out);
  const bool silent = level < kSilentLevel;
  for (std::size_t i = 0; i < used; ++i) {
    const auto& [segment, samples] = parts[i];
    account.count(segment, samples, now, delays, silent);
    const auto part = segment.kind == SoundKind::normal    ? Outcome::normal
                      : segment.kind == SoundKind::fec     ? Outcome::fec
                      : segment.kind == SoundKind::silence ? Outcome::silence
                                                           : Outcome::conceal;
    const bool worse = outcome == Outcome::silence || part > outcome;
    if (worse && part != Outcome::silence) outcome = part;
  }
  account.measure(level);
  return outcome;
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
