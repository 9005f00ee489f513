#include "parley/ice/candidate.hpp"

#include <algorithm>
#include <charconv>

namespace parley::ice {
namespace {

// RFC 8839 section 5.1 allows 32; longer ones are seen and harmless.
constexpr std::size_t kMaxFoundation = 256;
constexpr std::size_t kMaxHostName = 253;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next word off the front; empty at the end.
std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  std::size_t n = 0;
  while (n < text.size() && !is_space(text[n])) ++n;
  const std::string_view word = text.substr(0, n);
  text.remove_prefix(n);
  return word;
}

template <class T>
std::optional<T> number(std::string_view word, T highest) {
  T value{};
  const char* const end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value > highest) return std::nullopt;
  return value;
}

std::optional<CandidateType> type_of(std::string_view word) {
  const std::string w = lower(word);
  if (w == "host") return CandidateType::host;
  if (w == "srflx") return CandidateType::server_reflexive;
  if (w == "prflx") return CandidateType::peer_reflexive;
  if (w == "relay") return CandidateType::relayed;
  return std::nullopt;
}

std::optional<TcpType> tcp_type_of(std::string_view word) {
  const std::string w = lower(word);
  if (w == "active") return TcpType::active;
  if (w == "passive") return TcpType::passive;
  if (w == "so") return TcpType::simultaneous_open;
  return std::nullopt;
}

std::string_view word_for(TcpType type) {
  switch (type) {
    case TcpType::none:
      return "";
    case TcpType::active:
      return "active";
    case TcpType::passive:
      return "passive";
    case TcpType::simultaneous_open:
      return "so";
  }
  return "";
}

bool is_host_name(std::string_view word) {
  return !word.empty() && word.size() <= kMaxHostName &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

Error syntax(const char* what) { return Error{Errc::syntax, std::string{"candidate: "} + what}; }

// The pairs after the type: what is known goes to its member, the rest is kept in order.
void read_extensions(std::string_view text, Candidate& c) {
  std::optional<IpAddress> related_ip;
  std::optional<std::uint16_t> related_port;
  while (true) {
    const std::string_view name = take_word(text);
    const std::string_view value = take_word(text);
    if (value.empty()) break;  // the end, or a name without a value
    if (name == "raddr") {
      related_ip = IpAddress::parse(value);  // a name here is nobody's business
    } else if (name == "rport") {
      related_port = number<std::uint16_t>(value, 65'535);
    } else if (name == "tcptype") {
      c.tcp_type = tcp_type_of(value).value_or(TcpType::none);
    } else if (name == "ufrag") {
      c.ufrag = value;
    } else if (c.extensions.size() < kMaxCandidateExtensions) {
      c.extensions.emplace_back(name, value);
    }
  }
  if (related_ip) c.related = SocketAddress{*related_ip, related_port.value_or(0)};
}

}  // namespace

Result<Candidate> Candidate::parse(std::string_view line) {
  if (line.size() > kMaxCandidateLine) return syntax("line too long");
  line = trimmed(line);
  if (line.starts_with("a=")) line.remove_prefix(2);
  constexpr std::string_view kName = "candidate:";
  if (!line.starts_with(kName)) return syntax("does not begin with candidate:");
  line.remove_prefix(kName.size());

  Candidate c;
  c.foundation = take_word(line);
  if (c.foundation.empty() || c.foundation.size() > kMaxFoundation) return syntax("foundation");
  const auto component = number<std::uint16_t>(take_word(line), 256);
  if (!component || *component == 0) return syntax("component");
  c.component = *component;
  const std::string protocol = lower(take_word(line));
  const auto priority = number<std::uint32_t>(take_word(line), UINT32_MAX);
  if (!priority) return syntax("priority");
  c.priority = *priority;
  const std::string_view host = take_word(line);
  const auto port = number<std::uint16_t>(take_word(line), 65'535);
  if (!port) return syntax("port");
  c.address.port = *port;
  if (const auto ip = IpAddress::parse(host)) {
    c.address.ip = *ip;
  } else if (is_host_name(host)) {
    c.host_name = host;
  } else {
    return syntax("address");
  }
  if (lower(take_word(line)) != "typ") return syntax("typ");
  const std::string_view type_word = take_word(line);
  const auto type = type_of(type_word);
  if (type_word.empty()) return syntax("type");
  if (!type) return Error{Errc::unsupported, "candidate: unknown type"};
  c.type = *type;
  read_extensions(line, c);

  if (protocol != "udp" && protocol != "tcp") {
    return Error{Errc::unsupported, "candidate: unknown transport"};
  }
  c.protocol = protocol == "udp" ? Protocol::udp : Protocol::tcp;
  // RFC 6544 section 4.5: tcptype is there for every TCP candidate.
  if (c.protocol == Protocol::tcp && c.tcp_type == TcpType::none) return syntax("tcptype");
  if (c.protocol == Protocol::udp) c.tcp_type = TcpType::none;
  return c;
}

std::string Candidate::to_string() const {
  std::string text = "candidate:" + foundation + ' ' + std::to_string(component) + ' ';
  text += ice::to_string(protocol);
  text += ' ' + std::to_string(priority) + ' ';
  text += host_name.empty() ? address.ip.to_string() : host_name;
  text += ' ' + std::to_string(address.port) + " typ ";
  text += ice::to_string(type);
  if (related) {
    text += " raddr " + related->ip.to_string() + " rport " + std::to_string(related->port);
  }
  if (protocol == Protocol::tcp) {
    text += " tcptype ";
    text += word_for(tcp_type);
  }
  if (!ufrag.empty()) text += " ufrag " + ufrag;
  for (const auto& [name, value] : extensions) text += ' ' + name + ' ' + value;
  return text;
}

bool is_end_of_candidates(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with("a=")) line.remove_prefix(2);
  return line.empty() || line == "end-of-candidates";
}

std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference,
                                 std::uint16_t component) {
  // RFC 8445 section 5.1.2.2.
  std::uint32_t type_preference = 0;
  switch (type) {
    case CandidateType::host:
      type_preference = 126;
      break;
    case CandidateType::peer_reflexive:
      type_preference = 110;
      break;
    case CandidateType::server_reflexive:
      type_preference = 100;
      break;
    case CandidateType::relayed:
      break;
  }
  return (type_preference << 24) + (std::uint32_t{local_preference} << 8) + (256U - component);
}

}  // namespace parley::ice
