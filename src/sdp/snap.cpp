#include "sdp/snap.hpp"

#include <cstddef>

#include "sdp/checkpoint.hpp"

namespace parley::jsep {

bool is_init_chunk(const std::vector<std::uint8_t>& b) {
  constexpr std::size_t kFixedPart = 20;  // RFC 9260 section 3.3.2: header and five fields
  if (b.size() < kFixedPart || b[0] != 1) return false;
  const std::size_t length = static_cast<std::size_t>(b[2]) << 8 | b[3];
  // The length leaves padding out (RFC 9260 section 3.2); it may be there or not.
  if (length < kFixedPart || b.size() < length || b.size() > (length + 3) / 4 * 4) return false;
  return (b[4] | b[5] | b[6] | b[7]) != 0;  // the initiate tag must not be 0
}

std::vector<std::uint8_t> init_to_describe(const State& state, const LocalFacts& facts,
                                           const sdp::Media* offered) {
  if (const auto& present = state.data.negotiated) {
    // "Modifying the Session": the value stays; an association that was set up by its own handshake
    // gets none.
    if (present->local_init.empty()) return {};
    return facts.sctp_init.empty() ? present->local_init : facts.sctp_init;
  }
  if (offered == nullptr) {
    return state.config->offer_snap ? facts.sctp_init : std::vector<std::uint8_t>{};
  }
  return is_init_chunk(offered->sctp_init) ? facts.sctp_init : std::vector<std::uint8_t>{};
}

void negotiate_snap(const DataParameters* present, const sdp::Media& local,
                    const sdp::Media& remote, DataParameters& out) {
  if (present != nullptr && present->local_init.empty()) return;  // the handshake has happened
  // libdatachannel 0.24 repeats attributes that it does not know in its answers: our own chunk
  // coming back is no agreement, and no two associations have one tag.
  const bool agreed = !local.sctp_init.empty() && is_init_chunk(remote.sctp_init) &&
                      local.sctp_init != remote.sctp_init;
  if (agreed) {
    out.local_init = local.sctp_init;
    out.remote_init = remote.sctp_init;
  } else if (present != nullptr) {
    // A later description that leaves it out does not undo an association that lives.
    out.local_init = present->local_init;
    out.remote_init = present->remote_init;
  }
}

std::optional<Error> check_snap(const State& state, const sdp::Description& remote) {
  const auto& present = state.data.negotiated;
  if (!present || present->remote_init.empty() || !state.data.section || !state.transport) {
    return std::nullopt;
  }
  if (*state.data.section >= remote.media.size()) return std::nullopt;
  const sdp::Media& section = remote.media[*state.data.section];
  if (section.is_rejected() || section.sctp_init.empty()) return std::nullopt;
  if (section.sctp_init == present->remote_init || section.data_port() != present->remote_port) {
    return std::nullopt;
  }
  if (!same_association(*state.transport, remote.transport_of(section))) return std::nullopt;
  return Error{Errc::invalid_argument, "another a=sctp-init for a living association"};
}

std::vector<std::uint8_t> offered_sctp_init(const State& state) {
  if (state.pending_remote == nullptr || !state.data.section) return {};
  if (state.data.negotiated && state.data.negotiated->local_init.empty()) return {};
  const auto& media = state.pending_remote->media;
  if (*state.data.section >= media.size()) return {};
  const sdp::Media& section = media[*state.data.section];
  if (section.is_legacy_data()) return {};
  const auto& init = section.sctp_init;
  return is_init_chunk(init) ? init : std::vector<std::uint8_t>{};
}

}  // namespace parley::jsep
