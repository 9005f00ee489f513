// The media of one session: streams and buffers of every transceiver, feedback, congestion control
// and pacing. Packets here are plain RTP and RTCP; protecting them is the transport plane's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/cc/controller.hpp"
#include "parley/cc/pacer.hpp"
#include "parley/config.hpp"
#include "parley/events.hpp"
#include "parley/rtp/report_builder.hpp"
#include "parley/rtp/report_schedule.hpp"
#include "parley/rtp/round_trip.hpp"
#include "parley/rtp/send_stream.hpp"
#include "parley/rtp/transport_feedback.hpp"
#include "parley/sdp/jsep.hpp"
#include "parley/stats.hpp"
#include "peer/media_receiver.hpp"

namespace parley::peer {

struct MediaConfig {
  VideoConfig video;
  Duration max_video_wait = 1s;
  AudioDecoderFactory audio_decoder;
  int playout_channels = 1;
  NtpMapping ntp;
  std::string cname;
  /// Largest RTP or RTCP packet before protection, in bytes.
  std::size_t max_packet_size = 1176;
};

/// Packets that found no place, by reason.
struct MediaDrops {
  std::uint64_t malformed_rtp = 0;
  std::uint64_t malformed_rtcp = 0;
  std::uint64_t unroutable = 0;  ///< no transceiver for it, even after the hold queue
};

/// A packet in the caller's storage, to be protected and sent.
struct MediaPacket {
  /// `repeated_rtp` is byte for byte what was sent before.
  enum class Kind : std::uint8_t { rtp, repeated_rtp, rtcp };
  std::size_t size = 0;
  Kind kind = Kind::rtp;
};

class MediaPlane {
 public:
  /// Packets that match no transceiver yet are held until the next renegotiation (RFC 9143 section
  /// 9.2 lets media overtake the answer); of more than these the oldest go.
  static constexpr std::size_t kMaxHeld = 64;
  /// What audio and reports take from the target rate before video shares the rest; ours.
  static constexpr DataRate kAudioReserve = DataRate::kilobits_per_second(40);
  /// Queued packets leave this much faster than the target rate (cc::LossBasedController agrees).
  static constexpr double kPacingFactor = 2.5;
  /// SSRCs that are mapped to transceivers; beyond it new ones are not learned.
  static constexpr std::size_t kMaxSsrcs = 256;

  MediaPlane(MediaConfig config, Random& random, Timestamp now);
  ~MediaPlane();

  /// Brings senders and receivers in line with what was negotiated.
  void configure(Timestamp now, const jsep::Transceiver& transceiver);
  /// Stops sending, with BYE, and receiving at once; negotiation follows.
  void halt(Timestamp now, TransceiverId id);
  void remove(Timestamp now, TransceiverId id);

  /// What the application wants of its encodings; may come before there is a sender.
  void set_encodings(Timestamp now, TransceiverId id, std::vector<SendEncoding> encodings);
  /// The streams this transceiver sends at present, in the order of its encodings.
  std::vector<SendLayer> send_layers(TransceiverId id) const;

  /// `frame.rid` names the stream; without one it is the first.
  Result<std::uint32_t> send(Timestamp now, TransceiverId id, EncodedVideo frame);
  Result<std::uint32_t> send(Timestamp now, TransceiverId id, EncodedAudio packet,
                             std::uint32_t media_ticks, Timestamp capture_time, bool marker);
  const rtp::SendStream* sender(TransceiverId id) const;
  /// The receiver of a simulcast stream; without a rid the first.
  MediaReceiver* receiver(TransceiverId id, std::string_view rid = {});
  /// Of one simulcast stream, or of all without a rid. False when nothing is received.
  bool request_key_frame(Timestamp now, TransceiverId id, std::string_view rid);
  /// Negotiated to send, and at least one of its streams is wanted.
  bool is_sending(TransceiverId id) const;
  void set_encoded_audio(TransceiverId id, bool encoded);
  DataRate target_rate(TransceiverId id) const;
  void set_bitrate_limits(Timestamp now, DataRate min, DataRate max);
  /// What ICE measured; reports of the peer are preferred when they come.
  void set_round_trip_time(Duration rtt);
  /// What leaves from now on takes another path: rates begin anew.
  void handle_path_change(Timestamp now);

