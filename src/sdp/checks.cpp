#include "sdp/checks.hpp"

#include <algorithm>
#include <set>

#include "sdp/checkpoint.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Media;

std::string section_name(std::size_t index) { return "m= line " + std::to_string(index + 1); }

bool same_use(const Media& a, const Media& b) {
  return a.kind == b.kind && a.media_kind() == b.media_kind() && a.is_data() == b.is_data();
}

MaybeError check_mids(const Description& d) {
  std::set<Mid> seen;
  for (const Media& m : d.media) {
    if (m.mid && !seen.insert(*m.mid).second) return invalid("mid twice: " + m.mid->value());
  }
  return std::nullopt;
}

}  // namespace

Error invalid(std::string where) { return Error{Errc::invalid_argument, std::move(where)}; }

MaybeError check_remote_offer(const State& state, const Description& offer) {
  if (auto error = check_mids(offer)) return error;
  const auto& previous = state.current_remote;
  if (previous == nullptr) return std::nullopt;
  if (offer.media.size() < previous->media.size()) return invalid("fewer m= lines than before");
  for (std::size_t i = 0; i < previous->media.size(); ++i) {
    const bool alive = owner_of(state, i) != nullptr || state.data.section == i;
    if (!alive || offer.media[i].is_rejected()) continue;
    if (!same_use(offer.media[i], previous->media[i])) {
      return invalid(section_name(i) + " changes its kind");
    }
    if (offer.media[i].mid != previous->media[i].mid) {
      return invalid(section_name(i) + " changes its mid");
    }
  }
  return std::nullopt;
}

MaybeError check_answer(const Description& offer, const Description& answer) {
  if (auto error = check_mids(answer)) return error;
  if (answer.media.size() != offer.media.size()) {
    return invalid("answer with another number of m= lines than the offer");
  }
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const Media& a = answer.media[i];
    const Media& o = offer.media[i];
    if (a.kind != o.kind) return invalid(section_name(i) + " is of another kind than offered");
    if (a.is_rejected()) continue;
    if (!same_use(a, o)) return invalid(section_name(i) + " has another protocol than offered");
    if (o.is_rejected()) return invalid(section_name(i) + " accepts what was not offered");
    if (a.mid && a.mid != o.mid) return invalid(section_name(i) + " has another mid than offered");
  }
  return std::nullopt;
}

Result<std::optional<std::size_t>> tag_of_answer(const Description& offer,
                                                 const Description& answer) {
  std::vector<std::size_t> accepted;
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    if (!answer.media[i].is_rejected()) accepted.push_back(i);
  }
  if (accepted.empty()) return std::optional<std::size_t>{};
  const Media& first = answer.media[accepted.front()];
  const sdp::Group* group = first.mid ? answer.bundle_of(*first.mid) : nullptr;
  if (group == nullptr) {
    if (accepted.size() == 1) return std::optional{accepted.front()};
    return Error{Errc::incompatible, "several sections are accepted outside a bundle"};
  }
  std::optional<std::size_t> tag;
  for (const Mid& mid : group->mids) {
    const auto i = std::find_if(accepted.begin(), accepted.end(),
                                [&](std::size_t n) { return answer.media[n].mid == mid; });
    if (i == accepted.end()) continue;  // a rejected one that should not be listed any more
    if (!tag) tag = *i;
  }
  for (const std::size_t i : accepted) {
    const Media& m = answer.media[i];
    if (!m.mid || answer.bundle_of(*m.mid) != group) {
      return Error{Errc::incompatible, section_name(i) + " is accepted outside the bundle"};
    }
    // RFC 9143 section 7.3: only what was offered in this bundle can be in it.
    if (offer.bundle_of(*m.mid) == nullptr ||
        offer.bundle_of(*m.mid) != offer.bundle_of(*answer.media[*tag].mid)) {
      return invalid(section_name(i) + " is bundled but was not offered so");
    }
  }
  return tag;
}

MaybeError check_transport(const sdp::TransportAttributes& t) {
  if (!t.ice_ufrag || !t.ice_pwd) {
    return Error{Errc::incompatible, "section without ICE credentials"};
  }
  if (t.fingerprints.empty()) {
    return Error{Errc::incompatible, "section without a DTLS fingerprint"};
  }
  if (t.setup == sdp::Setup::holdconn) return Error{Errc::incompatible, "a=setup:holdconn"};
  return std::nullopt;
}

bool is_ice_restart(const TransportParameters& present, const sdp::TransportAttributes& remote) {
  return remote.ice_ufrag != present.remote_ufrag && remote.ice_pwd != present.remote_pwd;
}

MaybeError check_continuation(const std::optional<TransportParameters>& present,
                              const sdp::TransportAttributes& remote) {
  if (!present) return std::nullopt;
  // RFC 8839 section 4.4.3.1.1 asks for both to change; one alone is a mistake of the peer.
  if ((remote.ice_ufrag != present->remote_ufrag) != (remote.ice_pwd != present->remote_pwd)) {
    return invalid("ICE ufrag and password must change together");
  }
  if (!same_association(*present, remote) && !is_ice_restart(*present, remote)) {
    return invalid("new DTLS fingerprint or tls-id without an ICE restart");
  }
  return std::nullopt;
}

}  // namespace parley::jsep
