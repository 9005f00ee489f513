// Packets with arbitrary numbers, descriptors and times through a frame assembler. The input is a
// list of commands.
#include <cstdlib>

#include "parley/jitter/frame_assembler.hpp"
#include "support/machine_checks.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

constexpr std::size_t kMaxPackets = 128;
constexpr std::size_t kMaxBytes = 4000;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Takes all frames and checks what holds for any of them.
struct Sink {
  std::int64_t last_sequence = -1;
  std::uint64_t restarts = 0;
  bool key_frame_seen = false;

  bool drain(FrameAssembler& assembler, Timestamp now) {
    bool something = assembler.take_key_frame_request();
    while (auto frame = assembler.poll_frame(now)) {
      something = true;
      if (assembler.stats().restarts != restarts) {
        restarts = assembler.stats().restarts;
        last_sequence = -1;
        key_frame_seen = false;
      }
      key_frame_seen = key_frame_seen || frame->video.key_frame;
      require(key_frame_seen);
      require(frame->first_sequence > last_sequence);
      require(frame->last_sequence >= frame->first_sequence);
      require(frame->packets >= 1);
      require(frame->packets <= frame->last_sequence - frame->first_sequence + 1);
      require(frame->first_arrival <= frame->completed && frame->completed <= now);
      last_sequence = frame->last_sequence;
      assembler.recycle(std::move(frame->video.data));
    }
    return something;
  }
};

/// Refuses frames whose first byte is odd.
bool join_or_refuse(std::span<const Bytes> parts, std::vector<std::uint8_t>& frame) {
  for (const Bytes part : parts) frame.insert(frame.end(), part.begin(), part.end());
  return frame.empty() || (frame[0] & 1) == 0;
}

VideoPacket read_packet(ByteReader& in, std::uint8_t command, std::int64_t sequence,
                        std::uint32_t frame) {
  VideoPacket packet;
  packet.sequence = sequence;
  packet.rtp_timestamp = frame;
  packet.marker = (command & 8) != 0;
  packet.payload.begins_frame = (command & 16) != 0;
  packet.payload.key_frame = (command & 32) != 0;
  packet.retransmitted = (command & 64) != 0;
  if ((command & 128) != 0) {
    const std::uint8_t bits = in.u8();
    if ((bits & 1) != 0) {
      packet.payload.picture_id_bits = (bits & 2) != 0 ? 15 : 7;
      packet.payload.picture_id =
          static_cast<std::uint16_t>(in.u8() & ((1 << packet.payload.picture_id_bits) - 1));
    }
    if ((bits & 4) != 0) packet.payload.tl0_picture_index = in.u8();
    if ((bits & 8) != 0) packet.payload.temporal_id = static_cast<std::uint8_t>(bits >> 6);
    packet.payload.layer_sync = (bits & 16) != 0;
    packet.payload.non_reference = (bits & 32) != 0;
    // Of formats that do not mark beginnings, that name references, and that join in their own way.
    const std::uint8_t more = in.u8();
    packet.payload.may_begin_frame = (more & 1) != 0;
    packet.payload.switching_point = (more & 2) != 0;
    packet.payload.references_known = (more & 4) != 0;
    packet.payload.reference_count = (more >> 3) & 3;
    for (auto& reference : packet.payload.references) {
      reference = static_cast<std::uint8_t>(more >> 5);
    }
    if ((more & 128) != 0) packet.payload.join = join_or_refuse;
  }
  packet.payload.data = in.bytes(std::min<std::size_t>(in.u8(), in.remaining()));
  return packet;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  FrameAssemblerConfig config;
  config.max_packets = kMaxPackets;
  config.max_bytes = kMaxBytes;
  config.max_frames = 16;
  FrameAssembler assembler{config};
  Sink sink;
  Timestamp now = Timestamp{} + 1s;
  std::int64_t sequence = 70'000;
  std::uint32_t frame = 0;
  while (in.ok() && !in.at_end()) {
    const std::uint8_t command = in.u8();
    switch (command & 7) {
      case 0:
        sequence = std::max<std::int64_t>(sequence + static_cast<std::int16_t>(in.u16()), 0);
        break;
      case 1:
        now += Duration{in.u16()} * 16;
        break;
      case 2:
        assembler.note_padding(now, sequence++);
        break;
      case 3:
        if (command == 3) {
          assembler.reset();
          sink = Sink{-1, assembler.stats().restarts, false};
        } else if (command == 11) {
          assembler.handle_decoder_error(now);
          sink.key_frame_seen = false;
        } else {
          assembler.set_round_trip_time(Duration{in.u16()} * 16);
        }
        break;
      case 4:
        sequence += command >> 3;  // lost
        break;
      case 5:
        sink.drain(assembler, now);
        break;
      default: {
        if ((command & 16) != 0) ++frame;
        // A packet of before, now and then.
        const std::int64_t back = (command & 7) == 7 ? in.u8() & 15 : 0;
        assembler.insert(now, read_packet(in, command, std::max<std::int64_t>(sequence - back, 0),
                                          frame - static_cast<std::uint32_t>(back / 3)));
        if (back == 0) ++sequence;
        break;
      }
    }
    require(assembler.buffered_packets() <= kMaxPackets);
    require(assembler.buffered_bytes() <= kMaxBytes);
    require(test::check_deadline_rule(
        assembler, now, [&](FrameAssembler& a, Timestamp t) { return sink.drain(a, t); }));
  }
  return 0;
}
