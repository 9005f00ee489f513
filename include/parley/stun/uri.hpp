// stun:, stuns:, turn: and turns: URIs (RFC 7064, RFC 7065).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "parley/base/result.hpp"

namespace parley::stun {

enum class UriScheme { stun, stuns, turn, turns };
enum class UriTransport { udp, tcp };

/// Where a server is. `host` is a name or an IP literal without brackets.
struct ServerUri {
  UriScheme scheme = UriScheme::stun;
  std::string host;
  /// 3478, or 5349 for the secure schemes, when the text names none (RFC 7065 section 3.2).
  std::uint16_t port = 3478;
  /// `?transport=` of turn URIs; without one UDP for turn and TCP for turns.
  UriTransport transport = UriTransport::udp;

  /// Errors: syntax; unsupported for another scheme or transport.
  static Result<ServerUri> parse(std::string_view text);
};

}  // namespace parley::stun
