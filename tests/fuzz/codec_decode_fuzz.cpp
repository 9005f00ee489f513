// Decoders fed with anything: an error or media of a size that was promised, never more.
#include <cstdlib>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "parley/codec/opus.hpp"
#include "parley/codec/vp8.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::FuzzInput input{data, size};
  auto opus = codec::OpusDecoder::create({.channels = 1 + input.u8() % 2});
  auto vp8 = codec::Vp8Decoder::create({.max_width = 320, .max_height = 320});
  if (!opus || !vp8) std::abort();
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(5760 * (*opus)->channels()));
  while (!input.empty()) {
    const std::uint8_t what = input.u8();
    const auto packet = input.bytes(input.u16() % 1024);
    if (what % 4 == 0) {
      (void)(*opus)->has_fec(packet);
      const auto samples = (*opus)->decode(packet, pcm);
      if (samples && (*samples < 0 || *samples > 5760)) std::abort();
    } else if (what % 4 == 1) {
      (void)(*opus)->decode_fec(packet, 960, pcm).has_value();
    } else if (what % 4 == 2) {
      (void)(*opus)->conceal(480, pcm).has_value();
    } else {
      const auto frame = (*vp8)->decode({.data = packet, .key_frame = what >= 128});
      if (frame && *frame && (*frame)->picture->width() > 320) std::abort();
    }
  }
  return 0;
}
