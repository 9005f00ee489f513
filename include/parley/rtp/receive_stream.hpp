// One RTP stream that we receive: where each packet belongs, what is missing, what is reported.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/media.hpp"
#include "parley/base/time.hpp"
#include "parley/machine.hpp"
#include "parley/rtp/nack.hpp"
#include "parley/rtp/packet.hpp"
#include "parley/rtp/reception.hpp"
#include "parley/rtp/rtcp.hpp"
#include "parley/rtp/rtx.hpp"
#include "parley/rtp/stream_stats.hpp"

namespace parley::rtp {

/// What became of a packet.
struct Received {
  Arrival arrival = Arrival::too_old;
  Origin origin = Origin::media;
  std::int64_t sequence = 0;  ///< unwrapped, in the media stream
  /// The media packet to hand on; nullopt when it is not usable or carries only padding (whose
  /// sequence number is known to be no loss: tell the jitter buffer).
  std::optional<PacketView> packet;
};

/// One received SSRC, with the retransmission SSRC that repairs it.
///
/// The owner routes packets here by SSRC after SRTP has authenticated them. Holds no payload:
/// what is usable is handed on in the return value. Bounded by construction.
/// RFC 3550, 4588, 4585. Owned by the session, on its sequence.
class ReceiveStream {
 public:
  struct Config {
    MediaKind kind = MediaKind::video;
    Ssrc ssrc{};
    std::optional<Ssrc> rtx_ssrc;
    int clock_rate = 90'000;  ///< Hz
    /// `apt` of each negotiated retransmission payload type (RFC 4588 section 8.1).
    struct Rtx {
      PayloadType payload_type;
      PayloadType original;
    };
    std::vector<Rtx> rtx;
    std::optional<NackTracker::Config> nack;  ///< nullopt: losses are not asked for
  };

  explicit ReceiveStream(Config config);

  /// A packet with the media SSRC.
  Received handle_packet(Timestamp now, const PacketView& packet);
  /// A packet with the retransmission SSRC; becomes the original in place. Of a padding-only probe
  /// only the statistics remain (arrival too_old).
  Received handle_retransmission(Timestamp now, MutableBytes packet);
  /// What was negotiated since: the payload types of `Config::rtx`.
  void set_rtx_payload_types(std::vector<Config::Rtx> rtx) { config_.rtx = std::move(rtx); }
  /// The retransmission SSRC became known (first packet with a repaired rid, or SDP). Ignored when
  /// it is the media SSRC: a stream does not repair itself.
  void set_rtx_ssrc(Ssrc ssrc);

  /// SR of the media or the retransmission SSRC; others are ignored. Blocks are not read.
  void handle_sender_report(Timestamp now, const rtcp::SenderReport& report);
  /// BYE of the media SSRC: what comes after it is a new stream.
  void handle_bye();
  void handle_key_frame(std::int64_t first_sequence);
  void set_rtt(Duration rtt);

  /// Appends a report block for the media SSRC, and one for the retransmission SSRC, of those that
  /// received packets since the last report (RFC 3550 section 6.4). Begins their next interval.
  void build_report_blocks(Timestamp now, std::vector<rtcp::ReportBlock>& out);

  /// Sequence numbers that are due to be asked for; see NackTracker::poll.
  std::size_t poll_nack(Timestamp now, std::span<std::uint16_t> out);
  bool take_key_frame_needed();
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;

  /// The sender's NTP time of a timestamp of this stream.
  std::optional<NtpTime> to_ntp(std::uint32_t rtp_timestamp) const {
    return clock_.to_ntp(rtp_timestamp);
  }
  const SenderClock& sender_clock() const { return clock_; }
  const ReceptionStatistics& reception() const { return media_; }
  std::int64_t packets_lost() const { return media_.packets_lost(); }
  Duration jitter() const { return media_.jitter_time(); }
  const ReceiveStats& stats() const { return stats_; }
  /// Null when losses are not asked for.
  const NackTracker* nack() const { return nack_ ? &*nack_ : nullptr; }
  Ssrc ssrc() const { return config_.ssrc; }
  std::optional<Ssrc> rtx_ssrc() const { return config_.rtx_ssrc; }

 private:
  Received finish(Timestamp now, ReceptionStatistics::Placed placed, Origin origin,
                  const PacketView& packet);
  Config config_;
  ReceptionStatistics media_;
  ReceptionStatistics rtx_;
  SenderClock clock_;
  SenderClock rtx_clock_;
  std::optional<NackTracker> nack_;
  std::uint64_t reported_media_ = 0;  ///< packets received when last reported
  std::uint64_t reported_rtx_ = 0;
  ReceiveStats stats_;
};
static_assert(TimedCore<ReceiveStream>);

}  // namespace parley::rtp
