// Identifiers that do not convert into one another.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace parley {

/// A value of `T` that is its own type. Explicit in, `value()` out.
template <class Tag, class T>
class StrongId {
 public:
  using value_type = T;
  constexpr StrongId() = default;
  explicit constexpr StrongId(T value) : value_(std::move(value)) {}
  constexpr const T& value() const { return value_; }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  T value_{};
};

/// Synchronisation source of an RTP stream (RFC 3550 section 3).
using Ssrc = StrongId<struct SsrcTag, std::uint32_t>;
/// RTP payload type, 0 to 127 (RFC 3550 section 5.1).
using PayloadType = StrongId<struct PayloadTypeTag, std::uint8_t>;
/// Identification tag of a media section (`a=mid`, RFC 5888).
using Mid = StrongId<struct MidTag, std::string>;
/// Identifier of one RTP stream of a media section (`a=rid`, RFC 8851).
using Rid = StrongId<struct RidTag, std::string>;
/// SCTP stream identifier of a data channel, 0 to 65534 (RFC 8831 section 6.5).
using ChannelId = StrongId<struct ChannelIdTag, std::uint16_t>;

}  // namespace parley

template <class Tag, class T>
struct std::hash<parley::StrongId<Tag, T>> {
  std::size_t operator()(const parley::StrongId<Tag, T>& id) const noexcept {
    return std::hash<T>{}(id.value());
  }
};
