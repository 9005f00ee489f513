// SNAP: the SCTP handshake in the descriptions (draft-hancke-tsvwg-snap).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/sdp/jsep.hpp"

namespace parley::jsep {

/// Whether these bytes have the form of one INIT chunk (RFC 9260 section 3.3.2).
bool is_init_chunk(const std::vector<std::uint8_t>& bytes);

/// What our description of the data section says: nothing, or our chunk. `offered` is the peer's
/// section when this is an answer, else null.
std::vector<std::uint8_t> init_to_describe(const State& state, const LocalFacts& facts,
                                           const sdp::Media* offered);

/// Puts what both sections agree on into `out`. `present` is what was agreed before, or null.
void negotiate_snap(const DataParameters* present, const sdp::Media& local,
                    const sdp::Media& remote, DataParameters& out);

/// A living association keeps its INIT chunks (draft, "Modifying the Session"); another one needs
/// another DTLS association or SCTP port.
std::optional<Error> check_snap(const State& state, const sdp::Description& remote);

}  // namespace parley::jsep
