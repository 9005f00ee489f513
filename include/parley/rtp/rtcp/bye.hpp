// Goodbye (RFC 3550 section 6.6).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// BYE. A packet with one of these SSRCs after it begins a new stream.
struct Bye {
  std::vector<Ssrc> sources;  ///< at most 31, else `write_to` refuses
  std::string_view reason;    ///< at most 255 bytes; borrowed; empty: none given

  static std::optional<Bye> parse(const SubPacket& sub);
  std::size_t size() const;
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const Bye&, const Bye&) = default;
};

}  // namespace parley::rtp::rtcp
