// A file in the place of a publisher.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "echo_server/ivf.hpp"
#include "echo_server/ogg_opus.hpp"
#include "echo_server/stream.hpp"
#include "parley/machine.hpp"

namespace echo_server {

/// What `--play` named.
struct Clips {
  std::optional<IvfClip> video;
  std::optional<OggOpusClip> audio;

  /// Errors: those of the readers; invalid_argument for two files of a kind.
  static parley::Result<Clips> read(const std::vector<std::filesystem::path>& files);
  bool empty() const { return !video && !audio; }
};

/// Plays clips into a stream of one watcher, from the first key frame that is wanted on and over
/// again at the end. A file cannot make a key frame when one is lost: it goes back to the last one.
/// Ends with the stream. On the driver's sequence; the driver outlives it.
class FilePlayer : public std::enable_shared_from_this<FilePlayer> {
 public:
  /// A stream of its own that plays `clips`.
  static std::shared_ptr<Stream> play(parley::Driver& driver, std::shared_ptr<const Clips> clips);

 private:
  FilePlayer(parley::Driver& driver, std::shared_ptr<const Clips> clips,
             const std::shared_ptr<Stream>& stream)
      : driver_(driver), clips_(std::move(clips)), stream_(stream) {}
  void handle_key_frame_request();
  void show_next(parley::Timestamp due);
  void play_next(parley::Timestamp due);

  parley::Driver& driver_;
  std::shared_ptr<const Clips> clips_;
  std::weak_ptr<Stream> stream_;
  bool playing_ = false;
  std::size_t next_frame_ = 0;
  std::size_t next_packet_ = 0;
  parley::Timestamp began_{};
  std::uint32_t samples_ = 0;
};

}  // namespace echo_server
