// The messages of the Data Channel Establishment Protocol (RFC 8832 section 5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "parley/sctp/channels.hpp"

namespace parley::sctp {

enum class DcepType : std::uint8_t { ack = 2, open = 3 };

/// DATA_CHANNEL_OPEN.
struct DcepOpen {
  ChannelOptions options;

  /// nullopt for a message that is too short or of a channel type that does not exist.
  static std::optional<DcepOpen> parse(Bytes message);
  std::vector<std::uint8_t> to_bytes() const;
};

}  // namespace parley::sctp
