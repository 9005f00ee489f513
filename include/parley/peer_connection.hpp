// The facade: a connection as the W3C specification describes it, for C++.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/media.hpp"
#include "parley/base/result.hpp"
#include "parley/config.hpp"
#include "parley/data_channel.hpp"
#include "parley/events.hpp"
#include "parley/machine.hpp"
#include "parley/stats.hpp"

namespace parley {

struct TransceiverInit {
  Direction direction = Direction::sendrecv;
  /// Stream and track identifiers for a=msid (RFC 8830); random when empty.
  std::string stream_id;
  std::string track_id;
  /// Codec names in order of preference, as in Configuration::codecs; empty: those.
  std::vector<std::string> codecs;
  /// Two or more are simulcast (RFC 8853): each is encoded and sent on its own, to a peer that
  /// takes it. A peer that does not gets the first. Video only.
  std::vector<SendEncoding> send_encodings;
  /// Asks the peer for these simulcast streams in our offer (see VideoConfig::receive_simulcast for
  /// what it offers).
  std::vector<std::string> receive_rids;
};

namespace peer {
class Connection;
}

/// What `Transceiver::read` put into the block.
enum class PlayoutOutcome {
  silence,    ///< nothing has been received yet, or the sender is in DTX
  normal,     ///< decoded
  recovered,  ///< from redundancy (Opus in-band FEC)
  concealed,  ///< invented
};

/// A handle on one media section's sender and receiver (W3C RTCRtpTransceiver). A value that may be
/// copied and kept; once its connection is gone or it was stopped, calls answer Errc::closed.
/// Thread rule: the connection's.
class Transceiver {
 public:
  MediaKind kind() const { return kind_; }
  /// Stable number within the connection.
  int id() const { return id_; }
  /// Empty before negotiation.
  std::string mid() const;
  Direction direction() const;
  std::optional<Direction> current_direction() const;
  bool stopped() const;

  /// Takes effect with the next negotiation.
  Result<void> set_direction(Direction direction);
  /// The streams that our track belongs to (a=msid, RFC 8830; W3C setStreams). Takes effect with
  /// the next negotiation; an answerer may set them between the offer and its answer. Tracks with a
  /// stream in common are played in step by their receiver, and browsers tell of it in `ontrack`.
  Result<void> set_streams(std::vector<std::string> stream_ids);
  /// Stops sending (with BYE) and receiving at once and for good; the section is rejected in the
  /// next negotiation, after which calls answer Errc::closed.
  Result<void> stop();
  /// Codec names in order of preference, of all that Configuration::codecs lists; an answerer may
  /// set them between the offer and its answer. Errors: invalid_argument for a codec parley lacks.
  Result<void> set_codec_preferences(const std::vector<std::string>& codecs);

  /// Changes what is wanted of the encodings, at once and without negotiation (W3C setParameters).
  /// Rids that were not negotiated are ignored. Errors: invalid_argument (a rid twice, a scale
  /// below 1), not_found, closed.
  Result<void> set_encodings(std::vector<SendEncoding> encodings);
  /// The streams that were negotiated, with what each may produce now: for applications with
  /// encoders of their own. A peer that asks for simulcast (a=simulcast:recv) names them.
  std::vector<SendLayer> send_layers() const;

  /// Mutes, or unmutes: all encodings stop at once and without negotiation. What is sent meanwhile
  /// is taken and dropped, the streams keep their SSRC and their time, and video resumes with a key
  /// frame. May be called before negotiation. To change the source (W3C replaceTrack) send other
  /// pictures or other sound: their size may change from one to the next. Errors: closed.
  Result<void> set_active(bool active);
  /// What the peer takes, the preferred first, and what it may send. Empty before negotiation and
  /// where the direction does not allow it.
  std::vector<MediaCodec> send_codecs() const;
  std::vector<MediaCodec> receive_codecs() const;
  /// The first of `send_codecs`, else of `receive_codecs`.
  std::optional<MediaCodec> codec() const;

  // --- Raw media: parley encodes and decodes ---

