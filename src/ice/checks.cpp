// The client side of checks (RFC 8445 section 7.2) and their schedule (section 6.1.4).
#include <algorithm>

#include "ice/agent_impl.hpp"

namespace parley::ice {
namespace {

using stun::Attribute;

constexpr Attribute kKnownInResponse[] = {
    Attribute::username,      Attribute::mapped_address,     Attribute::xor_mapped_address,
    Attribute::error_code,    Attribute::unknown_attributes, Attribute::priority,
    Attribute::use_candidate,
};

}  // namespace

void Agent::Impl::handle_response(Timestamp now, const Path& path, const stun::MessageView& m) {
  Pair* pair = nullptr;
  std::size_t index = 0;
  for (Pair& p : list.pairs()) {
    for (std::size_t i = 0; i < p.requests.size(); ++i) {
      if (p.requests[i].id != m.transaction_id()) continue;
      pair = &p;
      index = i;
    }
  }
  if (pair == nullptr || !can_check()) {
    ++drops.unexpected_response;
    return;
  }
  // RFC 8489 section 9.1.4: without the right integrity it is as if nothing had come.
  if (m.check_integrity(*remote_key) != stun::Verdict::right) {
    ++drops.unauthenticated;
    return;
  }
  const SentRequest sent = pair->requests[index];
  pair->requests.erase(pair->requests.begin() + static_cast<std::ptrdiff_t>(index));
  ++pair->counters.responses_received;
  if (path != pair->path) {
    // RFC 8445 section 7.2.5.2.1: not symmetric. Such an answer gives no consent either.
    if (sent.kind != RequestKind::consent) fail(*pair);
    return update(now);
  }
  // The round trip of a repeated request could be that of either copy.
  if (sent.timer.sends() == 1) {
    pair->counters.current_round_trip_time = now - sent.sent_at;
    pair->counters.total_round_trip_time += now - sent.sent_at;
  }
  pair->last_heard = now;
  const auto mapped = m.mapped_address();
  std::array<std::uint16_t, 1> unknown{};
  if (m.message_class() == stun::Class::error_response) {
    const auto error = m.error_code();
    handle_error(now, *pair, sent, error ? error->code : 0);
  } else if (!mapped || m.unknown_required(kKnownInResponse, unknown) > 0) {
    if (sent.kind != RequestKind::consent) fail(*pair);  // RFC 8489 section 6.3.3
  } else {
    handle_success(now, *pair, sent, *mapped);
  }
  update(now);
}

void Agent::Impl::handle_error(Timestamp now, Pair& pair, const SentRequest& sent, int code) {
  if (code == 487 && pair.role_conflicts < kMaxRoleConflicts) {
    // RFC 8445 section 7.2.5.1: away from the role of that request, which need not be ours now.
    ++pair.role_conflicts;
    const Role to = sent.role == Role::controlling ? Role::controlled : Role::controlling;
    if (role != to) {
      change_role(to);
      tie_breaker = random->u64();
      events.emplace_back(RoleChanged{role});
    }
    if (!pair.is_valid()) trigger_check(now, pair);
    return;
  }
  if (sent.kind == RequestKind::consent) {
    // RFC 7675 section 5.2: Forbidden revokes consent; another error only fails to renew it.
    if (code == 403) pair.consent_until = now;
    return expire_consent(now);
  }
  fail(pair);
}

void Agent::Impl::handle_success(Timestamp now, Pair& pair, const SentRequest& sent,
                                 const SocketAddress& mapped) {
  pair.consent_until = now + config.consent_expiry;
  if (sent.kind == RequestKind::consent) return;
  const bool was_valid = pair.is_valid();
  if (!was_valid) {
    // RFC 8445 sections 7.2.5.3.1 to 7.2.5.3.3.
    pair.valid_local = gatherer.candidate_for_mapped(pair.local, mapped,
                                                     gatherer.peer_reflexive_priority(pair.local));
    pair.state = PairState::succeeded;
    compute(pair);
    list.thaw(pair.foundation);
    list.untrigger(pair);
    pair.cancel_active(now);
    schedule_consent(now, pair);
    first_valid_at = std::min(first_valid_at, now);
  }
  // RFC 8445 section 7.2.5.3.4. A role that has changed since then does not nominate.
  const bool by_us = sent.kind == RequestKind::nomination && role == Role::controlling;
  const bool by_peer = pair.nominate_on_success && role == Role::controlled;
  if (by_us || by_peer) note_nominated(now, pair);
}

// RFC 8445 section 7.3.1.4.
void Agent::Impl::trigger_check(Timestamp now, Pair& pair) {
  const Duration answer_wait = config.checks.rto * config.checks.last_wait_factor;
  pair.cancel_active(now + answer_wait);
  pair.state = PairState::waiting;
  list.trigger(pair);
}

void Agent::Impl::fail(Pair& pair) {
  pair.state = PairState::failed;
  pair.requests.clear();
  pair.nominate_next = false;
  pair.nominated = false;
  pair.next_consent = kNever;
  list.untrigger(pair);
  accepted.reset();
  if (nominated == pair.id) nominated = 0;
}

std::optional<Transmit> Agent::Impl::poll_check(Timestamp now, MutableBytes storage) {
  for (Pair& p : list.pairs()) {
    SentRequest* const request = p.active();
    if (request == nullptr || !request->timer.send_is_due(now)) continue;
    const Bytes message = write_request(now, p, *request, storage);
    if (!message.empty()) return Transmit{p.path, message};
  }
  // One nomination per session repeats a check that was answered: it need not wait for the pace,
  // and peers that send nothing before it gain up to Ta.
  for (Pair& p : list.pairs()) {
    if (!p.nominate_next) continue;
    p.nominate_next = false;
    const Bytes message = start_request(now, p, RequestKind::nomination, storage);
    nominate_again_if_time(now, p);
    if (!message.empty()) return Transmit{p.path, message};
  }
  const bool ordinary = nominated == 0;
  while (now >= pace_at && list.has_next(ordinary)) {
    Pair* const pair = list.take_next(ordinary);
    if (pair == nullptr) continue;
    pair->state = PairState::in_progress;
    pace_at = now + config.pacing;
    const Bytes message = start_request(now, *pair, RequestKind::check, storage);
    if (!message.empty()) return Transmit{pair->path, message};
  }
  return poll_check_again(now, storage);
}

// RFC 8445 section 14.3 does not let a lost check be retransmitted before 500 ms, many round trips
// of a short path. What Ta leaves free goes into other checks of the same pair, each a transaction
// of its own that is sent once; that of the schedule goes on beside them.
std::optional<Transmit> Agent::Impl::poll_check_again(Timestamp now, MutableBytes storage) {
  Pair* best = nullptr;
  for (Pair& p : list.pairs()) {
    if (next_check_again(p) > now) continue;
    if (best == nullptr || p.priority > best->priority) best = &p;
  }
  if (best == nullptr) return std::nullopt;
  pace_at = now + config.pacing;
  const Bytes message = start_request(now, *best, RequestKind::check, storage);
  best->requests.back().is_final = true;
  best->requests.back().expires = now + config.checks.rto * config.checks.last_wait_factor;
  if (message.empty()) return std::nullopt;
  return Transmit{best->path, message};
}

Timestamp Agent::Impl::next_check_again(const Pair& pair) const {
  const SentRequest* const request = pair.active();
  const bool is_checked = pair.state == PairState::in_progress && request != nullptr &&
                          request->kind == RequestKind::check;
  if (!is_checked || nominated != 0 || list.has_next(true)) return kNever;
  const Timestamp due = std::max(pair.last_sent + config.check_again, pace_at);
  return due < request->sent_at + 2 * config.checks.rto ? due : kNever;
}

Bytes Agent::Impl::start_request(Timestamp now, Pair& pair, RequestKind kind,
                                 MutableBytes storage) {
  if (pair.requests.size() >= kMaxRequestsPerPair) pair.forget_oldest_request();
  stun::RetransmitSchedule schedule = config.checks;
  if (kind == RequestKind::consent) {
    schedule.max_sends = 1;  // RFC 7675 section 5.1: transmitted once only
  } else {
    // RFC 8445 section 14.3 lets agents compute the RTO otherwise, 500 ms being the least: what
    // the answers of all checks under way need at one check per Ta.
    const auto checks = static_cast<int>(list.waiting_or_in_progress());
    schedule.rto = std::max(schedule.rto, config.pacing * checks);
  }
  pair.requests.push_back({stun::make_transaction_id(*random), kind, role,
                           stun::RetransmitTimer{schedule, now}, now, kind == RequestKind::consent,
                           now + config.consent_expiry});
  return write_request(now, pair, pair.requests.back(), storage);
}

Bytes Agent::Impl::write_request(Timestamp now, Pair& pair, SentRequest& request,
                                 MutableBytes storage) {
  request.timer.note_sent(now);
  pair.last_sent = now;
  if (request.kind == RequestKind::consent) {
    ++pair.counters.consent_requests_sent;
  } else {
    ++pair.counters.requests_sent;
  }
  stun::MessageWriter out{storage, stun::Class::request, stun::Method::binding, request.id};
  out.add_text(Attribute::username, username);
  out.add_u32(Attribute::priority, gatherer.peer_reflexive_priority(pair.local));
  out.add_u64(
      request.role == Role::controlling ? Attribute::ice_controlling : Attribute::ice_controlled,
      tie_breaker);
  if (request.kind == RequestKind::nomination) out.add_flag(Attribute::use_candidate);
  out.add_integrity(*remote_key);
  out.add_fingerprint();
  return out.finish();
}

void Agent::Impl::expire_requests(Timestamp now) {
  for (Pair& p : list.pairs()) {
    p.requests.erase(
        std::remove_if(p.requests.begin(), p.requests.end(),
                       [now](const SentRequest& r) { return r.is_final && r.expires <= now; }),
        p.requests.end());
    const SentRequest* const request = p.active();
    // RFC 8445 section 7.2.5.2.3.
    if (request != nullptr && request->timer.has_failed(now)) fail(p);
  }
}

Timestamp Agent::Impl::next_check_timeout() const {
  Timestamp next = kNever;
  for (const Pair& p : list.pairs()) {
    if (p.nominate_next) next = std::min(next, first_valid_at);  // at once
    next = std::min(next, next_check_again(p));
    for (const SentRequest& r : p.requests) {
      next = std::min(next, r.is_final ? r.expires : r.timer.deadline());
    }
  }
  if (list.has_next(nominated == 0)) next = std::min(next, pace_at);
  return next;
}

}  // namespace parley::ice
