// Payloads of H.264, VP9 and AV1: any bytes through the depacketizers and joiners, and any frame
// through the packetizers and back.
#include <vector>

#include "fuzz_input.hpp"
#include "parley/base/assert.hpp"
#include "parley/base/random.hpp"
#include "parley/rtp/h264.hpp"
#include "parley/rtp/payload_format.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

constexpr const char* kNames[] = {"H264", "VP9", "AV1", "VP8"};

/// Any payloads: what is parsed stays within them, and joins or is refused.
void check_payloads(const VideoDepacketizer& depacketizer, test::FuzzInput input) {
  std::vector<std::vector<std::uint8_t>> payloads;
  while (!input.empty() && payloads.size() < 20) payloads.push_back(input.sized_bytes());
  std::vector<Bytes> parts;
  FrameJoiner join = nullptr;
  for (const auto& payload : payloads) {
    const auto parsed = depacketizer.parse(payload);
    if (!parsed) continue;
    PARLEY_ASSERT(!parsed->data.empty() && parsed->data.size() <= payload.size(), "of the payload");
    PARLEY_ASSERT(parsed->picture_id.has_value() == (parsed->picture_id_bits != 0), "both or none");
    PARLEY_ASSERT(parsed->reference_count <= parsed->references.size(), "at most three");
    parts.push_back(parsed->data);
    join = parsed->join;
  }
  std::vector<std::uint8_t> frame;
  if (join != nullptr && join(parts, frame)) {
    H264ParameterSets sets;
    sets.complete(frame);
  }
}

/// Any frame: when it is taken, its payloads are within the limit and can be read again.
void check_frame(const char* name, const VideoDepacketizer& depacketizer, test::FuzzInput input) {
  SeededRandom random{1};
  const auto packetizer =
      make_video_packetizer(name, random, TemporalLayers::on, "packetization-mode=1");
  const std::size_t room = 1 + input.u8();
  EncodedVideo frame;
  frame.key_frame = (input.u8() & 1) != 0;
  frame.width = frame.height = 16;
  frame.data = input.bytes(10'000);
  std::vector<std::vector<std::uint8_t>> payloads;
  std::vector<Bytes> parts;
  FrameJoiner join = nullptr;
  for (const PayloadPart& part : packetizer->packetize(frame, room)) {
    std::vector<std::uint8_t> storage(part.payload_size());
    PARLEY_ASSERT(!storage.empty() && storage.size() <= room, "no payload is above the limit");
    ByteWriter out{storage};
    PARLEY_ASSERT(part.write_to(frame.data, out), "the storage has its size");
    payloads.push_back(std::move(storage));
  }
  for (const auto& payload : payloads) {
    const auto parsed = depacketizer.parse(payload);
    if (!parsed) return;  // a VP8 or VP9 frame that is none
    parts.push_back(parsed->data);
    join = parsed->join;
  }
  std::vector<std::uint8_t> joined;
  PARLEY_ASSERT(join == nullptr || join(parts, joined), "what was split can be joined");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::FuzzInput input{data, size};
  const std::uint8_t choice = input.u8();
  const char* name = kNames[choice & 3];
  const auto depacketizer = make_video_depacketizer(name);
  if ((choice & 4) != 0) {
    check_payloads(*depacketizer, input);
  } else {
    check_frame(name, *depacketizer, input);
  }
  return 0;
}
