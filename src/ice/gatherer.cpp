#include "ice/gatherer.hpp"

#include <algorithm>

namespace parley::ice {
namespace {

constexpr std::size_t kMaxServers = 8;
// Each local candidate's socket may be asked about by each server.
constexpr std::size_t kMaxQueries = 512;
// RTCPeerConnectionIceErrorEvent.errorCode when a server cannot be reached.
constexpr int kServerUnreachable = 701;

stun::BindingClient::Config client_config(const Config& config) {
  stun::BindingClient::Config out;
  out.schedule = config.gathering;
  out.max_transactions = kMaxQueries;
  return out;
}

// RFC 8445 section 5.1.2.2 asks for one preference per address, RFC 8421 section 4 for families
// that alternate with IPv6 first, RFC 8445 section 5.1.1.1 for temporary addresses before others.
enum AddressClass : std::size_t { kTemporary, kLoopback, kOtherIpv6, kIpv4 };

AddressClass class_of(const IpAddress& ip, const NetworkInterface& interface) {
  if (interface.is_loopback || ip.is_loopback()) return kLoopback;
  if (ip.is_v4()) return kIpv4;
  return interface.is_temporary ? kTemporary : kOtherIpv6;
}

// The n-th of each class follows the others' (n-1)-th. Loopback comes last: it reaches this host
// only.
std::uint16_t local_preference(AddressClass address_class, std::size_t rank) {
  const std::size_t preference = 65'535 - 4 * rank - address_class;
  return static_cast<std::uint16_t>(address_class == kLoopback ? preference - 32'768 : preference);
}

// RFC 8445 section 5.1.1.1: what must not or cannot be a candidate.
bool is_possible_base(const SocketAddress& base) {
  return base.port != 0 && !base.ip.is_any() && !base.ip.is_multicast() &&
         !base.ip.is_v4_mapped() && !(base.ip.is_v6() && base.ip.is_link_local());
}

}  // namespace

Gatherer::Gatherer(const Config& config, std::string ufrag, Random& random,
                   std::list<Event>& events)
    : config_(&config),
      ufrag_(std::move(ufrag)),
      events_(&events),
      client_(client_config(config), random) {}

std::string Gatherer::foundation_for(CandidateType type, const IpAddress& base,
                                     const std::string& server) {
  // RFC 8445 section 5.1.1.3: the same type, base address, server and protocol.
  const std::string key = std::string{to_string(type)} + '/' + base.to_string() + '/' + server;
  auto it = std::find(foundations_.begin(), foundations_.end(), key);
  if (it == foundations_.end()) it = foundations_.insert(it, key);
  return std::to_string(it - foundations_.begin() + 1);
}

void Gatherer::publish(const Candidate& candidate) {
  events_->emplace_back(CandidateGathered{candidate});
}

IpAddress Gatherer::public_address(const IpAddress& base) const {
  for (const IpAddress& ip : config_->public_addresses) {
    if (ip.family() == base.family()) return ip;
  }
  return base;
}

Result<std::size_t> Gatherer::add_socket(Timestamp now, const SocketAddress& base,
                                         const NetworkInterface& interface) {
  if (ended_) return Error{Errc::invalid_state, "local socket after the end of local sockets"};
  if (!is_possible_base(base) || host_candidate(base)) {
    return Error{Errc::invalid_argument, "local socket address"};
  }
  if (candidates_.size() >= config_->max_local_candidates) {
    return Error{Errc::too_large, "local candidates"};
  }
  const AddressClass address_class = class_of(base.ip, interface);
  const std::uint16_t preference = local_preference(address_class, ranks_[address_class]++);
  Candidate c;
  c.type = CandidateType::host;
  c.address = c.base = base;
  if (address_class != kLoopback) c.address.ip = public_address(base.ip);
  c.priority = candidate_priority(c.type, preference);
  c.foundation = foundation_for(c.type, base.ip, "");
  c.ufrag = ufrag_;
  const std::size_t index = candidates_.size();
  candidates_.push_back(c);
  preferences_.push_back(preference);
  update_state();
  publish(c);
  for (const SocketAddress& server : servers_) ask(now, base, server);
  return index;
}

void Gatherer::add_server(Timestamp now, const SocketAddress& server) {
  const bool known = std::find(servers_.begin(), servers_.end(), server) != servers_.end();
  if (ended_ || known || servers_.size() >= kMaxServers) return;
  servers_.push_back(server);
  update_state();
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].type == CandidateType::host) ask(now, candidates_[i].base, server);
  }
}

void Gatherer::ask(Timestamp now, const SocketAddress& base, const SocketAddress& server) {
  const Path path{base, server};
  if (base.ip.is_loopback() != server.ip.is_loopback()) return;
  // RFC 8445 section 14.2: one new transaction per Ta.
  next_start_ = std::max(next_start_, now);
  if (!client_.start(next_start_, path)) return;  // another family, or above the limit
  next_start_ += config_->pacing;
  queries_.push_back({path, false, kNever});
}

