// RTP packets (RFC 3550 section 5.1) with header extensions (RFC 8285): a borrowed view of one, a
// writer into storage of the caller, and the test that tells RTP, RTCP and the rest apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>

#include "parley/base/bytes.hpp"
#include "parley/base/ids.hpp"

namespace parley::rtp {

/// True when the first byte is 128 to 191, which RFC 7983 section 7 gives to RTP and RTCP.
bool is_rtp_or_rtcp(Bytes datagram);
/// True for a datagram of RTCP: as above, and the second byte is 192 to 223 (RFC 5761 section 4).
/// Payload types 64 to 95 are never allocated for this reason.
bool is_rtcp(Bytes datagram);

/// How header extension elements are laid out (RFC 8285 sections 4.2 and 4.3).
enum class ExtensionForm {
  one_byte,  ///< profile 0xBEDE; ids 1 to 14, values of 1 to 16 bytes
  two_byte,  ///< profile 0x1000; ids 1 to 255, values of 0 to 255 bytes
};

/// One element of a header extension block, borrowed.
struct ExtensionElement {
  std::uint8_t id = 0;
  Bytes value;
};

/// The elements of a header extension block, in order. Padding is skipped; id 15 in the one-byte
/// form and an element that is cut off end the walk (RFC 8285 section 4.2). A block of another
/// profile has no elements.
class ExtensionRange {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ExtensionElement;
    using difference_type = std::ptrdiff_t;
    using pointer = const ExtensionElement*;
    using reference = const ExtensionElement&;

    iterator() = default;
    iterator(Bytes block, bool two_byte) : rest_(block), two_byte_(two_byte) { advance(); }
    reference operator*() const { return element_; }
    pointer operator->() const { return &element_; }
    iterator& operator++() { return advance(), *this; }
    void operator++(int) { advance(); }
    friend bool operator==(const iterator& a, const iterator& b) {
      return a.done_ == b.done_ && (a.done_ || a.rest_.data() == b.rest_.data());
    }

   private:
    void advance();
    Bytes rest_;
    ExtensionElement element_;
    bool two_byte_ = false;
    bool done_ = false;
    friend class ExtensionRange;
  };

  ExtensionRange() = default;
  ExtensionRange(std::uint16_t profile, Bytes block);
  iterator begin() const { return {block_, two_byte_}; }
  iterator end() const {
    iterator it;
    it.done_ = true;
    return it;
  }

 private:
  Bytes block_;
  bool two_byte_ = false;
};

/// A parsed RTP packet that borrows its bytes and never outlives them. A value of 40 bytes.
///
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///   |                           timestamp                           |
///   |           synchronization source (SSRC) identifier            |
///   |            contributing sources (CSRC), CC of them            |
///   |      defined by profile       |           length              | if X
///   |                        header extension                       |
///   |                    payload, then padding if P                 |
class PacketView {
 public:
  /// nullopt when the version is not 2, the header is cut off, or the padding count is zero or
  /// larger than what follows the header. RTCP is not told apart here: ask `is_rtcp` first.
  static std::optional<PacketView> parse(Bytes datagram);

  bool marker() const { return (data_[1] & 0x80) != 0; }
  PayloadType payload_type() const {
    return PayloadType{static_cast<std::uint8_t>(data_[1] & 0x7F)};
  }
  std::uint16_t sequence_number() const { return load_be16(&data_[2]); }
  std::uint32_t timestamp() const { return load_be32(&data_[4]); }
  Ssrc ssrc() const { return Ssrc{load_be32(&data_[8])}; }

  /// 0 to 15.
  std::size_t csrc_count() const { return data_[0] & 0x0F; }
  /// `index` is below `csrc_count()`.
  Ssrc csrc(std::size_t index) const { return Ssrc{load_be32(&data_[12 + 4 * index])}; }

  bool has_extension_block() const { return (data_[0] & 0x10) != 0; }
  /// The 16 bits "defined by profile"; 0 without a block.
  std::uint16_t extension_profile() const { return extension_profile_; }
  ExtensionRange extensions() const;
  /// The value of the first element with `id`; nullopt when there is none.
  std::optional<Bytes> extension(std::uint8_t id) const;

  /// Without padding. Empty in padding-only packets.
  Bytes payload() const { return data_.subspan(header_size_, payload_size()); }
  /// Bytes before the payload: fixed header, CSRCs and the extension block.
  std::size_t header_size() const { return header_size_; }
  std::size_t payload_size() const { return data_.size() - header_size_ - padding_size_; }
  /// Padding bytes including the count itself; 0 without padding.
  std::size_t padding_size() const { return padding_size_; }
  /// The whole packet.
  Bytes bytes() const { return data_; }

 private:
  Bytes data_;
  Bytes extension_block_;
  std::uint32_t header_size_ = 0;
  std::uint16_t extension_profile_ = 0;
  std::uint8_t padding_size_ = 0;
};

/// The fixed part of an RTP packet to write. `csrcs` are borrowed; at most 15 are legal.
struct PacketHeader {
  bool marker = false;
  PayloadType payload_type{};
  std::uint16_t sequence_number = 0;
  std::uint32_t timestamp = 0;
  Ssrc ssrc{};
  std::span<const Ssrc> csrcs{};
};

/// Writes one RTP packet into storage of the caller, front to back, without allocation: header,
/// then extensions, then payload, then padding.
///
/// Values that are known only when the packet leaves (transport sequence number, send time) are
/// reserved with `reserve_extension` and filled through the returned span, or found again with
/// `mutable_extension` in a packet that moved. After the first call that does not fit or breaks
/// the order `ok()` is false and `finish` gives nothing.
class PacketWriter {
 public:
  PacketWriter(MutableBytes storage, const PacketHeader& header,
               ExtensionForm form = ExtensionForm::one_byte);

  bool ok() const { return ok_; }
  /// Appends an element and returns the room of its value, filled with zeros. `id` and `size` lie
  /// within the ranges of the form. An empty span is an error unless `size` is 0: see `ok()`.
  MutableBytes reserve_extension(std::uint8_t id, std::size_t size);
  /// Appends an element with a copy of `value`.
  void extension(std::uint8_t id, Bytes value);
  /// Room for `size` more bytes of payload; ends the extensions. Empty when it does not fit.
  MutableBytes reserve_payload(std::size_t size);
  /// Appends a copy of `bytes` to the payload; ends the extensions.
  void payload(Bytes bytes);
  /// Appends `size` bytes of padding (1 to 255, the count included) and ends the packet.
  void padding(std::size_t size);
  /// Bytes that payload and padding may still take.
  std::size_t remaining() const;
  /// The packet, a view of the storage; nullopt when not `ok()`.
  std::optional<MutableBytes> finish();

 private:
  bool fits(std::uint8_t id, std::size_t size) const;
  std::size_t extension_padding() const;
  void end_extensions();
  bool fail();
  ByteWriter out_;
  ExtensionForm form_;
  std::size_t extension_start_ = 0;  // offset of the 4-byte block header; 0 while there is none
  bool extensions_ended_ = false;
  bool padded_ = false;
  bool ok_ = true;
};

/// The value of the first element with `id` in a valid packet, to be changed in place before the
/// packet is protected. nullopt when it is not there.
std::optional<MutableBytes> mutable_extension(MutableBytes packet, std::uint8_t id);

}  // namespace parley::rtp
