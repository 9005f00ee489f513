// A full ICE agent for one component over UDP (RFC 8445) with trickle (RFC 8838) and consent
// freshness (RFC 7675).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/base/log.hpp"
#include "parley/base/net.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/ice/candidate.hpp"
#include "parley/machine.hpp"
#include "parley/stun/client.hpp"

namespace parley::ice {

enum class Role : std::uint8_t { controlling, controlled };

/// What signalling carries besides candidates (RFC 8839 section 5.4). Never logged.
struct Credentials {
  std::string ufrag;     ///< 4 to 256 characters
  std::string password;  ///< 22 to 256 characters
};

/// The words of W3C RTCIceTransportState.
enum class State : std::uint8_t {
  new_,          ///< gathering, or waiting for the peer's credentials and candidates
  checking,      ///< at least one pair, none valid yet
  connected,     ///< a valid pair exists: data can flow; better pairs may still be tried
  completed,     ///< nominated, and neither side has more candidates to come
  disconnected,  ///< nothing heard on the selected pair for Config::disconnected_after
  failed,        ///< final: no pair worked, or consent expired and nothing else is valid
  closed,
};
enum class GatheringState : std::uint8_t { new_, gathering, complete };

/// Why the state became what it is.
enum class Cause : std::uint8_t {
  progress,         ///< the ordinary course
  no_pairs,         ///< no remote candidate could be paired in time (RFC 8863)
  checks_failed,    ///< every pair failed
  silence,          ///< disconnected: nothing heard
  consent_expired,  ///< RFC 7675 section 5.1
  closed_locally,
};

std::string_view to_string(Role role);
std::string_view to_string(State state);
std::string_view to_string(GatheringState state);
std::string_view to_string(Cause cause);

struct Config {
  Role role = Role::controlling;
  /// Ta: at most one new check or gathering request in this time (RFC 8445 section 14.2).
  Duration pacing = 50ms;
  /// Requests of checks; `rto` is the floor that grows with the number of pairs (section 14.3).
  stun::RetransmitSchedule checks;
  /// A check that waits this long for its answer gets another beside it, sent once and within
  /// `pacing`, and so on until twice `checks.rto` after it left (ours; a longer time is never).
  Duration check_again = 100ms;
  /// Requests to STUN servers. Fewer sends than RFC 8489 recommends, so that a dead server holds up
  /// GatheringState::complete for 9.5 s and not for 39.5 s (ours).
  stun::RetransmitSchedule gathering{500ms, 5, 4};
  /// Consent checks leave after this, times 0.8 to 1.2 (RFC 7675 section 5.1).
  Duration consent_interval = 5s;
  Duration consent_expiry = 30s;
  /// Silence on the selected pair that is reported as State::disconnected (ours).
  Duration disconnected_after = 8s;
  /// Indications on valid pairs that carry nothing else, and the refresh of server-reflexive
  /// mappings before the first valid pair (RFC 8445 section 11: Tr, at least 15 s).
  Duration keepalive_interval = 15s;
  /// The agent does not fail sooner after checks could start (RFC 8863 section 4).
  Duration patience = 39'500ms;
  /// The controlling side waits this or one round trip, whichever is longer, for pairs of higher
  /// priority than the best valid one before it nominates (ours).
  Duration nomination_wait = 50ms;
  /// Limits; see docs/ice.md for what happens above them.
  std::size_t max_pairs = 100;  ///< RFC 8445 section 6.1.2.5
  std::size_t max_remote_candidates = 100;
  std::size_t max_local_candidates = 64;
  /// Give raddr as 0.0.0.0 (or ::) and rport as 9 in server-reflexive candidates (RFC 8839 section
  /// 5.1).
  bool hide_related_addresses = false;
  /// Behind a NAT that maps addresses one to one and keeps ports: host candidates, but those of
  /// loopback, are signalled with the first of these that is of their family. They are used from
  /// their bases as ever.
  std::vector<IpAddress> public_addresses{};
  LogSink* log = nullptr;  ///< outlives the agent
};

/// A local candidate to signal. `candidate.ufrag` is filled.
struct CandidateGathered {
  Candidate candidate;
};
/// A STUN server was of no use from `path.local`; code 701 when it was silent (W3C
/// RTCPeerConnectionIceErrorEvent), else the server's.
struct GatheringError {
  Path path;
  int code = 0;
  std::string reason;
};
struct GatheringStateChanged {
  GatheringState state;
  std::string ufrag{};  ///< the generation that it is about
};
struct StateChanged {
  State state;
  Cause cause;
};
/// Data now goes by another path. Before nomination this is the best valid pair (RFC 8445 section
/// 12.1), afterwards the nominated one.
struct SelectedPairChanged {
  Path path;
  Candidate local;
  Candidate remote;
  bool nominated = false;
};
/// A role conflict was resolved by changing our role (RFC 8445 section 7.3.1.1).
struct RoleChanged {
  Role role;
};
using Event = std::variant<CandidateGathered, GatheringError, GatheringStateChanged, StateChanged,
                           SelectedPairChanged, RoleChanged>;

/// RFC 8445 section 6.1.2.6, in the words of W3C RTCStatsIceCandidatePairState.
enum class PairState : std::uint8_t { frozen, waiting, in_progress, succeeded, failed };
std::string_view to_string(PairState state);

struct PairStats {
  std::uint32_t id = 0;    ///< stable within the agent
  std::size_t local = 0;   ///< index into Stats::local_candidates
  std::size_t remote = 0;  ///< index into Stats::remote_candidates
  Path path;
  PairState state = PairState::frozen;
  bool nominated = false;
  bool selected = false;
  std::uint64_t priority = 0;
  std::uint64_t packets_sent = 0, packets_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::optional<Timestamp> last_packet_sent, last_packet_received;
  std::uint64_t requests_sent = 0, requests_received = 0;
  std::uint64_t responses_sent = 0, responses_received = 0;
  std::uint64_t consent_requests_sent = 0;
  std::optional<Duration> current_round_trip_time;
  Duration total_round_trip_time{};  ///< sum over responses_received
};

/// Datagrams and candidates that were not used, and why.
struct Drops {
  std::uint64_t not_stun = 0;             ///< no STUN message, or a wrong FINGERPRINT
  std::uint64_t unauthenticated = 0;      ///< wrong or missing user name or integrity
  std::uint64_t unexpected_response = 0;  ///< no such transaction
  std::uint64_t unknown_socket = 0;       ///< path.local is none of ours
  std::uint64_t over_limit = 0;           ///< early checks, candidates or pairs above a limit
  std::uint64_t unusable_candidates = 0;  ///< TCP, host names, other components
};

struct Stats {
  State state = State::new_;
  Role role = Role::controlling;
  std::vector<Candidate> local_candidates;
  std::vector<Candidate> remote_candidates;
  std::vector<PairStats> pairs;
  std::uint32_t selected_pair_changes = 0;
  Drops drops;
};

/// The ufrag that a connectivity check addresses: how the owner of a socket that several agents
/// share finds the one whose `local_credentials().ufrag` it is (later datagrams go by path).
/// Borrowed from the datagram and not authenticated; nullopt when it is no check.
std::optional<std::string_view> addressed_ufrag(Bytes datagram);

/// Finds a working path to the peer and keeps it alive.
///
/// Ownership: owns its candidates, pairs and transactions; sockets belong to the owner, who opens
/// them, tells their bound addresses and sends what `poll_transmit` gives. Thread rule: one
/// sequence of execution. Order of calls: any; checks begin when both credentials and a pair are
/// there, and checks that arrive before the peer's credentials are answered and remembered. RFC
/// 8445 (full agent, one component, regular nomination), RFC 8838, RFC 7675, RFC 8863.
class Agent {
 public:
  /// `random` outlives the agent. Makes the local credentials and the tie-breaker.
  Agent(const Config& config, Random& random, Timestamp now);
  Agent(Agent&&) noexcept;
  Agent& operator=(Agent&&) noexcept;
  ~Agent();

