// What the viewer sees, in the terms of webrtc-stats: frame intervals, freezes, sizes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "parley/base/time.hpp"

namespace parley::peer {

/// Fed with the time each decoded frame is shown. A value.
class VideoPlayback {
 public:
  void on_shown(Timestamp at, int width, int height) {
    width_ = width;
    height_ = height;
    ++frames_decoded_;
    if (last_) {
      const Duration interval = at - *last_;
      // webrtc-stats, freezeCount: longer than three times the average, and than the average plus
      // 150 ms. The average is over the 30 intervals before.
      const Duration average = frames_ == 0 ? Duration{0} : average_;
      if (frames_ >= kMinIntervals && interval >= std::max(3 * average, average + 150ms)) {
        ++freeze_count_;
        total_freezes_duration_ += interval;
      }
      frames_ = std::min(frames_ + 1, 30);
      average_ += (interval - average_) / frames_;
      total_inter_frame_delay_ += to_seconds(interval);
      total_squared_inter_frame_delay_ += to_seconds(interval) * to_seconds(interval);
    }
    last_ = at;
  }
  void on_key_frame() { ++key_frames_decoded_; }
  void add_decode_time(Duration time) { total_decode_time_ += time; }
  void on_dropped() { ++frames_dropped_; }

  std::uint64_t frames_decoded() const { return frames_decoded_; }
  std::uint64_t key_frames_decoded() const { return key_frames_decoded_; }
  std::uint64_t frames_dropped() const { return frames_dropped_; }
  std::uint32_t freeze_count() const { return freeze_count_; }
  Duration total_freezes_duration() const { return total_freezes_duration_; }
  double total_inter_frame_delay() const { return total_inter_frame_delay_; }
  double total_squared_inter_frame_delay() const { return total_squared_inter_frame_delay_; }
  Duration total_decode_time() const { return total_decode_time_; }
  double frames_per_second() const { return average_.count() > 0 ? 1.0 / to_seconds(average_) : 0; }
  int width() const { return width_; }
  int height() const { return height_; }

 private:
  static constexpr int kMinIntervals = 5;  // ours: no average before that
  std::optional<Timestamp> last_;
  Duration average_{};
  int frames_ = 0;
  std::uint64_t frames_decoded_ = 0;
  std::uint64_t key_frames_decoded_ = 0;
  std::uint64_t frames_dropped_ = 0;
  std::uint32_t freeze_count_ = 0;
  Duration total_freezes_duration_{};
  double total_inter_frame_delay_ = 0;
  double total_squared_inter_frame_delay_ = 0;
  Duration total_decode_time_{};
  int width_ = 0;
  int height_ = 0;
};

}  // namespace parley::peer
