// The offer to the server, the answer back.
#pragma once

#include <string>

#include "echo_client/options.hpp"
#include "parley/base/result.hpp"

namespace echo_client {

/// Posts the offer as JSON and gives the SDP of the answer. Blocks, at most for the timeout of the
/// options. Errors: io (nobody there), timed_out, malformed (no answer in JSON), incompatible (the
/// server refused: its words).
parley::Result<std::string> exchange(const Options& options, const std::string& offer);

}  // namespace echo_client
