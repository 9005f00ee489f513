// build_offer and build_answer (RFC 9429 sections 5.2 and 5.3).
#include <algorithm>

#include "parley/sdp/jsep.hpp"
#include "sdp/checkpoint.hpp"
#include "sdp/section_writer.hpp"
#include "sdp/simulcast.hpp"
#include "sdp/snap.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Media;

std::optional<Error> check(const LocalFacts& facts) {
  // RFC 8839 section 5.4.
  if (facts.ice_ufrag.size() < 4 || facts.ice_ufrag.size() > 256 || facts.ice_pwd.size() < 22 ||
      facts.ice_pwd.size() > 256) {
    return Error{Errc::invalid_argument, "ICE credentials of the wrong length"};
  }
  if (facts.fingerprints.empty()) return Error{Errc::invalid_argument, "no fingerprint"};
  return std::nullopt;
}

/// Ids of the application stand between spaces in a line: they must be one word each.
std::optional<Error> check(const Transceiver& t) {
  const auto is_word = [](const std::string& s) {
    return !s.empty() &&
           std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 0x7F; });
  };
  const bool words = is_word(t.track_id) &&
                     std::all_of(t.stream_ids.begin(), t.stream_ids.end(), is_word) &&
                     std::all_of(t.send_rids.begin(), t.send_rids.end(), is_rid) &&
                     std::all_of(t.receive_rids.begin(), t.receive_rids.end(), is_rid);
  if (words) return std::nullopt;
  return Error{Errc::invalid_argument, "stream, track or rid id that cannot be one"};
}

Description session_part(const State& state, const LocalFacts& facts) {
  Description d;
  d.origin.session_id = std::to_string(state.session_id);
  d.origin.session_version = state.next_version;
  d.ice_lite = facts.ice_lite;
  d.msid_semantic = "WMS *";
  return d;
}

/// Whether the last answer put this section into the bundle: then it shares an address that both
/// know, and is no longer bundle-only (RFC 9429 section 5.2.2).
bool was_bundled(const State& state, std::size_t index) {
  if (!state.transport || state.current_local == nullptr) return false;
  return index < state.current_local->media.size() &&
         !state.current_local->media[index].is_rejected();
}

/// The m= line that carries the transport of an offer: the present one while it lives, else the
/// first that is not rejected.
std::optional<std::size_t> tag_of_offer(const State& state, const std::vector<Slot>& layout) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    if (layout[i].kind == Slot::Kind::rejected) continue;
    if (state.transport && state.transport->mid == layout[i].mid) return i;
    if (!first) first = i;
  }
  return first;
}

void add_bundle_group(Description& d, std::size_t tag, const std::vector<bool>& members) {
  sdp::Group group{"BUNDLE", {}};
  if (!d.media[tag].mid) return;
  group.mids.push_back(*d.media[tag].mid);
  for (std::size_t i = 0; i < d.media.size(); ++i) {
    if (i != tag && members[i] && d.media[i].mid) group.mids.push_back(*d.media[i].mid);
  }
  d.groups.push_back(std::move(group));
}

/// RFC 8842 section 5.3: the roles of a living association stay; else what the offer leaves.
sdp::Setup answer_setup(const State& state, const sdp::TransportAttributes& offered,
                        const LocalFacts& facts) {
  if (offered.setup == sdp::Setup::active) return sdp::Setup::passive;
  if (offered.setup == sdp::Setup::passive) return sdp::Setup::active;
  DtlsRole role = facts.answer_role;
  if (state.transport && same_association(*state.transport, offered)) {
    role = state.transport->dtls_role;
  }
  return role == DtlsRole::client ? sdp::Setup::active : sdp::Setup::passive;
}

/// RFC 9429 section 5.3.1: options are answered only when they were offered.
void keep_offered_options(std::vector<std::string>& options,
                          const std::vector<std::string>& offered) {
  const auto missing = [&offered](const std::string& o) {
    return std::find(offered.begin(), offered.end(), o) == offered.end();
  };
  options.erase(std::remove_if(options.begin(), options.end(), missing), options.end());
}

}  // namespace

bool same_association(const TransportParameters& present, const sdp::TransportAttributes& offered) {
  const auto known = [&present](const sdp::Fingerprint& f) {
    return std::find(present.remote_fingerprints.begin(), present.remote_fingerprints.end(), f) !=
           present.remote_fingerprints.end();
  };
  return offered.tls_id.value_or("") == present.remote_tls_id &&
         offered.fingerprints.size() == present.remote_fingerprints.size() &&
         std::all_of(offered.fingerprints.begin(), offered.fingerprints.end(), known);
}

