// Applying an answer: where both sides' descriptions become what is used (RFC 9429 section 5.11).
#pragma once

#include <vector>

#include "parley/sdp/jsep.hpp"

namespace parley::jsep {

/// Both descriptions of an exchange, checked.
struct Exchange {
  const sdp::Description& local;
  const sdp::Description& remote;
  bool answer_is_local;
  bool final;  ///< answer, not pranswer: rejected sections end
  std::optional<std::size_t> tag;

  const sdp::Description& answer() const { return answer_is_local ? local : remote; }
  const sdp::Description& offer() const { return answer_is_local ? remote : local; }
};

/// Makes `next` agree with the exchange and notes what changed. The descriptions and the signaling
/// state are the caller's.
void apply_answer(State& next, const Exchange& exchange, std::vector<Change>& changes);

/// The peer's sender of this transceiver is on or off, in these streams: notes the track events.
void apply_remote_track(Transceiver& transceiver, const sdp::Media& remote, bool receiving,
                        std::vector<Change>& changes);

}  // namespace parley::jsep
