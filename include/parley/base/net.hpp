// IP addresses, socket addresses, paths and datagrams to send.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "parley/base/bytes.hpp"

namespace parley {

enum class AddressFamily : std::uint8_t { ipv4, ipv6 };

/// An IPv4 or IPv6 address. IPv6 zone indices are not represented: WebRTC does not use link-local
/// addresses (RFC 8445 section 5.1.1.1).
class IpAddress {
 public:
  /// 0.0.0.0
  constexpr IpAddress() = default;
  static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    IpAddress ip;
    ip.bytes_ = {a, b, c, d};
    return ip;
  }
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
  static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  /// "192.0.2.1", "2001:db8::1" (RFC 4291 section 2.2), also with a dotted quad at the end.
  /// Brackets, zones, names and leading zeros in dotted quads give nullopt.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress any(AddressFamily family);
  static IpAddress loopback(AddressFamily family);

  AddressFamily family() const { return family_; }
  bool is_v4() const { return family_ == AddressFamily::ipv4; }
  bool is_v6() const { return family_ == AddressFamily::ipv6; }
  /// 4 or 16 bytes in network order, borrowed.
  Bytes bytes() const { return Bytes{bytes_}.first(is_v4() ? 4 : 16); }

  bool is_any() const;
  bool is_loopback() const;
  bool is_link_local() const;
  bool is_multicast() const;
  /// ::ffff:a.b.c.d
  bool is_v4_mapped() const;
  /// RFC 1918, RFC 6598 or fc00::/7.
  bool is_private() const;

  /// IPv6 in the form of RFC 5952.
  std::string to_string() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  AddressFamily family_ = AddressFamily::ipv4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address and a UDP (or TCP) port.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  /// "192.0.2.1:5000" or "[2001:db8::1]:5000".
  static std::optional<SocketAddress> parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

/// The way a datagram goes: from a socket of ours (its bound address) to an address of the peer.
struct Path {
  SocketAddress local;
  SocketAddress remote;
  friend auto operator<=>(const Path&, const Path&) = default;
};

/// The two ECN bits of the IP header (RFC 3168 section 5).
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// A datagram to send. `datagram` borrows the storage that was passed to `poll_transmit`.
struct Transmit {
  Path path;
  Bytes datagram;
  Ecn ecn = Ecn::not_ect;
};

/// One address of one network interface of this host.
struct NetworkInterface {
  std::string name;
  IpAddress address;
  bool is_loopback = false;
  /// Temporary IPv6 address (RFC 8981); preferred for candidates (RFC 8445 section 5.1.1.1).
  bool is_temporary = false;
};

}  // namespace parley

template <>
struct std::hash<parley::IpAddress> {
  std::size_t operator()(const parley::IpAddress& ip) const noexcept;
};
template <>
struct std::hash<parley::SocketAddress> {
  std::size_t operator()(const parley::SocketAddress& a) const noexcept;
};
template <>
struct std::hash<parley::Path> {
  std::size_t operator()(const parley::Path& p) const noexcept;
};
