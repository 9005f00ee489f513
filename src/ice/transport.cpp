#include "parley/ice/transport.hpp"

#include <algorithm>
#include <utility>

namespace parley::ice {
namespace {

bool has_path(State state) { return state == State::connected || state == State::completed; }

}  // namespace

Transport::Transport(const Config& config, Random& random, Timestamp now)
    : config_(config),
      random_(&random),
      active_(std::make_unique<Generation>(config, random, now, 0)) {
  active_->gathers = true;
}

// --- Restarts ---

const Credentials& Transport::prepare_restart() {
  if (!prepared_) {
    Config config = config_;
    config.role = role();
    prepared_ = std::make_unique<Generation>(config, *random_, Timestamp{}, next_number_++);
  }
  return prepared_->agent.local_credentials();
}

const Credentials* Transport::prepared_credentials() const {
  return prepared_ ? &prepared_->agent.local_credentials() : nullptr;
}

bool Transport::gather_restart(Timestamp now) {
  if (!prepared_ || prepared_->gathers) return false;
  // What the owner finds from now on is told to one generation only.
  newest().end_of_local_sockets(now);
  settle(now);
  prepared_->gathers = true;
  return true;
}

void Transport::cancel_restart(Timestamp now) {
  prepared_ = nullptr;
  settle(now);
}

Result<void> Transport::accept_restart(Timestamp now, Credentials remote) {
  if (!prepared_) return Error{Errc::invalid_state, "no ICE restart is prepared"};
  // The active agent may have changed its role meanwhile (RFC 8445 section 7.3.1.1).
  prepared_->agent.set_role(role());
  if (auto set = prepared_->agent.set_remote_credentials(now, std::move(remote)); !set) return set;
  gather_restart(now);
  rising_ = std::move(prepared_);
  settle(now);
  return {};
}

// --- The owner's calls ---

// W3C webrtc-pc section 5.6.3 (RTCIceTransportState): a restart from connected or completed is
// connected, from disconnected or failed it is checking.
State Transport::state() const {
  const State old = active_->agent.state();
  if (!rising_ || old == State::closed || has_path(old)) {
    return rising_ && old == State::completed ? State::connected : old;
  }
  if (rising_->agent.state() != State::failed) return State::checking;
  return old == State::disconnected ? State::disconnected : State::failed;
}

Result<void> Transport::set_remote_credentials(Timestamp now, Credentials remote) {
  auto set = newest().set_remote_credentials(now, std::move(remote));
  settle(now);
  return set;
}

Result<void> Transport::add_local_socket(Timestamp now, const SocketAddress& base,
                                         const NetworkInterface& interface) {
  auto added = gathering().add_local_socket(now, base, interface);
  settle(now);
  return added;
}

void Transport::add_stun_server(Timestamp now, const SocketAddress& server) {
  gathering().add_stun_server(now, server);
  settle(now);
}

void Transport::end_of_local_sockets(Timestamp now) {
  gathering().end_of_local_sockets(now);
  settle(now);
}

Result<void> Transport::add_remote_candidate(Timestamp now, const Candidate& candidate) {
  auto added = newest().add_remote_candidate(now, candidate);
  settle(now);
  return added;
}

void Transport::end_of_remote_candidates(Timestamp now) {
  newest().end_of_remote_candidates(now);
  settle(now);
}

// --- Datagrams and time ---

void Transport::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  // The generations share their sockets. What belongs to none of them is the active one's to
  // refuse.
  Generation* owner = active_.get();
  if (rising_ || prepared_ || retired_) {
    each([&](Generation& g) {
      if (g.agent.expects(bytes)) owner = &g;
    });
  }
  owner->agent.handle_datagram(now, path, bytes);
  settle(now);
}

void Transport::handle_timeout(Timestamp now) {
  each([now](Generation& g) {
    if (g.agent.next_timeout() <= now) g.agent.handle_timeout(now);
  });
  settle(now);
  if (now >= retire_at_) {
    retired_ = nullptr;
    retire_at_ = kNever;
  }
}

std::optional<Transmit> Transport::poll_transmit(Timestamp now, MutableBytes storage) {
  std::optional<Transmit> transmit;
  each([&](Generation& g) {
    if (!transmit) transmit = g.agent.poll_transmit(now, storage);
  });
  return transmit;
}

