// Going back to before an offer (RFC 9429 section 5.7).
#include <algorithm>

#include "sdp/checkpoint.hpp"

namespace parley::jsep {
namespace {

void restore_track(Transceiver& t, const Transceiver& old, std::vector<Change>& changes) {
  if (t.receiving && !old.receiving) {
    changes.emplace_back(TrackRemoved{t.id, t.remote_stream_ids});
  }
  if (!t.receiving && old.receiving) {
    changes.emplace_back(TrackAdded{t.id, old.remote_stream_ids, old.remote_track_id});
  }
  if (t.receiving && old.receiving && t.remote_stream_ids != old.remote_stream_ids) {
    changes.emplace_back(TrackStreamsChanged{t.id, old.remote_stream_ids, t.remote_stream_ids});
  }
  t.receiving = old.receiving;
  t.remote_stream_ids = old.remote_stream_ids;
  t.remote_track_id = old.remote_track_id;
}

void restore_association(Transceiver& t, const std::optional<Mid>& mid,
                         const std::optional<std::size_t>& section, std::vector<Change>& changes) {
  if (t.mid != mid) changes.emplace_back(TransceiverAssociated{t.id, mid});
  t.mid = mid;
  t.section = section;
}

}  // namespace

void restore_checkpoint(State& next, std::vector<Change>& changes) {
  const auto checkpoint = next.checkpoint;
  const Transceiver fresh;
  for (auto t = next.transceivers.begin(); t != next.transceivers.end();) {
    const auto& olds = checkpoint->transceivers;
    const auto found = std::find_if(olds.begin(), olds.end(),
                                    [&t](const Transceiver& o) { return o.id == t->id; });
    const Transceiver& old = found != olds.end() ? *found : fresh;
    restore_track(*t, old, changes);
    restore_association(*t, old.mid, old.section, changes);
    // What the offer made goes, unless addTrack was called on it; what was stopped meanwhile and
    // has no section any more has nothing left to negotiate.
    const bool removed = found == olds.end() && t->created_by_remote && !t->used_by_application;
    const bool stopped = t->stopping && !t->section;
    if (removed) changes.emplace_back(TransceiverRemoved{t->id});
    if (stopped && !removed) changes.emplace_back(TransceiverStopped{t->id});
    t = removed || stopped ? next.transceivers.erase(t) : t + 1;
  }
  next.data.mid = checkpoint->data.mid;
  next.data.section = checkpoint->data.section;
  next.data.negotiated = checkpoint->data.negotiated;
  next.transport = checkpoint->transport;
  next.next_mid = checkpoint->next_mid;
  next.pending_local = nullptr;
  next.pending_remote = nullptr;
  next.checkpoint = nullptr;
  next.signaling = SignalingState::stable;
}

Result<Plan> plan_rollback(const State& state, Side side) {
  const SignalingState expected =
      side == Side::local ? SignalingState::have_local_offer : SignalingState::have_remote_offer;
  if (state.signaling != expected) {
    return Error{Errc::invalid_state, "no offer of this side is pending"};
  }
  Plan plan{state, {SignalingStateChanged{expected, SignalingState::stable}}};
  restore_checkpoint(plan.next, plan.changes);
  return plan;
}

}  // namespace parley::jsep
