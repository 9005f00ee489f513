// Test 2: sound and pictures come back.
#pragma once

#include <optional>

#include "echo_client/call.hpp"
#include "echo_client/test_media.hpp"

namespace echo_client {

/// Sends pictures with their number in them and a tone, and demands both back for as long as the
/// options say: pictures in their order and like what was sent, the tone without a gap of half a
/// second.
class MediaTest final : public Call {
 public:
  MediaTest(parley::Driver& driver, const Options& options) : Call(driver, options) {}

 private:
  parley::Result<void> prepare(parley::PeerConnection& connection) override;
  void handle_connected() override;
  std::string progress() const override;
  std::string measured() const override;

  void send_picture(parley::Timestamp due);
  void send_and_hear_sound(parley::Timestamp due);
  void handle_picture(const parley::VideoFrame& frame);
  void check_whether_done();

  std::optional<parley::Transceiver> audio_;
  std::optional<parley::Transceiver> video_;
  Tone tone_;
  ToneDetector detector_;
  std::uint16_t next_number_ = 1;
  std::optional<std::uint16_t> last_number_;
  int pictures_ = 0;         ///< came back
  int pictures_marked_ = 0;  ///< with a number that was sent, after the one before
  int pictures_compared_ = 0;
  double psnr_sum_ = 0;
  int windows_with_tone_ = 0;  ///< of 100 ms
};

}  // namespace echo_client