std::string_view to_string(SdpType type) {
  switch (type) {
    case SdpType::offer:
      return "offer";
    case SdpType::pranswer:
      return "pranswer";
    case SdpType::answer:
      break;
  }
  return "answer";
}

Result<Description> build_offer(const State& current, const LocalFacts& facts) {
  if (current.signaling != SignalingState::stable &&
      current.signaling != SignalingState::have_local_offer) {
    return Error{Errc::invalid_state, "an offer of the peer waits for its answer"};
  }
  if (const auto error = check(facts)) return *error;
  // An offer beside a pending one of ours begins where that one began.
  State state = current;
  std::vector<Change> ignored;
  if (state.checkpoint != nullptr) restore_checkpoint(state, ignored);

  const std::vector<Slot> layout = offer_layout(state);
  if (layout.size() > sdp::kMaxMediaSections) {
    return Error{Errc::too_large, "more media sections than a description may have"};
  }
  Description d = session_part(state, facts);
  Numbering numbering{PayloadTypeTable(state.payload_types), ExtensionTable(state.extension_ids)};
  const auto tag = tag_of_offer(state, layout);
  std::vector<bool> members(layout.size(), false);
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const Slot& slot = layout[i];
    if (slot.kind == Slot::Kind::rejected) {
      d.media.push_back(rejected_section(state.current_local->media[i]));
      continue;
    }
    Media m = offer_data_section(state, slot.mid);
    if (slot.kind == Slot::Kind::transceiver) {
      const Transceiver& t = *state.find(slot.transceiver);
      if (const auto error = check(t)) return *error;
      auto section = offer_section(state, t, slot.mid, numbering);
      if (!section) return Error{Errc::too_large, "no payload types left"};
      if (section->formats.empty()) {
        return Error{Errc::invalid_argument, "no codec for a transceiver"};
      }
      m = std::move(*section);
    } else if (state.data.negotiated && state.current_local->media[i].is_legacy_data()) {
      // The protocol of a living section does not change.
      m = answer_data_section(state, state.current_local->media[i]);
    }
    if (m.sctp_port) m.sctp_init = init_to_describe(state, facts, nullptr);
    write_transport(m, facts, sdp::Setup::actpass);
    if (i == *tag) {
      write_candidates(m, facts);
    } else if (state.config->bundle_style == BundleStyle::bundle_only && !was_bundled(state, i)) {
      m.port = 0;
      m.bundle_only = true;
    }
    members[i] = true;
    d.media.push_back(std::move(m));
  }
  if (tag) add_bundle_group(d, *tag, members);
  return d;
}

Result<Description> build_answer(const State& state, const LocalFacts& facts) {
  if (state.signaling != SignalingState::have_remote_offer &&
      state.signaling != SignalingState::have_local_pranswer) {
    return Error{Errc::invalid_state, "there is no offer to answer"};
  }
  if (const auto error = check(facts)) return *error;
  const Description& offer = *state.pending_remote;
  const Selection selection = select_sections(state, offer);
  Description d = session_part(state, facts);
  Numbering numbering;  // the offer's, with one meaning for each number
  sdp::Setup setup = sdp::Setup::active;
  LocalFacts answered = facts;
  if (selection.tag) {
    const auto offered = offer.transport_of(offer.media[*selection.tag]);
    setup = answer_setup(state, offered, facts);
    keep_offered_options(answered.ice_options, offered.ice_options);
  }
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const Media& offered = offer.media[i];
    if (!selection.accepted[i]) {
      d.media.push_back(rejected_section(offered));
      continue;
    }
    Media m;
    if (offered.is_data()) {
      m = answer_data_section(state, offered);
      if (m.sctp_port) m.sctp_init = init_to_describe(state, facts, &offered);
    } else {
      const Transceiver& t = *owner_of(state, i);
      if (const auto error = check(t)) return *error;
      m = answer_section(state, t, offer, offered, numbering);
    }
    write_transport(m, answered, setup);
    if (i == *selection.tag) write_candidates(m, answered);
    d.media.push_back(std::move(m));
  }
  const auto& tag = selection.tag;
  if (tag && offer.media[*tag].mid && offer.bundle_of(*offer.media[*tag].mid) != nullptr) {
    add_bundle_group(d, *tag, selection.accepted);
  }
  return d;
}

}  // namespace parley::jsep
