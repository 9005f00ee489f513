// Simulcast (RFC 8853) with the restrictions of its streams (RFC 8851).
#pragma once

#include <vector>

#include "parley/sdp/jsep.hpp"

namespace parley::jsep {

/// `a=rid` and `a=simulcast` of our offer.
void offer_simulcast(const Transceiver& transceiver, sdp::Media& section);
/// The same of our answer; direction and formats of `section` are there already.
void answer_simulcast(const State& state, const Transceiver& transceiver, const sdp::Media& offered,
                      sdp::Media& section);

enum class RidSender { local, remote };
/// The streams that `sender` sends and the other side takes, in the sender's order.
std::vector<NegotiatedRid> negotiate_rids(const sdp::Media& local, const sdp::Media& remote,
                                          RidSender sender);
/// After the final answer: the transceiver has the streams that were negotiated, or none.
void settle_rids(const State& state, Transceiver& transceiver);

}  // namespace parley::jsep
