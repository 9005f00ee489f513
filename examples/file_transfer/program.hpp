// The file transfer without its main().
#pragma once

#include <iosfwd>

#include "file_transfer/options.hpp"

namespace file_transfer {

/// Runs one end to its end. Exit status: 0 everything arrived and its hash is right; 1 it did not,
/// and why is on `err`; 2 the options do not fit what is there.
int run(const Options& options, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace file_transfer
