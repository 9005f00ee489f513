#include "parley/ice/agent.hpp"

#include <algorithm>
#include <utility>

#include "ice/agent_impl.hpp"

namespace parley::ice {
namespace {

// RFC 8445 section 5.3 asks for 24 and 128 bits at least; each character has 6.
constexpr std::size_t kUfragLength = 8;
constexpr std::size_t kPasswordLength = 24;

Credentials make_credentials(Random& random) {
  return {random.ice_chars(kUfragLength), random.ice_chars(kPasswordLength)};
}

// RFC 8839 section 5.4. The characters are not checked: peers use others than ice-char.
bool is_valid(const Credentials& c) {
  return c.ufrag.size() >= 4 && c.ufrag.size() <= 256 && c.password.size() >= 22 &&
         c.password.size() <= 256;
}

// A remote address that a datagram of ours can and may be sent to.
bool is_possible_remote(const Candidate& c) {
  const IpAddress& ip = c.address.ip;
  return c.is_usable() && !ip.is_any() && !ip.is_multicast() && !ip.is_v4_mapped() &&
         !(ip.is_v6() && ip.is_link_local());
}

// Whether a pair is worth a check before anything was heard from there: loopback is asked from
// loopback only. A check that did come proves more. (Chromium pairs each of its addresses with each
// of ours, and its 127.0.0.1 reaches the other addresses of the host.)
bool may_reach(const SocketAddress& base, const SocketAddress& to) {
  return base.ip.is_loopback() == to.ip.is_loopback();
}

}  // namespace

Agent::Impl::Impl(const Config& c, Random& r, Timestamp now)
    : config(c),
      random(&r),
      local(make_credentials(r)),
      local_key(DigestAlgorithm::sha1, as_bytes(local.password)),
      role(c.role),
      tie_breaker(r.u64()),
      gatherer(config, local.ufrag, r, events),
      list(c.max_pairs),
      pace_at(now) {}

Agent::Agent(const Config& config, Random& random, Timestamp now)
    : impl_(std::make_unique<Impl>(config, random, now)) {}
Agent::Agent(Agent&&) noexcept = default;
Agent& Agent::operator=(Agent&&) noexcept = default;
Agent::~Agent() = default;

const Credentials& Agent::local_credentials() const { return impl_->local; }
Role Agent::role() const { return impl_->role; }
State Agent::state() const { return impl_->state; }
GatheringState Agent::gathering_state() const { return impl_->gatherer.state(); }

void Agent::set_role(Role role) {
  if (impl_->role != role) impl_->change_role(role);
}

Result<void> Agent::set_remote_credentials(Timestamp now, Credentials remote) {
  Impl& a = *impl_;
  if (a.is_over()) return Error{Errc::closed, "ICE agent"};
  if (!is_valid(remote)) return Error{Errc::invalid_argument, "length of ICE credentials"};
  if (a.remote) {
    const bool same = a.remote->ufrag == remote.ufrag && a.remote->password == remote.password;
    if (!same) return Error{Errc::invalid_state, "other ICE credentials of the peer"};
    return {};
  }
  // RFC 8445 section 7.2.2: the peer's fragment first.
  a.username = remote.ufrag + ':' + a.local.ufrag;
  a.remote_key.emplace(DigestAlgorithm::sha1, as_bytes(remote.password));
  a.remote = std::move(remote);
  a.patience_until = now + a.config.patience;
  const auto early = std::exchange(a.early, {});
  a.accepted.reset();
  for (const ReceivedCheck& check : early) a.handle_check(now, check);
  a.update(now);
  return {};
}

Result<void> Agent::add_local_socket(Timestamp now, const SocketAddress& base,
                                     const NetworkInterface& interface) {
  Impl& a = *impl_;
  if (a.is_over()) return Error{Errc::closed, "ICE agent"};
  const auto index = a.gatherer.add_socket(now, base, interface);
  if (!index) return index.error();
  for (std::size_t i = 0; i < a.remotes.size(); ++i) {
    if (may_reach(base, a.remotes[i].address)) a.add_pair(now, *index, i);
  }
  a.update(now);
  return {};
}

void Agent::add_stun_server(Timestamp now, const SocketAddress& server) {
  if (!impl_->is_over()) impl_->gatherer.add_server(now, server);
}

void Agent::end_of_local_sockets(Timestamp now) {
  if (impl_->is_over()) return;
  impl_->gatherer.end_of_sockets();
  impl_->update(now);
}

Result<void> Agent::add_remote_candidate(Timestamp now, const Candidate& candidate) {
  Impl& a = *impl_;
  if (a.is_over()) return Error{Errc::closed, "ICE agent"};
  // RFC 8838 section 11: a candidate of another generation is not for this session.
  const bool other_generation =
      a.remote && !candidate.ufrag.empty() && candidate.ufrag != a.remote->ufrag;
  if (!is_possible_remote(candidate) || other_generation) {
    ++a.drops.unusable_candidates;
    return {};
  }
  if (const auto known = a.find_remote(candidate.address)) {
    // RFC 8445 section 7.3.1.3: the signalled candidate says what the learned one could not.
    if (a.remotes[*known].type != CandidateType::peer_reflexive) return {};
    a.remotes[*known] = candidate;
    for (Pair& p : a.list.pairs()) {
      if (p.remote == *known) a.compute(p);
    }
    a.pair_remote(now, *known);
  } else {
    if (a.remotes.size() >= a.config.max_remote_candidates) {
      ++a.drops.over_limit;
      return Error{Errc::too_large, "remote candidates"};
    }
    a.remotes.push_back(candidate);
    a.pair_remote(now, a.remotes.size() - 1);
  }
  // What RFC 8863 waits for can also be an answer to a candidate that came late.
  if (a.remote) a.patience_until = std::max(a.patience_until, now + a.config.patience);
  a.update(now);
  return {};
}

void Agent::end_of_remote_candidates(Timestamp now) {
  impl_->remote_ended = true;
  impl_->update(now);
}

bool Agent::expects(Bytes datagram) const {
  const Impl& a = *impl_;
  if (const auto ufrag = addressed_ufrag(datagram)) return *ufrag == a.local.ufrag;
  const auto m = stun::MessageView::parse(datagram);
  if (!m) return false;
  const auto is_ours = [&](const SentRequest& r) { return r.id == m->transaction_id(); };
  return a.gatherer.awaits(m->transaction_id()) ||
         std::any_of(a.list.pairs().begin(), a.list.pairs().end(), [&](const Pair& p) {
           return std::any_of(p.requests.begin(), p.requests.end(), is_ours);
         });
}

void Agent::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  Impl& a = *impl_;
  if (a.state == State::closed) return;
  if (!a.gatherer.host_candidate(path.local)) {
    ++a.drops.unknown_socket;
    return;
  }
  const auto m = stun::MessageView::parse(bytes);
  if (!m || m->method() != stun::Method::binding ||
      m->check_fingerprint() == stun::Verdict::wrong) {
    ++a.drops.not_stun;
    return;
  }
  switch (m->message_class()) {
    case stun::Class::request:
      a.handle_request(now, path, *m);
      break;
    case stun::Class::indication:
      break;  // a keepalive: not authenticated, so nothing follows from it
    case stun::Class::success_response:
    case stun::Class::error_response:
      if (a.gatherer.handle_response(now, path, bytes)) {
        a.update(now);
      } else {
        a.handle_response(now, path, *m);
      }
      break;
  }
}

