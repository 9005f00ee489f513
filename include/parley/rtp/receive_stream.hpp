// One RTP stream that we receive: where each packet belongs, what is missing, what is reported.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/media.hpp"
#include "parley/base/time.hpp"
#include "parley/machine.hpp"
#include "parley/rtp/nack.hpp"
#include "parley/rtp/packet.hpp"
#include "parley/rtp/rtcp.hpp"
#include "parley/rtp/rtx.hpp"

namespace parley::rtp {

/// What a packet is in the order of its stream.
enum class Arrival {
  in_order,   ///< the newest so far, perhaps after a gap; also the first
  late,       ///< fills a hole
  duplicate,  ///< was here before: drop it
  too_old,    ///< so far back that nobody waits for it: drop it
  suspect,    ///< a jump that may be a restart: drop it, the next packet decides
  restart,    ///< the sender began anew: reset jitter buffer and decoder, then use the packet
};
/// True for arrivals whose packet goes on to the jitter buffer.
constexpr bool is_usable(Arrival arrival) {
  return arrival == Arrival::in_order || arrival == Arrival::late || arrival == Arrival::restart;
}

/// Sequence validation, loss and jitter of one SSRC (RFC 3550 appendix A.1, A.3 and A.8), without
/// the probation of A.1: SRTP has authenticated the packets, so the first one counts. A jump of
/// kMaxDropout or more is believed when the next packet continues it.
class ReceptionStatistics {
 public:
  static constexpr int kMaxDropout = 3000;  ///< RFC 3550 appendix A.1
  /// RFC 3550 has 100, for 50 packets a second; a retransmission may be as far back as the list of
  /// missing packets is long, at a rate of thousands a second.
  static constexpr int kMaxMisorder = 2048;

  explicit ReceptionStatistics(int clock_rate) : clock_rate_(clock_rate) {}

  struct Placed {
    Arrival arrival;
    std::int64_t sequence;  ///< unwrapped; never goes back, not even over a restart
  };
  /// A packet sent by the stream itself: counts for loss; `timestamp` for jitter unless nullopt
  /// (packets without media).
  Placed handle_packet(Timestamp now, std::uint16_t sequence,
                       std::optional<std::uint32_t> timestamp);
  /// A packet of this stream that another stream brought back: placed and remembered, but the
  /// path did lose it (RFC 4588 section 5.1: reports are per stream), so nothing is counted.
  Placed handle_recovered(std::uint16_t sequence);
  /// The stream ended: the next packet starts over (and is a restart).
  void handle_bye();

  /// Expected minus received since the start; negative when packets were duplicated (A.3).
  std::int64_t packets_lost() const;
  /// Interarrival jitter in ticks of the RTP clock.
  std::uint32_t jitter() const { return jitter_q4_ >> 4; }
  Duration jitter_time() const;
  bool started() const { return started_; }
  std::uint64_t received() const { return received_; }
  std::int64_t newest_sequence() const { return highest_; }
  /// Loss fields of a report block, and begins the next interval of fraction lost.
  void fill_report_block(rtcp::ReportBlock& block);

 private:
  static constexpr std::size_t kWindow = 4096;  // of remembered packets; above kMaxMisorder
  void start(std::int64_t sequence);
  void advance_to(std::int64_t sequence);
  bool mark(std::int64_t sequence);
  void update_jitter(Timestamp now, std::uint32_t timestamp);
  std::int64_t unwrap(std::uint16_t sequence) const;

  int clock_rate_;
  bool started_ = false;
  bool ended_ = false;  ///< BYE came, or nothing yet
  std::int64_t base_ = 0;
  std::int64_t highest_ = 0;
  std::optional<std::uint16_t> bad_sequence_;  ///< what would confirm a restart
  std::bitset<kWindow> seen_;
  std::uint64_t received_ = 0;  ///< since base_, duplicates included (A.3)
  std::uint64_t expected_prior_ = 0;
  std::uint64_t received_prior_ = 0;
  std::uint32_t jitter_q4_ = 0;
  std::optional<std::uint32_t> transit_;  ///< of the last packet: arrival minus timestamp, in ticks
};

/// Sender reports give a line from RTP time to the sender's NTP time (RFC 3550 section 6.4.1). The
/// newest counts; the one before it tells whether the sender's clock jumped. Reports that were
/// overtaken on the way are ignored.
class SenderClock {
 public:
  explicit SenderClock(int clock_rate) : clock_rate_(clock_rate) {}
  void handle_sender_report(Timestamp now, const rtcp::SenderReport& report);
  void reset() { newest_.reset(); }
  /// The sender's NTP time of an RTP timestamp within half a circle of the newest report; nullopt
  /// without a report. Streams of one CNAME are lined up by it.
  std::optional<NtpTime> to_ntp(std::uint32_t rtp_timestamp) const;
  /// True when the last report moved NTP against RTP time by more than 100 ms: play-out should
  /// line up anew instead of slewing.
  bool jumped() const { return jumped_; }
  /// LSR and DLSR at `now`: both 0 without a report.
  void fill_report_block(Timestamp now, rtcp::ReportBlock& block) const;

 private:
  struct Point {
    NtpTime ntp;
    std::uint32_t rtp;
    Timestamp received;
  };
  int clock_rate_;
  std::optional<Point> newest_;
  bool jumped_ = false;
};

/// Counters of a receiver, named after the members of W3C webrtc-stats that they feed. Jitter and
/// packets_lost are asked of the stream.
struct ReceiveStats {
  std::uint64_t packets_received = 0;       ///< on the media SSRC, padding-only ones included
  std::uint64_t bytes_received = 0;         ///< payload bytes
  std::uint64_t header_bytes_received = 0;  ///< headers, extensions and padding
  std::uint64_t packets_discarded = 0;      ///< too old, suspect
  std::uint64_t packets_duplicated = 0;
  std::uint64_t padding_packets = 0;
  std::uint64_t retransmitted_packets_received = 0;  ///< by RTX
  std::uint64_t retransmitted_bytes_received = 0;
  std::uint64_t restarts = 0;
  std::uint64_t nack_count = 0;  ///< times poll_nack gave something: one message each
  std::uint64_t sender_reports = 0;
  std::uint64_t remote_packets_sent = 0;  ///< of the last SR (RTCRemoteOutboundRtpStreamStats)
  std::uint64_t remote_bytes_sent = 0;
  std::optional<NtpTime> remote_timestamp;
  std::optional<Timestamp> last_packet;
};

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

  /// Sequence numbers to ask for now; see NackTracker::poll.
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
