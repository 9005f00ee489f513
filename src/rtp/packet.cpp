#include "parley/rtp/packet.hpp"

namespace parley::rtp {
namespace {

constexpr std::size_t kFixedHeaderSize = 12;
constexpr std::uint16_t kOneByteProfile = 0xBEDE;  // RFC 8285 section 4.2
constexpr std::uint16_t kTwoByteProfile = 0x1000;  // RFC 8285 section 4.3; low 4 bits are "appbits"

bool is_two_byte(std::uint16_t profile) { return (profile & 0xFFF0) == kTwoByteProfile; }

}  // namespace

bool is_rtp_or_rtcp(Bytes datagram) {
  return datagram.size() >= 2 && datagram[0] >= 128 && datagram[0] <= 191;
}

bool is_rtcp(Bytes datagram) {
  return is_rtp_or_rtcp(datagram) && datagram[1] >= 192 && datagram[1] <= 223;
}

ExtensionRange::ExtensionRange(std::uint16_t profile, Bytes block)
    : two_byte_(is_two_byte(profile)) {
  if (two_byte_ || profile == kOneByteProfile) block_ = block;
}

void ExtensionRange::iterator::advance() {
  while (!rest_.empty() && rest_[0] == 0) rest_ = rest_.subspan(1);  // id 0 pads in both forms
  const std::size_t head = two_byte_ ? 2 : 1;
  if (rest_.size() < head) {
    done_ = true;
    return;
  }
  const auto id = static_cast<std::uint8_t>(two_byte_ ? rest_[0] : rest_[0] >> 4);
  // The one-byte form says the length minus one, the two-byte form the length.
  const std::size_t size = two_byte_ ? rest_[1] : (rest_[0] & 0x0FU) + 1U;
  // RFC 8285 section 4.2: id 15 stops the processing of the whole block. (Id 0 with a length is
  // not a padding byte; it comes out as an element that no map knows.)
  if ((!two_byte_ && id == 15) || rest_.size() - head < size) {
    done_ = true;
    return;
  }
  element_ = {id, rest_.subspan(head, size)};
  rest_ = rest_.subspan(head + size);
}

std::optional<PacketView> PacketView::parse(Bytes datagram) {
  ByteReader in{datagram};
  const std::uint8_t first = in.u8();
  if (first >> 6 != 2) return std::nullopt;  // RFC 3550 section 5.1: version 2
  in.skip(kFixedHeaderSize - 1 + 4U * (first & 0x0FU));

  PacketView packet;
  if ((first & 0x10) != 0) {
    packet.extension_profile_ = in.u16();
    packet.extension_block_ = in.bytes(4U * in.u16());
  }
  if (!in.ok()) return std::nullopt;
  packet.header_size_ = static_cast<std::uint32_t>(in.position());
  if ((first & 0x20) != 0) {
    // RFC 3550 section 5.1: the last byte counts the padding, itself included.
    if (in.at_end()) return std::nullopt;
    packet.padding_size_ = datagram.back();
    if (packet.padding_size_ == 0 || packet.padding_size_ > in.remaining()) return std::nullopt;
  }
  packet.data_ = datagram;
  return packet;
}

ExtensionRange PacketView::extensions() const { return {extension_profile_, extension_block_}; }

std::optional<Bytes> PacketView::extension(std::uint8_t id) const {
  for (const ExtensionElement& element : extensions()) {
    if (element.id == id) return element.value;
  }
  return std::nullopt;
}

PacketWriter::PacketWriter(MutableBytes storage, const PacketHeader& header, ExtensionForm form)
    : out_(storage), form_(form) {
  if (header.csrcs.size() > 15 || header.payload_type.value() > 127) {
    ok_ = false;
    return;
  }
  out_.u8(static_cast<std::uint8_t>(0x80 | header.csrcs.size()));
  out_.u8(static_cast<std::uint8_t>((header.marker ? 0x80 : 0) | header.payload_type.value()));
  out_.u16(header.sequence_number);
  out_.u32(header.timestamp);
  out_.u32(header.ssrc.value());
  for (const Ssrc csrc : header.csrcs) out_.u32(csrc.value());
  ok_ = out_.ok();
}

bool PacketWriter::fail() { return ok_ = false; }

bool PacketWriter::fits(std::uint8_t id, std::size_t size) const {
  if (form_ == ExtensionForm::one_byte) return id >= 1 && id <= 14 && size >= 1 && size <= 16;
  return id >= 1 && size <= 255;
}

MutableBytes PacketWriter::reserve_extension(std::uint8_t id, std::size_t size) {
  if (!ok_) return {};
  const std::size_t head = form_ == ExtensionForm::one_byte ? 1 : 2;
  const std::size_t block_header = extension_start_ == 0 ? 4 : 0;
  if (extensions_ended_ || !fits(id, size) || out_.remaining() < block_header + head + size) {
    return fail(), MutableBytes{};
  }
  if (extension_start_ == 0) {
    extension_start_ = out_.size();
    out_.u16(form_ == ExtensionForm::one_byte ? kOneByteProfile : kTwoByteProfile);
    out_.u16(0);  // the length, known when the block ends
  }
  if (form_ == ExtensionForm::one_byte) {
    out_.u8(static_cast<std::uint8_t>((id << 4) | static_cast<int>(size - 1)));
  } else {
    out_.u8(id);
    out_.u8(static_cast<std::uint8_t>(size));
  }
  out_.zeros(size);
  return out_.written().last(size);
}

void PacketWriter::extension(std::uint8_t id, Bytes value) {
  const MutableBytes room = reserve_extension(id, value.size());
  if (!room.empty()) std::memcpy(room.data(), value.data(), value.size());
}

std::size_t PacketWriter::extension_padding() const {
  if (extension_start_ == 0 || extensions_ended_) return 0;
  return (4 - (out_.size() - extension_start_) % 4) % 4;
}

void PacketWriter::end_extensions() {
  if (!extensions_ended_ && extension_start_ != 0) {
    out_.zeros(extension_padding());
    ok_ = ok_ && out_.ok();
    const MutableBytes written = out_.written();
    const std::size_t words = (written.size() - extension_start_ - 4) / 4;
    if (words > 0xFFFF) ok_ = false;
    store_be16(&written[extension_start_ + 2], static_cast<std::uint16_t>(words));
    written[0] = static_cast<std::uint8_t>(written[0] | 0x10);  // X
  }
  extensions_ended_ = true;
}

MutableBytes PacketWriter::reserve_payload(std::size_t size) {
  if (!ok_) return {};
  end_extensions();
  if (padded_ || !ok_ || out_.remaining() < size) return fail(), MutableBytes{};
  return out_.reserve(size);
}

void PacketWriter::payload(Bytes bytes) {
  const MutableBytes room = reserve_payload(bytes.size());
  if (!room.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
}

void PacketWriter::padding(std::size_t size) {
  if (!ok_) return;
  end_extensions();
  if (padded_ || !ok_ || size < 1 || size > 255 || out_.remaining() < size) {
    fail();
    return;
  }
  out_.zeros(size - 1);
  out_.u8(static_cast<std::uint8_t>(size));
  out_.written()[0] = static_cast<std::uint8_t>(out_.written()[0] | 0x20);  // P
  padded_ = true;
}

std::size_t PacketWriter::remaining() const {
  const std::size_t pad = extension_padding();
  if (!ok_ || padded_ || out_.remaining() < pad) return 0;
  return out_.remaining() - pad;
}

std::optional<MutableBytes> PacketWriter::finish() {
  if (ok_) end_extensions();
  if (!ok_) return std::nullopt;
  return out_.written();
}

std::optional<MutableBytes> mutable_extension(MutableBytes packet, std::uint8_t id) {
  const auto view = PacketView::parse(packet);
  if (!view) return std::nullopt;
  const auto value = view->extension(id);
  if (!value) return std::nullopt;
  return packet.subspan(static_cast<std::size_t>(value->data() - packet.data()), value->size());
}

}  // namespace parley::rtp
