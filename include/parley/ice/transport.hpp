// ICE restarts: agents of successive generations behind one interface.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/ice/agent.hpp"

namespace parley::ice {

/// One component over all its ICE restarts (RFC 8445 section 9, RFC 8839 section 4.4.1.1.1).
///
/// Each generation of credentials is an `Agent`. At most four exist: the *active* one carries the
/// data; a *prepared* one is offered, or about to be answered, and may gather; the *rising* one is
/// negotiated and checks while data stays on the old pair; the *retired* one still answers a peer
/// that has not moved yet. The rising one becomes active when its pair is nominated, or as soon as
/// it has any valid pair when the active one has lost its path.
///
/// Ownership: owns the agents; sockets are the owner's and are shared by all generations. The calls
/// without the word restart work like those of Agent. Thread rule: one sequence of execution.
class Transport {
 public:
  /// How long the old generation answers after the new one carries the data: a peer that moves
  /// later than this has lost the path (ours).
  static constexpr Duration kRetirement = 10s;

  /// `random` outlives the transport.
  Transport(const Config& config, Random& random, Timestamp now);

  // --- Restarts ---

  /// Makes the credentials of the next generation; the same ones until it is cancelled or accepted.
  const Credentials& prepare_restart();
  /// Those that were prepared, if any.
  const Credentials* prepared_credentials() const;
  /// The prepared credentials were signalled: sockets and servers that are added from now on are
  /// gathered for them. True: the owner adds all its sockets again. False, and no effect: nothing
  /// is prepared or it gathers already.
  bool gather_restart(Timestamp now);
  /// Drops the prepared generation (rollback); the others are untouched.
  void cancel_restart(Timestamp now);
  /// The peer has agreed: checks of the prepared generation begin, in the role that the active one
  /// has (RFC 8445 section 9). A generation that is still rising is dropped. Errors: invalid_state
  /// when nothing is prepared; invalid_argument for the lengths of the credentials.
  Result<void> accept_restart(Timestamp now, Credentials remote);

  // --- As in Agent ---

  /// Of the newest generation that both sides know.
  const Credentials& local_credentials() const { return newest().local_credentials(); }
  /// Of the active generation.
  Role role() const { return active_->agent.role(); }
  void set_role(Role role) { active_->agent.set_role(role); }
  /// While a restart is negotiated and the old path still works: `connected`. When that is lost,
  /// what the new generation is at (W3C RTCIceTransportState).
  State state() const;
  GatheringState gathering_state() const { return gathering().gathering_state(); }
  /// Why it is in `state()`.
  Cause cause() const { return cause_; }

  Result<void> set_remote_credentials(Timestamp now, Credentials remote);
  Result<void> add_local_socket(Timestamp now, const SocketAddress& base,
                                const NetworkInterface& interface);
  void add_stun_server(Timestamp now, const SocketAddress& server);
  void end_of_local_sockets(Timestamp now);
  /// Goes to the newest negotiated generation; one that names another by `ufrag` is ignored.
  Result<void> add_remote_candidate(Timestamp now, const Candidate& candidate);
  void end_of_remote_candidates(Timestamp now);

  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes);
  void handle_timeout(Timestamp now);
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage);
  std::optional<Event> poll_event();
  Timestamp next_timeout() const;

  std::optional<Path> selected_path() const { return active_->agent.selected_path(); }
  bool accepts(const Path& path) const;
  bool heard_check() const { return active_->agent.heard_check(); }
  std::optional<Duration> round_trip_time() const { return active_->agent.round_trip_time(); }
  void note_sent(const Path& path, std::size_t bytes, Timestamp now);
  void note_received(const Path& path, std::size_t bytes, Timestamp now);
  void close();

  /// True when a check with this user fragment is meant for us, whatever the generation.
  bool owns_ufrag(std::string_view ufrag) const;
  /// Appends all of these.
  void add_user_fragments(std::vector<std::string>& fragments) const;

  /// The generations that statistics show, active first; a generation keeps its number.
  struct GenerationStats {
    std::uint32_t number = 0;
    Stats stats;
  };
  std::vector<GenerationStats> stats() const;
  /// Over all generations.
  std::uint32_t selected_pair_changes() const { return selected_changes_; }

 private:
  struct Generation {
    Generation(const Config& config, Random& random, Timestamp now, std::uint32_t n)
        : agent(config, random, now), number(n) {}
    Agent agent;
    std::uint32_t number;
    bool gathers = false;
    Cause cause = Cause::progress;
    std::optional<SelectedPairChanged> selected;
  };
  using Slot = std::unique_ptr<Generation>;

  const Agent& newest() const { return (rising_ ? rising_ : active_)->agent; }
  Agent& newest() { return (rising_ ? rising_ : active_)->agent; }
  const Agent& gathering() const {
    return prepared_ && prepared_->gathers ? prepared_->agent : newest();
  }
  Agent& gathering() { return prepared_ && prepared_->gathers ? prepared_->agent : newest(); }
  template <class F>
  void each(F visit) const {
    for (const Slot* slot : {&active_, &rising_, &prepared_, &retired_}) {
      if (*slot) visit(**slot);
    }
  }
  void settle(Timestamp now);
  void drain(Generation& generation);
  void take_over(Timestamp now);
  void tell_state();
  void tell_gathering_state();

  Config config_;
  Random* random_;
  Slot active_, rising_, prepared_, retired_;
  std::uint32_t next_number_ = 1;
  std::list<Event> events_;  // nearly always empty, which a deque pays 600 bytes for
  State told_ = State::new_;
  Cause cause_ = Cause::progress;
  GatheringState told_gathering_ = GatheringState::new_;
  Timestamp retire_at_ = kNever;
  std::uint32_t selected_changes_ = 0;
};
static_assert(DatagramCore<Transport>);

}  // namespace parley::ice
