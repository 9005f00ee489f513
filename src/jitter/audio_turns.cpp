// What is heard next: the packet whose turn it is, what stands in for it, or a pause.
#include <algorithm>

#include "audio_buffer_impl.hpp"

namespace parley::jitter {
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

}  // namespace parley::jitter
