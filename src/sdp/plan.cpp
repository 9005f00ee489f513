// plan_local, plan_remote and commit: the signaling state machine (W3C section 4.3.1, RFC 9429
// sections 5.5 to 5.10).
#include <algorithm>

#include "sdp/answer.hpp"
#include "sdp/checkpoint.hpp"
#include "sdp/checks.hpp"
#include "sdp/codec_matching.hpp"
#include "sdp/snap.hpp"
#include "sdp/text.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Media;

Error wrong_state(SdpType type, SignalingState state) {
  return Error{Errc::invalid_state,
               std::string(to_string(type)) + " in state " + std::string(to_string(state))};
}

void enter(Plan& plan, SignalingState from, SignalingState to) {
  if (from != to) plan.changes.emplace_back(SignalingStateChanged{from, to});
  plan.next.signaling = to;
}

/// An exchange begins: a rollback comes back to here.
void set_checkpoint(State& next) {
  auto c = std::make_shared<Checkpoint>();
  c->transceivers = next.transceivers;
  c->data = next.data;
  c->transport = next.transport;
  c->next_mid = next.next_mid;
  next.checkpoint = std::move(c);
}

/// An exchange is complete.
void finish(State& next, bool offer_was_local) {
  next.last_offer_local = offer_was_local;
  next.current_local = std::move(next.pending_local);
  next.current_remote = std::move(next.pending_remote);
  next.pending_local = nullptr;
  next.pending_remote = nullptr;
  next.checkpoint = nullptr;
  const auto& replace = next.ufrags_to_replace;
  const bool still_used = next.transport && std::find(replace.begin(), replace.end(),
                                                      next.transport->local_ufrag) != replace.end();
  if (!still_used) next.ufrags_to_replace.clear();
}

void set_local_description(State& next, const Description& d) {
  next.pending_local = std::make_shared<const Description>(d);
  next.next_version = std::max(next.next_version, d.origin.session_version) + 1;
}

void associate(Transceiver& t, const Mid& mid, std::size_t section, std::vector<Change>& changes) {
  if (t.mid != mid) changes.emplace_back(TransceiverAssociated{t.id, mid});
  t.mid = mid;
  t.section = section;
}

/// A mid that either side has used is not drawn again: late packets may still carry it.
void reserve_mid(State& next, const Mid& mid) {
  const auto n = sdp::text::number<std::uint16_t>(mid.value());
  if (n) next.next_mid = std::max(next.next_mid, *n + 1);
}

// ---- our offer ----

MaybeError check_offered_section(const State& state, const Slot& slot, const Media& m,
                                 std::size_t i) {
  const auto stale = [i](const char* what) {
    return invalid("m= line " + std::to_string(i + 1) + " " + what + ": make a new offer");
  };
  if (slot.kind == Slot::Kind::rejected) {
    if (!m.is_rejected()) return stale("belongs to nothing any more");
    return std::nullopt;
  }
  const bool is_data = slot.kind == Slot::Kind::data;
  const Transceiver* t = is_data ? nullptr : state.find(slot.transceiver);
  if (is_data ? !m.is_data() : m.media_kind() != t->kind) return stale("is of another kind");
  if (!m.is_rejected() && m.mid != slot.mid) return stale("has another mid");
  return std::nullopt;
}

MaybeError check_local_offer(const State& state, const std::vector<Slot>& layout,
                             const Description& d) {
  const std::size_t before = state.current_local != nullptr ? state.current_local->media.size() : 0;
  if (d.media.size() < before || d.media.size() > layout.size()) {
    return invalid("an offer of other m= lines than this session has");
  }
  std::optional<std::size_t> tag;
  for (std::size_t i = 0; i < d.media.size(); ++i) {
    if (auto error = check_offered_section(state, layout[i], d.media[i], i)) return error;
    if (!tag && !d.media[i].is_rejected()) tag = i;
  }
  if (tag) return check_transport(d.transport_of(d.media[*tag]));
  return std::nullopt;
}

Result<Plan> plan_local_offer(const State& state, const Description& d) {
  Plan plan{state, {}};
  State& next = plan.next;
  if (next.checkpoint != nullptr) restore_checkpoint(next, plan.changes);
  const std::vector<Slot> layout = offer_layout(next);
  if (auto error = check_local_offer(next, layout, d)) return *error;
  set_checkpoint(next);
  enter(plan, state.signaling, SignalingState::have_local_offer);
  for (std::size_t i = 0; i < d.media.size(); ++i) {
    if (d.media[i].is_rejected()) continue;
    const Slot& slot = layout[i];
    if (slot.kind == Slot::Kind::data) {
      next.data.mid = slot.mid;
      next.data.section = i;
    }
    for (Transceiver& t : next.transceivers) {
      if (slot.kind == Slot::Kind::transceiver && t.id == slot.transceiver) {
        associate(t, slot.mid, i, plan.changes);
      }
    }
    reserve_mid(next, slot.mid);
  }
  if (next.current_local == nullptr) next.offered_first = true;
  set_local_description(next, d);
  return plan;
}

// ---- the peer's offer ----

