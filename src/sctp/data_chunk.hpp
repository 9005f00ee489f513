// DATA (RFC 9260 section 3.3.1) and I-DATA (RFC 8260 section 2.1): a part of a message.
#pragma once

#include <cstdint>
#include <optional>

#include "sctp/packet.hpp"

namespace parley::sctp {

/// Which of the two an association uses; they do not mix (RFC 8260 section 2.2.2).
enum class DataFormat : std::uint8_t { data, i_data };

/// The bytes of a chunk's value before the payload.
constexpr std::size_t data_header_size(DataFormat format) {
  return format == DataFormat::data ? 12 : 16;
}

struct DataChunk {
  DataFormat format{};
  bool immediate = false;  ///< I: please acknowledge at once (RFC 7053)
  bool unordered = false;  ///< U
  bool begin = false;      ///< B: the first part of the message
  bool end = false;        ///< E: the last part
  std::uint32_t tsn = 0;
  std::uint16_t stream = 0;
  std::uint32_t number = 0;    ///< stream sequence number (16 bits), or message identifier
  std::uint32_t ppid = 0;      ///< in I-DATA the first part has it, the others have 0
  std::uint32_t fragment = 0;  ///< fragment sequence number: I-DATA only, 0 in the first part
  Bytes payload;

  /// nullopt when the header does not fit. An empty payload is parsed: it is a protocol error of
  /// its own (section 3.3.10.9).
  static std::optional<DataChunk> parse(const Chunk& chunk);
  std::uint8_t flags() const;
  std::size_t value_size() const { return data_header_size(format) + payload.size(); }
  void write_to(MutableBytes out) const;
};

}  // namespace parley::sctp