  /// Encodes and sends a picture; `capture_time` must grow. Returns the RTP timestamp the picture
  /// will carry. A picture is skipped, and counted, while the encoder is busy with two others.
  /// Errors: invalid_state when the direction does not allow sending, or before the first
  /// negotiation; invalid_argument for no picture or the wrong kind; closed.
  Result<std::uint32_t> send(const VideoFrame& frame);
  /// Takes interleaved 48 kHz PCM, any number of samples (10 ms blocks are usual; the rest is kept
  /// for the next packet). `channels` as configured. Returns the RTP timestamp of the first sample.
  Result<std::uint32_t> send(std::span<const std::int16_t> pcm);
  /// Pulls 10 ms of what the peer says; call every 10 ms. Never fails: silence when there is
  /// nothing. The block has the configured number of channels.
  PlayoutOutcome read(AudioBlock& block);
  /// Decoded pictures, in order. Replaces the handler set before.
  void on_frame(std::function<void(const VideoFrame&)> handler);

  // --- Encoded media: the application has its own codecs, or forwards ---

  /// Sends an encoded picture in the negotiated codec, on the simulcast stream `frame.rid`. Returns
  /// its RTP timestamp, which simulcast streams share. Errors besides those of `send`:
  /// invalid_state when the stream was not negotiated, is switched off or paused by the peer.
  Result<std::uint32_t> send_encoded(const EncodedVideo& frame);
  /// Sends an encoded audio packet. Its time is the end of the packet sent before, unless
  /// `rtp_timestamp_gap` samples were left out (DTX).
  Result<std::uint32_t> send_encoded(const EncodedAudio& packet,
                                     std::uint32_t rtp_timestamp_gap = 0);
  /// Encoded pictures as they become decodable. With `on_frame` set too, the same pictures are also
  /// decoded.
  void on_encoded_frame(std::function<void(const EncodedVideo&)> handler);
  /// Encoded audio packets in order of arrival, with their RTP timestamp in ticks of 48 kHz,
  /// whatever the clock of the codec is. They are decoded as well from the first `read` on.
  void on_encoded_audio(
      std::function<void(const EncodedAudio&, std::uint32_t rtp_timestamp)> handler);
  /// The peer asks for a key frame. With raw media parley obeys by itself.
  void on_key_frame_request(std::function<void()> handler);
  /// The same with the simulcast stream, empty without simulcast. Each replaces the other.
  void on_key_frame_request(std::function<void(const std::string& rid)> handler);
  /// Asks the peer for a key frame (PLI) of one simulcast stream or of all, at most as often as RFC
  /// 4585 section 6.3.1 allows.
  Result<void> request_key_frame(std::string_view rid = {});
  /// Has the sender of one simulcast stream or of all make a key frame, as if the peer had asked:
  /// for receivers that do not ask. With encoded media the handler of on_key_frame_request is
  /// called. Errors: invalid_argument for audio; closed.
  Result<void> make_key_frame(std::string_view rid = {});

 private:
  friend class PeerConnection;
  friend class peer::Connection;
  Transceiver(std::weak_ptr<peer::Connection> connection, int id, MediaKind kind)
      : connection_(std::move(connection)), id_(id), kind_(kind) {}
  std::weak_ptr<peer::Connection> connection_;
  int id_ = 0;
  MediaKind kind_ = MediaKind::audio;
};

/// A connection to one peer (W3C RTCPeerConnection).
///
/// Ownership: by the application; the driver outlives it. Destruction closes it. Thread rule: every
/// call is made on the driver's sequence, and every handler runs on it, when the connection is at
/// rest: handlers may call anything, `close()` and destruction included. Where the W3C returns a
/// promise this returns a Result at once. ICE, DTLS and RTP go over one transport (RFC 9143
/// max-bundle, RFC 5761 rtcp-mux).
class PeerConnection {
 public:
  /// Errors: invalid_argument for a configuration that contradicts itself; crypto when no
  /// certificate could be made.
  static Result<std::unique_ptr<PeerConnection>> create(Driver& driver, Configuration config = {});
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // --- Negotiation (RFC 9429) ---

