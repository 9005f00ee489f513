#include "echo_server/echo_peer.hpp"

#include <memory>

#include "echo_server/data_echo.hpp"
#include "echo_server/forwarding.hpp"

namespace echo_server {
namespace {

using namespace parley;
using namespace std::chrono_literals;

void record(Transceiver transceiver, Recorder* recorder) {
  if (recorder == nullptr) return;
  if (transceiver.kind() == MediaKind::video) {
    transceiver.on_encoded_frame([transceiver, recorder](const EncodedVideo& frame) {
      recorder->handle(transceiver.mid(), frame);
    });
  } else {
    transceiver.on_encoded_audio(
        [transceiver, recorder](const EncodedAudio& packet, std::uint32_t at) {
          recorder->handle(transceiver.mid(), packet, at);
        });
  }
}

void echo_video(Driver& driver, Transceiver transceiver, Recorder* recorder) {
  const auto layers = std::make_shared<LayerChoice>();
  transceiver.on_encoded_frame([&driver, transceiver, recorder, clock = VideoClock{},
                                layers](const EncodedVideo& frame) mutable {
    if (recorder != nullptr) recorder->handle(transceiver.mid(), frame);
    const Timestamp now = driver.now();
    const auto verdict = layers->judge(frame, now);
    if (verdict == LayerChoice::Verdict::want_key_frame)
      (void)transceiver.request_key_frame(frame.rid).has_value();
    if (verdict != LayerChoice::Verdict::pass) return;
    EncodedVideo copy = frame;
    copy.rid.clear();
    copy.capture_time = clock.place(frame.rtp_timestamp, now);
    (void)transceiver.send_encoded(copy).has_value();
  });
  // The peer misses a key frame of its own picture: only it can make one.
  transceiver.on_key_frame_request([transceiver, layers]() mutable {
    (void)transceiver.request_key_frame(layers->current()).has_value();
  });
}

void echo_audio(Transceiver transceiver, Recorder* recorder) {
  transceiver.on_encoded_audio([transceiver, recorder, gaps = AudioGaps{}](
                                   const EncodedAudio& packet, std::uint32_t at) mutable {
    if (recorder != nullptr) recorder->handle(transceiver.mid(), packet, at);
    const auto gap = gaps.before(packet, at);
    if (gap) (void)transceiver.send_encoded(packet, *gap).has_value();
  });
}

}  // namespace

Result<void> EchoPeer::prepare() {
  for (Transceiver& transceiver : connection().transceivers()) {
    if (transceiver.stopped() || !adopted_.insert(transceiver.id()).second) continue;
    // The answer is what both sides want: a peer that only sends gets nothing back.
    if (auto set = transceiver.set_direction(Direction::sendrecv); !set) return set;
    // One stream with all of it: pages show the stream that `ontrack` brings.
    if (auto set = transceiver.set_streams({id()}); !set) return set;
    if (setting().transcode) {
      echo_decoded(transceiver);
    } else {
      echo_encoded(transceiver);
    }
  }
  return {};
}

void EchoPeer::echo_encoded(Transceiver transceiver) {
  if (transceiver.kind() == MediaKind::video) {
    echo_video(driver(), transceiver, recorder());
  } else {
    echo_audio(transceiver, recorder());
  }
}

void EchoPeer::echo_decoded(Transceiver transceiver) {
  // What parley decodes; a peer without VP8 gets its frames back as they are.
  const bool is_video = transceiver.kind() == MediaKind::video;
  if (is_video && !transceiver.set_codec_preferences({"VP8"})) return echo_encoded(transceiver);
  record(transceiver, recorder());
  if (!is_video) return speak(transceiver, driver().now());
  transceiver.on_frame([this, transceiver](const VideoFrame& frame) mutable {
    VideoFrame copy = frame;
    copy.capture_time = driver().now();
    (void)transceiver.send(copy).has_value();
  });
}

void EchoPeer::speak(Transceiver transceiver, Timestamp due) {
  AudioBlock block;
  (void)transceiver.read(block);
  (void)transceiver.send(block.samples()).has_value();
  driver().post_at(due + 10ms, [weak = weak_from_this(), transceiver, due] {
    const auto self = std::static_pointer_cast<EchoPeer>(weak.lock());
    if (self && !transceiver.stopped()) self->speak(transceiver, due + 10ms);
  });
}

void EchoPeer::handle_connected() {
  // Whatever the peer sent before the keys were there is lost.
  for (Transceiver& transceiver : connection().transceivers()) {
    if (transceiver.kind() == MediaKind::video) (void)transceiver.request_key_frame().has_value();
  }
}

void EchoPeer::handle_data_channel(const DataChannel& channel) { DataEcho::attach(channel); }

}  // namespace echo_server
