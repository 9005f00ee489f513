// What is published under a name, and who watches it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "echo_server/forwarding.hpp"
#include "parley/base/media.hpp"

namespace echo_server {

/// What a publisher sends, in one codec each. Empty without such media.
struct Content {
  std::string video_codec;  ///< "VP8"
  std::string audio_codec;  ///< "OPUS"
};

/// Who watches a stream.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// Another publisher begins: its times have nothing to do with those before.
  virtual void handle_publisher(const Content& content) = 0;
  /// `frame.capture_time` is set; one stream, whatever the publisher has.
  virtual void show(const parley::EncodedVideo& frame) = 0;
  virtual void play(const parley::EncodedAudio& packet, std::uint32_t rtp_timestamp) = 0;
};

/// Encoded media on their way from one publisher to any number of watchers. It
/// outlives both: a watcher waits for the next publisher. On the driver's sequence.
class Stream {
 public:
  /// False when somebody publishes already.
  bool begin(Content content, std::function<void()> want_key_frame);
  void end();
  /// Empty while nobody publishes.
  const std::optional<Content>& content() const { return content_; }

  void publish(const parley::EncodedVideo& frame, parley::Timestamp now);
  void publish(const parley::EncodedAudio& packet, std::uint32_t rtp_timestamp);

  void add(Watcher& watcher);
  void remove(Watcher& watcher);
  std::size_t watcher_count() const { return watchers_.size(); }
  /// A watcher cannot go on without a key frame.
  void want_key_frame();

 private:
  std::optional<Content> content_;
  std::function<void()> want_key_frame_;
  std::vector<Watcher*> watchers_;
  VideoClock clock_;
};

}  // namespace echo_server
