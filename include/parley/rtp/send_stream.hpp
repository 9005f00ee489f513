// One RTP stream that we send: frames in, packets out, kept for retransmission, with its reports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/machine.hpp"
#include "parley/rtp/extensions.hpp"
#include "parley/rtp/packet_history.hpp"
#include "parley/rtp/payload_format.hpp"
#include "parley/rtp/rtcp.hpp"
#include "parley/rtp/rtx.hpp"
#include "parley/rtp/stream_stats.hpp"

namespace parley::rtp {

/// What a SendStream can write next. The session picks the order: audio media first, then
/// retransmissions, then video media.
enum class PacketClass { media, retransmission };

/// What waits in one class.
struct QueueDepth {
  std::size_t packets = 0;
  std::size_t bytes = 0;      ///< payload bytes of media, whole packets of retransmissions
  Timestamp oldest = kNever;  ///< when the packet at the head was queued
};

/// A packet written into the caller's storage, not yet protected.
struct WrittenPacket {
  MutableBytes bytes;  ///< a view of the storage
  Ssrc ssrc{};         ///< whose SRTP context protects it
  std::uint16_t sequence_number = 0;
  PacketClass which = PacketClass::media;
  Timestamp queued{};       ///< when it entered the queue: its age is the pacer's delay
  bool ends_frame = false;  ///< last packet of its frame
  /// True when the transport-wide sequence number handed in is in the packet. A plain
  /// retransmission keeps the number of its first sending (see SendStream) and consumes none.
  bool consumed_transport_sequence = false;
  bool is_repeat = false;  ///< the very bytes of an earlier packet
};

/// One sent SSRC and, when negotiated, its retransmission SSRC (RFC 3550, 4588, 4585, 5104).
///
/// Frames are queued whole and turned into packets one at a time by `write_next`: header,
/// extensions and payload go straight into the caller's storage, and a copy into a history of
/// fixed size. Pacing is the caller's business.
///
/// Retransmission. With RTX (RFC 4588) every retransmission is a new packet of its own SSRC.
/// Without, the very bytes of the first sending are given out again, send time and transport
/// sequence number included: SRTP then derives the same nonce for the same header and plaintext, so
/// the ciphertext is the one already sent and nothing is disclosed. Changing one byte would reuse a
/// GCM nonce. `WrittenPacket::is_repeat` tells the SRTP sender of it.
///
/// The identification extensions (mid, rid) are in every packet until a report block shows that the
/// other side knows the SSRC (RFC 9143 section 15, RFC 7941 section 4.2.3).
///
/// Limits: queue by packets, bytes and frames (a frame that does not fit is refused whole), history
/// by count, bytes and age, retransmissions by one per packet and round trip and by a rate.
/// No allocation per packet. Owned by the session, on its sequence.
class SendStream {
 public:
  struct Config {
    MediaKind kind = MediaKind::video;
    Ssrc ssrc{};
    std::optional<Ssrc> rtx_ssrc;  ///< with `rtx_payload_type`, or neither
    PayloadType payload_type{};
    std::optional<PayloadType> rtx_payload_type;
    int clock_rate = 90'000;  ///< Hz
    ExtensionMap extensions;
    std::string mid;  ///< empty: not sent
    std::string rid;  ///< empty: not sent
    NtpMapping ntp;   ///< of the session, for sender reports and send times
    std::optional<PlayoutDelay> playout_delay;
    /// Where timestamps begin; random when empty. Simulcast streams of one source share it.
    std::optional<std::uint32_t> timestamp_offset;

    std::size_t max_packet_size = 1200;  ///< RTP header to last payload byte, before SRTP
    std::size_t max_queued_frames = 64;
    std::size_t max_queued_packets = 2000;
    std::size_t max_queued_bytes = 2'000'000;
    PacketHistory::Config history;  ///< set max_packets to 0 for a stream without NACK
    DataRate retransmission_rate = DataRate::kilobits_per_second(1000);
    Duration initial_rtt = 100ms;
    Duration min_key_frame_interval = 300ms;  ///< between two requests handed to the encoder
  };

  /// `random` gives the first sequence numbers (below 2^15, so that a lost beginning cannot hide a
  /// wrap from SRTP: RFC 3711 section 3.3.1) and the timestamp offset; it is not kept.
  SendStream(Config config, Random& random);

  // --- frames in

