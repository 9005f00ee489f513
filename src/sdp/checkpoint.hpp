// What the parts of offer/answer share: what a rollback restores, layouts, reading of sections.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "parley/sdp/jsep.hpp"

namespace parley::jsep {

using sdp::make_direction;

/// The state as it was when the pending exchange began.
struct Checkpoint {
  std::vector<Transceiver> transceivers;
  DataSection data;
  std::optional<TransportParameters> transport;
  int next_mid = 0;
};

/// Ours: MediaStreams of one track that are told; more make no sense for an application.
inline constexpr std::size_t kMaxStreamsPerTrack = 8;

/// Ours: no sender makes more, and each costs an encoder or a buffer.
inline constexpr std::size_t kMaxSimulcastStreams = 8;

/// MediaStream ids a section names, sorted, without "-".
std::vector<std::string> stream_ids_of(const sdp::Media& section);
/// MediaStream ids our section names for this transceiver, sorted.
std::vector<std::string> streams_to_announce(const Transceiver& transceiver);

/// Puts `next` back to its checkpoint, keeping what the application did since, and notes what
/// changed (RFC 9429 section 5.7). Signaling state and pending descriptions are reset.
void restore_checkpoint(State& next, std::vector<Change>& changes);

/// One m= line of the offer that we would make now.
struct Slot {
  enum class Kind { transceiver, data, rejected };
  Kind kind = Kind::rejected;
  TransceiverId transceiver;
  Mid mid;
};
/// The m= lines of our next offer (RFC 9429 section 5.2.2); `state` is stable.
std::vector<Slot> offer_layout(const State& state);

/// The transceiver whose m= line has this index, or nullptr.
const Transceiver* owner_of(const State& state, std::size_t section);
Transceiver* owner_of(State& state, std::size_t section);

/// Gives every rid of `send_rids` its SSRCs; the first has those of the transceiver.
void make_layers(const State& state, Transceiver& transceiver);

/// The codecs to negotiate for a transceiver: its preferences, else all of its kind.
const std::vector<CodecCapability>& codecs_of(const State& state, const Transceiver& transceiver);

/// Whether `offered` goes on with the DTLS association of `present` (RFC 8842 section 5): same
/// tls-id and fingerprints.
bool same_association(const TransportParameters& present, const sdp::TransportAttributes& offered);

/// Which sections of a remote offer we take, and which of them carries the transport.
struct Selection {
  std::vector<bool> accepted;
  std::optional<std::size_t> tag;  ///< nullopt: nothing is accepted
};
/// RFC 9429 section 5.3.1 with policy max-bundle: one bundle group or one lone section.
Selection select_sections(const State& state, const sdp::Description& offer);

}  // namespace parley::jsep
