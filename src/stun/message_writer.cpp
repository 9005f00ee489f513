#include <algorithm>

#include "parley/stun/message.hpp"
#include "stun/crc32.hpp"
#include "stun/wire.hpp"

namespace parley::stun {
namespace {

std::uint16_t message_type(Class c, Method method) {
  const auto m = static_cast<unsigned>(method);
  const auto k = static_cast<unsigned>(c);
  return static_cast<std::uint16_t>((m & 0x000F) | ((m & 0x0070) << 1) | ((m & 0x0F80) << 2) |
                                    ((k & 1) << 4) | ((k & 2) << 7));
}

}  // namespace

MessageWriter::MessageWriter(MutableBytes storage, Class message_class, Method method,
                             const TransactionId& id)
    : out_(storage) {
  out_.u16(message_type(message_class, method));
  out_.u16(0);
  out_.u32(kMagicCookie);
  out_.bytes(id);
}

MutableBytes MessageWriter::begin(Attribute type, std::size_t size) {
  // The length field has 16 bits; what is above them is refused like storage that is too small.
  const std::size_t room = 0xFFFF + kHeaderSize;
  if (size > 0xFFFF || out_.size() + kAttributeHeaderSize + padded(size) > room) {
    out_.reserve(out_.remaining() + 1);
    return {};
  }
  out_.u16(static_cast<std::uint16_t>(type));
  out_.u16(static_cast<std::uint16_t>(size));
  const MutableBytes whole = out_.reserve(padded(size));
  if (!out_.ok()) return {};
  std::fill(whole.begin() + static_cast<std::ptrdiff_t>(size), whole.end(), padding_);
  return whole.first(size);
}

void MessageWriter::add(Attribute type, Bytes value) {
  const MutableBytes to = begin(type, value.size());
  if (out_.ok()) std::copy(value.begin(), value.end(), to.begin());
}

void MessageWriter::add_u32(Attribute type, std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes;
  store_be32(bytes.data(), value);
  add(type, bytes);
}

void MessageWriter::add_u64(Attribute type, std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  store_be64(bytes.data(), value);
  add(type, bytes);
}

void MessageWriter::add_address(Attribute type, const SocketAddress& address) {
  const Bytes ip = address.ip.bytes();
  const MutableBytes to = begin(type, 4 + ip.size());
  if (!out_.ok()) return;
  to[0] = 0;
  to[1] = address.ip.is_v4() ? 1 : 2;
  store_be16(&to[2], address.port);
  std::copy(ip.begin(), ip.end(), to.begin() + 4);
}

void MessageWriter::add_xor_address(Attribute type, const SocketAddress& address) {
  const std::size_t at = out_.size() + kAttributeHeaderSize;
  add_address(type, address);
  if (!out_.ok()) return;
  const MutableBytes message = out_.written();
  const MutableBytes to = message.subspan(at);
  to[2] ^= message[4];
  to[3] ^= message[5];
  for (std::size_t i = 4; i < to.size(); ++i) to[i] ^= message[i];
}

void MessageWriter::add_error(int code, std::string_view reason) {
  const MutableBytes to = begin(Attribute::error_code, 4 + reason.size());
  if (!out_.ok()) return;
  store_be16(to.data(), 0);
  to[2] = static_cast<std::uint8_t>(code / 100);
  to[3] = static_cast<std::uint8_t>(code % 100);
  std::copy(reason.begin(), reason.end(), to.begin() + 4);
}

void MessageWriter::add_unknown_attributes(std::span<const std::uint16_t> types) {
  const MutableBytes to = begin(Attribute::unknown_attributes, 2 * types.size());
  if (!out_.ok()) return;
  for (std::size_t i = 0; i < types.size(); ++i) store_be16(&to[2 * i], types[i]);
}

void MessageWriter::set_length(std::size_t total) {
  store_be16(&out_.written()[2], static_cast<std::uint16_t>(total - kHeaderSize));
}

void MessageWriter::add_tag(Attribute type, std::size_t size, Hmac& key) {
  const std::size_t before = out_.size();
  const MutableBytes to = begin(type, size);
  if (!out_.ok()) return;
  set_length(out_.size());
  if (key.compute({out_.written().first(before)}, to) != size) {
    out_.reserve(out_.remaining() + 1);  // an unsigned message must not leave
  }
}

void MessageWriter::add_integrity(Hmac& key) {
  add_tag(Attribute::message_integrity, kSha1TagSize, key);
}

void MessageWriter::add_integrity_sha256(Hmac& key) {
  add_tag(Attribute::message_integrity_sha256, kSha256TagSize, key);
}

void MessageWriter::add_fingerprint() {
  const std::size_t before = out_.size();
  const MutableBytes to = begin(Attribute::fingerprint, kFingerprintSize);
  if (!out_.ok()) return;
  set_length(out_.size());
  store_be32(to.data(), crc32(out_.written().first(before)) ^ kFingerprintXor);
}

Bytes MessageWriter::finish() {
  if (!out_.ok()) return {};
  set_length(out_.size());
  return out_.written();
}

}  // namespace parley::stun