void Agent::handle_timeout(Timestamp now) {
  Impl& a = *impl_;
  if (a.is_over()) return;
  a.gatherer.handle_timeout(now);
  a.expire_requests(now);
  a.expire_consent(now);
  a.update(now);
}

std::optional<Transmit> Agent::poll_transmit(Timestamp now, MutableBytes storage) {
  Impl& a = *impl_;
  if (auto transmit = a.poll_response(storage)) return transmit;
  if (a.is_over()) return std::nullopt;
  if (auto transmit = a.gatherer.poll_transmit(now, storage)) return transmit;
  if (!a.can_check()) return std::nullopt;
  if (auto transmit = a.poll_check(now, storage)) return transmit;
  return a.poll_consent(now, storage);
}

std::optional<Event> Agent::poll_event() {
  auto& events = impl_->events;
  if (events.empty()) return std::nullopt;
  Event event = std::move(events.front());
  events.pop_front();
  return event;
}

Timestamp Agent::next_timeout() const {
  const Impl& a = *impl_;
  if (a.is_over()) return kNever;
  Timestamp next = a.gatherer.next_timeout();
  if (!a.can_check()) return next;
  next = std::min({next, a.next_check_timeout(), a.next_consent_timeout(), a.nomination_at});
  if (a.selected == 0 && !a.list.has_open()) next = std::min(next, a.patience_until);
  return next;
}

std::optional<Path> Agent::selected_path() const {
  const Pair* const pair = impl_->list.find(impl_->selected);
  return pair != nullptr ? std::optional{pair->path} : std::nullopt;
}

void Agent::add_user_fragments(std::vector<std::string>& fragments) const {
  fragments.push_back(impl_->local.ufrag);
}

bool Agent::accepts(const Path& path) const {
  const Impl& a = *impl_;
  if (a.accepted && *a.accepted == path) return true;
  const Pair* const pair = a.list.find(path);
  const bool is_early = std::any_of(a.early.begin(), a.early.end(),
                                    [&](const ReceivedCheck& c) { return c.path == path; });
  const bool is_proven = pair != nullptr && (pair->is_valid() || pair->heard_request);
  const bool yes = !a.is_over() && (is_early || (is_proven && !pair->consent_lost));
  if (yes) a.accepted = path;
  return yes;
}

bool Agent::heard_check() const { return impl_->heard_check; }

std::optional<Duration> Agent::round_trip_time() const {
  const Pair* const pair = impl_->list.find(impl_->selected);
  return pair != nullptr ? pair->counters.current_round_trip_time : std::nullopt;
}

