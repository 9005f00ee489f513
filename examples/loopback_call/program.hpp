// What the command line asked for, from reading the media to the exit status.
#pragma once

#include "loopback_call/options.hpp"

namespace loopback_call {

/// Runs the call and writes its results. Returns the exit status: 0 when media flowed both ways
/// and every floor held, 1 when not, 2 for input that cannot be used (one line on standard error).
int run(const Options& options);

}  // namespace loopback_call
