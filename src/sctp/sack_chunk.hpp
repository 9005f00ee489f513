// SACK (RFC 9260 section 3.3.4).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/bytes.hpp"

namespace parley::sctp {

/// Offsets from the cumulative TSN, both ends included; `start` is at least 2 in what we send.
struct GapBlock {
  std::uint16_t start = 0;
  std::uint16_t end = 0;
  friend bool operator==(const GapBlock&, const GapBlock&) = default;
};

/// A SACK borrowed from a packet.
class SackChunk {
 public:
  std::uint32_t cumulative_tsn = 0;
  std::uint32_t window = 0;

  static constexpr std::size_t kFixedSize = 12;
  static std::optional<SackChunk> parse(Bytes value);

  std::size_t gap_count() const { return gaps_.size() / 4; }
  GapBlock gap(std::size_t i) const {
    return {load_be16(&gaps_[4 * i]), load_be16(&gaps_[4 * i + 2])};
  }
  std::size_t duplicate_count() const { return duplicates_.size() / 4; }
  std::uint32_t duplicate(std::size_t i) const { return load_be32(&duplicates_[4 * i]); }

 private:
  Bytes gaps_;
  Bytes duplicates_;
};

/// Writes a SACK's value into `out`, which has kFixedSize + 4 * (gaps + duplicates) bytes.
void write_sack(MutableBytes out, std::uint32_t cumulative_tsn, std::uint32_t window,
                const std::vector<GapBlock>& gaps, const std::vector<std::uint32_t>& duplicates);

}  // namespace parley::sctp
