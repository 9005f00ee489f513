// What stands behind the facade: a Session carried by a driver, with codecs around it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parley/data_channel.hpp"
#include "parley/peer_connection.hpp"
#include "parley/session.hpp"
#include "peer/coding.hpp"

namespace parley::peer {

/// The handlers of one PeerConnection. Copied before each call, because a handler may replace
/// itself.
struct Handlers {
  std::function<void(const IceCandidate&)> ice_candidate;
  std::function<void(IceGatheringState)> ice_gathering_state;
  std::function<void(IceConnectionState)> ice_connection_state;
  std::function<void(ConnectionState)> connection_state;
  std::function<void(SignalingState)> signaling_state;
  std::function<void()> negotiation_needed;
  std::function<void(Transceiver)> track;
  std::function<void(Transceiver)> track_ended;
  std::function<void(DataChannel)> data_channel;
};

/// The handlers of one data channel, for as long as it is not closed.
struct ChannelHandlers {
  std::function<void()> open;
  /// Shared, because copying it for each message may cost more than a short message.
  std::shared_ptr<const std::function<void(DataMessage&)>> message;
  std::function<void()> buffered_amount_low;
  std::function<void()> writable;
  std::function<void()> closing;
  std::function<void(std::string_view)> close;
};

/// Which simulcast stream is decoded and shown: the largest that comes. Streams change at key
/// frames only.
class LayerChoice {
 public:
  /// Ours: a stream that was silent for so long is left for a smaller one.
  static constexpr Duration kPatience = 1s;

  enum class Verdict {
    show,
    leave,
    want_key_frame,  ///< left, but what was shown ended: the stream takes over at its next key
                     ///< frame
  };
  Verdict judge(Timestamp now, const EncodedVideo& frame);
  const std::string& rid() const { return rid_; }

 private:
  std::string rid_;
  int area_ = 0;  ///< of its last key frame, in pixels
  Timestamp last_ = Timestamp::min();
};

/// The application's and the codec's side of one transceiver.
struct TransceiverMedia {
  MediaKind kind = MediaKind::audio;  ///< once the peer has sent
  std::function<void(const VideoFrame&)> on_frame;
  std::function<void(const EncodedVideo&)> on_encoded_frame;
  std::function<void(const EncodedAudio&, std::uint32_t)> on_encoded_audio;
  /// With the rid of the simulcast stream.
  std::function<void(const std::string&)> on_key_frame_request;
  std::vector<SendEncoding> encodings;  ///< what the application wants of them
  /// By rid; without simulcast one with an empty rid.
  std::map<std::string, std::unique_ptr<VideoEncoding>, std::less<>> video_encodings;
  std::unique_ptr<VideoDecoding> video_decoding;
  LayerChoice shown_layer;
  std::unique_ptr<AudioEncoding> audio_encoding;
  std::uint32_t encoded_audio_ticks = 0;
  Timestamp last_capture = Timestamp::min();
};

/// Engine of the driver, implementation of PeerConnection and Transceiver. Shared by the facade,
/// its handles and the jobs under way; closed when the facade goes. On the driver's sequence.
class Connection final : public Engine, public std::enable_shared_from_this<Connection> {
 public:
  static Result<std::shared_ptr<Connection>> create(Driver& driver, Configuration config);
  ~Connection() override;

  // Negotiation; each wakes the driver.
  Result<SessionDescription> create_offer(const OfferOptions& options);
  Result<SessionDescription> create_answer();
  Result<void> set_local_description(const SessionDescription& description);
  Result<void> set_remote_description(const SessionDescription& description);
  Result<void> rollback();
  void restart_ice();
  Result<void> set_ice_servers(std::vector<IceServer> servers);
  Result<void> add_ice_candidate(const IceCandidate& candidate);
  std::optional<SessionDescription> description(jsep::Side side) const;
  Result<Transceiver> add_transceiver(MediaKind kind, const TransceiverInit& init);
  std::vector<Transceiver> transceivers();

