// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 section 2.2).
#pragma once

#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/units.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// Application-layer feedback with the identifier 'REMB'. The media SSRC of the header is 0.
struct Remb {
  Ssrc sender{};
  DataRate bitrate{};         ///< written with 18 bits of mantissa, rounded down
  std::vector<Ssrc> sources;  ///< at most 255: the streams it covers

  /// Rates above what 63 bits hold come out as infinite.
  static std::optional<Remb> parse(const SubPacket& sub);
  std::size_t size() const { return 20 + 4 * sources.size(); }
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const Remb&, const Remb&) = default;
};

}  // namespace parley::rtp::rtcp
