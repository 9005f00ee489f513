#include "parley/stun/uri.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "parley/base/net.hpp"

namespace parley::stun {
namespace {

// Longest DNS name in text form (RFC 1035 section 2.3.4).
constexpr std::size_t kMaxHost = 253;

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<UriScheme> scheme_of(std::string_view text) {
  const std::string s = lower(text);
  if (s == "stun") return UriScheme::stun;
  if (s == "stuns") return UriScheme::stuns;
  if (s == "turn") return UriScheme::turn;
  if (s == "turns") return UriScheme::turns;
  return std::nullopt;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

// Takes the host off the front of `text`: an IPv6 literal in brackets, or a name or IPv4 literal.
std::optional<std::string> take_host(std::string_view& text) {
  std::string host;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    const auto ip = IpAddress::parse(host);
    return ip && ip->is_v6() ? std::optional{host} : std::nullopt;
  }
  host = text.substr(0, text.find(':'));
  text.remove_prefix(host.size());
  const bool valid = !host.empty() && host.size() <= kMaxHost &&
                     std::all_of(host.begin(), host.end(), is_name_char);
  return valid ? std::optional{host} : std::nullopt;
}

Error syntax(const char* what) { return Error{Errc::syntax, what}; }

}  // namespace

Result<ServerUri> ServerUri::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return syntax("server URI without a scheme");
  const auto scheme = scheme_of(text.substr(0, colon));
  if (!scheme) return Error{Errc::unsupported, "server URI of another scheme"};
  text.remove_prefix(colon + 1);

  ServerUri uri;
  uri.scheme = *scheme;
  const bool secure = *scheme == UriScheme::stuns || *scheme == UriScheme::turns;
  uri.port = secure ? 5349 : 3478;
  uri.transport = secure ? UriTransport::tcp : UriTransport::udp;

  const std::size_t question = text.find('?');
  std::string_view query;
  if (question != std::string_view::npos) {
    query = text.substr(question + 1);
    text = text.substr(0, question);
  }
  const auto host = take_host(text);
  if (!host) return syntax("host of a server URI");
  uri.host = *host;
  if (!text.empty()) {
    unsigned port = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + 1, end, port);
    if (text[0] != ':' || parsed.ec != std::errc{} || parsed.ptr != end || port == 0 ||
        port > 65535) {
      return syntax("port of a server URI");
    }
    uri.port = static_cast<std::uint16_t>(port);
  }
  if (question != std::string_view::npos) {
    // Only turn URIs have a query (RFC 7065 section 3.1).
    constexpr std::string_view kTransport = "transport=";
    const bool is_turn = *scheme == UriScheme::turn || *scheme == UriScheme::turns;
    if (!is_turn || !query.starts_with(kTransport)) return syntax("query of a server URI");
    const std::string transport = lower(query.substr(kTransport.size()));
    if (transport != "udp" && transport != "tcp") {
      return Error{Errc::unsupported, "transport of a server URI"};
    }
    uri.transport = transport == "udp" ? UriTransport::udp : UriTransport::tcp;
  }
  return uri;
}

}  // namespace parley::stun
