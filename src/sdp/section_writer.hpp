// Builds the media sections of our offers and answers.
#pragma once

#include <optional>

#include "parley/sdp/jsep.hpp"
#include "sdp/checkpoint.hpp"
#include "sdp/codec_matching.hpp"

namespace parley::jsep {

/// Numbers given out while a description is built, so that each has one meaning in the bundle.
struct Numbering {
  PayloadTypeTable payload_types;
  ExtensionTable extensions;
};

/// The sender's lines and the wished direction. nullopt when payload types have run out.
std::optional<sdp::Media> offer_section(const State& state, const Transceiver& transceiver,
                                        const Mid& mid, Numbering& numbering);
sdp::Media offer_data_section(const State& state, const Mid& mid);
/// A section that says only that it is not used; `like` gives kind, protocol and a format.
sdp::Media rejected_section(const sdp::Media& like);

sdp::Media answer_section(const State& state, const Transceiver& transceiver,
                          const sdp::Description& offer, const sdp::Media& offered,
                          Numbering& numbering);
sdp::Media answer_data_section(const State& state, const sdp::Media& offered);

/// Credentials, fingerprints and role; every section repeats them, because many deployed peers do
/// not look them up in the tagged section of the bundle (RFC 9143 section 7.1.3 would leave them
/// out there).
void write_transport(sdp::Media& section, const LocalFacts& facts, sdp::Setup setup);
/// What only the tagged section has: candidates and a=rtcp.
void write_candidates(sdp::Media& section, const LocalFacts& facts);

}  // namespace parley::jsep
