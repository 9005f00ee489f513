// Which parts in flight are lost, and what is sent again (RFC 9260 section 7.2.4, RFC 8985).
#include <algorithm>

#include "sctp/flight.hpp"

namespace parley::sctp {

using PartState = SentPart::State;

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

void Flight::mark_lost(std::int64_t tsn) {
  leave_flight(tsn);
  at(tsn).state = PartState::lost;
  ++lost_count_;
  lost_.insert(tsn);
}

void Flight::detect_losses(Timestamp now, std::int64_t newest_acked, AckOutcome& out) {
  // A path that was seen to reorder: SACKs that passed a part say nothing, only time does.
  if (newest_acked > 0 && reordering_until_ <= now) {
    note_passed(newest_acked);
    detect_passed(out);
  }
  detect_late(now, out);
}

void Flight::note_passed(std::int64_t newest_acked) {
  for (std::int64_t& place : passed_) {
    if (newest_acked > place) std::swap(newest_acked, place);
  }
}

// The HTNA rule: a SACK passes what is older than the newest that it acknowledged. What was sent
// again is judged by time alone (section 7.2.4 rule 5).
void Flight::detect_passed(AckOutcome& out) {
  std::int64_t tsn = std::max(judged_, cumulative_ + 1);
  for (; tsn < passed_.back(); ++tsn) {
    SentPart& part = at(tsn);
    if (part.state != PartState::in_flight || part.transmissions > 1) continue;
    mark_lost(tsn);
    part.overtaken = true;
    out.lost += part.wire_size;
  }
  judged_ = tsn;
}

// RFC 8985 section 6.2 step 5: from the oldest on, as all have the same time.
void Flight::detect_late(Timestamp now, AckOutcome& out) {
  constexpr Duration kMinReordering = 1ms;  // timers and batches are coarser than short paths
  // Step 4: a quarter of the smallest round trip, and none once three SACKs passed a gap on a path
  // that was not seen to reorder: what was lost again is then found in one round trip.
  const Duration known = smallest_ > Duration::zero() ? smallest_ : rack_round_trip_;
  const bool reorders = reordering_until_ > now;
  Duration window = kMinReordering;
  if (reorders || passed_.back() <= cumulative_ + 1) window = std::max(window, known / 4);
  if (reorders) window = std::max(window, reordering_window_ + reordering_window_ / 4);
  reordering_deadline_ = kNever;
  for (std::int64_t tsn = oldest_; tsn != 0;) {
    SentPart& part = at(tsn);
    if (part.sent_at > rack_sent_) break;
    const std::int64_t next = part.newer;
    if (part.sent_at < rack_sent_ || tsn < rack_tsn_) {
      const Timestamp lost_at = part.sent_at + rack_round_trip_ + window;
      if (lost_at > now) {
        reordering_deadline_ = lost_at;
        break;
      }
      mark_lost(tsn);
      part.overtaken = true;
      out.lost += part.wire_size;
    }
    tsn = next;
  }
}

std::size_t Flight::handle_reordering_timeout(Timestamp now) {
  AckOutcome out;
  detect_late(now, out);
  return out.lost;
}

void Flight::handle_timeout(Timestamp) {
  while (oldest_ != 0) mark_lost(oldest_);
  reordering_deadline_ = kNever;
}

std::optional<std::int64_t> Flight::next_lost(Timestamp now) {
  while (lost_count_ > 0) {
    const std::int64_t tsn = lost_.front();
    if (tsn <= cumulative_ || at(tsn).state != PartState::lost) {
      lost_.pop_front();
      continue;
    }
    if (may_be_repeated(now, tsn)) return tsn;
    abandon(now, at(tsn).message);
  }
  lost_.clear();
  return std::nullopt;
}

// RFC 7496 section 3.1 counts retransmissions; RFC 3758 section 4.1 looks at the time.
bool Flight::may_be_repeated(Timestamp now, std::int64_t tsn) const {
  const SentPart& part = at(tsn);
  const OutgoingMessage& m = pool_[part.message];
  return m.expires > now &&
         (m.max_retransmits == kUnlimited || part.transmissions <= m.max_retransmits);
}

void Flight::note_retransmitted(Timestamp now, std::int64_t tsn) {
  SentPart& part = at(tsn);
  if (part.state == PartState::lost) --lost_count_;
  if (part.state == PartState::in_flight) leave_flight(tsn);
  enter_flight(tsn);
  part.mark = delivery_rate_.mark(now, in_flight_ == part.wire_size);
  part.sent_at = now;
  if (part.transmissions < UINT16_MAX) ++part.transmissions;
}

std::optional<std::int64_t> Flight::last_in_flight() const {
  for (std::int64_t tsn = next_tsn() - 1; tsn > cumulative_; --tsn) {
    if (at(tsn).state == PartState::in_flight) return tsn;
  }
  return std::nullopt;
}

}  // namespace parley::sctp
