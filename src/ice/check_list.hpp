// The candidate pairs of one component, their order, and which is checked next (RFC 8445 section
// 6.1).
#pragma once

#include <list>
#include <string>
#include <vector>

#include "parley/ice/agent.hpp"

namespace parley::ice {

enum class RequestKind : std::uint8_t { check, nomination, consent };

/// A request that was sent and may still be answered.
struct SentRequest {
  stun::TransactionId id{};
  RequestKind kind = RequestKind::check;
  /// The role that it claimed: a 487 is about this one, not about the present one.
  Role role = Role::controlling;
  stun::RetransmitTimer timer;
  Timestamp sent_at{};
  /// Sent no more and no failure when unanswered: cancelled by a triggered check (RFC 8445 section
  /// 7.3.1.4), or a consent check (RFC 7675 section 5.1). Forgotten at `expires`.
  bool is_final = false;
  Timestamp expires{};
};

/// A base of ours and a remote candidate. The pair of the check list and the valid pair that its
/// check produced (RFC 8445 section 7.2.5.3.2) are one entry: they share their path.
struct Pair {
  std::uint32_t id = 0;
  std::size_t local = 0;   // host candidate, index
  std::size_t remote = 0;  // remote candidate, index
  Path path;
  std::string foundation;
  PairState state = PairState::frozen;
  std::uint64_t priority = 0;

  std::size_t valid_local = 0;       // the candidate that the mapped address named
  std::uint64_t valid_priority = 0;  // with that candidate's priority
  bool heard_request = false;        // an authenticated check came by this path
  bool nominate_next = false;        // the next check carries USE-CANDIDATE (controlling)
  bool nominate_on_success = false;  // the peer nominated it before it was valid (controlled)
  bool nominated = false;
  bool consent_lost = false;  // these credentials are spent on this path (RFC 7675 section 5.1)
  int role_conflicts = 0;
  Timestamp consent_until{};
  Timestamp next_consent = kNever;
  Timestamp last_sent{};
  Timestamp last_heard{};
  Timestamp last_use_candidate{};
  std::vector<SentRequest> requests;
  PairStats counters;

  bool is_valid() const { return state == PairState::succeeded; }
  bool is_open() const {
    return state == PairState::frozen || state == PairState::waiting ||
           state == PairState::in_progress;
  }
  /// The request that is being retransmitted.
  SentRequest* active();
  const SentRequest* active() const { return const_cast<Pair*>(this)->active(); }
  /// RFC 8445 section 7.3.1.4: cancels without forgetting.
  void cancel_active(Timestamp expires);
  /// Makes room for another; that which is being retransmitted stays.
  void forget_oldest_request();
};

class CheckList {
 public:
  explicit CheckList(std::size_t limit) : limit_(limit) {}

  std::list<Pair>& pairs() { return pairs_; }
  const std::list<Pair>& pairs() const { return pairs_; }
  Pair* find(std::uint32_t id);
  const Pair* find(std::uint32_t id) const { return const_cast<CheckList*>(this)->find(id); }
  Pair* find(const Path& path);
  const Pair* find(const Path& path) const { return const_cast<CheckList*>(this)->find(path); }

  /// Adds a pair: Waiting, or Frozen when its foundation has one that is open already (RFC 8838
  /// section 12). In a full list the worst pair that is neither valid nor being checked makes room;
  /// nullptr when that would be the new one. `protect` is never removed.
  Pair* add(Pair pair, std::uint32_t protect);
  /// Failed pairs are kept for statistics until room is needed.
  std::uint64_t dropped() const { return dropped_; }

  void trigger(Pair& pair);
  void untrigger(const Pair& pair);
  void clear_triggered() { triggered_.clear(); }

  /// The next pair to check (RFC 8445 section 6.1.4.2): the best triggered one, else if `ordinary`
  /// the best Waiting, after thawing a foundation that nobody is working on. nullptr when none.
  Pair* take_next(bool ordinary);
  bool has_next(bool ordinary) const;
  /// RFC 8445 section 7.2.5.3.3.
  void thaw(const std::string& foundation);
  /// For the RTO of RFC 8445 section 14.3.
  std::size_t waiting_or_in_progress() const;
  bool has_open() const;

 private:
  bool is_triggered(const Pair& pair) const;
  bool is_being_worked_on(const std::string& foundation) const;
  bool can_thaw(const Pair& pair) const {
    return pair.state == PairState::frozen && !is_being_worked_on(pair.foundation);
  }

  std::size_t limit_;
  std::uint32_t next_id_ = 1;
  std::uint64_t dropped_ = 0;
  std::list<Pair> pairs_;
  std::vector<std::uint32_t> triggered_;
};

}  // namespace parley::ice
