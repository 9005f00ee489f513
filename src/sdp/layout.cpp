// Which m= line stands where in an offer of ours, and which lines of a remote offer we take.
#include <algorithm>
#include <set>

#include "sdp/checkpoint.hpp"
#include "sdp/codec_matching.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Media;

/// Draws mids that no description of this session has (RFC 9429 section 5.2.1: a counter).
class MidSource {
 public:
  explicit MidSource(const State& state) : next_(state.next_mid) {
    for (const Side side : {Side::local, Side::remote}) {
      const Description* d = state.description(side);
      if (d == nullptr) continue;
      for (const Media& m : d->media) {
        if (m.mid) used_.insert(m.mid->value());
      }
    }
    for (const Transceiver& t : state.transceivers) {
      if (t.mid) used_.insert(t.mid->value());
    }
  }
  Mid draw() {
    while (used_.count(std::to_string(next_)) != 0) ++next_;
    return Mid{std::to_string(next_++)};
  }

 private:
  int next_;
  std::set<std::string> used_;
};

/// Takes the first m= line that is free to be recycled, else a new one.
Slot& place(std::vector<Slot>& slots, std::vector<bool>& recyclable) {
  const auto free = std::find(recyclable.begin(), recyclable.end(), true);
  if (free == recyclable.end()) {
    slots.emplace_back();
    return slots.back();
  }
  *free = false;
  return slots[static_cast<std::size_t>(free - recyclable.begin())];
}

bool is_free_for_use(const State& state, const Media& section, std::size_t index) {
  if (section.is_rejected()) return false;
  if (section.is_data()) {
    return state.config->data_channels && (!state.data.section || state.data.section == index);
  }
  const Transceiver* t = owner_of(state, index);
  return section.media_kind().has_value() && t != nullptr && t->kind == *section.media_kind();
}

/// RTCP must share the transport: RFC 9429 section 4.1.1, rtcpMuxPolicy "require". A bundled
/// section may leave the attribute to the tagged one (RFC 9143 section 7.1.3).
bool has_rtcp_mux(const Description& offer, const Media& section) {
  if (section.rtcp_mux) return true;
  const sdp::Group* group = section.mid ? offer.bundle_of(*section.mid) : nullptr;
  const Media* tagged =
      group != nullptr && !group->mids.empty() ? offer.find(group->mids.front()) : nullptr;
  return tagged != nullptr && (tagged->rtcp_mux || tagged->is_data());
}

/// Everything but the bundle speaks for this section (RFC 9429 section 5.3.1).
bool is_usable(const State& state, const Description& offer, std::size_t index,
               PayloadTypeTable& payload_types) {
  const Media& section = offer.media[index];
  if (!is_free_for_use(state, section, index)) return false;
  // RFC 5763 section 5 forbids holdconn: there is no transport to be had, so nothing is accepted.
  // On a living transport it stays an error, because rejecting would end all media.
  if (!state.transport && offer.transport_of(section).setup == sdp::Setup::holdconn) return false;
  if (section.is_data()) return true;
  const Transceiver* t = owner_of(state, index);
  if (!has_rtcp_mux(offer, section)) return false;
  if (t->stopping && state.transport && state.transport->mid == t->mid) {
    // RFC 9143 section 7.3.3: the tagged section of a living bundle cannot be rejected in an
    // answer. It is answered inactive and rejected by our next offer.
    return !match_formats(section, codecs_of(state, *t), &payload_types).empty();
  }
  return !t->stopping && !match_formats(section, codecs_of(state, *t), &payload_types).empty();
}

std::optional<std::size_t> index_of(const Description& d, const Mid& mid) {
  for (std::size_t i = 0; i < d.media.size(); ++i) {
    if (d.media[i].mid == mid) return i;
  }
  return std::nullopt;
}

/// The sections that would share the transport with section `index`, and its tag.
Selection bundle_around(const Description& offer, std::size_t index,
                        const std::vector<bool>& usable) {
  Selection s;
  s.accepted.assign(offer.media.size(), false);
  const Media& section = offer.media[index];
  const sdp::Group* group = section.mid ? offer.bundle_of(*section.mid) : nullptr;
  if (group == nullptr) {
    if (section.port == 0) return s;
    s.accepted[index] = true;
    s.tag = index;
    return s;
  }
  for (const Mid& mid : group->mids) {
    const auto i = index_of(offer, mid);
    // A mid may be in several groups (RFC 9143 section 6 forbids it): its first one counts.
    if (!i || !usable[*i] || offer.bundle_of(mid) != group) continue;
    s.accepted[*i] = true;
    // RFC 9143 section 7.3.1: the first that we take and that has an address of its own.
    if (!s.tag && offer.media[*i].port != 0) s.tag = *i;
  }
  // RFC 9143 section 7.3.1: without a tagged section there is no group.
  if (!s.tag) s.accepted.assign(offer.media.size(), false);
  return s;
}

}  // namespace

const Transceiver* owner_of(const State& state, std::size_t section) {
  for (const Transceiver& t : state.transceivers) {
    if (t.section == section) return &t;
  }
  return nullptr;
}
Transceiver* owner_of(State& state, std::size_t section) {
  for (Transceiver& t : state.transceivers) {
    if (t.section == section) return &t;
  }
  return nullptr;
}

const std::vector<CodecCapability>& codecs_of(const State& state, const Transceiver& t) {
  return t.codec_preferences.empty() ? state.config->codecs : t.codec_preferences;
}

std::vector<Slot> offer_layout(const State& state) {
  const Description* previous = state.description(Side::local);
  std::vector<Slot> slots(previous != nullptr ? previous->media.size() : 0);
  std::vector<bool> recyclable(slots.size(), false);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Transceiver* t = owner_of(state, i);
    if (t != nullptr) {
      slots[i] = {t->stopping ? Slot::Kind::rejected : Slot::Kind::transceiver, t->id, *t->mid};
    } else if (state.data.section == i) {
      slots[i] = {Slot::Kind::data, {}, *state.data.mid};
    } else {
      slots[i].mid = previous->media[i].mid.value_or(Mid{});
      recyclable[i] = true;
    }
  }
  MidSource mids(state);
  for (const Transceiver& t : state.transceivers) {
    if (t.section || t.stopping) continue;
    place(slots, recyclable) = {Slot::Kind::transceiver, t.id, mids.draw()};
  }
  if (state.data.wanted && !state.data.section) {
    place(slots, recyclable) = {Slot::Kind::data, {}, mids.draw()};
  }
  return slots;
}

Selection select_sections(const State& state, const Description& offer) {
  PayloadTypeTable payload_types;  // one meaning within this offer
  std::vector<bool> usable(offer.media.size());
  for (std::size_t i = 0; i < usable.size(); ++i) {
    usable[i] = is_usable(state, offer, i, payload_types);
  }
  // The transport that is there goes on, when the offer still has it.
  if (state.transport) {
    const auto present = index_of(offer, state.transport->mid);
    if (present && usable[*present]) {
      Selection s = bundle_around(offer, *present, usable);
      if (s.tag) return s;
    }
  }
  for (std::size_t i = 0; i < usable.size(); ++i) {
    if (!usable[i]) continue;
    Selection s = bundle_around(offer, i, usable);
    if (s.tag) return s;
  }
  return Selection{std::vector<bool>(offer.media.size(), false), std::nullopt};
}

}  // namespace parley::jsep
