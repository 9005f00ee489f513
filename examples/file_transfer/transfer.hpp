// What both ends of a transfer tell their program.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace file_transfer {

struct Progress {
  std::uint64_t files = 0, files_done = 0;
  std::uint64_t bytes = 0;       ///< of all files
  std::uint64_t bytes_done = 0;  ///< at the receiver or on the way there
  std::uint64_t bytes_kept = 0;  ///< of those: there already from an earlier try
  std::string current;           ///< the file under way
};

/// Called once, at the end. An empty reason: every file arrived and its hash is right.
using Done = std::function<void(const std::string& reason)>;

}  // namespace file_transfer
