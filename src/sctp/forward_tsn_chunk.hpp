// FORWARD TSN (RFC 3758 section 3.2) and I-FORWARD-TSN (RFC 8260 section 2.3.1): do not wait for
// what was abandoned.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sctp/data_chunk.hpp"

namespace parley::sctp {

/// The last message of a stream that is skipped. `unordered` exists in I-FORWARD-TSN only.
struct SkippedMessage {
  std::uint16_t stream = 0;
  bool unordered = false;
  std::uint32_t number = 0;  ///< SSN or MID
  friend bool operator==(const SkippedMessage&, const SkippedMessage&) = default;
};

/// Borrowed from a packet.
class ForwardTsnChunk {
 public:
  std::uint32_t cumulative_tsn = 0;

  static std::optional<ForwardTsnChunk> parse(const Chunk& chunk);
  std::size_t count() const { return skipped_.size() / entry_size(format_); }
  SkippedMessage skipped(std::size_t i) const;

  static constexpr std::size_t entry_size(DataFormat format) {
    return format == DataFormat::data ? 4 : 8;
  }
  static constexpr ChunkType type_of(DataFormat format) {
    return format == DataFormat::data ? ChunkType::forward_tsn : ChunkType::i_forward_tsn;
  }

 private:
  DataFormat format_{};
  Bytes skipped_;
};

/// `out` has 4 + entry_size * skipped.size() bytes.
void write_forward_tsn(MutableBytes out, DataFormat format, std::uint32_t cumulative_tsn,
                       const std::vector<SkippedMessage>& skipped);

}  // namespace parley::sctp
