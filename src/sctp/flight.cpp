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
  const std::int64_t tsn = next_tsn();
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
  OutgoingMessage& m = pool_[part.message];
  ++m.parts_kept;
  if (part.begin) m.first_tsn = tsn;
  parts_.push_back(sent);
  enter_flight(tsn);
  return tsn;
}

// In flight is what counts as such, in the order in which it was last sent.
void Flight::enter_flight(std::int64_t tsn) {
  SentPart& part = at(tsn);
  part.state = PartState::in_flight;
  in_flight_ += part.wire_size;
  payload_in_flight_ += part.size;
  part.older = newest_;
  part.newer = 0;
  (newest_ == 0 ? oldest_ : at(newest_).newer) = tsn;
  newest_ = tsn;
}

void Flight::leave_flight(std::int64_t tsn) {
  const SentPart& part = at(tsn);
  in_flight_ -= part.wire_size;
  payload_in_flight_ -= part.size;
  (part.older == 0 ? oldest_ : at(part.older).newer) = part.newer;
  (part.newer == 0 ? newest_ : at(part.newer).older) = part.older;
}

void Flight::note_acked(Timestamp now, std::int64_t tsn, AckOutcome& out) {
  SentPart& part = at(tsn);
  if (part.state == PartState::in_flight) leave_flight(tsn);
  if (part.state == PartState::lost) --lost_count_;
  if (part.state == PartState::abandoned) {
    --abandoned_parts_;
  } else {
    out.acked += part.wire_size;
    out.acked_payload += part.size;
    delivery_rate_.note_acked(now, part.mark, part.sent_at, part.wire_size);
  }
  part.state = PartState::acknowledged;
  // It may have come long before there was room to say so.
  if (untold_.start <= tsn && tsn <= untold_.end) return;
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
}

AckOutcome Flight::acknowledge_cumulative(Timestamp now, std::uint32_t wire_tsn) {
  AckOutcome out;
  delivery_rate_.begin_sample();
  const std::int64_t tsn = unwrap(wire_tsn);
  if (tsn < cumulative_ || tsn >= next_tsn()) return out;
  out.valid = true;
  out.cumulative_advanced = tsn > cumulative_;
  while (cumulative_ < tsn) pop_front(now, out);
  remove_up_to(acked_, tsn);
  return out;
}

AckOutcome Flight::acknowledge(Timestamp now, const SackChunk& sack, Duration smallest,
                               std::size_t full_list) {
  smallest_ = smallest;
  if (!read_gaps(sack)) return {};
  const bool full = !told_.empty() && told_.size() >= full_list;
  const std::int64_t told_end = full ? told_.back().end : 0;
  AckOutcome out = acknowledge_cumulative(now, sack.cumulative_tsn);
  if (!out.valid) return out;
  apply_gaps(now, out);
  untold_ = full ? TsnRun{told_end + 1, next_tsn() - 1} : TsnRun{};
  return out;
}

bool Flight::read_gaps(const SackChunk& sack) {
  told_.clear();
  const std::int64_t base = unwrap(sack.cumulative_tsn);
  std::int64_t end = base;
  for (std::size_t i = 0; i < sack.gap_count(); ++i) {
    const GapBlock gap = sack.gap(i);
    if (gap.end < gap.start || base + gap.start <= end) return false;
    end = base + gap.end;
    told_.push_back({base + gap.start, end});
  }
  return end < next_tsn();
}

void Flight::apply_gaps(Timestamp now, AckOutcome& out) {
  // Section 3.3.4: as many blocks are told as fit. A receiver that could tell no more says nothing
  // about what lies behind; had it dropped that, the list would soon be short again and say so.
  constexpr std::size_t kMaybeCut = 32;
  if (told_.size() >= kMaybeCut) {
    const std::int64_t told_end = told_.back().end;
    for (const TsnRun& run : acked_) {
      if (run.end > told_end) told_.push_back({std::max(run.start, told_end + 1), run.end});
    }
  }
  std::int64_t newest_acked = 0;
  for_each_only_in_first(told_, acked_, [&](std::int64_t tsn) {
    note_acked(now, tsn, out);
    newest_acked = tsn;
  });
  for_each_only_in_first(acked_, told_, [this](std::int64_t tsn) { take_back(tsn); });
  acked_.swap(told_);
  detect_losses(now, newest_acked, out);
}

// Section 6.2.1 D iii: the receiver dropped what a gap block had acknowledged.
void Flight::take_back(std::int64_t tsn) {
  SentPart& part = at(tsn);
  if (pool_[part.message].abandoned) {
    part.state = PartState::abandoned;
    ++abandoned_parts_;
    return;
  }
  part.taken_back = true;  // or the list of gaps was too short for it
  enter_flight(tsn);
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
  std::uint32_t left = m.parts_kept;
  for (std::int64_t tsn = std::max(m.first_tsn, cumulative_ + 1); left > 0; ++tsn) {
    SentPart& part = at(tsn);
    if (part.message != index) continue;
    --left;
    if (part.state == PartState::acknowledged) continue;
    if (part.state == PartState::in_flight) leave_flight(tsn);
    if (part.state == PartState::lost) --lost_count_;
    part.state = PartState::abandoned;
    ++abandoned_parts_;
  }
  let_go(index);
}

// What was passed once stays passed, so that only what is new is looked at.
std::int64_t Flight::advanced_ack_point() {
  advanced_ = std::max(advanced_, cumulative_);
  if (abandoned_parts_ == 0) return cumulative_;
  for (; advanced_ + 1 < next_tsn(); ++advanced_) {
    const SentPart& part = at(advanced_ + 1);
    // What a gap block acknowledged of an abandoned message is passed too.
    const bool passed = part.state == PartState::abandoned ||
                        (part.state == PartState::acknowledged && pool_[part.message].abandoned);
    if (!passed) break;
  }
  return advanced_;
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

void Flight::release_memory_when_idle(std::size_t keep) {
  if (!parts_.empty()) return;
  parts_.shrink(keep);
  if (acked_.capacity() > keep) acked_ = {};
  if (told_.capacity() > keep) told_ = {};
  if (lost_.capacity() > keep) lost_ = {};
}

}  // namespace parley::sctp
