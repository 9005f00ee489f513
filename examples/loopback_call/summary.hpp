// What the call came to, and whether that is good enough.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loopback_call/options.hpp"
#include "loopback_call/recorder.hpp"
#include "parley/stats.hpp"

namespace loopback_call {

/// One direction over the whole call. The names follow webrtc-stats; what has no value was never
/// measured (no frame came, nothing was said).
struct DirectionSummary {
  struct Video {
    std::int64_t frames_captured = 0;  ///< handed to the sender
    std::int64_t frames_sent = 0;
    std::int64_t frames_decoded = 0;
    std::int64_t frames_dropped = 0;    ///< by the receiver
    std::int64_t frames_unmatched = 0;  ///< shown, but what was sent for them was not at hand
    std::optional<double> psnr_mean_db;
    std::optional<double> psnr_min_db;
    int freeze_count = 0;
    double freezes_ms = 0;
    std::int64_t key_frames_decoded = 0;
    std::int64_t nack_count = 0;
    std::int64_t pli_count = 0;
    std::int64_t packets_lost = 0;
    std::int64_t packets_retransmitted = 0;
    double target_kbps = 0;
  } video;
  struct Audio {
    double concealed_ratio = 0;
    double jitter_buffer_ms = 0;
    std::int64_t packets_received = 0;
    std::int64_t packets_lost = 0;
    std::int64_t fec_packets_received = 0;
    std::optional<double> snr_db;
    std::optional<double> mouth_to_ear_ms;
  } audio;
  double send_kbps = 0;     ///< mean
  double receive_kbps = 0;  ///< mean
  std::optional<double> first_frame_ms;
};

struct Summary {
  double seconds = 0;  ///< of media
  std::optional<double> setup_ms;
  std::optional<double> first_frame_ms;  ///< until both ends had one
  std::string srtp_profile;
  std::string dtls_version;
  std::string dtls_cipher;
  DirectionSummary a_to_b;
  DirectionSummary b_to_a;
};

/// The last statistics of sender and receiver and what the receiver recorded, in one.
DirectionSummary summarise_direction(const parley::StatsReport& sender,
                                     const parley::StatsReport& receiver, const Recorder& recorder,
                                     std::int64_t frames_captured, double seconds);

/// Names of the transport's security from its statistics: srtp_profile, dtls_version, dtls_cipher.
void add_security(Summary& summary, const parley::StatsReport& report);

/// Everything that is not as it must be, one sentence each; empty when the call was good.
std::vector<std::string> find_faults(const Summary& summary, const QualityFloor& floor);

}  // namespace loopback_call
