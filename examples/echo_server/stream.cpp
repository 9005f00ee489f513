#include "echo_server/stream.hpp"

#include <algorithm>
#include <utility>

namespace echo_server {

using namespace parley;

bool Stream::begin(Content content, std::function<void()> want_key_frame) {
  if (content_) return false;
  content_ = std::move(content);
  want_key_frame_ = std::move(want_key_frame);
  clock_ = {};
  for (Watcher* watcher : watchers_) watcher->handle_publisher(*content_);
  return true;
}

void Stream::end() {
  content_.reset();
  want_key_frame_ = nullptr;
}

void Stream::publish(const EncodedVideo& frame, Timestamp now) {
  if (watchers_.empty()) return;
  EncodedVideo placed = frame;
  placed.rid.clear();  // one stream for the watchers
  placed.capture_time = clock_.place(frame.rtp_timestamp, now);
  for (Watcher* watcher : watchers_) watcher->show(placed);
}

void Stream::publish(const EncodedAudio& packet, std::uint32_t rtp_timestamp) {
  for (Watcher* watcher : watchers_) watcher->play(packet, rtp_timestamp);
}

void Stream::add(Watcher& watcher) { watchers_.push_back(&watcher); }

void Stream::remove(Watcher& watcher) {
  watchers_.erase(std::remove(watchers_.begin(), watchers_.end(), &watcher), watchers_.end());
}

void Stream::want_key_frame() {
  if (want_key_frame_) want_key_frame_();
}

}  // namespace echo_server
