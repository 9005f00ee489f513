#include "echo_client/media_test.hpp"

#include <cstdio>

#include "parley/base/sequence.hpp"

namespace echo_client {
namespace {

using namespace parley;
using namespace std::chrono_literals;

constexpr Duration kPictureInterval{1'000'000 / 30};
/// Of the pictures of that time: a server that decodes may leave some out.
constexpr double kShareOfPictures = 0.5;

}  // namespace

Result<void> MediaTest::prepare(PeerConnection& connection) {
  auto audio = connection.add_transceiver(MediaKind::audio);
  if (!audio) return audio.error();
  // What can be decoded here.
  auto video = connection.add_transceiver(MediaKind::video, {.codecs = {"VP8"}});
  if (!video) return video.error();
  audio_ = *audio;
  video_ = *video;
  video_->on_frame([this](const VideoFrame& frame) { handle_picture(frame); });
  return {};
}

void MediaTest::handle_connected() {
  send_picture(driver().now());
  send_and_hear_sound(driver().now());
}

void MediaTest::send_picture(Timestamp due) {
  const auto sent =
      video_->send({.picture = draw_picture(next_number_), .capture_time = driver().now()});
  if (!sent && sent.error().code != Errc::queue_full)
    return finish("pictures cannot be sent: " + sent.error().to_string());
  ++next_number_;
  const Timestamp next = due + kPictureInterval;
  after(next - driver().now(), [this, next] { send_picture(next); });
}

void MediaTest::handle_picture(const VideoFrame& frame) {
  ++pictures_;
  const auto number = read_number(*frame.picture);
  if (!number || !serial_newer(next_number_, *number)) return;
  if (last_number_ && !serial_newer(*number, *last_number_)) return;
  last_number_ = number;
  ++pictures_marked_;
  if (frame.picture->width() == kPictureWidth && frame.picture->height() == kPictureHeight) {
    ++pictures_compared_;
    psnr_sum_ += luma_psnr(*draw_picture(*number), *frame.picture);
  }
  check_whether_done();
}

void MediaTest::send_and_hear_sound(Timestamp due) {
  AudioBlock block;
  tone_.fill(block.samples());
  if (auto sent = audio_->send(block.samples()); !sent)
    return finish("sound cannot be sent: " + sent.error().to_string());
  (void)audio_->read(block);
  if (detector_.handle_block(block.samples()).value_or(false)) ++windows_with_tone_;
  check_whether_done();
  const Timestamp next = due + 10ms;
  after(next - driver().now(), [this, next] { send_and_hear_sound(next); });
}

void MediaTest::check_whether_done() {
  const double seconds = to_seconds(options().length);
  if (pictures_marked_ < 30 * kShareOfPictures * seconds) return;
  if (windows_with_tone_ < 10 * seconds) return;
  const double psnr = pictures_compared_ > 0 ? psnr_sum_ / pictures_compared_ : 99;
  if (psnr >= options().min_psnr_db) return finish({});
  char text[96];
  std::snprintf(text, sizeof text, "the pictures came back with a PSNR of %.1f dB", psnr);
  finish(text);
}

std::string MediaTest::progress() const {
  char text[160];
  std::snprintf(text, sizeof text,
                "%d pictures came back, %d of them with their number, and %.1f s of the tone",
                pictures_, pictures_marked_, windows_with_tone_ / 10.0);
  return text;
}

std::string MediaTest::measured() const {
  char text[64];
  std::snprintf(text, sizeof text, ", PSNR %.1f dB",
                pictures_compared_ > 0 ? psnr_sum_ / pictures_compared_ : 0);
  return progress() + (pictures_compared_ > 0 ? text : "");
}

}  // namespace echo_client
