#include "peer/connection.hpp"

#include <algorithm>
#include <utility>

#include "parley/codec/opus.hpp"
#include "parley/stun/uri.hpp"

namespace parley::peer {
namespace {

std::unique_ptr<AudioDecoder> make_audio_decoder(std::string_view codec, int channels) {
  if (codec != "opus") return nullptr;
  auto made = codec::OpusDecoder::create({.channels = channels});
  return made ? std::move(*made) : nullptr;
}

// What the identity says of its own validity: from yesterday, because clocks differ, for 30 days.
dtls::Validity validity_at(NtpTime now) {
  constexpr std::int64_t kNtpToUnix = 2'208'988'800;  // RFC 5905 figure 4: 1900 to 1970
  const std::chrono::sys_seconds unix_now{
      std::chrono::seconds{static_cast<std::int64_t>(now.seconds()) - kNtpToUnix}};
  return {.not_before = unix_now - std::chrono::hours{24},
          .not_after = unix_now + std::chrono::hours{24 * 30}};
}

Result<void> check(const std::vector<IceServer>& servers) {
  for (const IceServer& server : servers) {
    for (const std::string& url : server.urls) {
      const auto uri = stun::ServerUri::parse(url);
      if (!uri) return uri.error();
      if (uri->scheme != stun::UriScheme::stun) return Error{Errc::unsupported, url};
    }
  }
  return {};
}

Result<void> check(const Configuration& config) {
  const auto bad = [](const char* what) { return Error{Errc::invalid_argument, what}; };
  if (config.audio.channels != 1 && config.audio.channels != 2) return bad("audio.channels");
  const int ms = config.audio.frame_ms;
  if (ms != 10 && ms != 20 && ms != 40 && ms != 60) return bad("audio.frame_ms");
  if (config.video.min_bitrate > config.video.max_bitrate) return bad("video bitrates");
  if (!(config.video.max_frame_rate > 0 && config.video.max_frame_rate <= 240)) {
    return bad("video.max_frame_rate");
  }
  if (config.network.mtu < 576 || config.network.mtu > kMaxDatagramSize) return bad("network.mtu");
  if (config.network.min_port > config.network.max_port) return bad("network ports");
  if (config.srtp_profiles.empty()) return bad("srtp_profiles");
  return check(config.ice_servers);
}

/// Negotiates these codecs when a transceiver names none, and all that there are when it does.
Result<jsep::Config> negotiation_config(const std::vector<std::string>& names) {
  jsep::Config config = jsep::default_config();
  if (names.empty()) return config;
  std::vector<jsep::CodecCapability> chosen;
  for (const MediaKind kind : {MediaKind::audio, MediaKind::video}) {
    auto codecs = jsep::codecs_named(config, kind, names);
    if (!codecs) return codecs.error();
    chosen.insert(chosen.end(), codecs->begin(), codecs->end());
  }
  // What is not chosen stays known to preferences.
  std::vector<jsep::CodecCapability> others{config.optional_codecs.begin(),
                                            config.optional_codecs.end()};
  others.insert(others.end(), config.codecs.begin(), config.codecs.end());
  config.optional_codecs = std::move(others);
  config.codecs = std::move(chosen);
  return config;
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::create(Driver& driver, Configuration config) {
  if (auto valid = check(config); !valid) return valid.error();
  std::shared_ptr<Connection> self{new Connection{driver, std::move(config)}};
  self->ntp_ = driver.ntp_mapping();
  const Timestamp now = driver.now();
  if (!self->config_.identity) {
    auto made = dtls::Identity::create(validity_at(self->ntp_.to_ntp(now)), driver.random());
    if (!made) return made.error();
    self->config_.identity = std::move(*made);
  }
  SessionConfig session;
  session.identity = self->config_.identity;
  session.ice.log = self->config_.log;
  session.ice.public_addresses = self->config_.network.public_addresses;
  session.dtls.srtp_profiles = self->config_.srtp_profiles;
  session.dtls.max_datagram_size = self->config_.network.mtu;
  auto negotiation = negotiation_config(self->config_.codecs);
  if (!negotiation) return negotiation.error();
  session.negotiation = std::move(*negotiation);
  session.negotiation.max_message_size = self->config_.data.max_message_size;
  session.negotiation.offer_snap = self->config_.data.snap;
  session.data = self->config_.data;
  session.negotiation.receive_simulcast = self->config_.video.receive_simulcast;
  session.ntp = self->ntp_;
  session.video = self->config_.video;
  session.max_video_wait = self->config_.max_video_wait;
  session.audio_decoder = make_audio_decoder;
  session.playout_channels = self->config_.audio.channels;
  session.log = self->config_.log;
  auto made = Session::create(now, std::move(session), driver.random());
  if (!made) return made.error();
  self->session_ = std::move(*made);
  driver.attach(*self);
  self->attached_ = true;
  return self;
}

Connection::~Connection() { close(); }

void Connection::wake() {
  if (attached_) driver_.wake(*this);
}

// --- Negotiation ---

Result<SessionDescription> Connection::create_offer(const OfferOptions& options) {
  return session_->create_offer(options);
}
Result<SessionDescription> Connection::create_answer() { return session_->create_answer(); }

Result<void> Connection::set_local_description(const SessionDescription& description) {
  auto set = session_->set_local_description(driver_.now(), description);
  if (set && session_->gathering_generation() != gathered_) {
    gathered_ = session_->gathering_generation();
    tell_sockets();
  }
  wake();
  return set;
}

Result<void> Connection::set_remote_description(const SessionDescription& description) {
  auto set = session_->set_remote_description(driver_.now(), description);
  wake();
  return set;
}

Result<void> Connection::rollback() {
  auto done = session_->rollback(driver_.now());
  wake();
  return done;
}

void Connection::restart_ice() {
  session_->restart_ice();
  wake();
}

Result<void> Connection::set_ice_servers(std::vector<IceServer> servers) {
  if (closed_) return Error{Errc::closed, "connection"};
  if (auto valid = check(servers); !valid) return valid;
  config_.ice_servers = std::move(servers);
  return {};
}

Result<void> Connection::add_ice_candidate(const IceCandidate& candidate) {
  auto added = session_->add_ice_candidate(driver_.now(), candidate);
  wake();
  return added;
}

std::optional<SessionDescription> Connection::description(jsep::Side side) const {
  const jsep::State& state = session_->negotiation();
  const sdp::Description* text = state.description(side);
  if (text == nullptr) return std::nullopt;
  const bool pending =
      (side == jsep::Side::local ? state.pending_local : state.pending_remote) != nullptr;
  const bool ours = state.signaling == jsep::SignalingState::have_local_offer ||
                    state.signaling == jsep::SignalingState::have_remote_pranswer;
  const bool offer = pending ? (side == jsep::Side::local) == ours
                             : state.offered_first == (side == jsep::Side::local);
  return SessionDescription{offer ? SdpType::offer : SdpType::answer, sdp::to_string(*text)};
}

// --- Sockets ---

// Sockets stay open over ICE restarts, which may find other interfaces than there were.
void Connection::tell_sockets() {
  const NetworkConfig& network = config_.network;
  for (const NetworkInterface& interface : driver_.interfaces()) {
    const IpAddress& address = interface.address;
    if (address.is_v4() ? !network.ipv4 : !network.ipv6) continue;
    if (!network.bind_addresses.empty()) {
      const auto& wanted = network.bind_addresses;
      if (std::find(wanted.begin(), wanted.end(), address) == wanted.end()) continue;
    } else if (interface.is_loopback && !network.include_loopback) {
      continue;
    }
    // RFC 8445 section 5.1.1.1: neither link-local IPv6 nor IPv4-mapped addresses.
    if (address.is_link_local() || address.is_v4_mapped()) continue;
    open_socket(interface);
  }
  resolve_servers();
  end_sockets_when_resolved();
}

bool Connection::open_socket(const NetworkInterface& interface) {
  const Timestamp now = driver_.now();
  for (const SocketAddress& open : sockets_) {
    if (open.ip == interface.address) {
      return session_->add_local_socket(now, open, interface).has_value();
    }
  }
  for (int port = config_.network.min_port; port <= config_.network.max_port; ++port) {
    const auto bound =
        driver_.open_socket(*this, {interface.address, static_cast<std::uint16_t>(port)});
    if (!bound) continue;
    if (session_->add_local_socket(now, *bound, interface)) {
      sockets_.push_back(*bound);
      return true;
    }
    driver_.close_socket(*this, *bound);
    return false;
  }
  return false;
}

void Connection::resolve_servers() {
  for (const IceServer& server : config_.ice_servers) {
    for (const std::string& url : server.urls) {
      const auto uri = stun::ServerUri::parse(url);
      if (!uri) continue;  // checked by create
      ++resolving_;
      driver_.resolve(uri->host, [weak = weak_from_this(), port = uri->port](auto addresses) {
        const auto self = weak.lock();
        if (!self || self->closed_) return;
        --self->resolving_;
        if (addresses) {
          for (const IpAddress& ip : *addresses) {
            self->session_->add_stun_server(self->driver_.now(), {ip, port});
          }
        }
        self->end_sockets_when_resolved();
        self->wake();
      });
    }
  }
}

// One dead name server must not hold the candidates of the others back: only the end of gathering
// waits.
void Connection::end_sockets_when_resolved() {
  if (resolving_ == 0) session_->end_of_local_sockets(driver_.now());
}

// --- Engine ---

void Connection::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  session_->handle_datagram(now, path, bytes);
}

void Connection::handle_timeout(Timestamp now) {
  if (session_->next_timeout() <= now) session_->handle_timeout(now);
}

std::optional<Transmit> Connection::poll_transmit(Timestamp now, MutableBytes storage) {
  return session_->poll_transmit(now, storage);
}

Timestamp Connection::next_timeout() const {
  Timestamp next = session_->next_timeout();
  if (closed_) return next;
  for (const auto& [id, media] : media_) {
    if (media.video_decoding) next = std::min(next, media.video_decoding->next_due());
  }
  return next;
}

bool Connection::deliver_events(Timestamp now) {
  const auto self = shared_from_this();  // a handler may destroy the facade
  bool delivered = show_due_frames(now);
  while (!closed_) {
    auto event = session_->poll_event();
    if (!event) break;
    delivered = true;
    dispatch(std::move(*event));
  }
  return delivered;
}

void Connection::add_user_fragments(std::vector<std::string>& fragments) const {
  session_->add_user_fragments(fragments);
}

bool Connection::accepts(const Path& path) const { return session_->accepts(path); }

bool Connection::show_due_frames(Timestamp now) {
  bool shown = false;
  // The table may grow in a handler; its nodes stay where they are.
  for (auto& [id, media] : media_) {
    while (!closed_ && media.video_decoding) {
      const auto frame = media.video_decoding->take_due(now);
      if (!frame) break;
      shown = true;
      if (const auto handler = media.on_frame) handler(*frame);
    }
  }
  return shown;
}

void Connection::dispatch(SessionEvent event) {
  const auto call = [](auto handler, auto&&... arguments) {
    if (handler) handler(std::forward<decltype(arguments)>(arguments)...);
  };
  if (dispatch_data(event)) return;
  if (auto* video = std::get_if<event::VideoReceived>(&event)) {
    dispatch(std::move(*video));
  } else if (auto* audio = std::get_if<event::AudioReceived>(&event)) {
    if (const TransceiverMedia* media = find_media(audio->transceiver)) {
      call(media->on_encoded_audio, audio->packet, audio->rtp_timestamp);
    }
  } else if (auto* wanted = std::get_if<event::KeyFrameRequested>(&event)) {
    dispatch(*wanted);
  } else if (auto* rate = std::get_if<event::TargetRateChanged>(&event)) {
    TransceiverMedia* const media = find_media(rate->transceiver);
    if (media == nullptr) return;
    const auto encoding = media->video_encodings.find(rate->rid);
    if (encoding != media->video_encodings.end() && rate->rate > DataRate{}) {
      encoding->second->set_rate(rate->rate);
    }
  } else if (auto* loss = std::get_if<event::LossChanged>(&event)) {
    // Some FEC is kept on a clean path: loss begins before it is reported.
    expected_loss_ = std::clamp(loss->fraction, 0.05, 0.30);
    for (auto& [id, media] : media_) {
      if (media.audio_encoding) media.audio_encoding->set_expected_loss(expected_loss_);
    }
  } else if (auto* candidate = std::get_if<event::CandidateGathered>(&event)) {
    call(handlers_.ice_candidate, candidate->candidate);
  } else if (auto* gathering = std::get_if<event::IceGatheringStateChanged>(&event)) {
    call(handlers_.ice_gathering_state, gathering->state);
  } else if (auto* ice = std::get_if<event::IceConnectionStateChanged>(&event)) {
    call(handlers_.ice_connection_state, ice->state);
  } else if (auto* connection = std::get_if<event::ConnectionStateChanged>(&event)) {
    call(handlers_.connection_state, connection->state);
  } else if (auto* signaling = std::get_if<event::SignalingStateChanged>(&event)) {
    call(handlers_.signaling_state, signaling->state);
  } else if (std::holds_alternative<event::NegotiationNeeded>(event)) {
    call(handlers_.negotiation_needed);
  } else if (auto* track = std::get_if<event::TrackAdded>(&event)) {
    if (const auto* transceiver = session_->negotiation().find(track->transceiver)) {
      media_[track->transceiver.value()].kind = transceiver->kind;
      call(handlers_.track, handle_of(*transceiver));
    }
  } else if (auto* ended = std::get_if<event::TrackEnded>(&event)) {
    const TransceiverMedia* const media = find_media(ended->transceiver);
    if (media == nullptr) return;
    call(handlers_.track_ended,
         Transceiver{weak_from_this(), ended->transceiver.value(), media->kind});
  } else if (auto* stopped = std::get_if<event::TransceiverStopped>(&event)) {
    media_.erase(stopped->transceiver.value());
  }
}

void Connection::dispatch(const event::KeyFrameRequested& event) {
  const TransceiverMedia* const media = find_media(event.transceiver);
  if (media == nullptr) return;
  const auto encoding = media->video_encodings.find(event.rid);
  if (encoding != media->video_encodings.end()) encoding->second->request_key_frame();
  if (const auto handler = media->on_key_frame_request) handler(event.rid);
}

Result<void> Connection::set_streams(int id, std::vector<std::string> stream_ids) {
  if (auto open = check_open(id); !open) return open.error();
  auto set = session_->set_streams(TransceiverId{id}, std::move(stream_ids));
  wake();
  return set;
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  // Handlers often hold the facade: without this the two would keep each other alive.
  handlers_ = {};
  for (auto& [id, media] : media_) {
    media.on_frame = nullptr;
    media.on_encoded_frame = nullptr;
    media.on_encoded_audio = nullptr;
    media.on_key_frame_request = nullptr;
  }
  channels_.clear();
  if (!attached_) return;
  attached_ = false;
  session_->close(driver_.now());
  driver_.detach(*this);  // polls BYE and close_notify first
}

}  // namespace parley::peer