void Gatherer::end_of_sockets() {
  ended_ = true;
  update_state();
}

void Gatherer::close() {
  client_.cancel();
  queries_.clear();
  ended_ = true;
}

std::optional<std::size_t> Gatherer::host_candidate(const SocketAddress& base) const {
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].type == CandidateType::host && candidates_[i].base == base) return i;
  }
  return std::nullopt;
}

std::size_t Gatherer::candidate_for_mapped(std::size_t host, const SocketAddress& mapped,
                                           std::uint32_t priority) {
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].address == mapped && candidates_[i].base == candidates_[host].base) return i;
  }
  // Mapped addresses come from the peer, who could name a new one each time.
  if (candidates_.size() >= config_->max_local_candidates) return host;
  Candidate c;
  c.type = CandidateType::peer_reflexive;
  c.address = mapped;
  c.base = candidates_[host].base;
  c.related = c.base;
  c.priority = priority;
  c.foundation = foundation_for(c.type, c.base.ip, "");
  c.ufrag = ufrag_;
  candidates_.push_back(std::move(c));
  preferences_.push_back(preferences_[host]);
  return candidates_.size() - 1;
}

std::uint32_t Gatherer::peer_reflexive_priority(std::size_t host) const {
  return candidate_priority(CandidateType::peer_reflexive, preferences_[host]);
}

void Gatherer::set_refresh(bool refresh) {
  if (refresh_ == refresh) return;
  refresh_ = refresh;
  for (Query& q : queries_) q.refresh_at = kNever;
}

bool Gatherer::handle_response(Timestamp now, const Path& path, Bytes datagram) {
  if (!client_.handle_response(now, path, datagram)) return false;
  take_results(now);
  return true;
}

void Gatherer::handle_timeout(Timestamp now) {
  client_.handle_timeout(now);
  take_results(now);
  for (Query& q : queries_) {
    if (q.refresh_at > now) continue;
    q.refresh_at = kNever;
    // Refused only above the limit of transactions, in which case the mapping may lapse.
    if (!client_.start(now, q.path)) continue;
  }
}

Timestamp Gatherer::next_timeout() const {
  Timestamp next = client_.next_timeout();
  for (const Query& q : queries_) next = std::min(next, q.refresh_at);
  return next;
}

void Gatherer::take_results(Timestamp now) {
  while (const auto event = client_.poll_event()) {
    const auto* const mapped = std::get_if<stun::Mapped>(&*event);
    const auto* const failed = std::get_if<stun::BindingFailed>(&*event);
    const Path& path = mapped != nullptr ? mapped->path : failed->path;
    const auto query = std::find_if(queries_.begin(), queries_.end(),
                                    [&](const Query& q) { return q.path == path; });
    if (query == queries_.end()) continue;
    const bool is_refresh = query->answered;
    query->answered = true;
    if (mapped != nullptr) {
      if (!is_refresh) add_server_reflexive(path, mapped->mapped);
      if (refresh_) query->refresh_at = now + config_->keepalive_interval;
    } else if (!is_refresh) {
      const int code = failed->code != 0 ? failed->code : kServerUnreachable;
      events_->emplace_back(GatheringError{path, code, failed->reason});
    }
  }
  update_state();
}

void Gatherer::add_server_reflexive(const Path& path, const SocketAddress& mapped) {
  const auto host = host_candidate(path.local);
  if (!host || candidates_.size() >= config_->max_local_candidates) return;
  // RFC 8445 section 5.1.3: the same address and base is redundant (no NAT, or a second server).
  for (const Candidate& c : candidates_) {
    if (c.address == mapped && c.base == path.local) return;
  }
  Candidate c;
  c.type = CandidateType::server_reflexive;
  c.address = mapped;
  c.base = path.local;
  c.related = config_->hide_related_addresses
                  ? SocketAddress{IpAddress::any(path.local.ip.family()), 9}
                  : path.local;
  c.priority = candidate_priority(c.type, preferences_[*host]);
  c.foundation = foundation_for(c.type, path.local.ip, path.remote.ip.to_string());
  c.ufrag = ufrag_;
  candidates_.push_back(c);
  preferences_.push_back(preferences_[*host]);
  publish(c);
}

void Gatherer::update_state() {
  if (candidates_.empty() && servers_.empty() && !ended_) return;  // nothing has begun
  const bool busy =
      std::any_of(queries_.begin(), queries_.end(), [](const Query& q) { return !q.answered; });
  const GatheringState state =
      ended_ && !busy ? GatheringState::complete : GatheringState::gathering;
  // W3C order: "gathering" is seen before "complete", and the latter is final.
  if (state_ == GatheringState::complete || state == state_) return;
  if (state_ == GatheringState::new_ && state == GatheringState::complete) {
    events_->emplace_back(GatheringStateChanged{GatheringState::gathering, ufrag_});
  }
  state_ = state;
  events_->emplace_back(GatheringStateChanged{state, ufrag_});
}

}  // namespace parley::ice
