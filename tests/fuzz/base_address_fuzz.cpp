// Addresses from text: what is accepted is printed in one canonical form that reads back equal.
#include <cstdlib>

#include "parley/base/net.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(size == 0 ? Bytes{} : Bytes{data, size});
  if (const auto ip = IpAddress::parse(text)) {
    if (IpAddress::parse(ip->to_string()) != ip) std::abort();
  }
  if (const auto address = SocketAddress::parse(text)) {
    if (SocketAddress::parse(address->to_string()) != address) std::abort();
  }
  return 0;
}