  const Credentials& local_credentials() const;
  /// Appends its one user fragment.
  void add_user_fragments(std::vector<std::string>& fragments) const;
  /// The role that signalling decided; pair priorities follow. No event.
  void set_role(Role role);
  Role role() const;
  State state() const;
  GatheringState gathering_state() const;

  /// Errors: invalid_argument for lengths outside RFC 8839 section 5.4; invalid_state when other
  /// credentials were set before (a restart is a new agent, see Transport); closed. Equal ones are
  /// accepted again.
  Result<void> set_remote_credentials(Timestamp now, Credentials remote);
  /// The owner opened a UDP socket bound to `base` (an address of `interface`, a real port). The
  /// host candidate comes out as an event, and every known STUN server is asked from here.
  /// Errors: invalid_argument (port 0, address any, multicast, link-local IPv6 or v4-mapped, or
  /// known already); too_large; invalid_state after end_of_local_sockets; closed.
  Result<void> add_local_socket(Timestamp now, const SocketAddress& base,
                                const NetworkInterface& interface);
  /// A STUN server, resolved. Asked from every socket of its family. At most 8 are used; more, and
  /// calls after end_of_local_sockets, are ignored.
  void add_stun_server(Timestamp now, const SocketAddress& server);
  /// No more sockets or servers: gathering completes when the last request ends.
  void end_of_local_sockets(Timestamp now);

  /// A candidate of the peer. Those that cannot be used (TCP, names, other components) are counted
  /// and otherwise ignored, as are candidates whose `ufrag` is not the peer's.
  /// Errors: too_large above Config::max_remote_candidates; closed.
  Result<void> add_remote_candidate(Timestamp now, const Candidate& candidate);
  void end_of_remote_candidates(Timestamp now);

  /// Whether the datagram is a check of our user fragment or answers a request of ours: how agents
  /// that share a socket find out whose it is. Not authenticated.
  bool expects(Bytes datagram) const;
  /// Takes STUN only (stun::is_stun tells); `path.local` is a socket's bound address.
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes);
  void handle_timeout(Timestamp now);
  /// `storage` has at least 600 bytes, which the largest message fits (kMaxDatagramSize is right).
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage);
  std::optional<Event> poll_event();
  Timestamp next_timeout() const;

  /// Where to send data: the nominated pair, before that the best valid one; nullopt before there
  /// is one and after consent was lost.
  std::optional<Path> selected_path() const;
  /// True when data may be taken from this path: an authenticated check or response came by it.
  bool accepts(const Path& path) const;
  /// True once a check of the peer has come: it has our credentials, so it has our description.
  bool heard_check() const;
  /// The last measured round trip of the selected pair.
  std::optional<Duration> round_trip_time() const;

  /// Data that the owner sent or took, for statistics, silence detection and keepalives.
  void note_sent(const Path& path, std::size_t bytes, Timestamp now);
  void note_received(const Path& path, std::size_t bytes, Timestamp now);

  Stats stats() const;
  /// Stops everything; one StateChanged{closed} can still be polled.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
static_assert(DatagramCore<Agent>);

}  // namespace parley::ice
