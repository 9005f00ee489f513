// Full intra request (RFC 5104 section 4.3.1): asks for a key frame, with a number that tells a
// repeated request from a new one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// The media SSRC of the header is not used and is written as 0; the entries name the streams.
struct Fir {
  struct Entry {
    Ssrc media{};
    std::uint8_t sequence = 0;  ///< counts requests; the same in a repetition
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  Ssrc sender{};
  std::vector<Entry> entries;  ///< not empty

  static std::optional<Fir> parse(const SubPacket& sub);
  std::size_t size() const { return 12 + 8 * entries.size(); }
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const Fir&, const Fir&) = default;
};

}  // namespace parley::rtp::rtcp
