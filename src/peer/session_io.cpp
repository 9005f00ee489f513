// The datagram side of a Session: sockets, media, the machine contract, and the states that follow
// from the planes.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "parley/session.hpp"
#include "peer/session_impl.hpp"

namespace parley {

// --- Network ---

std::uint32_t Session::gathering_generation() const {
  return impl_->closed ? 0 : impl_->gathering_generation;
}

Result<void> Session::add_local_socket(Timestamp now, const SocketAddress& bound,
                                       const NetworkInterface& interface) {
  auto added = impl_->transport.ice().add_local_socket(now, bound, interface);
  impl_->absorb(now);
  return added;
}

void Session::add_stun_server(Timestamp now, const SocketAddress& server) {
  impl_->transport.ice().add_stun_server(now, server);
  impl_->absorb(now);
}

void Session::end_of_local_sockets(Timestamp now) {
  impl_->transport.ice().end_of_local_sockets(now);
  impl_->absorb(now);
}

// --- Media ---

bool Session::can_send(TransceiverId id) const {
  return !impl_->closed && impl_->transport.media_ready() && impl_->media.sender(id) != nullptr;
}

Result<std::uint32_t> Session::send(Timestamp now, TransceiverId id, EncodedVideo frame) {
  if (!can_send(id)) return Error{Errc::invalid_state, "not connected, or not negotiated to send"};
  return impl_->media.send(now, id, std::move(frame));
}

Result<std::uint32_t> Session::send(Timestamp now, TransceiverId id, EncodedAudio packet,
                                    std::uint32_t media_ticks, Timestamp capture_time,
                                    bool marker) {
  if (!can_send(id)) return Error{Errc::invalid_state, "not connected, or not negotiated to send"};
  return impl_->media.send(now, id, std::move(packet), media_ticks, capture_time, marker);
}

Result<std::uint32_t> Session::rtp_timestamp(TransceiverId id, Timestamp capture_time) const {
  const rtp::SendStream* stream = impl_->media.sender(id);
  if (stream == nullptr) return Error{Errc::invalid_state, "not negotiated to send"};
  return stream->rtp_timestamp(capture_time);
}

Result<std::uint32_t> Session::rtp_timestamp(TransceiverId id, std::uint32_t media_ticks) const {
  const rtp::SendStream* stream = impl_->media.sender(id);
  if (stream == nullptr) return Error{Errc::invalid_state, "not negotiated to send"};
  return stream->rtp_timestamp(media_ticks);
}

bool Session::is_sending(TransceiverId id) const { return impl_->media.is_sending(id); }

jitter::Outcome Session::read_audio(Timestamp now, TransceiverId id, AudioBlock& block) {
  if (peer::MediaReceiver* receiver = impl_->media.receiver(id)) {
    return receiver->read_audio(now, block);
  }
  block = AudioBlock{.channels = impl_->config.playout_channels};
  return jitter::Outcome::not_started;
}

void Session::set_encoded_audio(TransceiverId id, bool encoded) {
  impl_->media.set_encoded_audio(id, encoded);
}

void Session::handle_decoder_error(Timestamp now, TransceiverId id, std::string_view rid) {
  if (peer::MediaReceiver* receiver = impl_->media.receiver(id, rid)) {
    receiver->handle_decoder_error(now);
  }
}

Result<void> Session::request_key_frame(Timestamp now, TransceiverId id, std::string_view rid) {
  if (impl_->media.request_key_frame(now, id, rid)) return {};
  return Error{Errc::invalid_state, "transceiver does not receive"};
}

void Session::set_encodings(Timestamp now, TransceiverId id, std::vector<SendEncoding> encodings) {
  std::vector<Rid> paused;
  for (const SendEncoding& encoding : encodings) {
    if (!encoding.active) paused.emplace_back(encoding.rid);
  }
  // For later offers; an unknown transceiver has none.
  (void)jsep::set_paused_rids(impl_->state, id, std::move(paused)).has_value();
  impl_->media.set_encodings(now, id, std::move(encodings));
}

std::vector<SendLayer> Session::send_layers(TransceiverId id) const {
  return impl_->media.send_layers(id);
}

void Session::set_bitrate_limits(Timestamp now, DataRate min, DataRate max) {
  impl_->media.set_bitrate_limits(now, min, max);
}

DataRate Session::target_rate(TransceiverId id) const { return impl_->media.target_rate(id); }

// --- The machine contract ---

bool Session::accepts(const Path& path) const { return impl_->transport.ice().accepts(path); }

bool Session::owns_ufrag(std::string_view ufrag) const {
  return impl_->transport.ice().owns_ufrag(ufrag);
}

void Session::add_user_fragments(std::vector<std::string>& fragments) const {
  impl_->transport.ice().add_user_fragments(fragments);
}

void Session::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  if (impl_->closed) return;
  const peer::Delivery delivery = impl_->transport.handle_datagram(now, path, bytes);
  if (const auto* rtp = std::get_if<peer::RtpDatagram>(&delivery)) {
    impl_->media.handle_rtp(now, rtp->packet);
  } else if (const auto* rtcp = std::get_if<peer::RtcpDatagram>(&delivery)) {
    impl_->media.handle_rtcp(now, rtcp->packet);
  } else if (const auto* data = std::get_if<peer::DataPacket>(&delivery)) {
    impl_->data.handle_packet(now, data->packet);
    impl_->absorb(now);
  } else {
    impl_->absorb(now);
  }
}

