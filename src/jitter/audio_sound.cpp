// How sound is made, joined, stretched and handed out.
#include <algorithm>

#include "audio_buffer_impl.hpp"

namespace parley::jitter {
namespace {

/// Stretching needs this much sound to find a pitch in.
constexpr int kStretchLength = 2 * kSamplesPer10Ms;
/// Ours: packets without a copy after which the sender seems to have stopped sending any.
constexpr int kFecMemory = 100;
/// Ours: sound below this RMS is not heard (-60 dBov).
constexpr double kSilentLevel = 0.001;
/// Ours: decoders fade out within this time; after it zeros cost less.
constexpr int kInventedAtMost = kAudioSampleRate / 2;

}  // namespace

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

}  // namespace parley::jitter
