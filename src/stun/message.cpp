#include "parley/stun/message.hpp"

#include <algorithm>

#include "stun/crc32.hpp"
#include "stun/wire.hpp"

namespace parley::stun {
namespace {

// RFC 8489 section 5, figure 3: the two class bits stand among the method bits.
//
//   0 0 M11 M10 M9 M8 M7 C1 M6 M5 M4 C0 M3 M2 M1 M0
Class class_of(std::uint16_t type) {
  return static_cast<Class>(((type >> 7) & 2) | ((type >> 4) & 1));
}
Method method_of(std::uint16_t type) {
  return static_cast<Method>((type & 0x000F) | ((type >> 1) & 0x0070) | ((type >> 2) & 0x0F80));
}

// RFC 8489 section 14.1: zero, family, port, address.
std::optional<SocketAddress> read_address(Bytes value) {
  if (value.size() < 4) return std::nullopt;
  SocketAddress out;
  out.port = load_be16(&value[2]);
  if (value[1] == 1 && value.size() == 8) {
    out.ip = IpAddress::v4(value.subspan<4, 4>());
  } else if (value[1] == 2 && value.size() == 20) {
    out.ip = IpAddress::v6(value.subspan<4, 16>());
  } else {
    return std::nullopt;
  }
  return out;
}

bool is_integrity_or_fingerprint(std::uint16_t type) {
  return type == static_cast<std::uint16_t>(Attribute::message_integrity) ||
         type == static_cast<std::uint16_t>(Attribute::message_integrity_sha256) ||
         type == static_cast<std::uint16_t>(Attribute::fingerprint);
}

}  // namespace

TransactionId make_transaction_id(Random& random) {
  TransactionId id;
  random.fill(id);
  return id;
}

bool is_stun(Bytes datagram) {
  return datagram.size() >= kHeaderSize && datagram[0] <= 3 &&
         load_be32(&datagram[4]) == kMagicCookie &&
         std::size_t{load_be16(&datagram[2])} + kHeaderSize == datagram.size() &&
         datagram.size() % 4 == 0;
}

std::optional<MessageView> MessageView::parse(Bytes datagram) {
  if (!is_stun(datagram)) return std::nullopt;
  MessageView m;
  m.datagram_ = datagram;
  const std::uint16_t message_type = load_be16(datagram.data());
  m.class_ = class_of(message_type);
  m.method_ = method_of(message_type);
  std::copy_n(&datagram[8], m.id_.size(), m.id_.begin());

  std::size_t at = kHeaderSize;
  while (at < datagram.size()) {
    // Both are multiples of 4, so an attribute header always fits here.
    const auto type = static_cast<Attribute>(load_be16(&datagram[at]));
    const std::size_t size = load_be16(&datagram[at + 2]);
    if (padded(size) > datagram.size() - at - kAttributeHeaderSize) return std::nullopt;
    if (m.fingerprint_ != 0) return std::nullopt;  // it is the last one (section 14.7)
    switch (type) {
      case Attribute::message_integrity:
        if (size != kSha1TagSize) return std::nullopt;
        // After MESSAGE-INTEGRITY-SHA256 only FINGERPRINT counts (section 14.6).
        if (m.integrity_ == 0 && m.integrity_sha256_ == 0) m.integrity_ = at;
        break;
      case Attribute::message_integrity_sha256:
        if (size < kSha256TagMinimum || size > kSha256TagSize || size % 4 != 0) return std::nullopt;
        if (m.integrity_sha256_ == 0) m.integrity_sha256_ = at;
        break;
      case Attribute::fingerprint:
        if (size != kFingerprintSize) return std::nullopt;
        m.fingerprint_ = at;
        break;
      default:
        break;
    }
    if (m.end_ == 0 && (m.integrity_ != 0 || m.integrity_sha256_ != 0 || m.fingerprint_ != 0)) {
      m.end_ = at;
    }
    at += kAttributeHeaderSize + padded(size);
  }
  if (m.end_ == 0) m.end_ = at;
  return m;
}

std::optional<AttributeView> MessageView::next(std::size_t& position) const {
  const std::size_t at = std::max(position, kHeaderSize);
  if (at >= end_) return std::nullopt;
  const std::size_t size = load_be16(&datagram_[at + 2]);
  position = at + kAttributeHeaderSize + padded(size);
  return AttributeView{load_be16(&datagram_[at]),
                       datagram_.subspan(at + kAttributeHeaderSize, size)};
}

std::optional<Bytes> MessageView::find(Attribute type) const {
  std::size_t at = 0;
  if (type == Attribute::message_integrity) at = integrity_;
  if (type == Attribute::message_integrity_sha256) at = integrity_sha256_;
  if (type == Attribute::fingerprint) at = fingerprint_;
  if (at != 0) {
    return datagram_.subspan(at + kAttributeHeaderSize, load_be16(&datagram_[at + 2]));
  }
  std::size_t position = 0;
  while (const auto attribute = next(position)) {
    if (attribute->type == static_cast<std::uint16_t>(type)) return attribute->value;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> MessageView::u32(Attribute type) const {
  const auto value = find(type);
  if (!value || value->size() != 4) return std::nullopt;
  return load_be32(value->data());
}

std::optional<std::uint64_t> MessageView::u64(Attribute type) const {
  const auto value = find(type);
  if (!value || value->size() != 8) return std::nullopt;
  return load_be64(value->data());
}

std::optional<std::string_view> MessageView::text(Attribute type) const {
  const auto value = find(type);
  if (!value) return std::nullopt;
  return as_text(*value);
}

std::optional<SocketAddress> MessageView::address(Attribute type) const {
  const auto value = find(type);
  return value ? read_address(*value) : std::nullopt;
}

std::optional<SocketAddress> MessageView::xor_address(Attribute type) const {
  const auto value = find(type);
  if (!value || value->size() > 20) return std::nullopt;
  // The port is xored with the top of the cookie, the address with cookie and transaction id,
  // which stand side by side in the header (RFC 8489 section 14.2).
  std::array<std::uint8_t, 20> plain{};
  std::copy(value->begin(), value->end(), plain.begin());
  plain[2] ^= datagram_[4];
  plain[3] ^= datagram_[5];
  for (std::size_t i = 4; i < plain.size(); ++i) plain[i] ^= datagram_[i];
  return read_address(Bytes{plain}.first(value->size()));
}

std::optional<SocketAddress> MessageView::mapped_address() const {
  const auto xored = xor_address(Attribute::xor_mapped_address);
  return xored ? xored : address(Attribute::mapped_address);
}

std::optional<ErrorCode> MessageView::error_code() const {
  const auto value = find(Attribute::error_code);
  if (!value || value->size() < 4) return std::nullopt;
  const int hundreds = (*value)[2] & 7;
  const int rest = (*value)[3];
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  return ErrorCode{hundreds * 100 + rest, as_text(value->subspan(4))};
}

std::size_t MessageView::unknown_required(std::span<const Attribute> known,
                                          std::span<std::uint16_t> out) const {
  std::size_t n = 0;
  std::size_t position = 0;
  while (const auto attribute = next(position)) {
    const std::uint16_t type = attribute->type;
    if (!is_comprehension_required(type) || is_integrity_or_fingerprint(type)) continue;
    const auto is_type = [type](Attribute a) { return static_cast<std::uint16_t>(a) == type; };
    if (std::any_of(known.begin(), known.end(), is_type)) continue;
    const auto seen = out.first(n);
    if (std::find(seen.begin(), seen.end(), type) != seen.end()) continue;
    if (n == out.size()) break;
    out[n++] = type;
  }
  return n;
}

Verdict MessageView::check_fingerprint() const {
  if (fingerprint_ == 0) return Verdict::absent;
  // The length field already counts FINGERPRINT, which is last (RFC 8489 section 14.7).
  const std::uint32_t expected = crc32(datagram_.first(fingerprint_)) ^ kFingerprintXor;
  const bool right = load_be32(&datagram_[fingerprint_ + kAttributeHeaderSize]) == expected;
  return right ? Verdict::right : Verdict::wrong;
}

Verdict MessageView::check_tag(std::size_t at, Hmac& key, std::size_t full_size) const {
  if (at == 0) return Verdict::absent;
  const std::size_t size = load_be16(&datagram_[at + 2]);
  // The digest covers what stands before, under a length field that ends with this attribute
  // (RFC 8489 section 14.5).
  std::array<std::uint8_t, 4> start{};
  std::copy_n(datagram_.begin(), 2, start.begin());
  store_be16(&start[2], static_cast<std::uint16_t>(at + kAttributeHeaderSize + size - kHeaderSize));
  std::array<std::uint8_t, kSha256TagSize> tag{};
  if (key.compute({start, datagram_.subspan(4, at - 4)}, tag) != full_size) return Verdict::wrong;
  const Bytes received = datagram_.subspan(at + kAttributeHeaderSize, size);
  return equal_in_constant_time(Bytes{tag}.first(size), received) ? Verdict::right : Verdict::wrong;
}

Verdict MessageView::check_integrity(Hmac& key) const {
  return check_tag(integrity_, key, kSha1TagSize);
}

Verdict MessageView::check_integrity_sha256(Hmac& key) const {
  return check_tag(integrity_sha256_, key, kSha256TagSize);
}

}  // namespace parley::stun
