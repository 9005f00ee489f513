// Local candidates: host candidates from the owner's sockets, server-reflexive ones from STUN
// servers (RFC 8445 section 5.1.1).
#pragma once

#include <array>
#include <list>
#include <string>
#include <vector>

#include "parley/ice/agent.hpp"

namespace parley::ice {

class Gatherer {
 public:
  Gatherer(const Config& config, std::string ufrag, Random& random, std::list<Event>& events);

  /// Returns the index of the new host candidate. Errors as Agent::add_local_socket.
  Result<std::size_t> add_socket(Timestamp now, const SocketAddress& base,
                                 const NetworkInterface& interface);
  void add_server(Timestamp now, const SocketAddress& server);
  void end_of_sockets();
  void close();

  const std::vector<Candidate>& candidates() const { return candidates_; }
  /// The host candidate of a bound address; nullopt when the socket is none of ours.
  std::optional<std::size_t> host_candidate(const SocketAddress& base) const;
  /// The candidate that `mapped` names as seen from `host`'s socket; a new peer-reflexive one with
  /// `priority` when it is none yet (RFC 8445 section 7.2.5.3.1).
  std::size_t candidate_for_mapped(std::size_t host, const SocketAddress& mapped,
                                   std::uint32_t priority);
  /// PRIORITY for checks from this host candidate (RFC 8445 section 7.1.1).
  std::uint32_t peer_reflexive_priority(std::size_t host) const;

  GatheringState state() const { return state_; }
  /// While true, the mappings of server-reflexive candidates are kept open.
  void set_refresh(bool refresh);

  bool awaits(const stun::TransactionId& id) const { return client_.awaits(id); }
  /// True when the datagram answered one of our requests.
  bool handle_response(Timestamp now, const Path& path, Bytes datagram);
  void handle_timeout(Timestamp now);
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) {
    return client_.poll_transmit(now, storage);
  }
  Timestamp next_timeout() const;

 private:
  struct Query {
    Path path;
    bool answered = false;
    Timestamp refresh_at = kNever;
  };
  std::string foundation_for(CandidateType type, const IpAddress& base, const std::string& server);
  void ask(Timestamp now, const SocketAddress& base, const SocketAddress& server);
  void take_results(Timestamp now);
  void add_server_reflexive(const Path& path, const SocketAddress& mapped);
  void update_state();
  /// Where the peer finds what is bound to `base`.
  IpAddress public_address(const IpAddress& base) const;
  void publish(const Candidate& candidate);

  const Config* config_;
  std::string ufrag_;
  std::list<Event>* events_;
  stun::BindingClient client_;
  std::vector<Candidate> candidates_;
  std::vector<std::uint16_t> preferences_;  // local preference, by candidate
  std::vector<SocketAddress> servers_;
  std::vector<Query> queries_;
  std::vector<std::string> foundations_;  // keys; the foundation is the index plus one
  std::array<std::size_t, 4> ranks_{};    // sockets so far, by class of address
  bool ended_ = false;
  bool refresh_ = true;
  Timestamp next_start_{};
  GatheringState state_ = GatheringState::new_;
};

}  // namespace parley::ice
