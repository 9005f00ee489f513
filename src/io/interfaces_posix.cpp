// getifaddrs, and on Linux the flags of IPv6 addresses from /proc/net/if_inet6.
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>

#include "io/interfaces.hpp"

namespace parley::io {
namespace {

// linux/if_addr.h; written here because that header clashes with net/if.h in some versions.
constexpr unsigned kTemporary = 0x01;   // IFA_F_TEMPORARY
constexpr unsigned kDadFailed = 0x08;   // IFA_F_DADFAILED
constexpr unsigned kDeprecated = 0x20;  // IFA_F_DEPRECATED
constexpr unsigned kTentative = 0x40;   // IFA_F_TENTATIVE

std::optional<IpAddress> parse_plain_hex(const std::string& text) {
  if (text.size() != 32) return std::nullopt;
  std::string grouped;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    if (i > 0) grouped += ':';
    grouped.append(text, i, 4);
  }
  return IpAddress::parse(grouped);
}

// Lines of "address index prefix scope flags name", the first five in hexadecimal. Elsewhere than
// on Linux there is no such file, and no address has flags.
std::map<IpAddress, unsigned> ipv6_flags() {
  std::map<IpAddress, unsigned> flags;
  std::ifstream file{"/proc/net/if_inet6"};
  std::string address, index, prefix, scope, name;
  unsigned bits = 0;
  while (file >> address >> index >> prefix >> scope >> std::hex >> bits >> name) {
    if (const auto ip = parse_plain_hex(address)) flags[*ip] = bits;
  }
  return flags;
}

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return IpAddress::v4(std::span<const std::uint8_t, 4>{bytes});
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof v6);
    return IpAddress::v6(std::span<const std::uint8_t, 16>{v6.sin6_addr.s6_addr});
  }
  return std::nullopt;
}

}  // namespace

std::vector<NetworkInterface> list_interfaces() {
  ifaddrs* head = nullptr;
  if (::getifaddrs(&head) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{head, ::freeifaddrs};
  const auto flags = ipv6_flags();

  std::vector<NetworkInterface> list;
  for (const ifaddrs* entry = head; entry != nullptr; entry = entry->ifa_next) {
    const auto ip = address_of(entry->ifa_addr);
    if (!ip || (entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_RUNNING) == 0) continue;
    // Without a zone, which parley's addresses do not have, these cannot be used.
    if (ip->is_v6() && ip->is_link_local()) continue;
    const auto found = flags.find(*ip);
    const unsigned bits = found == flags.end() ? 0 : found->second;
    if ((bits & (kDeprecated | kTentative | kDadFailed)) != 0) continue;
    list.push_back(
        {entry->ifa_name, *ip, (entry->ifa_flags & IFF_LOOPBACK) != 0, (bits & kTemporary) != 0});
  }
  return list;
}

}  // namespace parley::io