  /// Queues an encoded picture. Its RTP timestamp is made from `frame.capture_time`. Errors:
  /// queue_full (counted; ask the encoder for a key frame), malformed (the packetizer made
  /// nothing).
  Result<void> enqueue(Timestamp now, EncodedVideo frame, VideoPacketizer& packetizer);
  /// Queues one audio packet. `media_ticks` is its place on the caller's media clock (Config's
  /// clock_rate, from any zero, may wrap). `marker` begins a talk spurt (RFC 3551 section 4.1).
  /// Errors: queue_full (counted), too_large, malformed (empty).
  Result<void> enqueue(Timestamp now, EncodedAudio frame, std::uint32_t media_ticks,
                       Timestamp capture_time, bool marker = false);
  /// The RTP timestamp of a picture captured then. Pictures whose capture times grow by at least a
  /// tick carry exactly this.
  std::uint32_t rtp_timestamp(Timestamp capture_time) const;
  /// The RTP timestamp of a place on the audio clock.
  std::uint32_t rtp_timestamp(std::uint32_t media_ticks) const;
  /// Forgets every queued frame, half-sent ones too (the track was muted or replaced).
  void clear_queue();

  // --- packets out

  QueueDepth queued(PacketClass which) const;
  /// Size of what `write_next` would write with a transport sequence number, before SRTP: exact for
  /// media; for retransmissions an upper bound for the one at the head (it may turn out forgotten,
  /// and the next one is written). 0 when nothing waits.
  std::size_t next_packet_size(PacketClass which) const;
  /// Writes the packet at the head of `which` and keeps what NACK may ask for. nullopt when nothing
  /// waits or `storage` is too small (the packet stays). `transport_sequence` is written when the
  /// extension was negotiated.
  std::optional<WrittenPacket> write_next(Timestamp now, PacketClass which,
                                          std::optional<std::uint16_t> transport_sequence,
                                          MutableBytes storage);
  /// Writes a packet of padding only on the retransmission SSRC, about `size` bytes long (at most
  /// 255 of padding), for bandwidth probes. nullopt without RTX or before the first media packet:
  /// it has no original sequence number and disturbs no media.
  std::optional<WrittenPacket> write_padding(Timestamp now, std::size_t size,
                                             std::optional<std::uint16_t> transport_sequence,
                                             MutableBytes storage);

  // --- feedback about this stream

  /// Queues what is asked for, still known, not asked for within the last round trip and within
  /// the rate.
  void handle_nack(Timestamp now, std::span<const std::uint16_t> sequence_numbers);
  void handle_pli(Timestamp now);
  /// A request with the number of the last one is a repeat and is ignored (RFC 5104 4.3.1.2).
  void handle_fir(Timestamp now, std::uint8_t sequence_number);
  /// A report block about `ssrc()` or `rtx_ssrc()`; others are ignored. Returns the round trip time
  /// when the block gave one (RFC 3550 section 6.4.1).
  std::optional<Duration> handle_report_block(Timestamp now, const rtcp::ReportBlock& block);
  /// True once per request for a key frame that the encoder should fulfil now. A key frame that is
  /// queued meanwhile satisfies it; two are `min_key_frame_interval` apart.
  bool take_key_frame_request(Timestamp now);

  // --- reports

  /// The sender report of the media SSRC, its RTP timestamp extrapolated to `now`. No blocks.
  /// nullopt before the first packet.
  std::optional<rtcp::SenderReport> build_sender_report(Timestamp now) const;
  /// The same of the retransmission SSRC; nullopt until it has sent something.
  std::optional<rtcp::SenderReport> build_rtx_sender_report(Timestamp now) const;

  // --- settings and facts

  /// A better measure than report blocks give (XR, ICE).
  void set_rtt(Duration rtt) { rtt_ = rtt; }
  void set_retransmission_rate(DataRate rate) { config_.retransmission_rate = rate; }
  /// The codec changed: applies to frames queued from now on. What was sent before is sent again
  /// with the retransmission type that belonged to it. `clock_rate` in Hz; nullopt leaves it.
  void set_payload_type(PayloadType payload_type, std::optional<PayloadType> rtx_payload_type,
                        std::optional<int> clock_rate = std::nullopt);

  /// The stream got another rid in a renegotiation (or none): it is told anew.
  void set_rid(std::string rid);

  Ssrc ssrc() const { return config_.ssrc; }
  std::optional<Ssrc> rtx_ssrc() const { return config_.rtx_ssrc; }
  Duration rtt() const { return rtt_; }
  const SendStats& stats() const { return stats_; }
  const SendStats& rtx_stats() const { return rtx_stats_; }
  const RemoteInboundStats& remote_stats() const { return remote_; }

  /// Nothing to do: `next_timeout` is when a delayed key frame request may be taken.
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;