void Session::handle_timeout(Timestamp now) {
  if (impl_->closed) return;
  impl_->transport.handle_timeout(now);
  impl_->media.handle_timeout(now);
  impl_->data.handle_timeout(now);
  impl_->absorb(now);
}

Timestamp Session::next_timeout() const {
  if (impl_->closed) return kNever;
  Timestamp next = impl_->transport.next_timeout();
  // Without keys and a path nothing can leave, so the deadlines of what would mean nothing.
  if (impl_->transport.media_ready()) next = std::min(next, impl_->media.next_timeout());
  if (impl_->transport.data_ready()) next = std::min(next, impl_->data.next_timeout());
  return next;
}

std::optional<Transmit> Session::poll_transmit(Timestamp now, MutableBytes storage) {
  Impl& impl = *impl_;
  if (impl.closed) return impl.poll_farewell(now, storage);
  if (auto transmit = impl.transport.poll_transmit(now, storage)) return transmit;
  // Media before data: a bulk transfer delays no picture by more than one datagram.
  if (impl.transport.media_ready()) {
    while (const auto packet = impl.media.poll_packet(now, storage)) {
      if (auto transmit = impl.protect(now, storage, *packet)) return transmit;
    }
  }
  return impl.poll_data(now, storage);
}

std::optional<Transmit> Session::Impl::protect(Timestamp now, MutableBytes storage,
                                               const peer::MediaPacket& packet) {
  switch (packet.kind) {
    case peer::MediaPacket::Kind::rtcp:
      return transport.protect_rtcp(now, storage, packet.size);
    case peer::MediaPacket::Kind::repeated_rtp:
      return transport.repeat_rtp(now, storage, packet.size);
    case peer::MediaPacket::Kind::rtp:
      break;
  }
  return transport.protect_rtp(now, storage, packet.size);
}

std::optional<Transmit> Session::Impl::poll_data(Timestamp now, MutableBytes storage) {
  if (!transport.data_ready()) return std::nullopt;
  while (const auto packet = data.poll_packet(now, storage)) {
    if (auto transmit = transport.protect_data(now, *packet, storage)) return transmit;
  }
  return std::nullopt;
}

// What a closed session still says: BYE of its streams, ABORT of its association, close_notify.
std::optional<Transmit> Session::Impl::poll_farewell(Timestamp now, MutableBytes storage) {
  if (std::exchange(bye_pending, false) && transport.media_ready()) {
    if (const auto packet = media.build_bye(storage)) {
      if (auto bye = protect(now, storage, *packet)) return bye;
    }
  }
  if (auto packet = poll_data(now, storage)) return packet;
  transport.close(now);
  return transport.poll_transmit(now, storage);
}

