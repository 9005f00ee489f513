// The engine of one connection: everything but sockets, clocks and codecs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/net.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/events.hpp"
#include "parley/ice/agent.hpp"
#include "parley/jitter/audio_buffer.hpp"
#include "parley/machine.hpp"
#include "parley/sdp/jsep.hpp"
#include "parley/stats.hpp"

#include "parley/config.hpp"

namespace parley {

struct SessionConfig {
  std::shared_ptr<const dtls::Identity> identity;  ///< required
  ice::Config ice;
  dtls::Config dtls;
  jsep::Config negotiation;
  NtpMapping ntp;  ///< for sender reports
  VideoConfig video;
  DataConfig data;
  Duration max_video_wait = 1s;
  /// Makes the decoder of a received audio stream by encoding name and number of channels. Empty,
  /// or giving null: the stream comes out encoded (event::AudioReceived).
  std::function<std::unique_ptr<AudioDecoder>(std::string_view codec, int channels)> audio_decoder;
  int playout_channels = 1;
  LogSink* log = nullptr;
};

/// One connection to one peer, sans I/O: negotiation, ICE, DTLS, SRTP, streams, jitter buffers,
/// feedback and pacing. It wires and orders; each protocol knows its own rules.
///
/// Ownership: owns all its parts; `random` outlives it. One sequence of execution. Inputs may come
/// in any order before draining (machine.hpp); the drain is: poll_transmit until empty, poll_event
/// until empty, next_timeout.
class Session {
 public:
  /// Errors: invalid_argument without identity or codecs.
  static Result<std::unique_ptr<Session>> create(Timestamp now, SessionConfig config,
                                                 Random& random);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- Negotiation; see PeerConnection for the rules ---

  Result<SessionDescription> create_offer(const OfferOptions& options = {});
  Result<SessionDescription> create_answer();
  Result<void> set_local_description(Timestamp now, const SessionDescription& description);
  Result<void> set_remote_description(Timestamp now, const SessionDescription& description);
  Result<void> rollback(Timestamp now);
  void restart_ice();
  Result<void> add_ice_candidate(Timestamp now, const IceCandidate& candidate);
  const jsep::State& negotiation() const;

  TransceiverId add_transceiver(MediaKind kind, jsep::TransceiverInit init);
  Result<void> set_direction(TransceiverId id, Direction direction);
  Result<void> set_streams(TransceiverId id, std::vector<std::string> stream_ids);
  Result<void> set_codec_preferences(TransceiverId id, const std::vector<std::string>& names);
  Result<void> stop(Timestamp now, TransceiverId id);

  // --- Network: the driver's owner tells what sockets there are ---

  /// 0 before a local description was set. Each new number asks the owner to tell all its sockets
  /// and servers, and their end: to begin with, and for each ICE restart.
  std::uint32_t gathering_generation() const;
  Result<void> add_local_socket(Timestamp now, const SocketAddress& bound,
                                const NetworkInterface& interface);
  void add_stun_server(Timestamp now, const SocketAddress& server);
  /// No more sockets and servers will come.
  void end_of_local_sockets(Timestamp now);

  // --- Media ---

  /// What is wanted of the encodings of a video transceiver, by rid; rids that were not negotiated
  /// are ignored. May come before negotiation.
  void set_encodings(Timestamp now, TransceiverId id, std::vector<SendEncoding> encodings);
  /// The streams that were negotiated, in the order of the encodings; empty before.
  std::vector<SendLayer> send_layers(TransceiverId id) const;
  /// Queues an encoded picture for the stream of `frame.rid` (without one, the first); returns its
  /// RTP timestamp, made from `capture_time`, which is the same in all simulcast streams.
  Result<std::uint32_t> send(Timestamp now, TransceiverId id, EncodedVideo frame);
  /// Queues an audio packet that begins at `media_ticks` of the caller's 48 kHz count.
  Result<std::uint32_t> send(Timestamp now, TransceiverId id, EncodedAudio packet,
                             std::uint32_t media_ticks, Timestamp capture_time, bool marker);
  /// The RTP timestamp a picture captured then, or a sample at this place, carries.
  Result<std::uint32_t> rtp_timestamp(TransceiverId id, Timestamp capture_time) const;
  Result<std::uint32_t> rtp_timestamp(TransceiverId id, std::uint32_t media_ticks) const;
  /// Whether `send` would be taken now: negotiated to send, and the transport is up.
  bool can_send(TransceiverId id) const;
  /// Whether anything would leave: negotiated to send, and not every encoding is switched off.
  bool is_sending(TransceiverId id) const;
  /// 10 ms of received audio; silence when there is none.
  jitter::Outcome read_audio(Timestamp now, TransceiverId id, AudioBlock& block);
  /// True: received audio of this transceiver comes out as event::AudioReceived. From the first
  /// `read_audio` on it is decoded as well.
  void set_encoded_audio(TransceiverId id, bool encoded);
  /// The application's decoder refused a frame: no more frames until the next key frame, which is
  /// asked for.
  void handle_decoder_error(Timestamp now, TransceiverId id, std::string_view rid = {});
  /// Of one simulcast stream, or of all.
  Result<void> request_key_frame(Timestamp now, TransceiverId id, std::string_view rid = {});
  void set_bitrate_limits(Timestamp now, DataRate min, DataRate max);
  /// What the encoders of this transceiver should produce together.
  DataRate target_rate(TransceiverId id) const;

  // --- Data channels; see PeerConnection and DataChannel for the rules ---

  /// The first channel needs a negotiation.
  Result<sctp::ChannelHandle> open_channel(Timestamp now, const sctp::ChannelOptions& options);
  Result<void> send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                    Bytes message);
  /// Without a copy; `message` is unchanged after an error.
  Result<void> send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                    std::vector<std::uint8_t>&& message);
  void close_channel(Timestamp now, sctp::ChannelHandle channel);
  void set_buffered_amount_low_threshold(sctp::ChannelHandle channel, std::size_t bytes);
  void pause_channel(Timestamp now, sctp::ChannelHandle channel);
  void resume_channel(Timestamp now, sctp::ChannelHandle channel);
  /// Of a closed channel until the event after its DataChannelClosed is polled.
  std::optional<sctp::ChannelInfo> channel(sctp::ChannelHandle channel) const;
  /// Those that are not closed.
  std::vector<sctp::ChannelHandle> channels() const;
  std::optional<std::size_t> max_message_size() const;
  /// Storage of a DataReceived, for messages to come.
  void recycle(std::vector<std::uint8_t>&& data);

  // --- State ---

  ConnectionState connection_state() const;
  IceConnectionState ice_connection_state() const;
  IceGatheringState ice_gathering_state() const;
  SignalingState signaling_state() const;
  const std::string& failure_reason() const;
  void add_stats(StatsReport& report) const;
  /// Queues BYE and close_notify, to be polled; then nothing more happens.
  void close(Timestamp now);

  // --- The contract of machine.hpp ---

  /// Whether this datagram belongs here, for sessions that share a socket: its path is one of ours.
  bool accepts(const Path& path) const;
  /// Whether a check for this user fragment (ice::addressed_ufrag) belongs here.
  bool owns_ufrag(std::string_view ufrag) const;
  /// Appends the ICE user fragments by which checks for this session are known.
  void add_user_fragments(std::vector<std::string>& fragments) const;
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes);
  void handle_timeout(Timestamp now);
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage);
  std::optional<SessionEvent> poll_event();
  Timestamp next_timeout() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};
static_assert(DatagramCore<Session>);

}  // namespace parley
