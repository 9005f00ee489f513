// Record layers with keys out of nowhere, so that a test can write any record of either side.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "dtls/record_layer.hpp"

namespace parley::dtls::testing {

inline openssl::RecordKeys make_keys(openssl::Aead aead) {
  openssl::RecordKeys keys;
  keys.aead = aead;
  std::iota(keys.client.key.begin(), keys.client.key.end(), std::uint8_t{0});
  std::iota(keys.client.iv.begin(), keys.client.iv.end(), std::uint8_t{0x40});
  std::iota(keys.server.key.begin(), keys.server.key.end(), std::uint8_t{0x80});
  std::iota(keys.server.iv.begin(), keys.server.iv.end(), std::uint8_t{0xC0});
  return keys;
}

inline RecordLayer make_layer(Role role, openssl::Aead aead = openssl::Aead::aes_128_gcm,
                              WrittenRecord last = {}) {
  return *RecordLayer::create(make_keys(aead), role, last);
}

/// One record as a datagram.
inline std::vector<std::uint8_t> protect(RecordLayer& layer, Bytes content,
                                         ContentType type = ContentType::application_data) {
  std::vector<std::uint8_t> storage(content.size() + kMaxRecordOverhead);
  const auto record = layer.protect(type, content, storage);
  if (!record) return {};
  storage.resize(record->size());
  return storage;
}

/// What a datagram's first record says; nullopt when it is dropped.
inline std::optional<std::vector<std::uint8_t>> unprotect(RecordLayer& layer,
                                                          std::vector<std::uint8_t> datagram) {
  const auto header = parse_record_header(datagram);
  if (!header) return std::nullopt;
  const auto content =
      layer.unprotect(*header, MutableBytes(datagram).first(header->record_size()));
  if (!content) return std::nullopt;
  return std::vector<std::uint8_t>(content->begin(), content->end());
}

}  // namespace parley::dtls::testing
