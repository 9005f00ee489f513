// Any bytes as an SCTP packet: every chunk is parsed, and what was parsed is written and parsed
// again as the same.
#include <cstdlib>
#include <vector>

#include "sctp/data_chunk.hpp"
#include "sctp/dcep.hpp"
#include "sctp/forward_tsn_chunk.hpp"
#include "sctp/init_chunk.hpp"
#include "sctp/packet.hpp"
#include "sctp/reconfig_chunk.hpp"
#include "sctp/sack_chunk.hpp"

using namespace parley;
using namespace parley::sctp;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void try_data(const Chunk& chunk) {
  const auto data = DataChunk::parse(chunk);
  if (!data) return;
  std::vector<std::uint8_t> bytes(data->value_size());
  data->write_to(bytes);
  const auto again = DataChunk::parse({chunk.type, data->flags(), bytes, {}});
  require(again && again->tsn == data->tsn && again->number == data->number &&
          again->fragment == data->fragment && again->ppid == data->ppid &&
          again->payload.size() == data->payload.size());
  if (const auto open = DcepOpen::parse(data->payload)) {
    require(DcepOpen::parse(open->to_bytes()).has_value());
  }
}

void try_init(const Chunk& chunk) {
  const auto init = InitChunk::parse(chunk.value);
  if (!init) return;
  std::vector<std::uint8_t> bytes(init->value_size());
  init->write_to(bytes);
  const auto again = InitChunk::parse(bytes);
  require(again && again->initiate_tag == init->initiate_tag &&
          again->forward_tsn == init->forward_tsn && again->re_config == init->re_config &&
          again->interleaving == init->interleaving &&
          again->zero_checksum == init->zero_checksum &&
          again->cookie.size() == init->cookie.size());
}

void try_sack(const Chunk& chunk) {
  const auto sack = SackChunk::parse(chunk.value);
  if (!sack) return;
  std::vector<GapBlock> gaps;
  std::vector<std::uint32_t> duplicates;
  for (std::size_t i = 0; i < sack->gap_count(); ++i) gaps.push_back(sack->gap(i));
  for (std::size_t i = 0; i < sack->duplicate_count(); ++i)
    duplicates.push_back(sack->duplicate(i));
  std::vector<std::uint8_t> bytes(SackChunk::kFixedSize + 4 * (gaps.size() + duplicates.size()));
  write_sack(bytes, sack->cumulative_tsn, sack->window, gaps, duplicates);
  require(SackChunk::parse(bytes).has_value());
}

void try_forward(const Chunk& chunk) {
  const auto forward = ForwardTsnChunk::parse(chunk);
  if (!forward) return;
  for (std::size_t i = 0; i < forward->count(); ++i) (void)forward->skipped(i);
}

void try_reconfig(const Chunk& chunk) {
  ParameterReader parameters{chunk.value};
  while (const auto p = parameters.next()) {
    if (const auto request = OutgoingResetRequest::parse(p->value)) {
      for (std::size_t i = 0; i < request->count(); ++i) (void)request->stream(i);
    }
    (void)ReconfigResponse::parse(p->value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto packet = Packet::parse(Bytes{data, size});
  if (!packet) return 0;
  ChunkReader chunks{packet->chunks};
  while (const auto chunk = chunks.next()) {
    try_data({ChunkType::data, chunk->flags, chunk->value, chunk->whole});
    try_data({ChunkType::i_data, chunk->flags, chunk->value, chunk->whole});
    try_init(*chunk);
    try_sack(*chunk);
    try_forward({ChunkType::forward_tsn, chunk->flags, chunk->value, chunk->whole});
    try_forward({ChunkType::i_forward_tsn, chunk->flags, chunk->value, chunk->whole});
    try_reconfig(*chunk);
  }
  return 0;
}
