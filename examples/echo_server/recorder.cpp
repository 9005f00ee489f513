#include "echo_server/recorder.hpp"

#include <cctype>
#include <optional>
#include <utility>

#include "echo_server/codec_of.hpp"
#include "echo_server/ivf.hpp"
#include "echo_server/ogg_opus.hpp"
#include "parley/base/sequence.hpp"

namespace echo_server {

using namespace parley;

/// One file, begun by the first key frame. `write` runs on a worker, one call at a time; `waiting`
/// and `skipping` belong to the sequence.
class Recorder::VideoTrack {
 public:
  explicit VideoTrack(std::filesystem::path path) : path_(std::move(path)) {}

  void write(const EncodedVideo& frame, const std::string& codec) {
    if (failed_) return;
    if (codec_.empty() && !begin(frame, codec)) return;
    if (codec != codec_) return;  // another codec would be another file
    const std::int64_t ticks = unwrapper_.unwrap(frame.rtp_timestamp);
    if (!first_) first_ = ticks;
    if (ivf_ && codec_ == "AV1") {
      write_temporal_unit(frame.data, ticks - *first_);
    } else if (ivf_) {
      ivf_->write(frame.data, ticks - *first_);
    }
    if (annex_b_) std::fwrite(frame.data.data(), 1, frame.data.size(), annex_b_.get());
  }

  int waiting = 0;
  bool skipping = false;

 private:
  bool begin(const EncodedVideo& frame, const std::string& codec) {
    if (!frame.key_frame) return false;
    codec_ = codec;
    if (codec == "H264") {
      annex_b_.reset(std::fopen((path_.string() + ".h264").c_str(), "wb"));
      failed_ = annex_b_ == nullptr;
      return !failed_;
    }
    auto ivf = IvfWriter::create(path_.string() + ".ivf", codec, frame.width, frame.height);
    failed_ = !ivf.has_value();
    if (ivf) ivf_ = std::move(*ivf);
    return !failed_;
  }

  /// Temporal delimiters are not sent (AV1 RTP payload specification section 5), but belong into
  /// files (AV1 section 7.5).
  void write_temporal_unit(Bytes frame, std::int64_t ticks) {
    std::vector<std::uint8_t> unit{0x12, 0x00};
    unit.insert(unit.end(), frame.begin(), frame.end());
    ivf_->write(unit, ticks);
  }

  std::filesystem::path path_;
  std::string codec_;
  std::optional<IvfWriter> ivf_;
  File annex_b_;
  TimestampUnwrapper unwrapper_;
  std::optional<std::int64_t> first_;
  bool failed_ = false;
};

class Recorder::AudioTrack {
 public:
  explicit AudioTrack(std::filesystem::path path) : path_(std::move(path)) {}

  void write(const EncodedAudio& packet, std::uint32_t gap) {
    if (failed_) return;
    if (!ogg_) {
      auto made = OggOpusWriter::create(path_.string() + ".ogg");
      failed_ = !made.has_value();
      if (failed_) return;
      ogg_ = std::move(*made);
    }
    ogg_->write(packet.data, gap);
  }

  AudioGaps gaps;  ///< of the sequence
  int waiting = 0;

 private:
  std::filesystem::path path_;
  std::optional<OggOpusWriter> ogg_;
  bool failed_ = false;
};

Recorder::Recorder(Driver& driver, std::filesystem::path folder, std::string id)
    : driver_(driver), folder_(std::move(folder)), id_(std::move(id)) {}

Recorder::~Recorder() = default;

std::filesystem::path Recorder::path_of(const std::string& track) const {
  // The mid is the peer's word: nothing of it may lead out of the folder.
  std::string name = id_ + '-';
  for (const char c : track.substr(0, 32))
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return folder_ / name;
}

void Recorder::handle(const std::string& mid, const EncodedVideo& frame) {
  const std::string name = frame.rid.empty() ? mid : mid + '_' + frame.rid;
  auto& track = video_[name];
  if (!track) track = std::make_shared<VideoTrack>(path_of(name));
  if (frame.key_frame) track->skipping = false;
  if (track->waiting >= kMaxWaiting) track->skipping = true;
  if (track->skipping) return;
  ++track->waiting;
  driver_.offload(
      track.get(), [track = track, frame, codec = codec_of(frame)] { track->write(frame, codec); },
      [track = track] { --track->waiting; });
}

void Recorder::handle(const std::string& mid, const EncodedAudio& packet,
                      std::uint32_t rtp_timestamp) {
  if (codec_of(packet) != "OPUS") return;
  auto& track = audio_[mid];
  if (!track) track = std::make_shared<AudioTrack>(path_of(mid));
  if (track->waiting >= kMaxWaiting) return;
  const auto gap = track->gaps.before(packet, rtp_timestamp);
  if (!gap) return;
  ++track->waiting;
  driver_.offload(
      track.get(), [track = track, packet, gap = *gap] { track->write(packet, gap); },
      [track = track] { --track->waiting; });
}

}  // namespace echo_server
