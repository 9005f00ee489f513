// Streams of frames cut into packets, and an assembler that they go through.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "parley/jitter/frame_assembler.hpp"
#include "support/catch.hpp"

namespace parley::jitter {

inline const Timestamp kBegin = Timestamp{} + 300s;

/// A frame to be cut into packets. Its bytes tell its number and the place of each packet.
struct Frame {
  int number = 0;
  int packets = 1;
  bool key = false;
  std::optional<std::uint16_t> picture_id;
  std::uint8_t picture_id_bits = 15;
  std::optional<std::uint8_t> tl0;
  std::optional<std::uint8_t> tid;
  bool sync = false;
  bool switching_point = false;
  std::vector<std::uint8_t> references;
  bool references_known = false;
  bool non_reference = false;
  bool marker = true;
  std::int64_t first_sequence = 0;
};

struct Fixture {
  FrameAssembler assembler;
  Timestamp now = kBegin;

  Fixture() = default;
  explicit Fixture(const FrameAssemblerConfig& config) : assembler(config) {}

  bool put(const Frame& frame, int index, bool retransmitted = false) {
    const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(frame.number),
                                            static_cast<std::uint8_t>(frame.number >> 8),
                                            static_cast<std::uint8_t>(index)};
    VideoPacket packet;
    packet.sequence = frame.first_sequence + index;
    packet.rtp_timestamp = static_cast<std::uint32_t>(frame.number) * 3000U + 0xFFFF'0000U;
    packet.marker = frame.marker && index == frame.packets - 1;
    packet.retransmitted = retransmitted;
    packet.payload.data = bytes;
    packet.payload.begins_frame = index == 0;
    packet.payload.key_frame = index == 0 && frame.key;
    packet.payload.picture_id = frame.picture_id;
    packet.payload.picture_id_bits = frame.picture_id ? frame.picture_id_bits : std::uint8_t{0};
    packet.payload.tl0_picture_index = frame.tl0;
    packet.payload.temporal_id = frame.tid;
    packet.payload.layer_sync = frame.sync;
    packet.payload.non_reference = frame.non_reference;
    packet.payload.switching_point = frame.switching_point;
    packet.payload.references_known = frame.references_known;
    packet.payload.reference_count = static_cast<std::uint8_t>(frame.references.size());
    std::copy(frame.references.begin(), frame.references.end(), packet.payload.references.begin());
    if (index == 0 && frame.key) {
      packet.payload.width = 640;
      packet.payload.height = 360;
    }
    return assembler.insert(now, packet);
  }
  void put(const Frame& frame) {
    for (int i = 0; i < frame.packets; ++i) put(frame, i);
  }
  /// The numbers of all frames that are ready now; their bytes are checked.
  std::vector<int> poll() {
    std::vector<int> numbers;
    while (auto frame = assembler.poll_frame(now)) {
      const auto& data = frame->video.data;
      REQUIRE(data.size() == 3 * static_cast<std::size_t>(frame->packets));
      const int number = data[0] | (data[1] << 8);
      for (std::size_t i = 0; i < data.size() / 3; ++i) {
        REQUIRE((data[3 * i] | (data[3 * i + 1] << 8)) == number);
        REQUIRE(data[3 * i + 2] == i);
      }
      REQUIRE(frame->video.rtp_timestamp ==
              static_cast<std::uint32_t>(number) * 3000U + 0xFFFF'0000U);
      numbers.push_back(number);
    }
    return numbers;
  }
  /// Lets time pass in steps, so that nothing depends on when timers are served.
  std::vector<int> wait(Duration d) {
    std::vector<int> numbers;
    for (Duration t{}; t < d; t += 5ms) {
      now += 5ms;
      assembler.handle_timeout(now);
      for (const int n : poll()) numbers.push_back(n);
    }
    return numbers;
  }
};

/// `count` frames of `packets` packets, the first a key frame, without picture ids, across the
/// wrap of the 16-bit sequence number.
inline std::vector<Frame> plain_stream(int count, int packets) {
  std::vector<Frame> frames;
  std::int64_t sequence = 65'530;
  for (int n = 0; n < count; ++n) {
    Frame f;
    f.number = n;
    f.packets = packets;
    f.key = n == 0;
    f.first_sequence = sequence;
    sequence += packets;
    frames.push_back(f);
  }
  return frames;
}

inline std::vector<Frame> with_picture_ids(std::vector<Frame> frames, int first,
                                           std::uint8_t bits) {
  for (auto& f : frames) {
    f.picture_id = static_cast<std::uint16_t>((first + f.number) & ((1 << bits) - 1));
    f.picture_id_bits = bits;
  }
  return frames;
}

/// Three temporal layers 0 2 1 2 0 2 1 2 ...; the first of layer 1 and 2 after a base picture
/// syncs.
inline std::vector<Frame> layered_stream(int count) {
  auto frames = with_picture_ids(plain_stream(count, 2), 32'760, 15);
  for (auto& f : frames) {
    constexpr std::array<std::uint8_t, 4> kPattern{0, 2, 1, 2};
    f.tid = kPattern[static_cast<std::size_t>(f.number % 4)];
    f.tl0 = static_cast<std::uint8_t>(250 + f.number / 4);
    f.sync = *f.tid != 0 && f.number % 8 < 4 && f.number % 4 != 3;
    f.non_reference = *f.tid == 2;
  }
  return frames;
}

using Numbers = std::vector<int>;

}  // namespace parley::jitter
