// The whole server.
#pragma once

#include "echo_server/options.hpp"

namespace echo_server {

/// Runs until SIGINT or SIGTERM. Returns the exit status: 0, or 1 when it could not start.
int run(const Options& options);

}  // namespace echo_server
