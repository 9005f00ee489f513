// Consent freshness (RFC 7675) and keepalives (RFC 8445 section 11).
#include <algorithm>

#include "ice/agent_impl.hpp"

namespace parley::ice {

void Agent::Impl::schedule_consent(Timestamp now, Pair& pair) {
  // RFC 7675 section 5.1: each interval is randomised between 0.8 and 1.2 of the period.
  const double factor = 0.8 + 0.4 * random->unit();
  const auto period = static_cast<double>(config.consent_interval.count());
  pair.next_consent = now + Duration{static_cast<Duration::rep>(factor * period)};
}

// The selected pair carries data; before nomination every valid pair may become it.
bool Agent::Impl::is_kept_alive(const Pair& pair) const {
  return pair.is_valid() && (pair.id == selected || nominated == 0);
}

void Agent::Impl::expire_consent(Timestamp now) {
  if (Pair* const pair = list.find(selected); pair != nullptr && now >= pair->consent_until) {
    fail(*pair);
    pair->consent_lost = true;
    consent_ever_lost = true;
    selected = 0;
  }
  for (Pair& p : list.pairs()) {
    // No data went there, so that another check may follow.
    if (is_kept_alive(p) && now >= p.consent_until) fail(p);
  }
}

std::optional<Transmit> Agent::Impl::poll_consent(Timestamp now, MutableBytes storage) {
  for (Pair& p : list.pairs()) {
    if (!is_kept_alive(p) || now < p.next_consent) continue;
    schedule_consent(now, p);
    const Bytes message = start_request(now, p, RequestKind::consent, storage);
    if (!message.empty()) return Transmit{p.path, message};
  }
  for (Pair& p : list.pairs()) {
    if (!is_kept_alive(p) || now - p.last_sent < config.keepalive_interval) continue;
    p.last_sent = now;
    stun::MessageWriter out{storage, stun::Class::indication, stun::Method::binding,
                            stun::make_transaction_id(*random)};
    out.add_fingerprint();
    const Bytes message = out.finish();
    if (!message.empty()) return Transmit{p.path, message};
  }
  return std::nullopt;
}

Timestamp Agent::Impl::next_consent_timeout() const {
  Timestamp next = kNever;
  for (const Pair& p : list.pairs()) {
    if (!is_kept_alive(p)) continue;
    next =
        std::min({next, p.next_consent, p.consent_until, p.last_sent + config.keepalive_interval});
    if (p.id != selected) continue;
    if (state == State::connected || state == State::completed) {
      next = std::min(next, p.last_heard + config.disconnected_after);
    }
  }
  return next;
}

}  // namespace parley::ice
