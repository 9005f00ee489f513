// A codec whose packets say what is to be heard: tests see in the samples where they came from.
#pragma once

#include <algorithm>
#include <vector>

#include "parley/base/media.hpp"

namespace parley::test {

/// Packet: duration in 2.5 ms, flags, value of the samples (16 bits), value of the redundant copy.
struct FakePacket {
  int samples = 960;
  std::int16_t value = 1000;
  bool fec = false;
  std::int16_t fec_value = 0;
  bool dtx = false;
  bool broken = false;  ///< valid framing, decoding fails

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> b(6);
    b[0] = static_cast<std::uint8_t>(samples / 120);
    b[1] = static_cast<std::uint8_t>((fec ? 1 : 0) | (dtx ? 2 : 0) | (broken ? 4 : 0));
    store_be16(&b[2], static_cast<std::uint16_t>(value));
    store_be16(&b[4], static_cast<std::uint16_t>(fec_value));
    return b;
  }
};

/// What FakeDecoder invents.
inline constexpr std::int16_t kInvented = -77;

class FakeDecoder final : public AudioDecoder {
 public:
  int channels() const override { return 1; }
  std::optional<int> packet_samples(Bytes packet) const override {
    if (packet.size() < 6 || packet[0] < 1 || packet[0] > 48) return std::nullopt;
    return packet[0] * 120;
  }
  bool has_fec(Bytes packet) const override { return packet.size() >= 6 && (packet[1] & 1) != 0; }
  bool is_dtx(Bytes packet) const override { return packet.size() >= 6 && (packet[1] & 2) != 0; }
  Result<int> decode(Bytes packet, std::span<std::int16_t> pcm) override {
    const auto samples = packet_samples(packet);
    if (!samples || (packet[1] & 4) != 0) return Error{Errc::malformed, "fake"};
    return write(*samples, static_cast<std::int16_t>(load_be16(&packet[2])), pcm);
  }
  Result<int> decode_fec(Bytes packet, int samples, std::span<std::int16_t> pcm) override {
    return write(samples, static_cast<std::int16_t>(load_be16(&packet[4])), pcm);
  }
  Result<int> conceal(int samples, std::span<std::int16_t> pcm) override {
    return write(samples, kInvented, pcm);
  }
  void reset() override {}

 private:
  static Result<int> write(int samples, std::int16_t value, std::span<std::int16_t> pcm) {
    std::fill_n(pcm.begin(), samples, value);
    return samples;
  }
};

}  // namespace parley::test
