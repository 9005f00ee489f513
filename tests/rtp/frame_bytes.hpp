// Frames through packetizers and back, for the tests of payload formats.
#pragma once

#include <vector>

#include "parley/base/random.hpp"
#include "parley/rtp/payload_format.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

namespace parley::rtp {

inline EncodedVideo frame_from(ByteVector data, bool key_frame = false) {
  EncodedVideo frame;
  frame.data = std::move(data);
  frame.key_frame = key_frame;
  return frame;
}

/// The payloads of a frame as they leave, each within `room`.
inline std::vector<ByteVector> payloads_of(VideoPacketizer& packetizer, EncodedVideo frame,
                                           std::size_t room) {
  std::vector<ByteVector> payloads;
  for (const PayloadPart& part : packetizer.packetize(frame, room)) {
    ByteVector storage(part.payload_size());
    REQUIRE(storage.size() <= room);
    ByteWriter out{storage};
    REQUIRE(part.write_to(frame.data, out));
    payloads.push_back(std::move(storage));
  }
  return payloads;
}

/// The frame that a receiver makes of payloads; nullopt when it cannot.
inline std::optional<ByteVector> frame_of_payloads(const VideoDepacketizer& depacketizer,
                                                   const std::vector<ByteVector>& payloads) {
  std::vector<Bytes> parts;
  FrameJoiner join = nullptr;
  for (const ByteVector& payload : payloads) {
    const auto parsed = depacketizer.parse(payload);
    if (!parsed) return std::nullopt;
    parts.push_back(parsed->data);
    join = parsed->join;
  }
  ByteVector frame;
  if (join != nullptr) {
    if (!join(parts, frame)) return std::nullopt;
  } else {
    for (const Bytes part : parts) frame.insert(frame.end(), part.begin(), part.end());
  }
  return frame;
}

inline ByteVector random_bytes(Random& random, std::size_t size) {
  ByteVector bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return bytes;
}

inline ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace parley::rtp
