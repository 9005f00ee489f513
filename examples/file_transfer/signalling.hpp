// How the two ends exchange their descriptions: as a block of text that people copy, or by HTTP.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "parley/base/result.hpp"
#include "parley/events.hpp"

namespace file_transfer {

/// Writes the description between two lines that mark it, fit to be copied from a terminal.
void write_block(std::ostream& out, const parley::SessionDescription& description);
/// Reads lines up to the end of such a block; what is before it is passed over. Errors: closed (the
/// input ended), syntax.
parley::Result<parley::SessionDescription> read_block(std::istream& in);

/// Posts the offer to URL/offer and returns the answer. Errors: io, syntax.
parley::Result<parley::SessionDescription> post_offer(const std::string& url,
                                                      const parley::SessionDescription& offer);

/// Waits on ADDRESS:PORT (port 0 picks one, `ready` is told the URL) and calls `answer` for each
/// POST /offer, until it succeeded once. Errors: io, invalid_argument.
using Answer = std::function<parley::Result<parley::SessionDescription>(
    const parley::SessionDescription& offer)>;
parley::Result<void> serve_offers(const std::string& address,
                                  const std::function<void(const std::string& url)>& ready,
                                  const Answer& answer);

}  // namespace file_transfer
