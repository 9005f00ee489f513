#include "parley/rtp/rtcp/bye.hpp"

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {

std::optional<Bye> Bye::parse(const SubPacket& sub) {
  if (sub.type != PacketType::bye) return std::nullopt;
  ByteReader in{sub.body};
  Bye bye;
  bye.sources.reserve(sub.count);
  for (std::size_t i = 0; i < sub.count; ++i) bye.sources.push_back(read_ssrc(in));
  if (in.ok() && !in.at_end()) bye.reason = as_text(in.bytes(in.u8()));
  if (!in.ok()) return std::nullopt;
  return bye;
}

std::size_t Bye::size() const {
  const std::size_t text = reason.empty() ? 0 : padded_to_word(1 + reason.size());
  return kHeaderSize + 4 * sources.size() + text;
}

bool Bye::write_to(ByteWriter& out) const {
  if (reason.size() > 255) return false;
  const std::size_t end = out.size() + size();
  if (!begin_element(out, PacketType::bye, sources.size(), size())) return false;
  for (const Ssrc source : sources) out.u32(source.value());
  if (!reason.empty()) {
    out.u8(static_cast<std::uint8_t>(reason.size()));
    out.bytes(as_bytes(reason));
    out.zeros(end - out.size());
  }
  return true;
}

}  // namespace parley::rtp::rtcp
