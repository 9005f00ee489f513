// Compound RTCP packets (RFC 3550 section 6.1), reduced-size ones included (RFC 5506).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include "parley/base/bytes.hpp"

namespace parley::rtp::rtcp {

/// Packet types (second byte of a sub-packet).
enum class PacketType : std::uint8_t {
  sender_report = 200,       ///< RFC 3550 section 6.4.1
  receiver_report = 201,     ///< RFC 3550 section 6.4.2
  sdes = 202,                ///< RFC 3550 section 6.5
  bye = 203,                 ///< RFC 3550 section 6.6
  app = 204,                 ///< RFC 3550 section 6.7; skipped
  transport_feedback = 205,  ///< RTPFB, RFC 4585 section 6.2
  payload_feedback = 206,    ///< PSFB, RFC 4585 section 6.3
  extended_report = 207,     ///< XR, RFC 3611
};

/// Feedback message types: the 5-bit count of RTPFB packets.
inline constexpr std::uint8_t kFormatNack = 1;                 // RFC 4585 section 6.2.1
inline constexpr std::uint8_t kFormatCongestionFeedback = 11;  // RFC 8888 section 3.1
inline constexpr std::uint8_t kFormatTransportFeedback = 15;   // draft-holmer section 3.1
/// Feedback message types: the 5-bit count of PSFB packets.
inline constexpr std::uint8_t kFormatPli = 1;                // RFC 4585 section 6.3.1
inline constexpr std::uint8_t kFormatFir = 4;                // RFC 5104 section 4.3.1
inline constexpr std::uint8_t kFormatApplicationLayer = 15;  // RFC 4585 section 6.4: REMB

/// The common header of every sub-packet: 4 bytes.
inline constexpr std::size_t kHeaderSize = 4;
/// The most of a list that a 5-bit count can say.
inline constexpr std::size_t kMaxCount = 31;

/// One packet of a compound, borrowed: header fields and what follows the header.
///
///   |V=2|P|  count  |      type     |   length in words, minus one  |
struct SubPacket {
  PacketType type{};
  std::uint8_t count = 0;  ///< item count, or the message type of feedback; 0 to 31
  Bytes body;              ///< after the header, without padding; not always whole words

  /// The first sub-packet of `data`: version, length and padding are checked. Padding may be any
  /// count from 1 to the length of the body: transport-wide feedback pads to whole words with it.
  static std::optional<SubPacket> parse(Bytes data);
  /// The header and body with padding, in bytes.
  std::size_t total_size = 0;

  bool is(PacketType t, std::uint8_t format) const { return type == t && count == format; }
};

/// An RTCP datagram whose chain of sub-packets is whole. Borrows the datagram.
///
///   for (const SubPacket& sub : *compound) {
///     if (auto nack = Nack::parse(sub)) ...
///   }
class CompoundView {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = SubPacket;
    using difference_type = std::ptrdiff_t;
    using pointer = const SubPacket*;
    using reference = const SubPacket&;

    iterator() = default;
    explicit iterator(Bytes rest) : rest_(rest) { load(); }
    reference operator*() const { return current_; }
    pointer operator->() const { return &current_; }
    iterator& operator++() {
      rest_ = rest_.subspan(current_.total_size);
      return load(), *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, const iterator& b) {
      return a.rest_.size() == b.rest_.size();
    }

   private:
    void load();
    Bytes rest_;
    SubPacket current_;
  };

  /// nullopt when the datagram is empty or any sub-packet is malformed: a broken chain says nothing
  /// reliable about the rest. Any type may come first (RFC 5506), unknown types are kept.
  static std::optional<CompoundView> parse(Bytes datagram);

  iterator begin() const { return iterator{data_}; }
  iterator end() const { return iterator{}; }

 private:
  explicit CompoundView(Bytes data) : data_(data) {}
  Bytes data_;
};

/// Fills one datagram with sub-packets. What does not fit is refused whole, and smaller elements
/// may still fit after it. Storage belongs to the caller; give it no more than the MTU, less the
/// 14 to 20 bytes that SRTCP appends.
class CompoundWriter {
 public:
  explicit CompoundWriter(MutableBytes storage) : out_(storage) {}

  /// False when `element` does not fit (send the datagram, start another) or can not be written.
  template <class Element>
  bool add(const Element& element) {
    return element.write_to(out_);
  }
  bool empty() const { return out_.size() == 0; }
  std::size_t remaining() const { return out_.remaining(); }
  /// The datagram so far, a view of the storage.
  MutableBytes bytes() const { return out_.written(); }

 private:
  ByteWriter out_;
};

}  // namespace parley::rtp::rtcp
