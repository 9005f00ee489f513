#include "parley/rtp/rtcp/compound.hpp"

namespace parley::rtp::rtcp {

std::optional<SubPacket> SubPacket::parse(Bytes data) {
  if (data.size() < kHeaderSize || data[0] >> 6 != 2) return std::nullopt;
  const std::size_t total = 4 * (std::size_t{load_be16(&data[2])} + 1);
  if (total > data.size()) return std::nullopt;

  SubPacket sub;
  sub.type = static_cast<PacketType>(data[1]);
  sub.count = data[0] & 0x1F;
  sub.body = data.subspan(kHeaderSize, total - kHeaderSize);
  sub.total_size = total;
  if ((data[0] & 0x20) != 0) {
    const std::size_t padding = data[total - 1];
    if (padding == 0 || padding > sub.body.size()) return std::nullopt;
    sub.body = sub.body.first(sub.body.size() - padding);
  }
  return sub;
}

std::optional<CompoundView> CompoundView::parse(Bytes datagram) {
  if (datagram.empty()) return std::nullopt;
  for (Bytes rest = datagram; !rest.empty();) {
    const auto sub = SubPacket::parse(rest);
    if (!sub) return std::nullopt;
    rest = rest.subspan(sub->total_size);
  }
  return CompoundView{datagram};
}

void CompoundView::iterator::load() {
  // `parse` went along the whole chain, so only the end gives nothing here.
  if (const auto sub = SubPacket::parse(rest_)) {
    current_ = *sub;
  } else {
    rest_ = {};
  }
}

}  // namespace parley::rtp::rtcp
