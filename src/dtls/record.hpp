// DTLS 1.2 records on the wire (RFC 6347 section 4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "parley/base/bytes.hpp"

namespace parley::dtls {

enum class ContentType : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

constexpr std::size_t kRecordHeaderSize = 13;
constexpr std::uint16_t kDtls12 = 0xFEFD;
/// Record numbers have 48 bits and never wrap (RFC 6347 section 4.1).
constexpr std::uint64_t kMaxSequence = (std::uint64_t{1} << 48) - 1;
/// RFC 5246 section 6.2.1: the largest content of a record.
constexpr std::size_t kMaxRecordContent = 16'384;

struct RecordHeader {
  ContentType type = ContentType::application_data;
  std::uint16_t version = kDtls12;
  std::uint16_t epoch = 0;
  std::uint64_t sequence = 0;
  std::size_t content_size = 0;

  std::size_t record_size() const { return kRecordHeaderSize + content_size; }
};

/// The header of the record that `datagram` begins with. nullopt when the record is not all there:
/// then nothing can be said of what follows either.
inline std::optional<RecordHeader> parse_record_header(Bytes datagram) {
  ByteReader reader(datagram);
  RecordHeader header;
  header.type = static_cast<ContentType>(reader.u8());
  header.version = reader.u16();
  header.epoch = reader.u16();
  header.sequence = std::uint64_t{reader.u16()} << 32;
  header.sequence |= reader.u32();
  header.content_size = reader.u16();
  reader.skip(header.content_size);
  if (!reader.ok()) return std::nullopt;
  return header;
}

/// Writes a header of kRecordHeaderSize bytes.
inline void write_record_header(std::uint8_t* out, ContentType type, std::uint16_t epoch,
                                std::uint64_t sequence, std::size_t content_size) {
  out[0] = static_cast<std::uint8_t>(type);
  store_be16(out + 1, kDtls12);
  // The cipher sees epoch and sequence number as one number.
  store_be64(out + 3, (std::uint64_t{epoch} << 48) | sequence);
  store_be16(out + 11, static_cast<std::uint16_t>(content_size));
}

}  // namespace parley::dtls
