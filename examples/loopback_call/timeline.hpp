// The call second by second, from the statistics of both ends: what the live line shows and the
// report plots.
#pragma once

#include <optional>
#include <vector>

#include "parley/base/time.hpp"
#include "parley/stats.hpp"

namespace loopback_call {

/// One direction during one second. Values that are not known yet are empty.
struct DirectionSecond {
  std::optional<double> send_kbps;     ///< RTP with headers, audio and video, retransmissions too
  std::optional<double> receive_kbps;  ///< RTP with headers, audio and video
  std::optional<double> rtt_ms;        ///< as the sender sees it
  std::optional<double>
      loss_percent;  ///< of the packets that were due; retransmitted ones are lost
  std::optional<double> audio_delay_ms;         ///< mean time in the audio jitter buffer
  std::optional<double> audio_target_delay_ms;  ///< what it aimed at
  std::optional<double> video_delay_ms;         ///< mean time in the frame assembler
  std::optional<double> frames_per_second;      ///< decoded
  std::optional<double> psnr_db;                ///< mean of the frames shown
  std::int64_t frames_decoded = 0;              ///< since the call began
};

struct Second {
  double at_s = 0;  ///< when it ended, since the media began
  DirectionSecond a_to_b;
  DirectionSecond b_to_a;
};

/// What `kind` ("audio", "video") has in common for sender and receiver of one direction: the
/// objects of webrtc-stats, null when a report lacks them.
struct StreamStats {
  StreamStats(const parley::StatsReport& sender, const parley::StatsReport& receiver,
              std::string_view kind);
  const parley::StatsObject* outbound;
  const parley::StatsObject* remote_inbound;
  const parley::StatsObject* inbound;
};

/// A number of a statistics object; `fallback` when there is no object or no such number.
double number_of(const parley::StatsObject* object, std::string_view name, double fallback = 0);

/// The round-trip time in milliseconds: as RTCP measures it, before that as ICE does.
std::optional<double> round_trip_ms(const parley::StatsReport& report);

/// Turns cumulative statistics into seconds. A value.
class Timeline {
 public:
  /// `mean_psnr_*`: of the frames shown since the last call.
  const Second& add(double at_s, const parley::StatsReport& a, const parley::StatsReport& b,
                    std::optional<double> psnr_a_to_b, std::optional<double> psnr_b_to_a);
  const std::vector<Second>& seconds() const { return seconds_; }

 private:
  /// The cumulative numbers of one direction at the end of the last second.
  struct Totals {
    double sent_bytes = 0;
    double received_bytes = 0;
    double packets_received = 0;
    double packets_lost = 0;
    double audio_delay_s = 0;
    double audio_target_s = 0;
    double audio_emitted = 0;
    double video_delay_s = 0;
    double video_emitted = 0;
    double frames_decoded = 0;
  };
  static Totals totals(const parley::StatsReport& sender, const parley::StatsReport& receiver);
  static DirectionSecond difference(const Totals& before, const Totals& now, double seconds);

  Totals a_to_b_;
  Totals b_to_a_;
  std::vector<Second> seconds_;
};

}  // namespace loopback_call
