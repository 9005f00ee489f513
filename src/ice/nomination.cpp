// Which pair carries data, and what that makes of the agent's state (RFC 8445 section 8).
#include <algorithm>

#include "ice/agent_impl.hpp"

namespace parley::ice {

void Agent::Impl::update(Timestamp now) {
  if (is_over()) return;
  nominate_if_time(now);
  select(now);
  update_state(now);
}

// RFC 8445 section 8.1.1 leaves the criterion open. Ours: the best valid pair, at once when nothing
// better can still come of the pairs we have, else after a short wait.
void Agent::Impl::nominate_if_time(Timestamp now) {
  nomination_at = kNever;
  if (role != Role::controlling || nominated != 0) return;
  const Pair* best = nullptr;
  for (const Pair& p : list.pairs()) {
    const SentRequest* const request = p.active();
    const bool is_nominating = request != nullptr && request->kind == RequestKind::nomination;
    if (is_nominating) return nominate_again_if_time(now, *list.find(p.id));
    if (p.nominate_next) return;
    if (has_consent(p, now) && (best == nullptr || p.priority > best->priority)) best = &p;
  }
  if (best == nullptr) return;
  const bool better_may_come =
      std::any_of(list.pairs().begin(), list.pairs().end(),
                  [&](const Pair& p) { return p.is_open() && p.priority > best->priority; });
  const Duration round_trip = best->counters.current_round_trip_time.value_or(Duration::zero());
  const Timestamp latest = first_valid_at + std::max(config.nomination_wait, round_trip);
  if (better_may_come && now < latest) {
    nomination_at = latest;
    return;
  }
  list.find(best->id)->nominate_next = true;
}

// A nomination is answered after one round trip, which is known. When it is lost, everything waits
// for it, and a retransmission may not leave before 500 ms (RFC 8445 section 14.3): so another
// check of its own does, as often as Ta allows at most.
void Agent::Impl::nominate_again_if_time(Timestamp now, Pair& pair) {
  if (nominations_repeated == kMaxRepeatedNominations) return;
  const Duration round_trip = pair.counters.current_round_trip_time.value_or(config.checks.rto);
  const Timestamp due = pair.active()->sent_at + std::max(config.pacing, 2 * round_trip);
  if (now < due) {
    nomination_at = due;
    return;
  }
  ++nominations_repeated;
  pair.cancel_active(now + config.checks.rto * config.checks.last_wait_factor);
  pair.nominate_next = true;
}

void Agent::Impl::note_nominated(Timestamp now, Pair& pair) {
  pair.nominated = true;
  pair.nominate_on_success = false;
  const Pair* const current = list.find(nominated);
  if (current == &pair) return;
  if (current == nullptr) {
    nominated = pair.id;
    return conclude(now);
  }
  // Several nominations: the highest priority wins (RFC 8445 section 8.1.1), and a later lower one
  // of a peer that moves to another path.
  const bool is_quiet = now - current->last_use_candidate > kRenominationQuiet;
  if (pair.valid_priority > current->valid_priority || is_quiet) nominated = pair.id;
}

// RFC 8445 section 8.1.2: no more checks but for nominations of the peer.
void Agent::Impl::conclude(Timestamp now) {
  const Duration answer_wait = config.checks.rto * config.checks.last_wait_factor;
  has_concluded = true;
  list.clear_triggered();
  nomination_at = kNever;
  for (Pair& p : list.pairs()) {
    p.nominate_next = false;
    if (p.state == PairState::in_progress) p.state = PairState::waiting;
    if (p.id != nominated) p.cancel_active(now + answer_wait);
  }
}

void Agent::Impl::select(Timestamp now) {
  Pair* chosen = list.find(nominated);
  if (chosen == nullptr) {
    for (Pair& p : list.pairs()) {
      if (has_consent(p, now) && (chosen == nullptr || p.priority > chosen->priority)) chosen = &p;
    }
  }
  const Pair* const before = list.find(selected);
  const bool has_news =
      chosen != nullptr && chosen->nominated && announced_nomination != chosen->id;
  if (chosen == before && !has_news) return;
  selected = chosen != nullptr ? chosen->id : 0;
  if (chosen == nullptr) return;
  if (chosen->nominated) announced_nomination = chosen->id;
  if (chosen != before) {
    ++selected_changes;
    chosen->last_heard = std::max(chosen->last_heard, now);
    schedule_consent(now, *chosen);
  }
  events.emplace_back(SelectedPairChanged{chosen->path, gatherer.candidates()[chosen->valid_local],
                                          remotes[chosen->remote], chosen->nominated});
}

void Agent::Impl::update_state(Timestamp now) {
  const Pair* const pair = list.find(selected);
  if (pair != nullptr) {
    gatherer.set_refresh(false);
    if (now - pair->last_heard >= config.disconnected_after) {
      return set_state(State::disconnected, Cause::silence);
    }
    const bool all_known = gatherer.state() == GatheringState::complete && remote_ended;
    const bool is_complete = nominated != 0 && all_known;
    return set_state(is_complete ? State::completed : State::connected, Cause::progress);
  }
  if (!remote) return;
  // RFC 7675 section 5.1: only a restart gives consent again. The pairs that the conclusion left
  // unchecked are no way out: the peer has forgotten them too (RFC 8445 section 8.1.2).
  if (consent_ever_lost && (has_concluded || !list.has_open())) {
    return set_state(State::failed, Cause::consent_expired);
  }
  // RFC 8863: not before the peer had time to reach us.
  if (!list.has_open() && now >= patience_until) {
    return set_state(State::failed, list.pairs().empty() ? Cause::no_pairs : Cause::checks_failed);
  }
  if (!list.pairs().empty()) set_state(State::checking, Cause::progress);
}

void Agent::Impl::set_state(State to, Cause cause) {
  if (state == to) return;
  state = to;
  say("state", to_string(to));
  events.emplace_back(StateChanged{to, cause});
  if (to == State::failed) gatherer.set_refresh(false);
}

}  // namespace parley::ice