std::optional<Event> Transport::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Timestamp Transport::next_timeout() const {
  Timestamp next = retire_at_;
  each([&next](const Generation& g) { next = std::min(next, g.agent.next_timeout()); });
  return next;
}

bool Transport::accepts(const Path& path) const {
  bool yes = false;
  each([&](const Generation& g) { yes = yes || g.agent.accepts(path); });
  return yes;
}

void Transport::note_sent(const Path& path, std::size_t bytes, Timestamp now) {
  active_->agent.note_sent(path, bytes, now);
}

// Generations have the same paths; the one that carries the data is asked first.
void Transport::note_received(const Path& path, std::size_t bytes, Timestamp now) {
  for (const Slot* slot : {&active_, &rising_, &prepared_, &retired_}) {
    if (!*slot || !(*slot)->agent.accepts(path)) continue;
    (*slot)->agent.note_received(path, bytes, now);
    break;
  }
  if (told_ == State::disconnected) settle(now);
}

void Transport::close() {
  if (told_ == State::closed) return;
  for (Slot* slot : {&rising_, &prepared_, &retired_}) slot->reset();
  retire_at_ = kNever;
  events_.clear();
  active_->agent.close();
  drain(*active_);
  tell_state();
}

void Transport::add_user_fragments(std::vector<std::string>& fragments) const {
  each([&](const Generation& g) { g.agent.add_user_fragments(fragments); });
}

bool Transport::owns_ufrag(std::string_view ufrag) const {
  bool owns = false;
  each([&](const Generation& g) { owns = owns || g.agent.local_credentials().ufrag == ufrag; });
  return owns;
}

std::vector<Transport::GenerationStats> Transport::stats() const {
  std::vector<GenerationStats> all;
  for (const Slot* slot : {&active_, &rising_, &prepared_}) {
    if (*slot) all.push_back({(*slot)->number, (*slot)->agent.stats()});
  }
  return all;
}

// --- Between the generations ---

/// After each input: takes what the agents have to say, and moves the data over when it is time.
void Transport::settle(Timestamp now) {
  each([this](Generation& g) { drain(g); });
  if (rising_ && rising_->selected) {
    const bool nominated = rising_->selected->nominated;
    if (nominated || !has_path(active_->agent.state())) take_over(now);
  }
  tell_state();
  tell_gathering_state();
}

void Transport::drain(Generation& g) {
  while (auto event = g.agent.poll_event()) {
    if (auto* const changed = std::get_if<StateChanged>(&*event)) {
      g.cause = changed->cause;
      // Alone, every step is told; states of several generations are told as one.
      if (&g != active_.get() || rising_ || changed->state == told_) continue;
      told_ = changed->state;
      cause_ = changed->cause;
      events_.push_back(std::move(*event));
    } else if (auto* const selected = std::get_if<SelectedPairChanged>(&*event)) {
      if (&g == active_.get()) {
        ++selected_changes_;
        events_.push_back(std::move(*event));
      } else {
        g.selected = std::move(*selected);
      }
    } else if (const auto* const state = std::get_if<GatheringStateChanged>(&*event)) {
      if (&g.agent != &gathering() || state->state == told_gathering_) continue;
      told_gathering_ = state->state;
      events_.push_back(std::move(*event));
    } else {
      events_.push_back(std::move(*event));
    }
  }
}

void Transport::take_over(Timestamp now) {
  retired_ = std::move(active_);
  retire_at_ = now + kRetirement;
  active_ = std::move(rising_);
  ++selected_changes_;
  events_.emplace_back(std::move(*active_->selected));
  active_->selected.reset();
}

void Transport::tell_state() {
  const State now = state();
  if (now == told_) return;
  told_ = now;
  cause_ = Cause::progress;
  if (now == State::failed || now == State::disconnected) {
    cause_ = rising_ && now == State::failed ? rising_->cause : active_->cause;
  }
  events_.emplace_back(StateChanged{now, cause_});
}

void Transport::tell_gathering_state() {
  const GatheringState now = gathering_state();
  // A restart that was rolled back leaves the old generation, which began long ago.
  if (now == told_gathering_ || now == GatheringState::new_) return;
  told_gathering_ = now;
  events_.emplace_back(GatheringStateChanged{now, gathering().local_credentials().ufrag});
}

}  // namespace parley::ice