 private:
  /// A queued frame: its bytes, and the packets it becomes.
  struct Frame {
    std::vector<std::uint8_t> data;
    std::vector<PayloadPart> parts;  ///< empty for audio: one packet is the whole frame
    std::size_t next_part = 0;
    std::size_t bytes_left = 0;
    std::uint32_t timestamp = 0;
    Timestamp capture_time{};
    Timestamp queued{};
    PayloadType payload_type{};
    bool key_frame = false;
    bool marker = false;  ///< audio only; video marks the last packet
    AudioLevel audio_level;
    int rotation = 0;
    bool tell_capture_time = false;

    std::size_t packets_left() const { return parts.empty() ? 1 : parts.size() - next_part; }
  };
  /// Sequence number and acknowledgement of one of the two SSRCs.
  struct Outgoing {
    std::int64_t next_sequence = 0;  ///< unwrapped
    bool acknowledged = false;       ///< the other side reported on it
  };

  Result<void> check_room(Timestamp now, std::size_t packets, std::size_t bytes);
  void push(Timestamp now, Frame frame);
  void want_key_frame(Timestamp now);
  std::size_t max_payload() const;
  const Frame& head() const { return frames_[first_frame_]; }
  void pop_part();
  std::optional<WrittenPacket> write_media(Timestamp now, std::optional<std::uint16_t> transport,
                                           MutableBytes storage);
  std::optional<WrittenPacket> write_retransmission(Timestamp now,
                                                    std::optional<std::uint16_t> transport,
                                                    MutableBytes storage);
  std::optional<WrittenPacket> write_plain(const PacketHistory::Entry& entry, MutableBytes storage);
  std::optional<WrittenPacket> write_rtx(Timestamp now, const PacketHistory::Entry& entry,
                                         std::optional<std::uint16_t> transport,
                                         MutableBytes storage);
  HeaderExtensions media_extensions(Timestamp now, const Frame& frame, bool last,
                                    std::optional<std::uint16_t> transport) const;
  HeaderExtensions rtx_extensions(Timestamp now, const PacketView& original,
                                  std::optional<std::uint16_t> transport) const;
  void stamp(HeaderExtensions& extensions, Timestamp now,
             std::optional<std::uint16_t> transport) const;
  PayloadType rtx_type_of(PayloadType payload_type) const;
  bool has_rtx() const { return config_.rtx_ssrc && config_.rtx_payload_type; }
  void identify(HeaderExtensions& extensions, const Outgoing& stream, bool repaired) const;
  bool may_resend(Timestamp now, const PacketHistory::Entry& entry) const;
  bool take_budget(Timestamp now, std::size_t size);
  std::optional<rtcp::SenderReport> build_report(Timestamp now, Ssrc ssrc,
                                                 const SendStats& stats) const;
  void handle_remote_report(Timestamp now, const rtcp::ReportBlock& block);

  Config config_;
  /// Retransmission types by payload type, of every codec that was sent (RFC 4588 section 8.1).
  std::vector<std::pair<PayloadType, PayloadType>> rtx_types_;
  std::uint32_t timestamp_offset_;
  Outgoing media_;
  Outgoing rtx_;
  std::optional<std::int64_t> last_ticks_;  ///< of the newest picture
  std::uint32_t last_timestamp_ = 0;        ///< of the last frame that began to leave
  Timestamp last_capture_{};
  Timestamp next_capture_time_{};  ///< when abs-capture-time is told again

  std::vector<Frame> frames_;  ///< ring of max_queued_frames
  std::size_t first_frame_ = 0;
  std::size_t frame_count_ = 0;
  std::size_t queued_packets_ = 0;
  std::size_t queued_bytes_ = 0;

  PacketHistory history_;
  struct Resend {
    std::int64_t sequence;
    std::size_t size;  ///< of the packet as first sent
    Timestamp queued;
  };
  std::vector<Resend> resends_;  ///< ring of history.max_packets
  std::size_t first_resend_ = 0;
  std::size_t resend_count_ = 0;
  std::size_t resend_bytes_ = 0;
  double budget_bytes_;
  std::optional<Timestamp> budget_updated_;

  Duration rtt_;
  std::optional<std::uint8_t> last_fir_;
  Timestamp key_frame_due_ = kNever;  ///< when the encoder may be asked; kNever: no wish
  Timestamp next_key_frame_request_{};

  SendStats stats_;
  SendStats rtx_stats_;
  RemoteInboundStats remote_;
};
static_assert(TimedCore<SendStream>);

}  // namespace parley::rtp