  void handle_rtp(Timestamp now, MutableBytes packet);
  void handle_rtcp(Timestamp now, Bytes packet);
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;
  /// The next packet to send: reports and feedback, then audio, then retransmissions and video as
  /// the pacer allows.
  std::optional<MediaPacket> poll_packet(Timestamp now, MutableBytes storage);
  /// BYE for all our streams, once; nullopt when there is nothing to say.
  std::optional<MediaPacket> build_bye(MutableBytes storage);
  std::optional<SessionEvent> poll_event();

  void add_stats(const jsep::State& negotiation, StatsReport& report) const;
  const MediaDrops& drops() const { return drops_; }

 private:
  /// One stream that is sent: all of a transceiver's, or one of its simulcast streams.
  /// A codec that the peer takes.
  struct SendCodec {
    jsep::NegotiatedCodec negotiated;
    std::unique_ptr<rtp::VideoPacketizer> packetizer;  ///< of video, made when it is first used
  };
  struct Sender {
    TransceiverId id;
    MediaKind kind;
    rtp::SendStream stream;
    std::vector<SendCodec> codecs;
    std::size_t first_codec = 0;                   ///< in `codecs`: of frames that name none
    std::size_t codec_in_use = 0;                  ///< in `codecs`
    std::shared_ptr<const MediaCodec> last_codec;  ///< of the last frame, which chose it
    std::int64_t audio_ticks = 0;                  ///< 48 kHz, unwrapped
    std::optional<DataRate> peer_limit;
    bool transport_feedback = false;
    bool active = true;       ///< negotiated
    DataRate target;          ///< zero: not to be encoded
    std::string rid;          ///< empty without simulcast
    SendEncoding encoding{};  ///< what the application wants of it
    bool paused = false;      ///< the peer does not want it (RFC 8853)
    sdp::RidRestrictions restrictions{};

    bool wanted() const { return active && !paused && encoding.active; }
    const jsep::NegotiatedCodec& codec() const { return codecs[codec_in_use].negotiated; }
  };
  struct Section {
    TransceiverId id;
    MediaKind kind = MediaKind::audio;
    std::string mid;
    std::vector<std::unique_ptr<Sender>> senders;  ///< in the order of the encodings
    /// One, or one for each rid that the peer sends.
    std::vector<std::unique_ptr<MediaReceiver>> receivers;
    std::uint32_t timestamp_offset = 0;  ///< of all its streams
    std::vector<Ssrc> announced;         ///< SSRCs the description named

    bool sends() const;
    MediaReceiver* find_receiver(std::string_view rid) const;
  };
  /// Where packets of an SSRC go.
  struct Route {
    TransceiverId id;
    std::string rid;
  };

  Section* find(TransceiverId id);
  const Section* find(TransceiverId id) const;
  template <class Visit>
  void each_sender(Visit visit) const {
    for (const auto& section : sections_) {
      for (const auto& sender : section->senders) visit(*sender);
    }
  }
  template <class Visit>
  void each_receiver(Visit visit) const {
    for (const auto& section : sections_) {
      for (const auto& receiver : section->receivers) visit(*receiver);
    }
  }
  void configure_senders(Timestamp now, Section& section, const jsep::Transceiver& transceiver);
  Sender& find_or_make_sender(Timestamp now, Section& section, const jsep::Transceiver& transceiver,
                              const std::string& rid, const jsep::NegotiatedCodec& codec);
  void apply_encodings(Section& section);
  static void silence(Sender& sender);
  void say_bye(Timestamp now, const Sender& sender);
  void configure_receivers(Section& section, const jsep::Transceiver& transceiver);
  MediaReceiver& find_or_make_receiver(Section& section, const jsep::Transceiver& transceiver,
                                       const std::string& rid);
  void learn_extensions(const std::vector<jsep::NegotiatedExtension>& extensions);
  void release_held(Timestamp now);

