// VP8 payload descriptors, and frames cut into payloads and joined again.
#include <vector>

#include "parley/base/assert.hpp"
#include "parley/rtp/vp8.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

void check_split(Bytes data, std::size_t max_payload) {
  Vp8Packetizer packetizer{{TemporalLayers::on, 0x7FFF, 255}};
  EncodedVideo frame;
  frame.data.assign(data.begin(), data.end());
  std::vector<std::uint8_t> joined;
  for (const PayloadPart& part : packetizer.packetize(frame, max_payload)) {
    std::vector<std::uint8_t> storage(part.payload_size());
    PARLEY_ASSERT(storage.size() <= max_payload, "no payload is above the limit");
    ByteWriter out{storage};
    PARLEY_ASSERT(part.write_to(frame.data, out), "the storage has its size");
    joined.insert(joined.end(), storage.begin() + part.prefix_size, storage.end());
  }
  PARLEY_ASSERT(joined.empty() || joined == frame.data, "the pieces make up the frame");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes{data, size};
  if (const auto payload = Vp8Depacketizer{}.parse(bytes)) {
    PARLEY_ASSERT(!payload->data.empty() && payload->data.size() < size, "data after descriptor");
    PARLEY_ASSERT(payload->data.data() + payload->data.size() == data + size, "up to the end");
    PARLEY_ASSERT(payload->picture_id.has_value() == (payload->picture_id_bits != 0),
                  "both or none");
    PARLEY_ASSERT(payload->width < 0x4000 && payload->height < 0x4000, "sizes have 14 bits");
  }
  if (size > 0) check_split(bytes.subspan(1), data[0]);
  return 0;
}
