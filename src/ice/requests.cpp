// The server side of checks (RFC 8445 section 7.3).
#include <algorithm>

#include "ice/agent_impl.hpp"

namespace parley::ice {
namespace {

using stun::Attribute;

constexpr Attribute kKnownInRequest[] = {Attribute::username, Attribute::priority,
                                         Attribute::use_candidate};

// The fragments on the two sides of the colon (RFC 8445 section 7.2.2).
struct UserName {
  std::string_view local;
  std::string_view remote;
};

std::optional<UserName> split_username(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return UserName{text.substr(0, colon), text.substr(colon + 1)};
}

std::string_view reason_of(int code) {
  switch (code) {
    case 420:
      return "Unknown Attribute";
    case 487:
      return "Role Conflict";
    default:
      return "";
  }
}

// Header, ERROR-CODE without a reason, FINGERPRINT.
constexpr std::size_t kBareErrorSize = stun::kHeaderSize + 8 + 8;

}  // namespace

std::optional<std::string_view> addressed_ufrag(Bytes datagram) {
  const auto m = stun::MessageView::parse(datagram);
  if (!m || m->message_class() != stun::Class::request) return std::nullopt;
  const auto text = m->text(Attribute::username);
  const auto name = text ? split_username(*text) : std::nullopt;
  return name ? std::optional{name->local} : std::nullopt;
}

void Agent::Impl::handle_request(Timestamp now, const Path& path, const stun::MessageView& m) {
  // RFC 8489 section 9.1.3, in this order: present, then right.
  const auto username_text = m.text(Attribute::username);
  if (!username_text || !m.has(Attribute::message_integrity)) {
    ++drops.unauthenticated;
    return respond(path, m, 400, false);
  }
  const auto name = split_username(*username_text);
  if (!name || name->local != local.ufrag || m.check_integrity(local_key) != stun::Verdict::right) {
    ++drops.unauthenticated;
    return respond(path, m, 401, false);
  }
  // Another fragment is another session of the peer: a fork, or a restart whose answer it awaits.
  // Libwebrtc then checks the old candidates from its new sockets; an answer would have it select
  // a pair that we do not have, and send its media there. Silence leaves it with the pairs to come.
  if (remote && name->remote != remote->ufrag) {
    ++drops.unauthenticated;
    return;
  }
  std::array<std::uint16_t, 1> unknown{};
  if (m.unknown_required(kKnownInRequest, unknown) > 0) return respond(path, m, 420, true);
  if (!resolve_role_conflict(m)) return respond(path, m, 487, true);
  respond(path, m, 0, true);
  if (is_over()) return;

  ReceivedCheck check;
  check.path = path;
  check.priority = m.u32(Attribute::priority).value_or(0);
  check.use_candidate = m.has(Attribute::use_candidate);
  check.remote_ufrag = name->remote;
  if (!remote) return remember_early(std::move(check));
  handle_check(now, check);
  update(now);
}

// RFC 8445 section 7.3.1.1. False when the answer is 487.
bool Agent::Impl::resolve_role_conflict(const stun::MessageView& m) {
  const auto rival = role == Role::controlling ? m.u64(Attribute::ice_controlling)
                                               : m.u64(Attribute::ice_controlled);
  if (!rival) return true;
  const bool ours_is_larger = tie_breaker >= *rival;
  // The one with the larger tie-breaker ends up controlling.
  if (ours_is_larger == (role == Role::controlling)) return false;
  change_role(role == Role::controlling ? Role::controlled : Role::controlling);
  events.emplace_back(RoleChanged{role});
  return true;
}

void Agent::Impl::respond(const Path& path, const stun::MessageView& m, int error,
                          bool authenticated) {
  // An answer to somebody unknown is never longer than the question (no amplification).
  if (!authenticated && m.datagram().size() < kBareErrorSize) return;
  if (responses.size() >= kMaxPendingResponses) {
    ++drops.over_limit;
    return;
  }
  PendingResponse response;
  response.path = path;
  response.id = m.transaction_id();
  response.error = error;
  response.authenticated = authenticated;
  if (error == 420) {
    response.unknown_count = m.unknown_required(kKnownInRequest, response.unknown);
  }
  responses.push_back(response);
}

std::optional<Transmit> Agent::Impl::poll_response(MutableBytes storage) {
  while (!responses.empty()) {
    const PendingResponse r = responses.front();
    responses.pop_front();
    stun::MessageWriter out{
        storage, r.error == 0 ? stun::Class::success_response : stun::Class::error_response,
        stun::Method::binding, r.id};
    if (r.error == 0) {
      out.add_xor_address(Attribute::xor_mapped_address, r.path.remote);
    } else {
      out.add_error(r.error, reason_of(r.error));
    }
    if (r.error == 420) out.add_unknown_attributes(std::span{r.unknown}.first(r.unknown_count));
    if (r.authenticated) out.add_integrity(local_key);
    out.add_fingerprint();
    const Bytes message = out.finish();
    if (message.empty()) continue;  // too little storage: lost, as on the network
    if (Pair* const pair = list.find(r.path); pair != nullptr && r.error == 0) {
      ++pair->counters.responses_sent;
    }
    return Transmit{r.path, message};
  }
  return std::nullopt;
}

void Agent::Impl::remember_early(ReceivedCheck check) {
  const auto same = std::find_if(early.begin(), early.end(),
                                 [&](const ReceivedCheck& c) { return c.path == check.path; });
  if (same != early.end()) {
    check.use_candidate = check.use_candidate || same->use_candidate;
    *same = std::move(check);
  } else if (early.size() < kMaxEarlyChecks) {
    early.push_back(std::move(check));
  } else {
    ++drops.over_limit;
  }
}

std::optional<std::size_t> Agent::Impl::learn_remote(const ReceivedCheck& check) {
  if (const auto known = find_remote(check.path.remote)) return known;
  if (remotes.size() >= config.max_remote_candidates) {
    ++drops.over_limit;
    return std::nullopt;
  }
  // RFC 8445 section 7.3.1.3.
  Candidate c;
  c.type = CandidateType::peer_reflexive;
  c.address = check.path.remote;
  c.priority = check.priority;
  // Not an ice-char, so that no signalled foundation is equal.
  c.foundation = '.';
  c.foundation += std::to_string(remotes.size());
  remotes.push_back(std::move(c));
  return remotes.size() - 1;
}

// RFC 8445 sections 7.3.1.3 to 7.3.1.5, once the peer's credentials are there.
void Agent::Impl::handle_check(Timestamp now, const ReceivedCheck& check) {
  // Another fragment is another session of the peer (forking); it is not ours to check.
  if (check.remote_ufrag != remote->ufrag) return;
  const auto local_index = gatherer.host_candidate(check.path.local);
  const auto remote_index = learn_remote(check);
  if (!local_index || !remote_index) return;
  Pair* const pair = add_pair(now, *local_index, *remote_index);
  if (pair == nullptr || pair->consent_lost) return;
  pair->heard_request = true;
  heard_check = true;
  pair->last_heard = now;
  ++pair->counters.requests_received;

  const bool nominates = check.use_candidate && role == Role::controlled;
  if (nominates) {
    pair->last_use_candidate = now;
    if (has_consent(*pair, now)) return note_nominated(now, *pair);
    pair->nominate_on_success = true;
  }
  // Pion 3 asks all its pairs, and nominates when a check comes on the best of those that were
  // answered, or 200 ms later. Our check was over before; what we ask for consent is another.
  if (role == Role::controlled && nominated == 0 && pair->id == selected &&
      pair->counters.consent_requests_sent == 0) {
    pair->next_consent = now;
  }
  // After the conclusion only a nomination is worth another check (RFC 8445 section 8.1.2).
  if (has_consent(*pair, now) || (nominated != 0 && !nominates)) return;
  trigger_check(now, *pair);
}

}  // namespace parley::ice
