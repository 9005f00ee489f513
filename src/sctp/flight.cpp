#include "sctp/flight.hpp"

#include <algorithm>

#include "parley/base/assert.hpp"
#include "sctp/forward_tsn_chunk.hpp"

namespace parley::sctp {

using PartState = SentPart::State;

void Flight::start(std::uint32_t initial_tsn) {
  PARLEY_ASSERT(parts_.empty(), "nothing is sent before the numbers are known");
  cumulative_ = (std::int64_t{1} << 32) + std::int64_t{initial_tsn} - 1;
}

std::int64_t Flight::add(Timestamp now, const Part& part, std::size_t wire_size) {
  SentPart sent;
  sent.sent_at = now;
  sent.mark = delivery_rate_.mark(now, in_flight_ == 0);
  sent.offset = part.offset;
  sent.message = part.message;
  sent.fragment = part.fragment;
  sent.size = static_cast<std::uint16_t>(part.size);
  sent.wire_size = static_cast<std::uint16_t>(wire_size);
  sent.transmissions = 1;
  sent.begin = part.begin;
  sent.end = part.end;
  ++pool_[part.message].parts_kept;
  in_flight_ += sent.wire_size;
  payload_in_flight_ += sent.size;
  const std::int64_t tsn = next_tsn();
  parts_.push_back(sent);
  return tsn;
}

void Flight::leave_flight(SentPart& part) {
  in_flight_ -= part.wire_size;
  payload_in_flight_ -= part.size;
}

void Flight::mark_lost(SentPart& part) {
  leave_flight(part);
  part.state = PartState::lost;
  ++lost_count_;
  lost_cursor_ = 0;
}

void Flight::note_acked(Timestamp now, std::int64_t tsn, AckOutcome& out) {
  SentPart& part = at(tsn);
  if (part.state == PartState::in_flight) leave_flight(part);
  if (part.state == PartState::lost) --lost_count_;
  if (part.state == PartState::abandoned) {
    --abandoned_parts_;
  } else {
    out.acked += part.wire_size;
    out.acked_payload += part.size;
    delivery_rate_.note_acked(now, part.mark, part.sent_at, part.wire_size);
  }
  part.state = PartState::acknowledged;
  const Duration round_trip = now - part.sent_at;
  note_reordering(now, part, tsn, round_trip);
  // Karn's rule (section 6.3.1 C5).
  if (part.transmissions == 1) out.round_trip = round_trip;
  // RFC 8985 section 6.2 step 2: an acknowledgement sooner than any round trip is of an earlier
  // transmission.
  if (part.transmissions > 1 && round_trip < smallest_) return;
  if (part.sent_at > rack_sent_ || (part.sent_at == rack_sent_ && tsn > rack_tsn_)) {
    rack_sent_ = part.sent_at;
    rack_tsn_ = tsn;
    rack_round_trip_ = round_trip;
  }
}

// RFC 8985 section 6.2 steps 3 and 4: what comes late and was sent once was overtaken on the path,
// and so was what is acknowledged sooner after being sent again than any packet can be.
void Flight::note_reordering(Timestamp now, const SentPart& part, std::int64_t tsn,
                             Duration round_trip) {
  constexpr Duration kRemember = 30s;
  const bool overtaken = part.transmissions == 1 && !part.taken_back && tsn < highest_acked_;
  const bool needless = part.overtaken && part.transmissions > 1 && round_trip < smallest_;
  highest_acked_ = std::max(highest_acked_, tsn);
  if (!overtaken && !needless) return;
  if (reordering_until_ <= now) reordering_window_ = Duration::zero();
  reordering_until_ = now + kRemember;
  if (overtaken) {
    reordering_window_ = std::max(reordering_window_, round_trip - rack_round_trip_);
  } else if (now >= next_widening_) {
    reordering_window_ += smallest_ / 4;
    next_widening_ = now + rack_round_trip_;
  }
  reordering_window_ = std::min(reordering_window_, rack_round_trip_);
}

void Flight::let_go(MessageIndex index) {
  OutgoingMessage& m = pool_[index];
  if (m.queued || m.parts_kept > 0) return;
  released_ += m.data.size();
  if (OutgoingStream* const s = queue_.find(m.stream)) {
    if (--s->messages_kept == 0) stream_drained_ = true;
  }
  pool_.release_if_done(index);
}

void Flight::pop_front(Timestamp now, AckOutcome& out) {
  SentPart& part = parts_.front();
  if (part.state != PartState::acknowledged) note_acked(now, cumulative_ + 1, out);
  --pool_[part.message].parts_kept;
  let_go(part.message);
  parts_.pop_front();
  ++cumulative_;
  if (gap_acked_end_ > 0) --gap_acked_end_;
  if (lost_cursor_ > 0) --lost_cursor_;
}

AckOutcome Flight::acknowledge_cumulative(Timestamp now, std::uint32_t wire_tsn) {
  AckOutcome out;
  delivery_rate_.begin_sample();
  const std::int64_t tsn = unwrap(wire_tsn);
  if (tsn < cumulative_ || tsn >= next_tsn()) return out;
  out.valid = true;
  out.cumulative_advanced = tsn > cumulative_;
  while (cumulative_ < tsn) pop_front(now, out);
  return out;
}

AckOutcome Flight::acknowledge(Timestamp now, const SackChunk& sack, Duration smallest) {
  smallest_ = smallest;
  const std::int64_t highest_told =
      unwrap(sack.cumulative_tsn) +
      (sack.gap_count() == 0 ? 0 : std::int64_t{sack.gap(sack.gap_count() - 1).end});
  if (highest_told >= next_tsn()) return {};
  for (std::size_t i = 0; i < sack.gap_count(); ++i) {
    const GapBlock gap = sack.gap(i);
    if (gap.start == 0 || gap.end < gap.start) return {};
    if (i > 0 && gap.start <= sack.gap(i - 1).end) return {};
  }
  AckOutcome out = acknowledge_cumulative(now, sack.cumulative_tsn);
  if (!out.valid) return out;
  if (sack.gap_count() > 0 || gap_acked_end_ > 0) {
    scan(now, sack, out);
  } else {
    reordering_deadline_ = kNever;
  }
  return out;
}

// Goes over the parts that gap blocks speak of: what is newly in one is acknowledged, what is no
// longer in one was taken back (section 6.2.1 D iii).
void Flight::scan(Timestamp now, const SackChunk& sack, AckOutcome& out) {
  const std::size_t told_end =
      sack.gap_count() == 0 ? 0 : std::size_t{sack.gap(sack.gap_count() - 1).end};
  const std::size_t end = std::max(told_end, gap_acked_end_);
  std::size_t newest_acked = 0;  // position + 1 of the highest TSN newly acknowledged
  std::size_t block = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const std::size_t offset = i + 1;
    while (block < sack.gap_count() && sack.gap(block).end < offset) ++block;
    const bool told = block < sack.gap_count() && sack.gap(block).start <= offset;
    SentPart& part = parts_[i];
    if (told && part.state != PartState::acknowledged) {
      note_acked(now, cumulative_ + 1 + static_cast<std::int64_t>(i), out);
      newest_acked = offset;
    } else if (!told && part.state == PartState::acknowledged) {
      if (pool_[part.message].abandoned) {
        part.state = PartState::abandoned;
        ++abandoned_parts_;
        continue;
      }
      part.state = PartState::in_flight;
      part.taken_back = true;  // or the list of gaps was too short for it
      in_flight_ += part.wire_size;
      payload_in_flight_ += part.size;
    }
  }
  gap_acked_end_ = told_end;
  detect_losses(now, told_end, true, newest_acked, out);
}

