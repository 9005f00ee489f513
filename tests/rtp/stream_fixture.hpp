// What the stream tests share: a time that does not start at zero, packets, a packetizer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/payload_format.hpp"
#include "parley/rtp/receive_stream.hpp"
#include "parley/rtp/send_stream.hpp"

namespace parley::rtp::test {

inline constexpr Timestamp kStart{1'000'000s};
inline constexpr Ssrc kMedia{0x11111111};
inline constexpr Ssrc kRtx{0x22222222};
inline constexpr Ssrc kLocal{0x33333333};
inline constexpr PayloadType kVideo{96};
inline constexpr PayloadType kVideoRtx{97};

/// An RTP packet in storage of its own.
struct Packet {
  std::array<std::uint8_t, kMaxDatagramSize> storage{};
  std::size_t size = 0;

  MutableBytes bytes() { return MutableBytes{storage}.first(size); }
  PacketView view() { return *PacketView::parse(bytes()); }
};

inline Packet make_packet(std::uint16_t sequence, std::uint32_t timestamp = 0,
                          std::size_t payload = 100, std::size_t padding = 0) {
  Packet packet;
  PacketHeader header;
  header.payload_type = kVideo;
  header.sequence_number = sequence;
  header.timestamp = timestamp;
  header.ssrc = kMedia;
  PacketWriter writer(packet.storage, header);
  if (payload > 0) writer.reserve_payload(payload);
  if (padding > 0) writer.padding(padding);
  packet.size = writer.finish()->size();
  return packet;
}

/// Splits a frame into pieces of at most the given size, without a descriptor.
class PlainPacketizer final : public VideoPacketizer {
 public:
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) override {
    std::vector<PayloadPart> parts;
    for (std::size_t at = 0; at < frame.data.size(); at += max_payload) {
      PayloadPart part;
      part.offset = at;
      part.size = std::min(max_payload, frame.data.size() - at);
      parts.push_back(part);
    }
    return parts;
  }
};

inline EncodedVideo make_frame(Timestamp captured, std::size_t size, bool key_frame = false) {
  EncodedVideo frame;
  frame.data.resize(size);
  for (std::size_t i = 0; i < size; ++i) frame.data[i] = static_cast<std::uint8_t>(i * 7 + size);
  frame.key_frame = key_frame;
  frame.capture_time = captured;
  return frame;
}

inline ExtensionMap all_extensions() {
  ExtensionMap map;
  std::uint8_t id = 1;
  for (const Extension e :
       {Extension::mid, Extension::rid, Extension::repaired_rid, Extension::audio_level,
        Extension::abs_send_time, Extension::transport_sequence_number, Extension::abs_capture_time,
        Extension::playout_delay, Extension::video_orientation})
    if (!map.add(id++, e)) return {};
  return map;
}

inline SendStream::Config video_config() {
  SendStream::Config config;
  config.ssrc = kMedia;
  config.rtx_ssrc = kRtx;
  config.payload_type = kVideo;
  config.rtx_payload_type = kVideoRtx;
  config.extensions = all_extensions();
  config.mid = "1";
  config.rid = "hi";
  config.ntp = NtpMapping{kStart, NtpTime{std::uint64_t{3'900'000'000} << 32}};
  return config;
}

inline ReceiveStream::Config receive_config() {
  ReceiveStream::Config config;
  config.ssrc = kMedia;
  config.rtx_ssrc = kRtx;
  config.rtx = {{kVideoRtx, kVideo}};
  config.nack.emplace();
  return config;
}

}  // namespace parley::rtp::test
