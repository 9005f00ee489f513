#include "parley/peer_connection.hpp"

#include <utility>

#include "peer/connection.hpp"

namespace parley {

namespace {
Error gone() { return {Errc::closed, "the connection is gone"}; }
}  // namespace

// --- Transceiver ---

std::string Transceiver::mid() const {
  const auto connection = connection_.lock();
  const auto* known = connection ? connection->find(id_) : nullptr;
  return known != nullptr && known->mid ? known->mid->value() : std::string{};
}

Direction Transceiver::direction() const {
  const auto connection = connection_.lock();
  const auto* known = connection ? connection->find(id_) : nullptr;
  return known != nullptr ? known->direction : Direction::inactive;
}

std::optional<Direction> Transceiver::current_direction() const {
  const auto connection = connection_.lock();
  const auto* known = connection ? connection->find(id_) : nullptr;
  return known != nullptr ? known->current_direction : std::nullopt;
}

bool Transceiver::stopped() const {
  const auto connection = connection_.lock();
  const auto* known = connection ? connection->find(id_) : nullptr;
  return known == nullptr || known->stopped || known->stopping || connection->closed();
}

Result<void> Transceiver::set_direction(Direction direction) {
  const auto connection = connection_.lock();
  return connection ? connection->set_direction(id_, direction) : Result<void>{gone()};
}

Result<void> Transceiver::set_streams(std::vector<std::string> stream_ids) {
  const auto connection = connection_.lock();
  return connection ? connection->set_streams(id_, std::move(stream_ids)) : Result<void>{gone()};
}

Result<void> Transceiver::stop() {
  const auto connection = connection_.lock();
  return connection ? connection->stop(id_) : Result<void>{gone()};
}

std::vector<MediaCodec> Transceiver::send_codecs() const {
  const auto connection = connection_.lock();
  const auto* known = connection ? connection->find(id_) : nullptr;
  std::vector<MediaCodec> codecs;
  if (known == nullptr || !known->negotiated || !sdp::sends(*known->current_direction)) {
    return codecs;
  }
  for (const auto& codec : known->negotiated->send) codecs.push_back(codec.media_codec());
  return codecs;
}

std::vector<MediaCodec> Transceiver::receive_codecs() const {
  const auto connection = connection_.lock();
  const auto* known = connection ? connection->find(id_) : nullptr;
  std::vector<MediaCodec> codecs;
  if (known == nullptr || !known->negotiated || !sdp::receives(*known->current_direction)) {
    return codecs;
  }
  for (const auto& codec : known->negotiated->receive) codecs.push_back(codec.media_codec());
  return codecs;
}

std::optional<MediaCodec> Transceiver::codec() const {
  auto codecs = send_codecs();
  if (codecs.empty()) codecs = receive_codecs();
  if (codecs.empty()) return std::nullopt;
  return codecs.front();
}

Result<void> Transceiver::set_codec_preferences(const std::vector<std::string>& codecs) {
  const auto connection = connection_.lock();
  return connection ? connection->set_codec_preferences(id_, codecs) : Result<void>{gone()};
}

Result<void> Transceiver::set_active(bool active) {
  const auto connection = connection_.lock();
  return connection ? connection->set_active(id_, active) : Result<void>{gone()};
}

Result<std::uint32_t> Transceiver::send(const VideoFrame& frame) {
  if (kind_ != MediaKind::video) return Error{Errc::invalid_argument, "an audio transceiver"};
  const auto connection = connection_.lock();
  return connection ? connection->send(id_, frame) : gone();
}

Result<std::uint32_t> Transceiver::send(std::span<const std::int16_t> pcm) {
  if (kind_ != MediaKind::audio) return Error{Errc::invalid_argument, "a video transceiver"};
  const auto connection = connection_.lock();
  return connection ? connection->send(id_, pcm) : gone();
}

PlayoutOutcome Transceiver::read(AudioBlock& block) {
  if (const auto connection = connection_.lock()) return connection->read(id_, block);
  block = AudioBlock{};
  return PlayoutOutcome::silence;
}

void Transceiver::on_frame(std::function<void(const VideoFrame&)> handler) {
  if (const auto connection = connection_.lock()) {
    connection->set_frame_handler(id_, std::move(handler));
  }
}

Result<std::uint32_t> Transceiver::send_encoded(const EncodedVideo& frame) {
  if (kind_ != MediaKind::video) return Error{Errc::invalid_argument, "an audio transceiver"};
  const auto connection = connection_.lock();
  return connection ? connection->send_encoded(id_, frame) : gone();
}

Result<std::uint32_t> Transceiver::send_encoded(const EncodedAudio& packet,
                                                std::uint32_t rtp_timestamp_gap) {
  if (kind_ != MediaKind::audio) return Error{Errc::invalid_argument, "a video transceiver"};
  const auto connection = connection_.lock();
  return connection ? connection->send_encoded(id_, packet, rtp_timestamp_gap) : gone();
}

void Transceiver::on_encoded_frame(std::function<void(const EncodedVideo&)> handler) {
  if (const auto connection = connection_.lock()) {
    connection->set_encoded_frame_handler(id_, std::move(handler));
  }
}

void Transceiver::on_encoded_audio(
    std::function<void(const EncodedAudio&, std::uint32_t rtp_timestamp)> handler) {
  if (const auto connection = connection_.lock()) {
    connection->set_encoded_audio_handler(id_, std::move(handler));
  }
}

void Transceiver::on_key_frame_request(std::function<void()> handler) {
  if (!handler) return on_key_frame_request(std::function<void(const std::string&)>{});
  on_key_frame_request([handler = std::move(handler)](const std::string&) { handler(); });
}

void Transceiver::on_key_frame_request(std::function<void(const std::string& rid)> handler) {
  if (const auto connection = connection_.lock()) {
    connection->set_key_frame_request_handler(id_, std::move(handler));
  }
}

Result<void> Transceiver::request_key_frame(std::string_view rid) {
  const auto connection = connection_.lock();
  return connection ? connection->request_key_frame(id_, rid) : Result<void>{gone()};
}

Result<void> Transceiver::make_key_frame(std::string_view rid) {
  if (kind_ != MediaKind::video) return Error{Errc::invalid_argument, "an audio transceiver"};
  const auto connection = connection_.lock();
  return connection ? connection->make_key_frame(id_, rid) : Result<void>{gone()};
}

Result<void> Transceiver::set_encodings(std::vector<SendEncoding> encodings) {
  const auto connection = connection_.lock();
  return connection ? connection->set_encodings(id_, std::move(encodings)) : Result<void>{gone()};
}

std::vector<SendLayer> Transceiver::send_layers() const {
  const auto connection = connection_.lock();
  return connection ? connection->send_layers(id_) : std::vector<SendLayer>{};
}

// --- PeerConnection ---

Result<std::unique_ptr<PeerConnection>> PeerConnection::create(Driver& driver,
                                                               Configuration config) {
  auto made = peer::Connection::create(driver, std::move(config));
  if (!made) return made.error();
  return std::unique_ptr<PeerConnection>{new PeerConnection{std::move(*made)}};
}

PeerConnection::PeerConnection(std::shared_ptr<peer::Connection> connection)
    : connection_(std::move(connection)) {}

PeerConnection::~PeerConnection() { connection_->close(); }

Result<SessionDescription> PeerConnection::create_offer(const OfferOptions& options) {
  return connection_->create_offer(options);
}
Result<SessionDescription> PeerConnection::create_answer() { return connection_->create_answer(); }

Result<void> PeerConnection::set_local_description(const SessionDescription& description) {
  return connection_->set_local_description(description);
}

Result<SessionDescription> PeerConnection::set_local_description() {
  // W3C webrtc-pc section 4.4.1.5: the state tells whether an answer or an offer is due.
  const SignalingState state = signaling_state();
  const bool answers =
      state == SignalingState::have_remote_offer || state == SignalingState::have_local_pranswer;
  auto made = answers ? create_answer() : create_offer();
  if (!made) return made;
  if (auto set = set_local_description(*made); !set) return set.error();
  return made;
}

Result<void> PeerConnection::set_remote_description(const SessionDescription& description) {
  return connection_->set_remote_description(description);
}

Result<void> PeerConnection::rollback() { return connection_->rollback(); }

void PeerConnection::restart_ice() { connection_->restart_ice(); }

Result<void> PeerConnection::set_ice_servers(std::vector<IceServer> servers) {
  return connection_->set_ice_servers(std::move(servers));
}

Result<void> PeerConnection::add_ice_candidate(const IceCandidate& candidate) {
  return connection_->add_ice_candidate(candidate);
}

std::optional<SessionDescription> PeerConnection::local_description() const {
  return connection_->description(jsep::Side::local);
}

std::optional<SessionDescription> PeerConnection::remote_description() const {
  return connection_->description(jsep::Side::remote);
}

Result<Transceiver> PeerConnection::add_transceiver(MediaKind kind, const TransceiverInit& init) {
  return connection_->add_transceiver(kind, init);
}

std::vector<Transceiver> PeerConnection::transceivers() const {
  return connection_->transceivers();
}

Result<DataChannel> PeerConnection::create_data_channel(std::string_view label,
                                                        const DataChannelInit& init) {
  return connection_->create_data_channel(label, init);
}

std::vector<DataChannel> PeerConnection::data_channels() const {
  return connection_->data_channels();
}

std::optional<std::size_t> PeerConnection::max_message_size() const {
  return connection_->session().max_message_size();
}

SignalingState PeerConnection::signaling_state() const {
  return connection_->session().signaling_state();
}
ConnectionState PeerConnection::connection_state() const {
  return connection_->session().connection_state();
}
IceConnectionState PeerConnection::ice_connection_state() const {
  return connection_->session().ice_connection_state();
}
IceGatheringState PeerConnection::ice_gathering_state() const {
  return connection_->session().ice_gathering_state();
}
std::string PeerConnection::failure_reason() const {
  return connection_->session().failure_reason();
}

StatsReport PeerConnection::get_stats() const { return connection_->get_stats(); }

Result<void> PeerConnection::set_bitrate_limits(DataRate min, DataRate max) {
  if (min > max) return Error{Errc::invalid_argument, "min above max"};
  connection_->set_bitrate_limits(min, max);
  return {};
}

void PeerConnection::close() { connection_->close(); }

void PeerConnection::on_ice_candidate(std::function<void(const IceCandidate&)> handler) {
  connection_->handlers().ice_candidate = std::move(handler);
}
void PeerConnection::on_ice_gathering_state_change(std::function<void(IceGatheringState)> handler) {
  connection_->handlers().ice_gathering_state = std::move(handler);
}
void PeerConnection::on_ice_connection_state_change(
    std::function<void(IceConnectionState)> handler) {
  connection_->handlers().ice_connection_state = std::move(handler);
}
void PeerConnection::on_connection_state_change(std::function<void(ConnectionState)> handler) {
  connection_->handlers().connection_state = std::move(handler);
}
void PeerConnection::on_signaling_state_change(std::function<void(SignalingState)> handler) {
  connection_->handlers().signaling_state = std::move(handler);
}
void PeerConnection::on_negotiation_needed(std::function<void()> handler) {
  connection_->handlers().negotiation_needed = std::move(handler);
}
void PeerConnection::on_track(std::function<void(Transceiver)> handler) {
  connection_->handlers().track = std::move(handler);
}
void PeerConnection::on_track_ended(std::function<void(Transceiver)> handler) {
  connection_->handlers().track_ended = std::move(handler);
}
void PeerConnection::on_data_channel(std::function<void(DataChannel)> handler) {
  connection_->handlers().data_channel = std::move(handler);
}

}  // namespace parley
