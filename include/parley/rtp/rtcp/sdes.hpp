// Source descriptions (RFC 3550 section 6.5): the CNAME, and the MID item of RFC 9143.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

/// SDES. Items of other kinds are skipped.
struct Sdes {
  struct Chunk {
    Ssrc source{};
    std::string_view cname;  ///< item 1; at most 255 bytes; empty: absent
    std::string_view mid;    ///< item 15 (RFC 9143 section 15.1); empty: absent
    friend bool operator==(const Chunk&, const Chunk&) = default;
  };
  std::vector<Chunk> chunks;  ///< at most 31, else `write_to` refuses

  /// Texts are borrowed from `sub`. Of two items of one kind the first counts.
  static std::optional<Sdes> parse(const SubPacket& sub);
  std::size_t size() const;
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const Sdes&, const Sdes&) = default;
};

}  // namespace parley::rtp::rtcp
