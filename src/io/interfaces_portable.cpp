// Without a system call to list interfaces: the loopback, and the address that the routing table
// picks for a public destination. Connecting a UDP socket sends nothing.
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "io/endpoint.hpp"
#include "io/interfaces.hpp"

namespace parley::io {

std::vector<NetworkInterface> list_interfaces() {
  std::vector<NetworkInterface> list{{"loopback", IpAddress::loopback(AddressFamily::ipv4), true}};
  asio::io_context context;
  // Documentation addresses (RFC 5737, RFC 3849): the route to them is the default route.
  for (const char* destination : {"192.0.2.1:9", "[2001:db8::1]:9"}) {
    const auto remote = to_asio(*SocketAddress::parse(destination));
    asio::ip::udp::socket socket{context};
    std::error_code error;
    socket.open(remote.protocol(), error);
    if (!error) socket.connect(remote, error);
    if (error) continue;
    const auto local = socket.local_endpoint(error);
    if (!error) list.push_back({"default", from_asio(local.address()), false});
  }
  return list;
}

}  // namespace parley::io
