// What one end received: written to files as it comes, and compared with what was sent.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "loopback_call/media_source.hpp"
#include "loopback_call/quality.hpp"
#include "loopback_call/wav.hpp"
#include "loopback_call/y4m.hpp"
#include "parley/base/media.hpp"
#include "parley/base/result.hpp"
#include "parley/machine.hpp"

namespace loopback_call {

struct RecorderConfig {
  std::filesystem::path wav;
  std::filesystem::path y4m;
  Y4mFormat format;                  ///< Of what the other end sends.
  parley::Duration length{};         ///< Of the call: tells when to keep pictures for the report.
  std::int64_t first_sample{};       ///< The other end's first sample of speech, said at `begin`.
  parley::Duration longest_delay{};  ///< That sound may take from one end to the other.
};

/// A frame that was shown, and how near it is to what was sent.
struct ShownFrame {
  double at_s = 0;
  double psnr_db = 0;
};

/// A frame kept for the report beside the frame that was sent.
struct Snapshot {
  double at_s = 0;
  double psnr_db = 0;
  std::shared_ptr<const parley::I420Buffer> sent;
  std::shared_ptr<const parley::I420Buffer> received;
};

/// Records one direction of the call. Lives on the driver's sequence; comparing and writing run in
/// a lane of their own. Pictures under way are bounded: of what was sent the last 3 s are kept, of
/// what was received at most 64 frames wait for the disk (more are counted, not recorded).
class Recorder {
 public:
  /// Creates the files. `driver` and `speech` outlive the recorder. Errors: io.
  static parley::Result<std::unique_ptr<Recorder>> create(parley::Driver& driver,
                                                          const SpeechSource& speech,
                                                          RecorderConfig config);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// The media begin at `start`: zero of all times in the results. Before anything else.
  void begin(parley::Timestamp start) { start_ = start; }
  /// The other end sent `picture` under this RTP timestamp.
  void handle_sent(std::uint32_t rtp_timestamp, std::shared_ptr<const parley::I420Buffer> picture);
  /// A decoded frame came out at this end.
  void handle_frame(const parley::VideoFrame& frame, parley::Timestamp now);
  /// 10 ms of sound were played at this end.
  void handle_audio(const parley::AudioBlock& block);
  /// True when no work is under way: results are complete.
  bool idle() const { return pending_ == 0; }
  /// The call was over at `end`: closes the files, once idle. Errors: io.
  parley::Result<void> finish(parley::Timestamp end);

  int frames() const { return frames_; }
  /// When the first decoded frame came.
  std::optional<parley::Timestamp> first_frame() const { return first_frame_; }
  const std::vector<ShownFrame>& shown() const { return shown_; }
  const std::vector<Snapshot>& snapshots() const { return snapshots_; }
  /// Frames whose sent original was not at hand, or that had another size.
  int unmatched() const { return unmatched_; }
  /// Frames that were not written or compared because the disk was too slow.
  int skipped() const { return skipped_; }
  const FreezeMeter& freezes() const { return freezes_; }
  const SpeechMeter& speech() const { return speech_; }
  std::optional<double> mean_psnr_db() const;
  std::optional<double> least_psnr_db() const;

 private:
  Recorder(parley::Driver& driver, const SpeechSource& speech, RecorderConfig config, WavWriter wav,
           Y4mWriter y4m);
  void offload(std::function<void()> work, std::function<void()> done);
  std::shared_ptr<const parley::I420Buffer> find_sent(std::uint32_t rtp_timestamp) const;
  void handle_compared(ShownFrame shown, Snapshot pair);

  struct Sent {
    std::uint32_t rtp_timestamp;
    std::shared_ptr<const parley::I420Buffer> picture;
  };
  parley::Driver& driver_;
  RecorderConfig config_;
  // Touched in the lane only, until idle.
  WavWriter wav_;
  Y4mWriter y4m_;
  SpeechMeter speech_;
  // Touched on the sequence only.
  parley::Timestamp start_{};
  std::deque<Sent> sent_;
  std::vector<std::int16_t> piece_;
  int pending_ = 0;
  int frames_ = 0;
  int unmatched_ = 0;
  int skipped_ = 0;
  std::optional<parley::Timestamp> first_frame_;
  FreezeMeter freezes_;
  std::vector<ShownFrame> shown_;
  std::vector<Snapshot> snapshots_;
};

}  // namespace loopback_call
