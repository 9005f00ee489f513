#include "sctp/packet.hpp"

#include <algorithm>
#include <cstring>

#include "parley/base/assert.hpp"
#include "sctp/crc32c.hpp"

namespace parley::sctp {
namespace {

constexpr std::size_t kChecksumAt = 8;

// RFC 9260 section 6.8: the checksum is computed with its own field zero, and stands with its least
// significant byte first.
std::uint32_t reversed(std::uint32_t v) {
  return (v >> 24) | ((v >> 8) & 0xFF00) | ((v << 8) & 0xFF0000) | (v << 24);
}

std::uint32_t checksum_of(Bytes packet) {
  constexpr std::uint8_t kZeros[4] = {};
  std::uint32_t state = crc32c_extend(kCrc32cStart, packet.first(kChecksumAt));
  state = crc32c_extend(state, kZeros);
  return ~crc32c_extend(state, packet.subspan(kChecksumAt + sizeof kZeros));
}

}  // namespace

std::optional<Chunk> ChunkReader::next() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t length = rest_.size() >= kChunkHeaderSize ? load_be16(&rest_[2]) : 0;
  if (length < kChunkHeaderSize || length > rest_.size()) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  const Chunk chunk{static_cast<ChunkType>(rest_[0]), rest_[1],
                    rest_.subspan(kChunkHeaderSize, length - kChunkHeaderSize),
                    rest_.first(length)};
  // The padding of the last chunk may be missing: strict senders never leave it out, but nothing
  // depends on it.
  rest_ = rest_.subspan(std::min(padded(length), rest_.size()));
  return chunk;
}

std::optional<Parameter> ParameterReader::next() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t length = rest_.size() >= 4 ? load_be16(&rest_[2]) : 0;
  if (length < 4 || length > rest_.size()) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  const Parameter parameter{load_be16(&rest_[0]), rest_.subspan(4, length - 4),
                            rest_.first(length)};
  rest_ = rest_.subspan(std::min(padded(length), rest_.size()));
  return parameter;
}

std::optional<Packet> Packet::parse(Bytes packet) {
  if (packet.size() < kCommonHeaderSize + kChunkHeaderSize) return std::nullopt;
  Packet out;
  out.source_port = load_be16(&packet[0]);
  out.destination_port = load_be16(&packet[2]);
  out.verification_tag = load_be32(&packet[4]);
  out.chunks = packet.subspan(kCommonHeaderSize);
  const std::uint32_t told = load_be32(&packet[kChecksumAt]);
  if (told == 0) {
    out.checksum = ChecksumState::zero;
    return out;
  }
  const std::uint32_t right = reversed(checksum_of(packet));
  out.checksum = told == right ? ChecksumState::right : ChecksumState::wrong;
  return out;
}

PacketWriter::PacketWriter(MutableBytes storage, std::uint16_t source_port,
                           std::uint16_t destination_port, std::uint32_t verification_tag)
    : storage_(storage.first(storage.size() & ~std::size_t{3})) {
  PARLEY_ASSERT(storage_.size() >= kCommonHeaderSize, "poll_transmit asks for more storage");
  store_be16(&storage_[0], source_port);
  store_be16(&storage_[2], destination_port);
  store_be32(&storage_[4], verification_tag);
  store_be32(&storage_[kChecksumAt], 0);
}

std::size_t PacketWriter::room() const {
  const std::size_t left = storage_.size() - at_;
  return left > kChunkHeaderSize ? left - kChunkHeaderSize : 0;
}

MutableBytes PacketWriter::add(ChunkType type, std::uint8_t flags, std::size_t value_size) {
  PARLEY_ASSERT(fits(value_size), "the caller has asked whether it fits");
  std::uint8_t* const p = &storage_[at_];
  const std::size_t length = kChunkHeaderSize + value_size;
  p[0] = static_cast<std::uint8_t>(type);
  p[1] = flags;
  store_be16(p + 2, static_cast<std::uint16_t>(length));
  const std::size_t whole = padded(length);
  if (whole > length) std::memset(p + length, 0, whole - length);
  const MutableBytes value = storage_.subspan(at_ + kChunkHeaderSize, value_size);
  at_ += whole;
  return value;
}

void PacketWriter::add(ChunkType type, std::uint8_t flags, Bytes value) {
  const MutableBytes out = add(type, flags, value.size());
  if (!value.empty()) std::memcpy(out.data(), value.data(), value.size());
}

Bytes PacketWriter::finish(Checksum checksum) {
  const Bytes packet = storage_.first(at_);
  if (checksum == Checksum::crc32c) {
    store_be32(&storage_[kChecksumAt], reversed(crc32c(packet)));
  }
  return packet;
}

}  // namespace parley::sctp
