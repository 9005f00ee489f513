// ICE candidates and their text form (RFC 8445 section 5.1, RFC 8839 section 5.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parley/base/net.hpp"
#include "parley/base/result.hpp"

namespace parley::ice {

enum class CandidateType : std::uint8_t { host, server_reflexive, peer_reflexive, relayed };
enum class Protocol : std::uint8_t { udp, tcp };
/// RFC 6544 section 4.5; `none` for UDP.
enum class TcpType : std::uint8_t { none, active, passive, simultaneous_open };

/// "host", "srflx", "prflx", "relay": the words of candidate lines and of statistics.
std::string_view to_string(CandidateType type);
/// "udp", "tcp"
std::string_view to_string(Protocol protocol);

/// Longest candidate line that is read, and most extension pairs that are kept from one.
inline constexpr std::size_t kMaxCandidateLine = 1024;
inline constexpr std::size_t kMaxCandidateExtensions = 16;

/// One candidate, local or remote. A plain value.
struct Candidate {
  std::string foundation;
  /// 1 to 256; parley uses component 1 only (rtcp-mux).
  std::uint16_t component = 1;
  Protocol protocol = Protocol::udp;
  std::uint32_t priority = 0;
  /// The transport address; its ip means nothing when `host_name` is set.
  SocketAddress address;
  /// The name of a candidate that hides its address ("....local") or was written as an FQDN; empty
  /// when the line had an IP address.
  std::string host_name;
  CandidateType type = CandidateType::host;
  /// raddr and rport: diagnostics only (RFC 8839 section 5.1).
  std::optional<SocketAddress> related;
  TcpType tcp_type = TcpType::none;
  /// The `ufrag` extension of a trickled candidate: selects the generation (RFC 8838 section 11).
  std::string ufrag;
  /// Extension names and values that parley does not know, in order ("network-cost", "10").
  std::vector<std::pair<std::string, std::string>> extensions;
  /// Local candidates: the bound address of the socket it is used from. Not in the text.
  SocketAddress base;

  /// Reads "candidate:..." with or without "a=" before it and white space around it. Types and
  /// transports are read without regard to case, unknown extensions are kept, a trailing name
  /// without value is skipped. Errors: syntax (also for an empty text, which means end of
  /// candidates: see is_end_of_candidates); unsupported for transports and types that are unknown.
  static Result<Candidate> parse(std::string_view line);
  /// "candidate:..." as W3C RTCIceCandidate has it and, after "a=", SDP.
  std::string to_string() const;

  /// True when an agent can form pairs with it: UDP, component 1, an IP address, a port.
  bool is_usable() const {
    return protocol == Protocol::udp && component == 1 && host_name.empty() && address.port != 0;
  }
};

/// True for the empty candidate text and for "end-of-candidates", with or without "a=": both end a
/// generation (RFC 8838 section 8.2, W3C addIceCandidate).
bool is_end_of_candidates(std::string_view line);

/// RFC 8445 section 5.1.2.1. `local_preference` 0 to 65535, `component` 1 to 256.
std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference,
                                 std::uint16_t component = 1);

/// RFC 8445 section 6.1.2.3: G is the controlling, D the controlled side's priority.
constexpr std::uint64_t pair_priority(std::uint32_t g, std::uint32_t d) {
  const std::uint64_t low = g < d ? g : d;
  const std::uint64_t high = g < d ? d : g;
  return (low << 32) + 2 * high + (g > d ? 1 : 0);
}

}  // namespace parley::ice
