#include "parley/rtp/rtx.hpp"

#include <cstring>

namespace parley::rtp {

std::optional<PacketView> unwrap_rtx(MutableBytes packet, Ssrc ssrc, PayloadType payload_type) {
  const auto view = PacketView::parse(packet);
  if (!view || view->payload_size() < kRtxHeaderSize) return std::nullopt;
  const std::size_t header = view->header_size();
  const std::uint16_t original_sequence = load_be16(&packet[header]);
  std::memmove(&packet[kRtxHeaderSize], &packet[0], header);
  const MutableBytes restored = packet.subspan(kRtxHeaderSize);
  restored[1] = static_cast<std::uint8_t>((restored[1] & 0x80) | (payload_type.value() & 0x7F));
  store_be16(&restored[2], original_sequence);
  store_be32(&restored[8], ssrc.value());
  return PacketView::parse(restored);
}

}  // namespace parley::rtp
