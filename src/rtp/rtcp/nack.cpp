#include "parley/rtp/rtcp/nack.hpp"

#include <bit>

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {

Nack Nack::build(Ssrc sender, Ssrc media, std::span<const std::uint16_t> lost,
                 std::size_t max_pairs) {
  Nack nack{sender, media, {}};
  for (const std::uint16_t sequence : lost) {
    if (!nack.pairs.empty()) {
      Pair& last = nack.pairs.back();
      const auto distance = static_cast<std::uint16_t>(sequence - last.packet_id);
      if (distance == 0) continue;
      if (distance <= 16) {
        last.following_lost =
            static_cast<std::uint16_t>(last.following_lost | 1U << (distance - 1));
        continue;
      }
    }
    if (nack.pairs.size() == max_pairs) break;
    nack.pairs.push_back({sequence, 0});
  }
  return nack;
}

std::vector<std::uint16_t> Nack::sequence_numbers() const {
  std::vector<std::uint16_t> numbers;
  for (const Pair& pair : pairs) {
    numbers.push_back(pair.packet_id);
    for (unsigned bits = pair.following_lost; bits != 0; bits &= bits - 1) {
      numbers.push_back(static_cast<std::uint16_t>(pair.packet_id + std::countr_zero(bits) + 1));
    }
  }
  return numbers;
}

std::optional<Nack> Nack::parse(const SubPacket& sub) {
  if (!sub.is(PacketType::transport_feedback, kFormatNack)) return std::nullopt;
  ByteReader in{sub.body};
  Nack nack{read_ssrc(in), read_ssrc(in), {}};
  if (!in.ok() || in.at_end() || in.remaining() % 4 != 0) return std::nullopt;
  nack.pairs.reserve(in.remaining() / 4);
  while (!in.at_end()) {
    const std::uint16_t packet_id = in.u16();
    nack.pairs.push_back({packet_id, in.u16()});
  }
  return nack;
}

bool Nack::write_to(ByteWriter& out) const {
  if (pairs.empty() || !begin_element(out, PacketType::transport_feedback, kFormatNack, size())) {
    return false;
  }
  out.u32(sender.value());
  out.u32(media.value());
  for (const Pair& pair : pairs) {
    out.u16(pair.packet_id);
    out.u16(pair.following_lost);
  }
  return true;
}

}  // namespace parley::rtp::rtcp