std::optional<SessionEvent> Session::poll_event() {
  if (impl_->closed) return std::nullopt;
  if (!impl_->events.empty()) {
    SessionEvent event = std::move(impl_->events.front());
    impl_->events.pop_front();
    return event;
  }
  if (auto event = impl_->data.poll_event()) return event;
  return impl_->media.poll_event();
}

void Session::close(Timestamp now) {
  if (impl_->closed) return;
  impl_->closed = true;
  impl_->data.abort(now);
  impl_->bye_pending = true;
  impl_->connection_state = ConnectionState::closed;
  impl_->events.clear();
}

// --- Events of the planes ---

void Session::Impl::absorb(Timestamp now) {
  while (auto event = transport.poll_event()) handle(now, *event);
}

void Session::Impl::handle(Timestamp now, const peer::TransportEvent& event) {
  if (const auto* ice_event = std::get_if<ice::Event>(&event)) {
    handle(now, *ice_event);
  } else if (std::holds_alternative<peer::SecureConnected>(event)) {
    if (const auto rtt = transport.ice().round_trip_time()) media.set_round_trip_time(*rtt);
    start_data(now);
    check_media_keys(now);
    update_connection_state();
  } else if (const auto* packet = std::get_if<dtls::Data>(&event)) {
    data.handle_packet(now, packet->bytes);
  } else if (const auto* failed = std::get_if<dtls::Failed>(&event)) {
    fail(now, "DTLS: " + failed->failure.text);
  } else if (std::holds_alternative<dtls::Closed>(event)) {
    peer_closed = true;
    data.lose(now, "the peer closed the connection");
    update_connection_state();
  }
}

void Session::Impl::handle(Timestamp now, const ice::Event& event) {
  if (const auto* found = std::get_if<ice::CandidateGathered>(&event)) {
    const std::string line = found->candidate.to_string();
    gathered(found->candidate.ufrag).lines.push_back(line);
    jsep::add_local_candidate(state, line, found->candidate.ufrag);
    tell_candidate(line, found->candidate.ufrag);
  } else if (const auto* gathering = std::get_if<ice::GatheringStateChanged>(&event)) {
    gathering_state = static_cast<IceGatheringState>(gathering->state);
    if (gathering_state == IceGatheringState::complete) {
      gathered(gathering->ufrag).ended = true;
      jsep::end_local_candidates(state, gathering->ufrag);
      tell_candidate({}, gathering->ufrag);
    }
    events.emplace_back(event::IceGatheringStateChanged{gathering_state});
  } else if (const auto* changed = std::get_if<ice::StateChanged>(&event)) {
    events.emplace_back(
        event::IceConnectionStateChanged{static_cast<IceConnectionState>(changed->state)});
    // A restart may mend it (RFC 8445 section 9): this failure is not for good.
    ice_failure.clear();
    if (changed->state == ice::State::failed) {
      ice_failure = "ICE: " + std::string{ice::to_string(changed->cause)};
    }
    update_connection_state();
  } else if (const auto* selected = std::get_if<ice::SelectedPairChanged>(&event)) {
    // The first pair lets the handshake begin, which waits for nothing else.
    transport.handle_timeout(now);
    const auto rtt = transport.ice().round_trip_time();
    // Other ports of the same two hosts take the same way.
    const std::pair hosts{selected->path.local.ip, selected->path.remote.ip};
    if (const auto before = std::exchange(hosts_in_use, hosts); before && *before != hosts) {
      media.handle_path_change(now);
      data.handle_path_change(now, rtt);
    }
    if (rtt) media.set_round_trip_time(*rtt);
  }
}