void Flight::detect_losses(Timestamp now, std::size_t end, bool count_misses,
                           std::size_t newest_acked, AckOutcome& out) {
  constexpr std::uint8_t kMissesToLose = 3;
  constexpr Duration kMinReordering = 1ms;  // timers and batches are coarser than short paths
  // RFC 8985 section 6.2 step 4: a quarter of the smallest round trip.
  const Duration known = smallest_ > Duration::zero() ? smallest_ : rack_round_trip_;
  Duration window = std::max<Duration>(known / 4, kMinReordering);
  // A path that was seen to reorder: SACKs that passed a part say nothing, only time does.
  const bool reorders = reordering_until_ > now;
  if (reorders) window = std::max(window, reordering_window_ + reordering_window_ / 4);
  reordering_deadline_ = kNever;
  for (std::size_t i = 0; i < end; ++i) {
    SentPart& part = parts_[i];
    if (part.state != PartState::in_flight) continue;
    // The HTNA rule: only what is older than the newest acknowledged counts a miss, and what was
    // sent again is judged by time alone (section 7.2.4 rule 5).
    if (count_misses && !reorders && i < newest_acked && part.transmissions == 1 &&
        ++part.misses >= kMissesToLose) {
      mark_lost(part);
      part.overtaken = true;
      out.lost += part.wire_size;
      continue;
    }
    const std::int64_t tsn = cumulative_ + 1 + static_cast<std::int64_t>(i);
    if (part.sent_at > rack_sent_ || (part.sent_at == rack_sent_ && tsn > rack_tsn_)) continue;
    const Timestamp lost_at = part.sent_at + rack_round_trip_ + window;
    if (lost_at <= now) {
      mark_lost(part);
      part.overtaken = true;
      out.lost += part.wire_size;
    } else {
      reordering_deadline_ = std::min(reordering_deadline_, lost_at);
    }
  }
}