  // Transceivers, by id.
  const jsep::Transceiver* find(int id) const;
  Result<void> set_direction(int id, Direction direction);
  Result<void> set_streams(int id, std::vector<std::string> stream_ids);
  Result<void> stop(int id);
  Result<void> set_codec_preferences(int id, const std::vector<std::string>& codecs);
  Result<std::uint32_t> send(int id, const VideoFrame& frame);
  Result<std::uint32_t> send(int id, std::span<const std::int16_t> pcm);
  Result<std::uint32_t> send_encoded(int id, const EncodedVideo& frame);
  Result<std::uint32_t> send_encoded(int id, const EncodedAudio& packet, std::uint32_t gap);
  PlayoutOutcome read(int id, AudioBlock& block);
  Result<void> request_key_frame(int id, std::string_view rid = {});
  Result<void> make_key_frame(int id, std::string_view rid);
  Result<void> set_encodings(int id, std::vector<SendEncoding> encodings);
  std::vector<SendLayer> send_layers(int id) const;
  void set_frame_handler(int id, std::function<void(const VideoFrame&)> handler);
  void set_encoded_frame_handler(int id, std::function<void(const EncodedVideo&)> handler);
  void set_encoded_audio_handler(int id,
                                 std::function<void(const EncodedAudio&, std::uint32_t)> handler);
  Result<void> set_active(int id, bool active);
  void set_key_frame_request_handler(int id, std::function<void(const std::string&)> handler);

  // Data channels, by handle.
  Result<DataChannel> create_data_channel(std::string_view label, const DataChannelInit& init);
  std::vector<DataChannel> data_channels();
  std::optional<sctp::ChannelInfo> channel(sctp::ChannelHandle channel) const;
  Result<void> send(sctp::ChannelHandle channel, MessageKind kind, Bytes message);
  Result<void> send(sctp::ChannelHandle channel, MessageKind kind,
                    std::vector<std::uint8_t>&& message);
  void set_buffered_amount_low_threshold(sctp::ChannelHandle channel, std::size_t bytes);
  void pause_channel(sctp::ChannelHandle channel);
  void resume_channel(sctp::ChannelHandle channel);
  void close_channel(sctp::ChannelHandle channel);
  /// Null once the channel is closed.
  ChannelHandlers* channel_handlers(sctp::ChannelHandle channel);

  StatsReport get_stats() const;
  void set_bitrate_limits(DataRate min, DataRate max);
  void close();
  bool closed() const { return closed_; }
  const Session& session() const { return *session_; }
  Handlers& handlers() { return handlers_; }

  // Engine.
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) override;
  void handle_timeout(Timestamp now) override;
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) override;
  Timestamp next_timeout() const override;
  bool deliver_events(Timestamp now) override;
  void add_user_fragments(std::vector<std::string>& fragments) const override;
  bool accepts(const Path& path) const override;

 private:
  Connection(Driver& driver, Configuration config) : driver_(driver), config_(std::move(config)) {}
  void tell_sockets();
  bool open_socket(const NetworkInterface& interface);
  void resolve_servers();
  void end_sockets_when_resolved();
  void dispatch(SessionEvent event);
  void dispatch(event::VideoReceived event);
  void dispatch(const event::KeyFrameRequested& event);
  bool dispatch_data(SessionEvent& event);
  void dispatch(event::DataReceived& event);
  void dispatch(const event::DataChannelClosed& event);
  bool show_due_frames(Timestamp now);
  void add_codec_stats(StatsReport& report) const;
  Result<void> check_raw(int id, const MediaCodec& codec) const;
  void encode_layer(int id, const VideoFrame& frame, const SendLayer& layer);
  /// Error closed when the connection is closed, or the transceiver stopped.
  Result<void> check_open(int id) const;
  TransceiverMedia* find_media(TransceiverId id);
  Transceiver handle_of(const jsep::Transceiver& transceiver);
  void wake();

  Driver& driver_;
  Configuration config_;
  std::unique_ptr<Session> session_;
  Handlers handlers_;
  std::map<int, TransceiverMedia> media_;
  /// What raw media is coded with.
  std::shared_ptr<const MediaCodec> raw_video_codec_ =
      std::make_shared<const MediaCodec>(MediaCodec{"VP8", 90'000, 1, "", {}});
  std::shared_ptr<const MediaCodec> raw_audio_codec_ =
      std::make_shared<const MediaCodec>(MediaCodec{"opus", 48'000, 2, "", {}});
  std::unordered_map<sctp::ChannelHandle, ChannelHandlers> channels_;
  NtpMapping ntp_;
  bool attached_ = false;
  std::uint32_t gathered_ = 0;          ///< generation that was told the sockets
  std::vector<SocketAddress> sockets_;  ///< open, by address of an interface
  int resolving_ = 0;
  double expected_loss_ = 0.05;
  bool closed_ = false;
};

}  // namespace parley::peer
