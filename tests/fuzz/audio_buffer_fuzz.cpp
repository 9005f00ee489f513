// Packets with arbitrary payloads, numbers and times through an audio buffer with a real Opus
// decoder, mixed with reads. The input is a list of commands.
#include <cstdlib>

#include "parley/codec/opus.hpp"
#include "parley/jitter/audio_buffer.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_counters(const AudioBufferStats& s) {
  require(s.concealed_samples <= s.total_samples_received);
  require(s.silent_concealed_samples <= s.concealed_samples);
  require(s.jitter_buffer_emitted_count <= s.total_samples_received);
  require(s.concealment_events <= s.concealed_samples);
  require(s.jitter_buffer_delay >= 0.0);
  require(s.audio_level >= 0.0 && s.audio_level <= 1.0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  const int channels = 1 + (in.u8() & 1);
  auto decoder = codec::OpusDecoder::create({channels});
  require(decoder.has_value());
  AudioBufferConfig config;
  config.capacity = 64;
  AudioBuffer buffer{config, std::move(decoder).value()};
  AudioBlock block;
  Timestamp now = Timestamp{} + 1s;
  std::int64_t sequence = 70'000;
  std::uint32_t timestamp = 0;
  int reads = 0;
  while (in.ok() && !in.at_end() && reads < 2000) {
    const std::uint8_t command = in.u8();
    switch (command & 7) {
      case 0:  // a jump
        sequence += static_cast<std::int16_t>(in.u16());
        timestamp += in.u32();
        sequence = std::max<std::int64_t>(sequence, 0);
        break;
      case 1:
        now += Duration{in.u16()} * 16;
        break;
      case 2:
        buffer.set_delay_bounds(Duration{in.u16()} * 100, Duration{in.u16()} * 100);
        break;
      case 3:
        if ((command >> 3) == 31) buffer.reset();
        break;
      case 4:
      case 5: {  // the next packet, or one a little before or after it
        const Bytes payload = in.bytes(std::min<std::size_t>(in.u8(), in.remaining()));
        const int offset = (command >> 3) == 0 ? static_cast<std::int8_t>(in.u8()) : 0;
        AudioPacket packet;
        packet.sequence = std::max<std::int64_t>(sequence + offset, 0);
        packet.rtp_timestamp = timestamp + static_cast<std::uint32_t>(offset * 960);
        packet.payload = payload;
        buffer.insert(now, packet);
        ++sequence;
        timestamp += 960;
        break;
      }
      default:
        for (int i = 0; i <= (command >> 3); ++i, ++reads) {
          buffer.read_10ms(now, block);
          require(block.channels == channels);
          if ((command & 7) == 6) now += 10ms;
        }
        break;
    }
    check_counters(buffer.stats());
  }
  return 0;
}