// Candidates of a generation that was rolled back are nobody's.
void Session::Impl::tell_candidate(std::string line, const std::string& ufrag) {
  if (!transport.ice().owns_ufrag(ufrag)) return;
  events.emplace_back(event::CandidateGathered{{.candidate = std::move(line),
                                                .sdp_mid = transport_mid().value(),
                                                .sdp_m_line_index = 0,
                                                .username_fragment = ufrag}});
}

Session::Impl::Gathered& Session::Impl::gathered(const std::string& ufrag) {
  for (Gathered& known : generations) {
    if (known.ufrag == ufrag) return known;
  }
  // Generations that can still be negotiated are few; of others nothing is asked any more.
  std::erase_if(generations,
                [this](const Gathered& g) { return !transport.ice().owns_ufrag(g.ufrag); });
  return generations.emplace_back(Gathered{ufrag, {}, false});
}

void Session::Impl::fail(Timestamp now, std::string reason) {
  if (failure.empty()) failure = std::move(reason);
  data.lose(now, failure);
  update_connection_state();
}

void Session::Impl::update_connection_state() {
  const ConnectionState derived = derive_connection_state();
  if (derived == connection_state || closed) return;
  connection_state = derived;
  events.emplace_back(event::ConnectionStateChanged{derived});
}

// W3C webrtc-pc section 4.4.3, for one ICE and one DTLS transport. One addition: the peer's
// close_notify ends the transport at once and reads as closed, because nothing can follow.
ConnectionState Session::Impl::derive_connection_state() const {
  if (closed || peer_closed) return ConnectionState::closed;
  if (!failure.empty()) return ConnectionState::failed;
  switch (transport.ice().state()) {
    case ice::State::failed:
      return ConnectionState::failed;
    case ice::State::disconnected:
      return ConnectionState::disconnected;
    case ice::State::closed:
      return ConnectionState::closed;
    case ice::State::new_:
      return ConnectionState::new_;
    case ice::State::checking:
      return ConnectionState::connecting;
    case ice::State::connected:
    case ice::State::completed:
      break;
  }
  return transport.secured() ? ConnectionState::connected : ConnectionState::connecting;
}

// --- States ---

ConnectionState Session::connection_state() const { return impl_->connection_state; }

IceConnectionState Session::ice_connection_state() const {
  return impl_->closed ? IceConnectionState::closed
                       : static_cast<IceConnectionState>(impl_->transport.ice().state());
}

IceGatheringState Session::ice_gathering_state() const { return impl_->gathering_state; }

SignalingState Session::signaling_state() const {
  if (impl_->closed) return SignalingState::closed;
  return static_cast<SignalingState>(impl_->state.signaling);
}

const std::string& Session::failure_reason() const {
  return impl_->failure.empty() ? impl_->ice_failure : impl_->failure;
}

// The enumerations that are cast above name the same states in the same order.
static_assert(static_cast<int>(IceConnectionState::closed) == static_cast<int>(ice::State::closed));
static_assert(static_cast<int>(IceGatheringState::complete) ==
              static_cast<int>(ice::GatheringState::complete));
static_assert(static_cast<int>(SignalingState::have_remote_pranswer) ==
              static_cast<int>(jsep::SignalingState::have_remote_pranswer));

std::string_view to_string(ConnectionState state) {
  switch (state) {
    case ConnectionState::new_:
      return "new";
    case ConnectionState::connecting:
      return "connecting";
    case ConnectionState::connected:
      return "connected";
    case ConnectionState::disconnected:
      return "disconnected";
    case ConnectionState::failed:
      return "failed";
    case ConnectionState::closed:
      return "closed";
  }
  return "";
}

std::string_view to_string(IceConnectionState state) {
  return ice::to_string(static_cast<ice::State>(state));
}

std::string_view to_string(IceGatheringState state) {
  return ice::to_string(static_cast<ice::GatheringState>(state));
}

std::string_view to_string(SignalingState state) {
  if (state == SignalingState::closed) return "closed";
  return jsep::to_string(static_cast<jsep::SignalingState>(state));
}

}  // namespace parley