std::size_t Flight::handle_reordering_timeout(Timestamp now) {
  AckOutcome out;
  detect_losses(now, std::min(gap_acked_end_, parts_.size()), false, 0, out);
  return out.lost;
}

void Flight::handle_timeout(Timestamp) {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].state == PartState::in_flight) mark_lost(parts_[i]);
  }
  reordering_deadline_ = kNever;
}

std::optional<std::int64_t> Flight::next_lost(Timestamp now) {
  while (lost_count_ > 0) {
    while (lost_cursor_ < parts_.size() && parts_[lost_cursor_].state != PartState::lost) {
      ++lost_cursor_;
    }
    PARLEY_ASSERT(lost_cursor_ < parts_.size(), "lost parts are counted");
    const SentPart& part = parts_[lost_cursor_];
    const OutgoingMessage& m = pool_[part.message];
    // RFC 7496 section 3.1 counts retransmissions; RFC 3758 section 4.1 looks at the time.
    if (m.expires > now &&
        (m.max_retransmits == kUnlimited || part.transmissions <= m.max_retransmits)) {
      return cumulative_ + 1 + static_cast<std::int64_t>(lost_cursor_);
    }
    abandon(now, part.message);
  }
  return std::nullopt;
}

void Flight::note_retransmitted(Timestamp now, std::int64_t tsn) {
  SentPart& part = at(tsn);
  if (part.state == PartState::lost) {
    --lost_count_;
    part.state = PartState::in_flight;
    in_flight_ += part.wire_size;
    payload_in_flight_ += part.size;
  }
  part.mark = delivery_rate_.mark(now, in_flight_ == part.wire_size);
  part.sent_at = now;
  part.misses = 0;
  if (part.transmissions < UINT16_MAX) ++part.transmissions;
}

std::optional<std::int64_t> Flight::last_in_flight() const {
  for (std::size_t i = parts_.size(); i > 0; --i) {
    if (parts_[i - 1].state == PartState::in_flight) {
      return cumulative_ + static_cast<std::int64_t>(i);
    }
  }
  return std::nullopt;
}

void Flight::abandon(Timestamp now, MessageIndex index) {
  OutgoingMessage& m = pool_[index];
  if (m.abandoned) return;
  m.abandoned = true;
  ++abandoned_messages_;
  const bool tail_unsent = m.queued && m.sent > 0;
  queue_.remove(index);
  if (tail_unsent) {
    // The receiver may have all that was sent and wait for the rest: one more TSN is given out and
    // abandoned at once, so that there is something for FORWARD TSN to pass.
    Part placeholder;
    placeholder.message = index;
    placeholder.offset = m.data.size();
    placeholder.fragment = m.fragment++;
    placeholder.end = true;
    add(now, placeholder, 0);
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    SentPart& part = parts_[i];
    if (part.message != index || part.state == PartState::acknowledged) continue;
    if (part.state == PartState::in_flight) leave_flight(part);
    if (part.state == PartState::lost) --lost_count_;
    part.state = PartState::abandoned;
    ++abandoned_parts_;
  }
  let_go(index);
}

std::int64_t Flight::advanced_ack_point() const {
  std::int64_t point = cumulative_;
  if (abandoned_parts_ == 0) return point;
  for (std::size_t i = 0; i < parts_.size(); ++i, ++point) {
    const SentPart& part = parts_[i];
    // What a gap block acknowledged of an abandoned message is passed too.
    const bool passed = part.state == PartState::abandoned ||
                        (part.state == PartState::acknowledged && pool_[part.message].abandoned);
    if (!passed) break;
  }
  return point;
}

void Flight::list_skipped(std::int64_t tsn, DataFormat format,
                          std::vector<SkippedMessage>& out) const {
  out.clear();
  for (std::int64_t t = cumulative_ + 1; t <= tsn; ++t) {
    const SentPart& part = parts_[static_cast<std::size_t>(t - cumulative_ - 1)];
    const OutgoingMessage& m = pool_[part.message];
    // RFC 3758 section 3.2: unordered messages are not listed; RFC 8260 section 2.3.1: they are.
    if (m.unordered && format == DataFormat::data) continue;
    const auto same = std::find_if(out.begin(), out.end(), [&m](const SkippedMessage& s) {
      return s.stream == m.stream && s.unordered == m.unordered;
    });
    if (same != out.end()) {
      same->number = m.number;
    } else {
      out.push_back({m.stream, m.unordered, m.number});
    }
  }
}

}  // namespace parley::sctp
