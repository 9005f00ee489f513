#include "echo_server/file_player.hpp"

#include <algorithm>
#include <utility>

namespace echo_server {
namespace {

using namespace parley;
using namespace std::chrono_literals;

constexpr std::int64_t kTicksPerSecond = 90'000;

Duration from_ticks(std::int64_t ticks) { return Duration{ticks * 1'000'000 / kTicksPerSecond}; }

/// From this frame to the one that is shown after it; at the end of the file the usual distance.
Duration distance_after(const IvfClip& clip, std::size_t frame) {
  constexpr Duration kShortest = 5ms;
  constexpr Duration kLongest = 10s;
  if (clip.frames.size() < 2) return 1s;
  const std::size_t at = std::min(frame, clip.frames.size() - 2);
  return std::clamp(from_ticks(clip.frames[at + 1].ticks - clip.frames[at].ticks), kShortest,
                    kLongest);
}

}  // namespace

Result<Clips> Clips::read(const std::vector<std::filesystem::path>& files) {
  Clips clips;
  for (const std::filesystem::path& file : files) {
    const bool is_video = file.extension() == ".ivf";
    if (is_video ? clips.video.has_value() : clips.audio.has_value())
      return Error{Errc::invalid_argument, file.string() + ": one file of a kind can be played"};
    if (is_video) {
      auto clip = IvfClip::read(file);
      if (!clip) return clip.error();
      clips.video = std::move(*clip);
    } else {
      auto clip = OggOpusClip::read(file);
      if (!clip) return clip.error();
      clips.audio = std::move(*clip);
    }
  }
  return clips;
}

std::shared_ptr<Stream> FilePlayer::play(Driver& driver, std::shared_ptr<const Clips> clips) {
  auto stream = std::make_shared<Stream>();
  const std::shared_ptr<FilePlayer> player{new FilePlayer{driver, clips, stream}};
  stream->begin({clips->video ? clips->video->codec : "", clips->audio ? "OPUS" : ""},
                [player] { player->handle_key_frame_request(); });
  return stream;
}

void FilePlayer::handle_key_frame_request() {
  if (playing_) {
    if (!clips_->video) return;
    const auto& frames = clips_->video->frames;
    while (next_frame_ > 0 && (next_frame_ == frames.size() || !frames[next_frame_].key_frame))
      --next_frame_;
    return;
  }
  // The watcher is there.
  playing_ = true;
  began_ = driver_.now();
  if (clips_->video) show_next(began_);
  if (clips_->audio) play_next(began_);
}

void FilePlayer::show_next(Timestamp due) {
  const auto stream = stream_.lock();
  if (!stream) return;
  const IvfClip& clip = *clips_->video;
  if (next_frame_ >= clip.frames.size()) next_frame_ = 0;
  const IvfClip::Frame& frame = clip.frames[next_frame_];
  const std::int64_t ticks = (due - began_).count() * 9 / 100;
  EncodedVideo picture{.data = frame.data,
                       .key_frame = frame.key_frame,
                       .rtp_timestamp = static_cast<std::uint32_t>(ticks)};
  if (frame.key_frame) {
    picture.width = clip.width;
    picture.height = clip.height;
  }
  const Timestamp next = due + distance_after(clip, next_frame_++);
  stream->publish(picture, driver_.now());
  driver_.post_at(next, [self = shared_from_this(), next] { self->show_next(next); });
}

void FilePlayer::play_next(Timestamp due) {
  const auto stream = stream_.lock();
  if (!stream) return;
  const auto& packets = clips_->audio->packets;
  const OggOpusClip::Packet& packet = packets[next_packet_];
  next_packet_ = (next_packet_ + 1) % packets.size();
  stream->publish(EncodedAudio{.data = packet.data, .samples_per_channel = packet.samples},
                  samples_);
  samples_ += static_cast<std::uint32_t>(packet.samples);
  const Timestamp next = due + Duration{packet.samples * std::int64_t{1'000'000} / 48'000};
  driver_.post_at(next, [self = shared_from_this(), next] { self->play_next(next); });
}

}  // namespace echo_server
