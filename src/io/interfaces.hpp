// The addresses of this host. Private to io.
#pragma once

#include <vector>

#include "parley/base/net.hpp"

namespace parley::io {

/// See UdpDriver::interfaces.
std::vector<NetworkInterface> list_interfaces();

}  // namespace parley::io
