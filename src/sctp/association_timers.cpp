// Timers: T1 (INIT and COOKIE ECHO), T2 (SHUTDOWN), T3-rtx, delayed SACK, heartbeat, tail loss
// probe, re-configuration.
#include <algorithm>

#include "sctp/association_impl.hpp"

namespace parley::sctp {

Timestamp Association::Impl::next_timeout() const {
  return std::min({t1, t2, t3, sack_at, sack_repeat_at, probe_at, heartbeat_at, reset_at,
                   window_probe_at, pace_at, ended ? kNever : flight.reordering_deadline()});
}

void Association::Impl::handle_timeout(Timestamp now) {
  if (ended) return;
  if (t1 <= now) handle_t1(now);
  if (!ended && t2 <= now) handle_t2(now);
  if (!ended && t3 <= now) handle_t3(now);
  if (ended) return;
  if (sack_at <= now) {
    sack_at = kNever;
    sack_due = true;
  }
  if (sack_repeat_at <= now) {
    sack_repeat_at = --sack_repeats > 0 ? now + kSackRepeat : kNever;
    sack_due = true;
  }
  if (window_probe_at <= now) {
    window_probe_at = kNever;
    window_probe_due = true;
  }
  if (probe_at <= now) {
    probe_at = kNever;
    probe_spent = true;
    probe_due = flight.in_flight() > 0 && flight.lost_count() == 0;
  }
  if (pace_at <= now) pace_at = kNever;
  if (flight.reordering_deadline() <= now) {
    if (const std::size_t lost = flight.handle_reordering_timeout(now)) react_to_losses(now, lost);
  }
  if (reset_at <= now) {
    reset_at = kNever;
    if (reset_out && note_silence()) reset_due = true;
  }
  if (!ended && heartbeat_at <= now) {
    // A request without an answer counts as silence (RFC 9260 section 8.3).
    const bool unanswered = heartbeat_nonce != 0;
    heartbeat_due = true;
    plan_heartbeat(now);
    release_memory();
    if (unanswered) note_silence();
  }
}

// After a silence nothing is kept for the next burst.
void Association::Impl::release_memory() {
  if (!flight.empty() || !queue.empty()) return;
  pool.release_spares();
  flight.release_memory_when_idle(0);
  events.shrink(8);
  messages.shrink(8);
  if (reassembly) reassembly->release_spares();
}

bool Association::Impl::note_silence() {
  ++silences;
  if (!config.max_retransmissions || silences <= *config.max_retransmissions) return true;
  abort_with(0, "no answer", CloseCause::timed_out);
  return false;
}

void Association::Impl::handle_t1(Timestamp now) {
  t1 = kNever;
  if (!note_silence()) return;
  rto.back_off();
  t1 = now + rto.rto();
  if (state == State::cookie_wait) {
    init_due = init_repeated = true;
  } else {
    // The data that went with the lost COOKIE ECHO goes with the next one too.
    cookie_echo_due = true;
    flight.handle_timeout(now);
    t3 = kNever;
  }
}

void Association::Impl::handle_t2(Timestamp now) {
  t2 = kNever;
  if (!note_silence()) return;
  rto.back_off();
  t2 = now + rto.rto();
  if (state == State::shutdown_sent) shutdown_due = true;
  if (state == State::shutdown_ack_sent) shutdown_ack_due = true;
}

// RFC 9260 section 6.3.3.
void Association::Impl::handle_t3(Timestamp now) {
  t3 = kNever;
  if (state == State::cookie_echoed) return;  // T1 sends the data again
  if (!note_silence()) return;
  ++counters.timeouts;
  rto.back_off();
  congestion->on_timeout(now);
  flight.handle_timeout(now);
  recovery_end.reset();
  fast_retransmit = false;
  probe_at = kNever;
  probe_due = false;
  // A peer that missed it acknowledges nothing, and asks for it again after its own T1 only: 3 s, 6
  // s and 12 s in Pion. For every other it is none of its business (section 5.2.5).
  if (cookie_ack_in_doubt) cookie_ack_due = true;
  // RFC 3758 section 3.5: FORWARD TSN is repeated by the same timer.
  if (features.partial_reliability && flight.advanced_ack_point() > flight.cumulative()) {
    forward_tsn_due = true;
  }
  if (flight.lost_count() == 0 && !forward_tsn_due && !flight.empty()) t3 = now + rto.rto();
}

// RFC 8985 section 7.2: two round trips without an acknowledgement; with a single packet in flight
// the peer's delay of its acknowledgement may be added.
void Association::Impl::plan_probe(Timestamp now) {
  constexpr Duration kPeerDelay = 200ms;
  constexpr Duration kSlack = 10ms;
  probe_at = kNever;
  if (probe_spent || !rto.smoothed() || flight.in_flight() == 0 || flight.lost_count() > 0 ||
      state == State::cookie_echoed) {
    return;
  }
  const bool one_packet = flight.in_flight() <= config.mtu;
  const Timestamp at = now + 2 * *rto.smoothed() + kSlack + (one_packet ? kPeerDelay : 0ms);
  if (at < t3) probe_at = at;
}

void Association::Impl::plan_heartbeat(Timestamp now) {
  if (config.heartbeat_interval <= Duration::zero()) return;
  heartbeat_at = now + config.heartbeat_interval + rto.rto();
}

}  // namespace parley::sctp