  // Routing (media_plane.cpp).
  Section* route_section(const rtp::PacketView& packet, const rtp::HeaderExtensions& extensions);
  MediaReceiver* route(const rtp::PacketView& packet, const rtp::HeaderExtensions& extensions);
  void learn_ssrc(Ssrc ssrc, TransceiverId id, std::string_view rid = {});
  bool accept_rtp(Timestamp now, MutableBytes packet);

  // RTCP (media_rtcp.cpp).
  void handle_block(Timestamp now, const rtp::rtcp::ReportBlock& block);
  void handle_transport_feedback(Timestamp now, const rtp::rtcp::SubPacket& sub);
  void handle_payload_feedback(Timestamp now, const rtp::rtcp::SubPacket& sub);
  rtp::SendStream* sender_of(Ssrc ssrc);
  bool feedback_due(Timestamp now) const;
  std::optional<MediaPacket> poll_rtcp(Timestamp now, MutableBytes storage);
  void add_report(Timestamp now);
  void add_feedback(Timestamp now);
  Ssrc local_ssrc() const;

  // Sending (media_sending.cpp).
  std::optional<MediaPacket> poll_media(Timestamp now, MutableBytes storage);
  std::optional<MediaPacket> write(Timestamp now, Sender& sender, rtp::PacketClass which,
                                   MutableBytes storage);
  static void set_send_codecs(Sender& sender, const std::vector<jsep::NegotiatedCodec>& codecs,
                              const jsep::NegotiatedCodec& first);
  Result<void> choose_codec(Sender& sender, const std::shared_ptr<const MediaCodec>& codec);
  Sender* next_sender(MediaKind kind, rtp::PacketClass which);
  bool has_paced_packets() const;
  void apply(Timestamp now, const cc::Update& update);
  void share_rate(DataRate total);
  void share_rate(Section& section, DataRate rate);
  void set_target(Sender& sender, DataRate rate);
  void collect_key_frame_requests(Timestamp now);
  void note_round_trip_time(Duration rtt);
  void note_loss(double fraction);

  // Statistics (media_stats.cpp).
  void add_common_stats(const Section& section, Ssrc ssrc, const std::string& rid,
                        StatsObject& object) const;
  void add_sender_stats(const Section& section, std::size_t index, StatsReport& report) const;
  void add_receiver_stats(const Section& section, const MediaReceiver& receiver,
                          const jsep::State& negotiation, StatsReport& report) const;

  MediaConfig config_;
  Random& random_;
  std::vector<std::unique_ptr<Section>> sections_;
  /// Whose audio is wanted undecoded; asked for before there may be a receiver.
  std::vector<TransceiverId> encoded_audio_;
  std::map<int, std::vector<SendEncoding>> encodings_;  ///< by transceiver, likewise
  std::unordered_map<std::uint32_t, Route> routes_;
  rtp::ExtensionMap receive_extensions_;
  std::vector<std::vector<std::uint8_t>> held_;

  rtp::ReportSchedule schedule_;
  rtp::ReportBuilder builder_;
  rtp::ReferenceTimeExchange reference_times_;
  rtp::TransportFeedbackRecorder arrivals_;
  rtp::SentPacketLog sent_;
  std::unique_ptr<cc::Controller> controller_;
  cc::Limits limits_;
  cc::Pacer pacer_;
  bool reduced_size_ = false;
  bool started_ = false;
  Ssrc feedback_ssrc_;       ///< of the first transceiver: who speaks when we send nothing
  Ssrc last_received_ssrc_;  ///< named in transport-wide feedback
  std::optional<Duration> reported_rtt_;
  std::optional<Duration> path_rtt_;
  double loss_ = 0;
  std::vector<cc::PacketResult> results_;  // reused
  std::vector<rtp::rtcp::ReportBlock> blocks_;
  std::vector<Ssrc> leaving_;  ///< streams that ended and have not said BYE
  std::vector<SessionEvent> events_;
  std::size_t next_event_ = 0;
  MediaDrops drops_;
};

}  // namespace parley::peer
