// Views of bytes and bounded big-endian access to them. No struct overlays on wire data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace parley {

/// A borrowed view of bytes; never outlives the call it is passed to.
using Bytes = std::span<const std::uint8_t>;
/// A borrowed view of bytes that may be changed in place.
using MutableBytes = std::span<std::uint8_t>;

/// The bytes of a text, borrowed.
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
/// Bytes as a text, borrowed. No encoding is checked.
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Fixed-offset big-endian loads and stores. The caller has checked the bounds.
constexpr std::uint16_t load_be16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
constexpr std::uint32_t load_be24(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 16) | (std::uint32_t{p[1]} << 8) | p[2];
}
constexpr std::uint32_t load_be32(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) |
         p[3];
}
constexpr std::uint64_t load_be64(const std::uint8_t* p) {
  return (std::uint64_t{load_be32(p)} << 32) | load_be32(p + 4);
}
constexpr void store_be16(std::uint8_t* p, std::uint16_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
constexpr void store_be24(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 16);
  p[1] = static_cast<std::uint8_t>(v >> 8);
  p[2] = static_cast<std::uint8_t>(v);
}
constexpr void store_be32(std::uint8_t* p, std::uint32_t v) {
  store_be16(p, static_cast<std::uint16_t>(v >> 16));
  store_be16(p + 2, static_cast<std::uint16_t>(v));
}
constexpr void store_be64(std::uint8_t* p, std::uint64_t v) {
  store_be32(p, static_cast<std::uint32_t>(v >> 32));
  store_be32(p + 4, static_cast<std::uint32_t>(v));
}

/// Reads forward and never past the end. After the first read that did not fit `ok()` is false and
/// every further read gives zero or an empty span: parse first, check once.
class ByteReader {
 public:
  explicit ByteReader(Bytes data) : data_(data) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return data_.size() - at_; }
  std::size_t position() const { return at_; }
  bool at_end() const { return remaining() == 0; }

  std::uint8_t u8() { return take(1) ? data_[at_ - 1] : std::uint8_t{0}; }
  std::uint16_t u16() { return take(2) ? load_be16(&data_[at_ - 2]) : std::uint16_t{0}; }
  std::uint32_t u24() { return take(3) ? load_be24(&data_[at_ - 3]) : 0; }
  std::uint32_t u32() { return take(4) ? load_be32(&data_[at_ - 4]) : 0; }
  std::uint64_t u64() { return take(8) ? load_be64(&data_[at_ - 8]) : 0; }
  Bytes bytes(std::size_t n) { return take(n) ? data_.subspan(at_ - n, n) : Bytes{}; }
  Bytes rest() { return bytes(remaining()); }
  void skip(std::size_t n) { take(n); }

 private:
  bool take(std::size_t n) {
    if (!ok_ || n > data_.size() - at_) return ok_ = false;
    at_ += n;
    return true;
  }
  Bytes data_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// Writes forward into storage of the caller and never past its end. After the first write that
/// did not fit `ok()` is false and nothing more is written.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes storage) : storage_(storage) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return at_; }
  std::size_t remaining() const { return storage_.size() - at_; }
  /// What has been written so far.
  MutableBytes written() const { return storage_.first(at_); }

  void u8(std::uint8_t v) {
    if (take(1)) storage_[at_ - 1] = v;
  }
  void u16(std::uint16_t v) {
    if (take(2)) store_be16(&storage_[at_ - 2], v);
  }
  void u24(std::uint32_t v) {
    if (take(3)) store_be24(&storage_[at_ - 3], v);
  }
  void u32(std::uint32_t v) {
    if (take(4)) store_be32(&storage_[at_ - 4], v);
  }
  void u64(std::uint64_t v) {
    if (take(8)) store_be64(&storage_[at_ - 8], v);
  }
  void bytes(Bytes b) {
    if (take(b.size()) && !b.empty()) std::memcpy(&storage_[at_ - b.size()], b.data(), b.size());
  }
  void zeros(std::size_t n) {
    if (take(n) && n > 0) std::memset(&storage_[at_ - n], 0, n);
  }
  /// Room of `n` bytes to be filled later; empty when it does not fit.
  MutableBytes reserve(std::size_t n) {
    return take(n) ? storage_.subspan(at_ - n, n) : MutableBytes{};
  }

 private:
  bool take(std::size_t n) {
    if (!ok_ || n > storage_.size() - at_) return ok_ = false;
    at_ += n;
    return true;
  }
  MutableBytes storage_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace parley
