// Between parley's addresses and Asio's. Private to io.
#pragma once

#include <algorithm>
#include <asio/ip/address.hpp>
#include <asio/ip/udp.hpp>

#include "parley/base/net.hpp"

namespace parley::io {

inline IpAddress from_asio(const asio::ip::address& address) {
  if (address.is_v4()) {
    const auto v4 = address.to_v4().to_bytes();
    return IpAddress::v4(std::span<const std::uint8_t, 4>{v4});
  }
  const auto v6 = address.to_v6().to_bytes();
  return IpAddress::v6(std::span<const std::uint8_t, 16>{v6});
}

inline SocketAddress from_asio(const asio::ip::udp::endpoint& endpoint) {
  return {from_asio(endpoint.address()), endpoint.port()};
}

inline asio::ip::udp::endpoint to_asio(const SocketAddress& address) {
  const Bytes bytes = address.ip.bytes();
  if (address.ip.is_v4()) {
    asio::ip::address_v4::bytes_type v4;
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return {asio::ip::address_v4{v4}, address.port};
  }
  asio::ip::address_v6::bytes_type v6;
  std::copy(bytes.begin(), bytes.end(), v6.begin());
  return {asio::ip::address_v6{v6}, address.port};
}

}  // namespace parley::io
