// What the network between the two ends of a call does, as a link and as words.
#pragma once

#include <string>

#include "loopback_call/options.hpp"
#include "parley/sim/link.hpp"

namespace loopback_call {

/// The same impairment for the relay and for the simulated network.
parley::sim::LinkConfig link_config(const Impairment& impairment);

/// "5 % loss, 40 ms delay, 20 ms jitter" or "clean network".
std::string describe(const Impairment& impairment);

}  // namespace loopback_call