void Agent::note_sent(const Path& path, std::size_t bytes, Timestamp now) {
  Pair* const pair = impl_->noted(path);
  if (pair == nullptr) return;
  pair->last_sent = now;
  pair->counters.last_packet_sent = now;
  ++pair->counters.packets_sent;
  pair->counters.bytes_sent += bytes;
}

void Agent::note_received(const Path& path, std::size_t bytes, Timestamp now) {
  Pair* const pair = impl_->noted(path);
  if (pair == nullptr) return;
  pair->last_heard = now;
  pair->counters.last_packet_received = now;
  ++pair->counters.packets_received;
  pair->counters.bytes_received += bytes;
  if (impl_->state == State::disconnected) impl_->update(now);
}

Stats Agent::stats() const {
  const Impl& a = *impl_;
  Stats out;
  out.state = a.state;
  out.role = a.role;
  out.local_candidates = a.gatherer.candidates();
  out.remote_candidates = a.remotes;
  for (Candidate& c : out.remote_candidates) {
    // Learned ones, and those of a description, belong to the generation of the credentials.
    if (c.ufrag.empty() && a.remote) c.ufrag = a.remote->ufrag;
  }
  for (const Pair& p : a.list.pairs()) {
    PairStats s = p.counters;
    s.id = p.id;
    s.local = p.is_valid() ? p.valid_local : p.local;
    s.remote = p.remote;
    s.path = p.path;
    s.state = p.state;
    s.nominated = p.nominated;
    s.selected = p.id == a.selected;
    s.priority = p.priority;
    out.pairs.push_back(std::move(s));
  }
  out.selected_pair_changes = a.selected_changes;
  out.drops = a.drops;
  out.drops.over_limit += a.list.dropped();
  return out;
}

void Agent::close() {
  Impl& a = *impl_;
  if (a.state == State::closed) return;
  a.events.clear();
  a.responses.clear();
  a.early.clear();
  a.gatherer.close();
  a.accepted.reset();
  a.selected = 0;
  a.set_state(State::closed, Cause::closed_locally);
}

std::optional<std::size_t> Agent::Impl::find_remote(const SocketAddress& address) const {
  const auto it = std::find_if(remotes.begin(), remotes.end(),
                               [&](const Candidate& c) { return c.address == address; });
  if (it == remotes.end()) return std::nullopt;
  return static_cast<std::size_t>(it - remotes.begin());
}

Pair* Agent::Impl::add_pair(Timestamp now, std::size_t local_index, std::size_t remote_index) {
  const SocketAddress& base = gatherer.candidates()[local_index].base;
  const SocketAddress& to = remotes[remote_index].address;
  if (base.ip.family() != to.ip.family()) return nullptr;  // RFC 8445 section 6.1.2.2
  if (Pair* const known = list.find(Path{base, to})) return known;
  Pair pair;
  pair.local = pair.valid_local = local_index;
  pair.remote = remote_index;
  pair.path = {base, to};
  pair.last_sent = pair.last_heard = now;
  compute(pair);
  accepted.reset();  // adding may remove a pair
  last_noted = nullptr;
  return list.add(std::move(pair), selected);
}

void Agent::Impl::pair_remote(Timestamp now, std::size_t remote_index) {
  // Server-reflexive candidates would be replaced by their bases and pruned (RFC 8445 section
  // 6.1.2.4), so bases are all there is to pair.
  for (std::size_t i = 0; i < gatherer.candidates().size(); ++i) {
    const Candidate& candidate = gatherer.candidates()[i];
    if (candidate.type == CandidateType::host &&
        may_reach(candidate.base, remotes[remote_index].address)) {
      add_pair(now, i, remote_index);
    }
  }
}

void Agent::Impl::compute(Pair& pair) const {
  const auto priority_with = [&](std::size_t local_index) {
    const std::uint32_t ours = gatherer.candidates()[local_index].priority;
    const std::uint32_t theirs = remotes[pair.remote].priority;
    return role == Role::controlling ? pair_priority(ours, theirs) : pair_priority(theirs, ours);
  };
  pair.priority = priority_with(pair.local);
  pair.valid_priority = priority_with(pair.valid_local);
  pair.foundation =
      gatherer.candidates()[pair.local].foundation + ':' + remotes[pair.remote].foundation;
}

void Agent::Impl::change_role(Role to) {
  role = to;
  say("role", to_string(to));
  for (Pair& p : list.pairs()) {
    compute(p);
    p.nominate_next = false;
    p.nominate_on_success = false;
  }
  nomination_at = kNever;
}

Pair* Agent::Impl::noted(const Path& path) {
  if (last_noted == nullptr || last_noted->path != path) last_noted = list.find(path);
  return last_noted;
}

void Agent::Impl::say(std::string_view what, std::string_view value) const {
  if (config.log == nullptr || !config.log->wants(Severity::info)) return;
  std::string line{what};
  line += ' ';
  line += value;
  config.log->write(Severity::info, "ice", line);
}

}  // namespace parley::ice
