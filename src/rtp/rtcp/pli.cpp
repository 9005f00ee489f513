#include "parley/rtp/rtcp/pli.hpp"

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {

std::optional<Pli> Pli::parse(const SubPacket& sub) {
  if (!sub.is(PacketType::payload_feedback, kFormatPli)) return std::nullopt;
  ByteReader in{sub.body};
  const Pli pli{read_ssrc(in), read_ssrc(in)};
  if (!in.ok()) return std::nullopt;
  return pli;
}

bool Pli::write_to(ByteWriter& out) const {
  if (!begin_element(out, PacketType::payload_feedback, kFormatPli, size())) return false;
  out.u32(sender.value());
  out.u32(media.value());
  return true;
}

}  // namespace parley::rtp::rtcp
