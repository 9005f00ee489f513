#include "dtls/record_layer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "parley/base/crypto.hpp"

namespace parley::dtls {
namespace {

using openssl::Aead;
using openssl::AeadKey;
using openssl::kNonceSize;
using openssl::kTagSize;

// RFC 6347 section 4.1: epoch and sequence number, which the cipher sees as one number.
std::uint64_t numbered(std::uint64_t sequence) {
  return (std::uint64_t{RecordLayer::kEpoch} << 48) | sequence;
}

// RFC 5246 section 6.2.3.3: number, type, version and the length of the content without protection.
std::array<std::uint8_t, 13> associated_data(ContentType type, std::uint64_t number,
                                             std::size_t content_size) {
  std::array<std::uint8_t, 13> data;
  store_be64(data.data(), number);
  data[8] = static_cast<std::uint8_t>(type);
  store_be16(&data[9], kDtls12);
  store_be16(&data[11], static_cast<std::uint16_t>(content_size));
  return data;
}

}  // namespace

std::size_t max_record_data(std::size_t datagram_size) {
  return std::min(datagram_size - kMaxRecordOverhead, kMaxRecordContent);
}

RecordLayer::RecordLayer(Aead aead, Direction write, Direction read, WrittenRecord last)
    : explicit_size_(aead == Aead::chacha20_poly1305 ? 0 : kExplicitNonceSize),
      write_(std::move(write)),
      read_(std::move(read)),
      next_sequence_(last.sequence + 1),
      next_explicit_nonce_(last.explicit_nonce + 1) {}

std::optional<RecordLayer> RecordLayer::create(const openssl::RecordKeys& keys, Role role,
                                               WrittenRecord last) {
  const bool client = role == Role::client;
  const openssl::WriteKey& ours = client ? keys.client : keys.server;
  const openssl::WriteKey& theirs = client ? keys.server : keys.client;
  const std::size_t size = openssl::key_size(keys.aead);
  auto seal = AeadKey::create(keys.aead, AeadKey::Use::seal, Bytes(ours.key).first(size));
  auto open = AeadKey::create(keys.aead, AeadKey::Use::open, Bytes(theirs.key).first(size));
  if (!seal || !open) return std::nullopt;
  return RecordLayer(keys.aead, {std::move(*seal), ours.iv}, {std::move(*open), theirs.iv}, last);
}

std::array<std::uint8_t, kNonceSize> RecordLayer::nonce(const Direction& direction,
                                                        const std::uint8_t* explicit_nonce,
                                                        std::uint64_t number) const {
  std::array<std::uint8_t, kNonceSize> nonce = direction.iv;
  std::uint8_t* const tail = &nonce[kNonceSize - 8];
  if (explicit_size_ > 0) {
    std::memcpy(tail, explicit_nonce, kExplicitNonceSize);  // RFC 5288 section 3.
  } else {
    store_be64(tail, load_be64(tail) ^ number);  // RFC 7905 section 2.
  }
  return nonce;
}

Result<MutableBytes> RecordLayer::protect(ContentType type, Bytes content, MutableBytes storage) {
  const std::size_t size = kRecordHeaderSize + explicit_size_ + content.size() + kTagSize;
  if (content.size() > kMaxRecordContent || size > storage.size()) {
    return Error{Errc::too_large, "dtls record"};
  }
  if (next_sequence_ > kMaxSequence) return Error{Errc::closed, "dtls record numbers used up"};
  const std::uint64_t sequence = next_sequence_++;
  const std::uint64_t number = numbered(sequence);
  std::uint8_t* const explicit_nonce = storage.data() + kRecordHeaderSize;
  const MutableBytes text = storage.subspan(kRecordHeaderSize + explicit_size_, content.size());
  // First of all, because it may lie where the header goes.
  if (!content.empty()) std::memmove(text.data(), content.data(), content.size());
  write_record_header(storage.data(), type, kEpoch, sequence, size - kRecordHeaderSize);
  if (explicit_size_ > 0) store_be64(explicit_nonce, next_explicit_nonce_++);
  if (!write_.key.seal(nonce(write_, explicit_nonce, number),
                       associated_data(type, number, content.size()), text,
                       storage.subspan(size - kTagSize, kTagSize))) {
    wipe(text);
    return Error{Errc::crypto, "protecting a dtls record"};
  }
  return storage.first(size);
}

std::optional<MutableBytes> RecordLayer::unprotect(const RecordHeader& header,
                                                   MutableBytes record) {
  const std::size_t before = kRecordHeaderSize + explicit_size_;
  if (header.epoch != kEpoch || header.version != kDtls12 || !seen_.is_new(header.sequence) ||
      record.size() < before + kTagSize) {
    return std::nullopt;
  }
  const MutableBytes text = record.subspan(before, record.size() - before - kTagSize);
  if (text.size() > kMaxRecordContent) return std::nullopt;
  const std::uint64_t number = numbered(header.sequence);
  if (!read_.key.open(nonce(read_, record.data() + kRecordHeaderSize, number),
                      associated_data(header.type, number, text.size()), text,
                      record.last(kTagSize))) {
    return std::nullopt;
  }
  seen_.mark(header.sequence);
  return text;
}

}  // namespace parley::dtls
