// SCTP packets: the common header and the chunks behind it (RFC 9260 section 3).
#pragma once

#include <cstdint>
#include <optional>

#include "parley/base/bytes.hpp"

namespace parley::sctp {

enum class ChunkType : std::uint8_t {
  data = 0,
  init = 1,
  init_ack = 2,
  sack = 3,
  heartbeat = 4,
  heartbeat_ack = 5,
  abort = 6,
  shutdown = 7,
  shutdown_ack = 8,
  error = 9,
  cookie_echo = 10,
  cookie_ack = 11,
  shutdown_complete = 14,
  i_data = 64,          // RFC 8260
  re_config = 130,      // RFC 6525
  forward_tsn = 192,    // RFC 3758
  i_forward_tsn = 194,  // RFC 8260
};

inline constexpr std::size_t kCommonHeaderSize = 12;
inline constexpr std::size_t kChunkHeaderSize = 4;
/// ABORT and SHUTDOWN COMPLETE: the tag in the packet is the peer's own (RFC 9260 section 8.5.1).
inline constexpr std::uint8_t kTagReflected = 0x01;

constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// What a receiver does with a type that it does not know: the upper bits tell (section 3.2).
struct UnknownTypeRule {
  bool skip = false;  ///< go on with the next one, else drop the rest
  bool report = false;
};
constexpr UnknownTypeRule unknown_chunk_rule(std::uint8_t type) {
  return {(type & 0x80) != 0, (type & 0x40) != 0};
}
constexpr UnknownTypeRule unknown_parameter_rule(std::uint16_t type) {
  return {(type & 0x8000) != 0, (type & 0x4000) != 0};
}

struct Chunk {
  ChunkType type{};
  std::uint8_t flags = 0;
  Bytes value;  ///< without padding
  Bytes whole;  ///< with the header, without padding: what an error report quotes
};

/// Goes through the chunks of a packet. `malformed` after the end says that the last one did not
/// fit.
class ChunkReader {
 public:
  explicit ChunkReader(Bytes chunks) : rest_(chunks) {}
  std::optional<Chunk> next();
  bool malformed() const { return malformed_; }

 private:
  Bytes rest_;
  bool malformed_ = false;
};

/// The same for the parameters of a chunk and the causes of an error: 16 bits of type, 16 of
/// length.
struct Parameter {
  std::uint16_t type = 0;
  Bytes value;
  Bytes whole;
};
class ParameterReader {
 public:
  explicit ParameterReader(Bytes parameters) : rest_(parameters) {}
  std::optional<Parameter> next();
  bool malformed() const { return malformed_; }

 private:
  Bytes rest_;
  bool malformed_ = false;
};

enum class ChecksumState : std::uint8_t { right, zero, wrong };

struct Packet {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t verification_tag = 0;
  ChecksumState checksum{};
  Bytes chunks;

  /// nullopt when it is no packet of at least one chunk header. The CRC of a packet whose checksum
  /// field is zero is not computed.
  static std::optional<Packet> parse(Bytes packet);
};

enum class Checksum : std::uint8_t { crc32c, zero };

/// Builds a packet in storage of the caller.
class PacketWriter {
 public:
  PacketWriter(MutableBytes storage, std::uint16_t source_port, std::uint16_t destination_port,
               std::uint32_t verification_tag);

  /// The longest value that another chunk can have; 0 may also mean none.
  std::size_t room() const;
  bool fits(std::size_t value_size) const {
    return padded(value_size + kChunkHeaderSize) <= storage_.size() - at_;
  }
  /// Appends a chunk and returns its value to be filled; the caller has asked `fits`.
  MutableBytes add(ChunkType type, std::uint8_t flags, std::size_t value_size);
  void add(ChunkType type, std::uint8_t flags, Bytes value);
  bool empty() const { return at_ == kCommonHeaderSize; }
  std::size_t size() const { return at_; }
  /// Writes the checksum and returns the packet.
  Bytes finish(Checksum checksum);

 private:
  MutableBytes storage_;
  std::size_t at_ = kCommonHeaderSize;
};

}  // namespace parley::sctp
