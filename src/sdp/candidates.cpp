// Candidates that come after their description: W3C wants descriptions to show them.
#include <algorithm>

#include "parley/sdp/jsep.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Media;

/// The section that carries the transport: the first of the bundle, else the first in use.
const Media* transport_section(const Description& d) {
  for (const sdp::Group& g : d.groups) {
    if (g.semantics != "BUNDLE" || g.mids.empty()) continue;
    for (const Media& m : d.media) {
      if (m.mid == g.mids.front()) return &m;
    }
  }
  const auto used =
      std::find_if(d.media.begin(), d.media.end(), [](const Media& m) { return !m.is_rejected(); });
  return used == d.media.end() ? nullptr : &*used;
}

/// The newest local description of the generation: a changed copy takes its place.
template <class Edit>
bool edit_local(State& state, std::string_view ufrag, Edit change) {
  for (DescriptionPtr* target : {&state.pending_local, &state.current_local}) {
    if (*target == nullptr) continue;
    const Media* const section = transport_section(**target);
    if (section == nullptr) continue;
    if (!ufrag.empty() && (*target)->transport_of(*section).ice_ufrag != ufrag) continue;
    auto copy = std::make_shared<Description>(**target);
    change(copy->media[static_cast<std::size_t>(section - (*target)->media.data())]);
    *target = std::move(copy);
    return true;
  }
  return false;
}

std::optional<std::size_t> section_index(const Description& d, const std::optional<Mid>& mid,
                                         std::optional<std::size_t> section) {
  if (mid && !mid->value().empty()) {
    for (std::size_t i = 0; i < d.media.size(); ++i) {
      if (d.media[i].mid == mid) return i;
    }
    return std::nullopt;
  }
  if (section && *section < d.media.size()) return section;
  return std::nullopt;
}

/// "candidate:..." from the forms that signaling carries: with "a=" in front and spaces around.
std::string_view bare(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) {
    line.remove_suffix(1);
  }
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  if (line.substr(0, 2) == "a=") line.remove_prefix(2);
  return line;
}

bool matches_generation(const Description& d, const Media& m, std::string_view ufrag) {
  return ufrag.empty() || d.transport_of(m).ice_ufrag == ufrag;
}

}  // namespace

IceCredentials ice_credentials_of(const Description& d) {
  const Media* const section = transport_section(d);
  if (section == nullptr || section->is_rejected()) return {};
  const auto transport = d.transport_of(*section);
  return {transport.ice_ufrag.value_or(""), transport.ice_pwd.value_or("")};
}

bool add_local_candidate(State& state, std::string_view line, std::string_view ufrag) {
  return edit_local(state, ufrag, [line](Media& m) { m.candidates.emplace_back(bare(line)); });
}

bool end_local_candidates(State& state, std::string_view ufrag) {
  return edit_local(state, ufrag, [](Media& m) { m.end_of_candidates = true; });
}

Result<CandidateDelivery> add_remote_candidate(State& state, std::string_view line,
                                               const std::optional<Mid>& mid,
                                               std::optional<std::size_t> section,
                                               std::string_view ufrag) {
  line = bare(line);
  if (line.find_first_of("\r\n") != std::string_view::npos || line.size() > sdp::kMaxLineBytes) {
    return Error{Errc::invalid_argument, "candidate of several lines or too long"};
  }
  // A pending description of another generation leaves the current one: W3C section 4.4.1.9.
  DescriptionPtr* target = nullptr;
  std::optional<std::size_t> index;
  for (DescriptionPtr* d : {&state.pending_remote, &state.current_remote}) {
    if (*d == nullptr) continue;
    index = section_index(**d, mid, section);
    if (!index || !matches_generation(**d, (*d)->media[*index], ufrag)) continue;
    target = d;
    break;
  }
  if (state.pending_remote == nullptr && state.current_remote == nullptr) {
    return Error{Errc::invalid_state, "candidate before the remote description"};
  }
  if (target == nullptr) return Error{Errc::not_found, "no such media section or generation"};
  const Media& present = (*target)->media[*index];
  if (present.candidates.size() >= kMaxRemoteCandidates) {
    return Error{Errc::too_large, "more candidates than a peer needs"};
  }
  auto copy = std::make_shared<Description>(**target);
  Media& m = copy->media[*index];
  if (line.empty() || line == "end-of-candidates") {
    m.end_of_candidates = true;
  } else if (std::find(m.candidates.begin(), m.candidates.end(), line) == m.candidates.end()) {
    m.candidates.emplace_back(line);
  }
  *target = std::move(copy);
  const Description& d = **target;
  const bool negotiated =
      state.transport && d.transport_of(d.media[*index]).ice_ufrag == state.transport->remote_ufrag;
  // A section that we rejected has no transport of its own: what comes for it is for the one that
  // shares its credentials (peers trickle under their first section).
  const bool rejected_here = state.current_local != nullptr &&
                             *index < state.current_local->media.size() &&
                             state.current_local->media[*index].is_rejected();
  const bool carries = negotiated && (d.media[*index].mid.value_or(Mid{}) == state.transport->mid ||
                                      !d.media[*index].mid || rejected_here);
  return carries ? CandidateDelivery::now : CandidateDelivery::later;
}

}  // namespace parley::jsep