/// For peers that write no mid (RFC 9429 section 5.10).
Mid made_up_mid(State& next, const Description& offer) {
  for (;;) {
    Mid mid{std::to_string(next.next_mid++)};
    if (next.find(mid) == nullptr && offer.find(mid) == nullptr && next.data.mid != mid) return mid;
  }
}

/// RFC 9429 section 5.10: a transceiver of addTrack that still has no section, else a new one.
Transceiver& find_or_create(State& next, MediaKind kind, Direction offered,
                            std::vector<Change>& changes) {
  if (receives(offered)) {
    for (Transceiver& t : next.transceivers) {
      if (t.kind == kind && t.added_by_track && !t.section && !t.stopping) return t;
    }
  }
  TransceiverInit init;
  init.direction = Direction::recvonly;
  const TransceiverId id = add_transceiver(next, kind, std::move(init));
  Transceiver& t = next.transceivers.back();
  t.created_by_remote = true;
  t.used_by_application = false;
  changes.emplace_back(TransceiverAdded{id});
  return t;
}

void associate_remote_section(State& next, const Description& offer, std::size_t i,
                              std::vector<Change>& changes) {
  const Media& m = offer.media[i];
  Transceiver* t = owner_of(next, i);
  if (m.is_rejected()) {
    if (t != nullptr) apply_remote_track(*t, m, false, changes);
    return;
  }
  if (m.mid) reserve_mid(next, *m.mid);
  if (m.is_data()) {
    if (!next.config->data_channels || next.data.section) return;
    next.data.section = i;
    next.data.mid = m.mid ? *m.mid : made_up_mid(next, offer);
    return;
  }
  const auto kind = m.media_kind();
  if (!kind) return;
  if (t == nullptr) {
    t = &find_or_create(next, *kind, offer.direction_of(m), changes);
    associate(*t, m.mid ? *m.mid : made_up_mid(next, offer), i, changes);
  }
  apply_remote_track(*t, m, sends(offer.direction_of(m)), changes);
}

Result<Plan> plan_remote_offer(const State& state, const Description& d) {
  Plan plan{state, {}};
  State& next = plan.next;
  const SignalingState from = state.signaling;
  if (from == SignalingState::have_local_offer) {
    // Glare: ours goes (W3C section 4.4.1.5; the polite side of perfect negotiation gets here).
    enter(plan, from, SignalingState::stable);
  }
  if (next.checkpoint != nullptr) restore_checkpoint(next, plan.changes);
  if (auto error = check_remote_offer(next, d)) return *error;
  if (auto error = check_snap(next, d)) return *error;
  set_checkpoint(next);
  enter(plan,
        from == SignalingState::have_remote_offer ? SignalingState::have_remote_offer
                                                  : SignalingState::stable,
        SignalingState::have_remote_offer);
  for (std::size_t i = 0; i < d.media.size(); ++i) {
    associate_remote_section(next, d, i, plan.changes);
  }
  if (next.current_remote == nullptr) next.offered_first = false;
  next.pending_remote = std::make_shared<const Description>(d);
  const Selection selection = select_sections(next, d);
  if (selection.tag) {
    const auto transport = d.transport_of(d.media[*selection.tag]);
    if (auto error = check_transport(transport)) return *error;
    if (auto error = check_continuation(next.transport, transport)) return *error;
  }
  return plan;
}

// ---- answers ----

Result<Plan> plan_local_answer(const State& state, SdpType type, const Description& d) {
  const Description& offer = *state.pending_remote;
  if (auto error = check_answer(offer, d)) return *error;
  const Selection selection = select_sections(state, offer);
  for (std::size_t i = 0; i < d.media.size(); ++i) {
    if (!d.media[i].is_rejected() && !selection.accepted[i]) {
      return invalid("m= line " + std::to_string(i + 1) + " accepts what cannot be accepted");
    }
  }
  const auto tag = tag_of_answer(offer, d);
  if (!tag) return tag.error();
  if (*tag) {
    const auto transport = d.transport_of(d.media[**tag]);
    if (auto error = check_transport(transport)) return *error;
    if (auto error = check_transport(offer.transport_of(offer.media[**tag]))) return *error;
    const auto& before = state.checkpoint->transport;
    if (before) {
      const bool restarts = transport.ice_ufrag != before->local_ufrag;
      if (restarts != is_ice_restart(*before, offer.transport_of(offer.media[**tag]))) {
        return invalid(restarts ? "the answer restarts ICE and the offer does not"
                                : "the answer does not restart ICE as the offer does");
      }
    }
    const auto offered = offer.transport_of(offer.media[**tag]).setup;
    if (transport.setup == sdp::Setup::actpass || transport.setup == offered) {
      return invalid("a=setup that does not answer the offer's");
    }
  }
  Plan plan{state, {}};
  const bool final = type == SdpType::answer;
  enter(plan, state.signaling,
        final ? SignalingState::stable : SignalingState::have_local_pranswer);
  set_local_description(plan.next, d);
  apply_answer(plan.next, Exchange{d, offer, true, final, *tag}, plan.changes);
  if (final) finish(plan.next, false);
  return plan;
}

