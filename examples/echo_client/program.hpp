// The whole client.
#pragma once

#include "echo_client/options.hpp"

namespace echo_client {

/// Returns the exit status: 0 when the test passed, 1 when not. One sentence says why.
int run(const Options& options);

}  // namespace echo_client
