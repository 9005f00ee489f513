#include "parley/base/net.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace parley {
namespace {

std::optional<std::array<std::uint8_t, 4>> parse_dotted_quad(std::string_view text) {
  std::array<std::uint8_t, 4> out{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view part = text.substr(0, dot);
    // Leading zeros are refused: some resolvers read them as octal.
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc{} || end != part.data() + part.size() || value > 255)
      return std::nullopt;
    out[i] = static_cast<std::uint8_t>(value);
    text.remove_prefix(i < 3 ? dot + 1 : dot);
  }
  return out;
}

// Parses the groups on one side of "::" into `out`; returns the number of bytes or nullopt.
std::optional<std::size_t> parse_groups(std::string_view text, bool may_end_in_quad,
                                        std::array<std::uint8_t, 16>& out) {
  std::size_t n = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && may_end_in_quad &&
        group.find('.') != std::string_view::npos) {
      const auto quad = parse_dotted_quad(group);
      if (!quad || n + 4 > 16) return std::nullopt;
      std::copy(quad->begin(), quad->end(), out.begin() + static_cast<std::ptrdiff_t>(n));
      return n + 4;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    if (group.empty() || group.size() > 4 || error != std::errc{} ||
        end != group.data() + group.size() || n + 2 > 16) {
      return std::nullopt;
    }
    store_be16(&out[n], static_cast<std::uint16_t>(value));
    n += 2;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return n;
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  std::array<std::uint8_t, 16> head{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto n = parse_groups(text, true, head);
    return n == 16U ? std::optional{head} : std::nullopt;
  }
  std::array<std::uint8_t, 16> tail{};
  const auto before = parse_groups(text.substr(0, gap), false, head);
  const auto after = parse_groups(text.substr(gap + 2), true, tail);
  if (!before || !after || *before + *after > 14) return std::nullopt;
  std::copy_n(tail.begin(), *after, head.end() - static_cast<std::ptrdiff_t>(*after));
  return head;
}

std::string v6_to_string(Bytes b) {
  // RFC 5952 section 4.2: the longest run of at least two zero groups, the first of equals.
  int best_at = -1;
  int best_length = 1;
  for (int i = 0; i < 8;) {
    int j = i;
    while (j < 8 && load_be16(&b[static_cast<std::size_t>(2 * j)]) == 0) ++j;
    if (j - i > best_length) {
      best_at = i;
      best_length = j - i;
    }
    i = std::max(j, i + 1);
  }
  std::string text;
  for (int i = 0; i < 8; ++i) {
    if (i == best_at) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char group[8];
    std::snprintf(group, sizeof group, "%x", load_be16(&b[static_cast<std::size_t>(2 * i)]));
    text += group;
  }
  return text;
}

std::size_t hash_bytes(Bytes bytes, std::size_t seed) {
  // FNV-1a over at most 16 bytes; tables keyed by addresses are bounded, so no keyed hash needed.
  std::uint64_t h = 0xCBF29CE484222325ULL ^ seed;
  for (const std::uint8_t b : bytes) h = (h ^ b) * 0x100000001B3ULL;
  return static_cast<std::size_t>(h);
}

}  // namespace

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress ip;
  ip.family_ = AddressFamily::ipv6;
  std::copy(bytes.begin(), bytes.end(), ip.bytes_.begin());
  return ip;
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  return v4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find(':') == std::string_view::npos) {
    const auto quad = parse_dotted_quad(text);
    return quad ? std::optional{v4(std::span{*quad})} : std::nullopt;
  }
  const auto bytes = parse_v6(text);
  return bytes ? std::optional{v6(std::span{*bytes})} : std::nullopt;
}

IpAddress IpAddress::any(AddressFamily family) {
  IpAddress ip;
  ip.family_ = family;
  return ip;
}

IpAddress IpAddress::loopback(AddressFamily family) {
  if (family == AddressFamily::ipv4) return v4(127, 0, 0, 1);
  IpAddress ip = any(family);
  ip.bytes_[15] = 1;
  return ip;
}

bool IpAddress::is_any() const { return *this == any(family_); }

bool IpAddress::is_loopback() const {
  return is_v4() ? bytes_[0] == 127 : *this == loopback(AddressFamily::ipv6);
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xFE && (bytes_[1] & 0xC0) == 0x80;
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xF0) == 0xE0 : bytes_[0] == 0xFF;
}

bool IpAddress::is_v4_mapped() const {
  if (is_v4()) return false;
  return std::all_of(bytes_.begin(), bytes_.begin() + 10, [](auto b) { return b == 0; }) &&
         bytes_[10] == 0xFF && bytes_[11] == 0xFF;
}

bool IpAddress::is_private() const {
  if (is_v6()) return (bytes_[0] & 0xFE) == 0xFC;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xF0) == 16) ||
         (bytes_[0] == 192 && bytes_[1] == 168) || (bytes_[0] == 100 && (bytes_[1] & 0xC0) == 64);
}

std::string IpAddress::to_string() const {
  if (is_v6()) return v6_to_string(bytes());
  char text[16];
  std::snprintf(text, sizeof text, "%d.%d.%d.%d", bytes_[0], bytes_[1], bytes_[2], bytes_[3]);
  return text;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  std::string_view host;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    text.remove_prefix(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    text.remove_prefix(std::min(colon, text.size()));
  }
  if (text.size() < 2 || text[0] != ':') return std::nullopt;
  text.remove_prefix(1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const auto ip = IpAddress::parse(host);
  if (!ip || error != std::errc{} || end != text.data() + text.size() || port > 65535) {
    return std::nullopt;
  }
  return SocketAddress{*ip, static_cast<std::uint16_t>(port)};
}

std::string SocketAddress::to_string() const {
  // Appending, because GCC 12 sees an overlap in `"[" + text` that is not there (GCC bug 105651).
  std::string text;
  if (ip.is_v6()) text += '[';
  text += ip.to_string();
  if (ip.is_v6()) text += ']';
  text += ':';
  return text += std::to_string(port);
}

}  // namespace parley

std::size_t std::hash<parley::IpAddress>::operator()(const parley::IpAddress& ip) const noexcept {
  return parley::hash_bytes(ip.bytes(), 0);
}

std::size_t std::hash<parley::SocketAddress>::operator()(
    const parley::SocketAddress& a) const noexcept {
  return parley::hash_bytes(a.ip.bytes(), a.port);
}

std::size_t std::hash<parley::Path>::operator()(const parley::Path& p) const noexcept {
  const std::hash<parley::SocketAddress> of_address;
  return of_address(p.local) * 31 + of_address(p.remote);
}
