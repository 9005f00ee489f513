// What the headers of a received stream tell: the place of each packet, loss, jitter, and the
// sender's clock.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

#include "parley/base/time.hpp"
#include "parley/rtp/rtcp.hpp"

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
  /// path did lose it (RFC 4588 section 6.2: reports are per stream), so nothing is counted.
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

}  // namespace parley::rtp