  Result<SessionDescription> create_offer(const OfferOptions& options = {});
  /// Errors: invalid_state unless an offer of the peer is pending.
  Result<SessionDescription> create_answer();
  /// Applies what create_offer or create_answer gave and starts to gather candidates.
  /// Errors: invalid_state, syntax, invalid_argument; nothing changes then.
  Result<void> set_local_description(const SessionDescription& description);
  /// Creates the description that fits the state and applies it (W3C: without an argument).
  Result<SessionDescription> set_local_description();
  /// An offer that arrives while ours is pending rolls ours back first (perfect negotiation).
  /// Errors: syntax, invalid_state, incompatible; nothing changes then.
  Result<void> set_remote_description(const SessionDescription& description);
  /// Returns to the last stable state.
  Result<void> rollback();
  /// Asks for a negotiation whose offer has new ICE credentials (W3C restartIce): after the network
  /// changed, or when the connection failed. Media stay on the old path until a new one is found;
  /// DTLS and the streams go on. Survives rollbacks; no effect before the first negotiation.
  void restart_ice();
  /// Used from the next ICE restart on. Errors: as in create, closed.
  Result<void> set_ice_servers(std::vector<IceServer> servers);
  /// A candidate of the peer. One that names another generation by its user fragment than the
  /// remote descriptions have is refused. Errors: syntax, invalid_state before a remote
  /// description, not_found (section or generation), too_large.
  Result<void> add_ice_candidate(const IceCandidate& candidate);

  /// With the candidates known by now.
  std::optional<SessionDescription> local_description() const;
  std::optional<SessionDescription> remote_description() const;

  Result<Transceiver> add_transceiver(MediaKind kind, const TransceiverInit& init = {});
  std::vector<Transceiver> transceivers() const;

  /// Makes a data channel; it opens when the connection does. The first one needs a negotiation.
  /// Errors: invalid_argument (both limits of reliability, negotiated without an id, id 65535, a
  /// label or protocol above 65535 bytes), invalid_state when the id is in use, too_large above
  /// Configuration::data.max_channels, closed.
  Result<DataChannel> create_data_channel(std::string_view label, const DataChannelInit& init = {});
  /// Those that are not closed.
  std::vector<DataChannel> data_channels() const;
  /// The longest message that the peer takes, in bytes (RFC 8841 section 6.1); 0: any. Empty before
  /// a data section is negotiated.
  std::optional<std::size_t> max_message_size() const;

  // --- State ---

  SignalingState signaling_state() const;
  ConnectionState connection_state() const;
  IceConnectionState ice_connection_state() const;
  IceGatheringState ice_gathering_state() const;
  /// Why the connection failed, in a sentence; empty while it has not.
  std::string failure_reason() const;
  StatsReport get_stats() const;
  /// Limits of what is sent; the encoders follow. Errors: invalid_argument when min > max.
  Result<void> set_bitrate_limits(DataRate min, DataRate max);

  /// Sends BYE and close_notify, closes the sockets. No handler runs afterwards. Idempotent.
  void close();

  // --- Handlers: each replaces the one set before ---

  void on_ice_candidate(std::function<void(const IceCandidate&)> handler);
  void on_ice_gathering_state_change(std::function<void(IceGatheringState)> handler);
  void on_ice_connection_state_change(std::function<void(IceConnectionState)> handler);
  void on_connection_state_change(std::function<void(ConnectionState)> handler);
  void on_signaling_state_change(std::function<void(SignalingState)> handler);
  void on_negotiation_needed(std::function<void()> handler);
  /// The peer's description began to send on this transceiver (W3C track event).
  void on_track(std::function<void(Transceiver)> handler);
  /// The peer sends on this transceiver no longer. `stopped()` tells whether for good (W3C ended);
  /// otherwise (W3C removetrack and mute) on_track may follow again.
  void on_track_ended(std::function<void(Transceiver)> handler);
  /// The peer opened a data channel. It is open; messages follow after this handler.
  void on_data_channel(std::function<void(DataChannel)> handler);

 private:
  explicit PeerConnection(std::shared_ptr<peer::Connection> connection);
  std::shared_ptr<peer::Connection> connection_;
};

}  // namespace parley
