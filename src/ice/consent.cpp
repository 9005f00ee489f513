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

// Only the selected pair carries data and renews its consent; others that lapse are checked anew
// when the peer nominates them.
void Agent::Impl::expire_consent(Timestamp now) {
  Pair* const pair = list.find(selected);
  if (pair == nullptr || now < pair->consent_until) return;
  fail(*pair);
  pair->consent_lost = true;
  consent_ever_lost = true;
  selected = 0;
}

bool Agent::Impl::needs_keepalive(const Pair& pair) const {
  return pair.is_valid() && (pair.id == selected || nominated == 0);
}

std::optional<Transmit> Agent::Impl::poll_consent(Timestamp now, MutableBytes storage) {
  if (Pair* const pair = list.find(selected); pair != nullptr && now >= pair->next_consent) {
    schedule_consent(now, *pair);
    const Bytes message = start_request(now, *pair, RequestKind::consent, storage);
    if (!message.empty()) return Transmit{pair->path, message};
  }
  for (Pair& p : list.pairs()) {
    if (!needs_keepalive(p) || now - p.last_sent < config.keepalive_interval) continue;
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
    if (needs_keepalive(p)) next = std::min(next, p.last_sent + config.keepalive_interval);
    if (p.id != selected) continue;
    next = std::min({next, p.next_consent, p.consent_until});
    if (state == State::connected || state == State::completed) {
      next = std::min(next, p.last_heard + config.disconnected_after);
    }
  }
  return next;
}

}  // namespace parley::ice
