#include "sctp/forward_tsn_chunk.hpp"

namespace parley::sctp {

std::optional<ForwardTsnChunk> ForwardTsnChunk::parse(const Chunk& chunk) {
  ForwardTsnChunk out;
  out.format_ = chunk.type == ChunkType::forward_tsn ? DataFormat::data : DataFormat::i_data;
  ByteReader r{chunk.value};
  out.cumulative_tsn = r.u32();
  out.skipped_ = r.rest();
  if (!r.ok() || out.skipped_.size() % entry_size(out.format_) != 0) return std::nullopt;
  return out;
}

SkippedMessage ForwardTsnChunk::skipped(std::size_t i) const {
  const std::uint8_t* p = &skipped_[i * entry_size(format_)];
  if (format_ == DataFormat::data) return {load_be16(p), false, load_be16(p + 2)};
  return {load_be16(p), (load_be16(p + 2) & 1) != 0, load_be32(p + 4)};
}

void write_forward_tsn(MutableBytes out, DataFormat format, std::uint32_t cumulative_tsn,
                       const std::vector<SkippedMessage>& skipped) {
  ByteWriter w{out};
  w.u32(cumulative_tsn);
  for (const SkippedMessage& s : skipped) {
    w.u16(s.stream);
    if (format == DataFormat::data) {
      w.u16(static_cast<std::uint16_t>(s.number));
    } else {
      w.u16(s.unordered ? 1 : 0);
      w.u32(s.number);
    }
  }
}

}  // namespace parley::sctp
