// One end of a bulk transfer over data channels: a PeerConnection in a process of its own.
#pragma once

#include <cstddef>

#include "process.hpp"

namespace bench {

struct Transfer {
  std::size_t message_size = 64 * 1024;  ///< bytes
  double seconds = 5;
  bool ordered = true;
  std::size_t mtu = 0;  ///< largest UDP payload; 0: the library's default
};

/// Offers, opens the channels "bulk" and "ping", keeps the first full and measures round trips on
/// the second. Through `pipe` go the offer out, the answer in, the results out as JSON.
void run_sender(const Transfer& transfer, Pipe pipe);
/// Answers, counts what comes on "bulk", returns what comes on "ping".
void run_receiver(const Transfer& transfer, Pipe pipe);

}  // namespace bench
