// What a description must fulfil before it is applied (RFC 9429 sections 5.4 and 5.8.3).
#pragma once

#include <optional>

#include "parley/sdp/jsep.hpp"

namespace parley::jsep {

using MaybeError = std::optional<Error>;

Error invalid(std::string where);

/// The m= lines of the peer's offer against those of before: none is gone, living ones keep kind
/// and mid, and no mid is there twice.
MaybeError check_remote_offer(const State& state, const sdp::Description& offer);
/// The m= lines of an answer against those of its offer (RFC 3264 section 6).
MaybeError check_answer(const sdp::Description& offer, const sdp::Description& answer);

/// The section that carries the transport of an answered exchange; nullopt when all are rejected.
/// Errors: incompatible, when accepted sections do not share one transport.
Result<std::optional<std::size_t>> tag_of_answer(const sdp::Description& offer,
                                                 const sdp::Description& answer);

/// A transport that can be used: credentials and a fingerprint.
MaybeError check_transport(const sdp::TransportAttributes& transport);
/// The peer's new attributes against the transport that is there: credentials change together or
/// not at all, and another DTLS association needs an ICE restart (RFC 9429 section 5.8.3).
MaybeError check_continuation(const std::optional<TransportParameters>& present,
                              const sdp::TransportAttributes& remote);
/// Whether the peer's credentials are new.
bool is_ice_restart(const TransportParameters& present, const sdp::TransportAttributes& remote);

}  // namespace parley::jsep
