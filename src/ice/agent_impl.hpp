// What the agent is made of. The member functions stand in one source file per topic: agent.cpp
// (the owner's calls), requests.cpp (answering checks), checks.cpp (sending them), nomination.cpp
// (choosing a pair, states) and consent.cpp (keeping it).
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "ice/check_list.hpp"
#include "ice/gatherer.hpp"
#include "parley/base/crypto.hpp"
#include "parley/ice/agent.hpp"
#include "parley/stun/message.hpp"

namespace parley::ice {

/// Limits that are ours; docs/ice.md has them in one table.
inline constexpr std::size_t kMaxPendingResponses = 64;
inline constexpr std::size_t kMaxEarlyChecks = 32;
inline constexpr std::size_t kMaxRequestsPerPair = 8;
inline constexpr std::size_t kMaxUnknownAttributes = 8;
/// A pair that is answered with 487 again and again is not worth more than these.
inline constexpr int kMaxRoleConflicts = 8;
/// A nomination of a worse pair replaces a better one when that has not been nominated again for
/// this long: aggressive nominators repeat themselves in the first moments, later ones mean it.
inline constexpr Duration kRenominationQuiet = 2s;
/// Nominations that are made once more because their answer is late.
inline constexpr int kMaxRepeatedNominations = 3;

/// What a peer's check says once it is authenticated.
struct ReceivedCheck {
  Path path;
  std::uint32_t priority = 0;
  bool use_candidate = false;
  std::string remote_ufrag;
};

struct PendingResponse {
  Path path;
  stun::TransactionId id{};
  int error = 0;               // 0 is success
  bool authenticated = false;  // the response carries MESSAGE-INTEGRITY
  std::size_t unknown_count = 0;
  std::array<std::uint16_t, kMaxUnknownAttributes> unknown{};
};

struct Agent::Impl {
  Impl(const Config& config, Random& random, Timestamp now);

  Config config;
  Random* random;
  Credentials local;
  std::optional<Credentials> remote;
  Hmac local_key;
  std::optional<Hmac> remote_key;
  std::string username;  // of our requests
  Role role;
  std::uint64_t tie_breaker;

  // Both are nearly always empty, which a deque pays 600 bytes for.
  std::list<Event> events;
  std::list<PendingResponse> responses;
  Gatherer gatherer;
  std::vector<Candidate> remotes;
  bool remote_ended = false;
  std::vector<ReceivedCheck> early;  // before the peer's credentials came
  CheckList list;
  Drops drops;

  State state = State::new_;
  Timestamp pace_at{};                // when the next check may leave
  Timestamp patience_until = kNever;  // RFC 8863
  Timestamp nomination_at = kNever;
  Timestamp first_valid_at = kNever;
  int nominations_repeated = 0;
  std::uint32_t nominated = 0;  // pair ids; 0 is none
  std::uint32_t selected = 0;
  std::uint32_t announced_nomination = 0;  // the pair whose nomination the owner was told
  bool consent_ever_lost = false;
  bool heard_check = false;    // of the peer, authenticated
  bool has_concluded = false;  // checks ended with a nomination
  std::uint32_t selected_changes = 0;
  mutable std::optional<Path> accepted;  // the last path that `accepts` said yes to
  Pair* last_noted = nullptr;            // the pair of the last note_sent or note_received

  // agent.cpp
  bool is_over() const { return state == State::failed || state == State::closed; }
  bool can_check() const { return remote.has_value() && !is_over(); }
  std::optional<std::size_t> find_remote(const SocketAddress& address) const;
  Pair* add_pair(Timestamp now, std::size_t local_index, std::size_t remote_index);
  void pair_remote(Timestamp now, std::size_t remote_index);
  void compute(Pair& pair) const;
  void change_role(Role to);
  Pair* noted(const Path& path);
  void say(std::string_view what, std::string_view value) const;

  // requests.cpp
  void handle_request(Timestamp now, const Path& path, const stun::MessageView& m);
  bool resolve_role_conflict(const stun::MessageView& m);
  void respond(const Path& path, const stun::MessageView& m, int error, bool authenticated);
  void remember_early(ReceivedCheck check);
  void handle_check(Timestamp now, const ReceivedCheck& check);
  std::optional<std::size_t> learn_remote(const ReceivedCheck& check);
  std::optional<Transmit> poll_response(MutableBytes storage);

  // checks.cpp
  void handle_response(Timestamp now, const Path& path, const stun::MessageView& m);
  void handle_error(Timestamp now, Pair& pair, const SentRequest& sent, int code);
  void handle_success(Timestamp now, Pair& pair, const SentRequest& sent,
                      const SocketAddress& mapped);
  void trigger_check(Timestamp now, Pair& pair);
  void fail(Pair& pair);
  std::optional<Transmit> poll_check(Timestamp now, MutableBytes storage);
  std::optional<Transmit> poll_check_again(Timestamp now, MutableBytes storage);
  Timestamp next_check_again(const Pair& pair) const;
  Bytes start_request(Timestamp now, Pair& pair, RequestKind kind, MutableBytes storage);
  Bytes write_request(Timestamp now, Pair& pair, SentRequest& request, MutableBytes storage);
  void expire_requests(Timestamp now);
  Timestamp next_check_timeout() const;

  // nomination.cpp
  void update(Timestamp now);
  void nominate_if_time(Timestamp now);
  void nominate_again_if_time(Timestamp now, Pair& pair);
  void note_nominated(Timestamp now, Pair& pair);
  void conclude(Timestamp now);
  void select(Timestamp now);
  void update_state(Timestamp now);
  void set_state(State to, Cause cause);
  bool has_consent(const Pair& pair, Timestamp now) const {
    return pair.is_valid() && now < pair.consent_until;
  }

  // consent.cpp
  void schedule_consent(Timestamp now, Pair& pair);
  void expire_consent(Timestamp now);
  bool is_kept_alive(const Pair& pair) const;
  std::optional<Transmit> poll_consent(Timestamp now, MutableBytes storage);
  Timestamp next_consent_timeout() const;
};

}  // namespace parley::ice
