#include "parley/rtp/rtcp/sdes.hpp"

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {
namespace {

constexpr std::uint8_t kItemEnd = 0;    // RFC 3550 section 6.5
constexpr std::uint8_t kItemCname = 1;  // RFC 3550 section 6.5.1
constexpr std::uint8_t kItemMid = 15;   // RFC 9143 section 16.1

std::size_t item_size(std::string_view text) { return text.empty() ? 0 : 2 + text.size(); }

/// SSRC, items, and 1 to 4 zero bytes up to the next word.
std::size_t chunk_size(const Sdes::Chunk& chunk) {
  return padded_to_word(4 + item_size(chunk.cname) + item_size(chunk.mid) + 1);
}

void write_item(ByteWriter& out, std::uint8_t type, std::string_view text) {
  if (text.empty()) return;
  out.u8(type);
  out.u8(static_cast<std::uint8_t>(text.size()));
  out.bytes(as_bytes(text));
}

Sdes::Chunk read_chunk(ByteReader& in) {
  Sdes::Chunk chunk;
  chunk.source = read_ssrc(in);
  while (in.ok()) {
    const std::uint8_t type = in.u8();
    if (type == kItemEnd) break;
    const std::string_view text = as_text(in.bytes(in.u8()));
    if (type == kItemCname && chunk.cname.empty()) chunk.cname = text;
    if (type == kItemMid && chunk.mid.empty()) chunk.mid = text;
  }
  // Chunks begin on word boundaries, counted from the sub-packet, whose header is one word.
  in.skip(padded_to_word(in.position()) - in.position());
  return chunk;
}

}  // namespace

std::optional<Sdes> Sdes::parse(const SubPacket& sub) {
  if (sub.type != PacketType::sdes) return std::nullopt;
  ByteReader in{sub.body};
  Sdes sdes;
  sdes.chunks.reserve(sub.count);
  for (std::size_t i = 0; i < sub.count && in.ok(); ++i) sdes.chunks.push_back(read_chunk(in));
  if (!in.ok()) return std::nullopt;
  return sdes;
}

std::size_t Sdes::size() const {
  std::size_t total = kHeaderSize;
  for (const Chunk& chunk : chunks) total += chunk_size(chunk);
  return total;
}

bool Sdes::write_to(ByteWriter& out) const {
  for (const Chunk& chunk : chunks) {
    if (chunk.cname.size() > 255 || chunk.mid.size() > 255) return false;
  }
  if (!begin_element(out, PacketType::sdes, chunks.size(), size())) return false;
  for (const Chunk& chunk : chunks) {
    const std::size_t end = out.size() + chunk_size(chunk);
    out.u32(chunk.source.value());
    write_item(out, kItemCname, chunk.cname);
    write_item(out, kItemMid, chunk.mid);
    out.zeros(end - out.size());
  }
  return true;
}

}  // namespace parley::rtp::rtcp
