// Generic NACK (RFC 4585 section 6.2.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// Sequence numbers that a receiver misses, as pairs of a packet id and a bit mask of the 16
/// numbers after it.
struct Nack {
  struct Pair {
    std::uint16_t packet_id = 0;
    std::uint16_t following_lost = 0;  ///< bit i: packet_id + i + 1 is lost too
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  Ssrc sender{};
  Ssrc media{};
  std::vector<Pair> pairs;  ///< not empty

  /// Packs `lost`, which ascends (modulo 2^16), into as few pairs as possible, at most `max_pairs`;
  /// the rest is left out.
  static Nack build(Ssrc sender, Ssrc media, std::span<const std::uint16_t> lost,
                    std::size_t max_pairs = 253);
  /// The sequence numbers, in order of the pairs; at most 17 for 4 bytes of packet.
  std::vector<std::uint16_t> sequence_numbers() const;

  static std::optional<Nack> parse(const SubPacket& sub);
  std::size_t size() const { return 12 + 4 * pairs.size(); }
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const Nack&, const Nack&) = default;
};

}  // namespace parley::rtp::rtcp
