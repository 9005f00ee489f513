// Picture loss indication (RFC 4585 section 6.3.1): asks for a key frame.
#pragma once

#include <optional>

#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// PLI has no sequence number: every one that arrives asks again.
struct Pli {
  Ssrc sender{};
  Ssrc media{};

  static std::optional<Pli> parse(const SubPacket& sub);
  std::size_t size() const { return 12; }
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const Pli&, const Pli&) = default;
};

}  // namespace parley::rtp::rtcp
