#include "sctp/sack_chunk.hpp"

namespace parley::sctp {

std::optional<SackChunk> SackChunk::parse(Bytes value) {
  ByteReader r{value};
  SackChunk sack;
  sack.cumulative_tsn = r.u32();
  sack.window = r.u32();
  const std::size_t gaps = r.u16();
  const std::size_t duplicates = r.u16();
  sack.gaps_ = r.bytes(4 * gaps);
  sack.duplicates_ = r.bytes(4 * duplicates);
  if (!r.ok()) return std::nullopt;
  return sack;
}

void write_sack(MutableBytes out, std::uint32_t cumulative_tsn, std::uint32_t window,
                const std::vector<GapBlock>& gaps, const std::vector<std::uint32_t>& duplicates) {
  ByteWriter w{out};
  w.u32(cumulative_tsn);
  w.u32(window);
  w.u16(static_cast<std::uint16_t>(gaps.size()));
  w.u16(static_cast<std::uint16_t>(duplicates.size()));
  for (const GapBlock& gap : gaps) {
    w.u16(gap.start);
    w.u16(gap.end);
  }
  for (const std::uint32_t tsn : duplicates) w.u32(tsn);
}

}  // namespace parley::sctp
