// Received media of one peer as files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "echo_server/forwarding.hpp"
#include "parley/base/media.hpp"
#include "parley/machine.hpp"

namespace echo_server {

/// Writes ID-MID.ivf (VP8, VP9, AV1), ID-MID.h264 (annex B) and ID-MID.ogg (Opus) into a folder,
/// still encoded; other codecs are not recorded. The disk is met on the driver's workers. On the
/// driver's sequence.
class Recorder {
 public:
  /// Frames of one track that wait for the disk; further ones are left out until the next key
  /// frame.
  static constexpr int kMaxWaiting = 300;

  Recorder(parley::Driver& driver, std::filesystem::path folder, std::string id);
  ~Recorder();

  void handle(const std::string& mid, const parley::EncodedVideo& frame);
  void handle(const std::string& mid, const parley::EncodedAudio& packet,
              std::uint32_t rtp_timestamp);

 private:
  class VideoTrack;
  class AudioTrack;
  std::filesystem::path path_of(const std::string& track) const;

  parley::Driver& driver_;
  std::filesystem::path folder_;
  std::string id_;
  std::map<std::string, std::shared_ptr<VideoTrack>> video_;
  std::map<std::string, std::shared_ptr<AudioTrack>> audio_;
};

}  // namespace echo_server