/// What an accepted RTP section of the peer's answer must have.
MaybeError check_accepted_media(const State& state, const Exchange& x, std::size_t i) {
  const Media& m = x.remote.media[i];
  const Transceiver* t = owner_of(state, i);
  if (t == nullptr) return std::nullopt;
  const Media& tagged = x.remote.media[*x.tag];
  if (!m.rtcp_mux && !tagged.rtcp_mux && !tagged.is_data()) {
    return Error{Errc::incompatible, "the peer does not multiplex RTCP"};
  }
  NegotiatedMedia n;
  negotiate_codecs(x.local.media[i], m, x.answer_is_local, codecs_of(state, *t), n);
  if (n.send.empty()) {
    return Error{Errc::incompatible, "m= line " + std::to_string(i + 1) + " has no common codec"};
  }
  return std::nullopt;
}

MaybeError check_remote_answer(const State& state, const Exchange& x) {
  if (!x.tag) return std::nullopt;
  const auto remote = x.remote.transport_of(x.remote.media[*x.tag]);
  const auto local = x.local.transport_of(x.local.media[*x.tag]);
  if (auto error = check_transport(remote)) return error;
  if (remote.setup == sdp::Setup::actpass) return invalid("an answer with a=setup:actpass");
  const auto& before = state.checkpoint->transport;
  if (auto error = check_continuation(before, remote)) return error;
  if (auto error = check_snap(state, x.remote)) return error;
  if (before) {
    // RFC 9429 section 5.10: a restart is answered by a restart, and only then.
    const bool restarted_here = local.ice_ufrag != before->local_ufrag;
    if (restarted_here != is_ice_restart(*before, remote)) {
      return invalid(restarted_here ? "the answer does not restart ICE as the offer did"
                                    : "the answer restarts ICE and the offer did not");
    }
  }
  for (std::size_t i = 0; i < x.remote.media.size(); ++i) {
    if (x.remote.media[i].is_rejected()) continue;
    if (auto error = check_accepted_media(state, x, i)) return error;
  }
  return std::nullopt;
}

Result<Plan> plan_remote_answer(const State& state, SdpType type, const Description& d) {
  const Description& offer = *state.pending_local;
  if (auto error = check_answer(offer, d)) return *error;
  const auto tag = tag_of_answer(offer, d);
  if (!tag) return tag.error();
  const bool final = type == SdpType::answer;
  const Exchange exchange{offer, d, false, final, *tag};
  if (auto error = check_remote_answer(state, exchange)) return *error;
  Plan plan{state, {}};
  enter(plan, state.signaling,
        final ? SignalingState::stable : SignalingState::have_remote_pranswer);
  plan.next.pending_remote = std::make_shared<const Description>(d);
  apply_answer(plan.next, exchange, plan.changes);
  if (final) finish(plan.next, true);
  return plan;
}

/// What the pending offer of the peer says of the transport that was negotiated before it; nullopt
/// when there is no such offer, or nothing was negotiated.
std::optional<sdp::TransportAttributes> offered_transport(const State& state) {
  const bool pending = state.signaling == SignalingState::have_remote_offer ||
                       state.signaling == SignalingState::have_local_pranswer;
  if (!pending || !state.checkpoint->transport) return std::nullopt;
  const Description& offer = *state.pending_remote;
  const Selection selection = select_sections(state, offer);
  if (!selection.tag) return std::nullopt;
  return offer.transport_of(offer.media[*selection.tag]);
}

}  // namespace

bool remote_offer_restarts_ice(const State& state) {
  const auto offered = offered_transport(state);
  return offered && is_ice_restart(*state.checkpoint->transport, *offered);
}

bool remote_offer_restarts_dtls(const State& state) {
  const auto offered = offered_transport(state);
  return offered && !same_association(*state.checkpoint->transport, *offered);
}

Result<Plan> plan_local(const State& state, SdpType type, const Description& d) {
  const SignalingState s = state.signaling;
  if (type == SdpType::offer) {
    if (s != SignalingState::stable && s != SignalingState::have_local_offer) {
      return wrong_state(type, s);
    }
    return plan_local_offer(state, d);
  }
  if (s != SignalingState::have_remote_offer && s != SignalingState::have_local_pranswer) {
    return wrong_state(type, s);
  }
  return plan_local_answer(state, type, d);
}

Result<Plan> plan_remote(const State& state, SdpType type, const Description& d) {
  const SignalingState s = state.signaling;
  if (type == SdpType::offer) {
    if (s == SignalingState::have_local_pranswer || s == SignalingState::have_remote_pranswer) {
      return wrong_state(type, s);
    }
    return plan_remote_offer(state, d);
  }
  if (s != SignalingState::have_local_offer && s != SignalingState::have_remote_pranswer) {
    return wrong_state(type, s);
  }
  return plan_remote_answer(state, type, d);
}

std::vector<Change> commit(State& state, Plan&& plan) {
  state = std::move(plan.next);
  return std::move(plan.changes);
}

}  // namespace parley::jsep
