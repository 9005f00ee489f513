#include "parley/rtp/rtcp/fir.hpp"

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {

std::optional<Fir> Fir::parse(const SubPacket& sub) {
  if (!sub.is(PacketType::payload_feedback, kFormatFir)) return std::nullopt;
  ByteReader in{sub.body};
  Fir fir;
  fir.sender = read_ssrc(in);
  in.skip(4);  // RFC 5104 section 4.3.1.2: the media SSRC of the header is not used
  if (!in.ok() || in.at_end() || in.remaining() % 8 != 0) return std::nullopt;
  fir.entries.reserve(in.remaining() / 8);
  while (!in.at_end()) {
    const Ssrc media = read_ssrc(in);
    fir.entries.push_back({media, in.u8()});
    in.skip(3);  // reserved
  }
  return fir;
}

bool Fir::write_to(ByteWriter& out) const {
  if (entries.empty() || !begin_element(out, PacketType::payload_feedback, kFormatFir, size())) {
    return false;
  }
  out.u32(sender.value());
  out.u32(0);
  for (const Entry& entry : entries) {
    out.u32(entry.media.value());
    out.u8(entry.sequence);
    out.u24(0);
  }
  return true;
}

}  // namespace parley::rtp::rtcp
