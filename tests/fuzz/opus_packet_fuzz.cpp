// Opus packets: what is accepted has a duration that the format allows.
#include "parley/base/assert.hpp"
#include "parley/rtp/opus.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto info = parley::rtp::parse_opus_packet({data, size})) {
    PARLEY_ASSERT(info->samples() >= 120 && info->samples() <= 5760, "2.5 to 120 ms");
    PARLEY_ASSERT(info->frame_count >= 1 && info->frame_count <= 48, "1 to 48 frames");
  }
  return 0;
}
