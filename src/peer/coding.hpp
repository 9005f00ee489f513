// The codecs of one transceiver: raw media in and out, coded on the driver's workers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/config.hpp"
#include "parley/machine.hpp"
#include "peer/video_playback.hpp"

namespace parley::peer {

/// Counters of a sender's codec (W3C RTCOutboundRtpStreamStats).
struct EncodingStats {
  std::uint64_t frames_encoded = 0;
  std::uint64_t key_frames_encoded = 0;
  std::uint64_t frames_skipped = 0;  ///< the encoder was busy, or dropped them for its rate
  std::uint64_t errors = 0;
  int width = 0;
  int height = 0;
};

/// Encodes pictures on one lane of the driver. Jobs share the encoder and nothing else, so the
/// object may go while one runs.
class VideoEncoding {
 public:
  /// Pictures in the works at most; more would only add delay.
  static constexpr int kMaxPending = 2;
  using Done = std::function<void(EncodedVideo)>;

  VideoEncoding(Driver& driver, const VideoConfig& config);

  /// `done` runs on the sequence when the picture is encoded, never inside the call. The picture is
  /// made smaller by `scale`, 1 or more, on the lane.
  void encode(const VideoFrame& frame, double scale, Done done);
  /// Whether a picture captured then keeps to a frame rate, if there is a limit; it counts as
  /// taken.
  bool admits(Timestamp capture_time, std::optional<int> max_frame_rate);
  void set_rate(DataRate rate) { rate_ = rate; }
  void request_key_frame() { key_frame_wanted_ = true; }
  const EncodingStats& stats() const { return shared_->stats; }

 private:
  struct Shared {
    std::unique_ptr<VideoEncoder> encoder;  // touched by the lane only
    DataRate encoder_rate;                  // likewise
    int pending = 0;                        // touched by the sequence only, as all below
    EncodingStats stats;
  };
  Driver& driver_;
  VideoConfig config_;
  DataRate rate_;
  bool key_frame_wanted_ = false;
  Timestamp next_admitted_ = Timestamp::min();
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// Decodes pictures on one lane and shows each at its time.
class VideoDecoding {
 public:
  /// Frames in the works at most. A decoder that falls further behind starts again at a key frame.
  static constexpr int kMaxPending = 60;
  /// Decoded frames that wait for their time, at most; the oldest are shown early.
  static constexpr std::size_t kMaxWaiting = 16;
  enum class Refused { no, yes };
  /// Told on the sequence: `yes` when the decoder refused the frame.
  using Done = std::function<void(Refused)>;

  explicit VideoDecoding(Driver& driver);

  void decode(EncodedVideo frame, Timestamp render_at, Done done);
  /// The next picture whose time has come.
  std::optional<VideoFrame> take_due(Timestamp now);
  Timestamp next_due() const;
  const VideoPlayback& playback() const { return shared_->playback; }

 private:
  struct Waiting {
    Timestamp at;
    VideoFrame frame;
  };
  struct Shared {
    std::unique_ptr<VideoDecoder> decoder;  // touched by the lane only
    int pending = 0;                        // touched by the sequence only, as all below
    std::deque<Waiting> waiting;
    VideoPlayback playback;
  };
  Driver& driver_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// Cuts PCM into packets and encodes them on one lane.
class AudioEncoding {
 public:
  /// Packets in the works at most: half a second. Beyond it sound is dropped, and counted.
  static constexpr int kMaxPending = 25;
  struct Packet {
    EncodedAudio audio;
    std::uint32_t media_ticks = 0;
    Timestamp capture_time{};
    bool begins_talk = false;  ///< first after a pause
  };
  using Done = std::function<void(Packet)>;

  AudioEncoding(Driver& driver, const AudioConfig& config);

  /// The place of the next sample on the sender's 48 kHz count.
  std::uint32_t position() const { return position_; }
  /// Takes interleaved PCM; `done` runs on the sequence for every packet that becomes complete.
  void push(std::span<const std::int16_t> pcm, const Done& done);
  /// Sound of so many values passes unheard; the next packet begins talk.
  void skip(std::size_t values);
  void set_expected_loss(double fraction) { expected_loss_ = fraction; }
  int channels() const { return config_.channels; }
  const EncodingStats& stats() const { return shared_->stats; }

 private:
  struct Shared {
    std::unique_ptr<AudioEncoder> encoder;  // touched by the lane only
    double encoder_loss = -1;               // likewise
    int pending = 0;                        // touched by the sequence only, as all below
    bool paused = true;
    EncodingStats stats;
  };
  void encode(std::vector<std::int16_t> pcm, std::uint32_t ticks, const Done& done);

  Driver& driver_;
  AudioConfig config_;
  double expected_loss_ = 0.05;
  std::size_t samples_per_packet_;
  std::vector<std::int16_t> partial_;
  std::uint32_t position_ = 0;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// The level of PCM as RFC 6464 has it: 0 (overload) to 127 (silence) in -dBov.
std::uint8_t audio_level(std::span<const std::int16_t> pcm);

}  // namespace parley::peer
