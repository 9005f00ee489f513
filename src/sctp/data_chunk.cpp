#include "sctp/data_chunk.hpp"

namespace parley::sctp {
namespace {
constexpr std::uint8_t kEnd = 0x01;
constexpr std::uint8_t kBegin = 0x02;
constexpr std::uint8_t kUnordered = 0x04;
constexpr std::uint8_t kImmediate = 0x08;
}  // namespace

std::optional<DataChunk> DataChunk::parse(const Chunk& chunk) {
  DataChunk data;
  data.format = chunk.type == ChunkType::data ? DataFormat::data : DataFormat::i_data;
  data.immediate = (chunk.flags & kImmediate) != 0;
  data.unordered = (chunk.flags & kUnordered) != 0;
  data.begin = (chunk.flags & kBegin) != 0;
  data.end = (chunk.flags & kEnd) != 0;
  ByteReader r{chunk.value};
  data.tsn = r.u32();
  data.stream = r.u16();
  if (data.format == DataFormat::data) {
    data.number = r.u16();
    data.ppid = r.u32();
  } else {
    r.skip(2);
    data.number = r.u32();
    const std::uint32_t ppid_or_fragment = r.u32();
    (data.begin ? data.ppid : data.fragment) = ppid_or_fragment;
  }
  data.payload = r.rest();
  if (!r.ok()) return std::nullopt;
  return data;
}

std::uint8_t DataChunk::flags() const {
  return static_cast<std::uint8_t>((end ? kEnd : 0) | (begin ? kBegin : 0) |
                                   (unordered ? kUnordered : 0) | (immediate ? kImmediate : 0));
}

void DataChunk::write_to(MutableBytes out) const {
  ByteWriter w{out};
  w.u32(tsn);
  w.u16(stream);
  if (format == DataFormat::data) {
    w.u16(static_cast<std::uint16_t>(number));
    w.u32(ppid);
  } else {
    w.u16(0);
    w.u32(number);
    w.u32(begin ? ppid : fragment);
  }
  w.bytes(payload);
}

}  // namespace parley::sctp
