#include "peer/transport_plane.hpp"

#include <algorithm>
#include <utility>

#include "parley/rtp/packet.hpp"
#include "parley/stun/message.hpp"

namespace parley::peer {

TransportPlane::TransportPlane(const TransportConfig& config, Random& random, Timestamp now)
    : config_(config), ice_(config.ice, random, now) {}

Result<void> TransportPlane::set_remote(Timestamp now, const RemoteTransport& remote) {
  if (closed_) return Error{Errc::closed, "transport"};
  auto set = remote.ice_restart ? ice_.accept_restart(now, remote.credentials)
                                : ice_.set_remote_credentials(now, remote.credentials);
  if (!set) return set;
  if (dtls_) {
    dtls_->set_remote_fingerprints(now, remote.fingerprints);
    return {};
  }
  config_.dtls.srtp_use = remote.srtp_use;
  auto made = dtls::Transport::create(config_.dtls, remote.local_role, config_.identity);
  if (!made) return made.error();
  dtls_ = std::move(*made);
  dtls_->set_remote_fingerprints(now, remote.fingerprints);
  // A ClientHello may overtake the answer that told us our role (RFC 8842 section 5.3 lets the
  // answerer send it as soon as it has a path).
  for (auto& datagram : std::exchange(early_dtls_, {})) dtls_->handle_datagram(now, datagram);
  if (ice_.selected_path()) dtls_->start(now);
  drain_dtls();
  return {};
}

Delivery TransportPlane::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  if (bytes.empty()) {
    ++drops_.empty_or_unknown;
    return {};
  }
  // RFC 7983 section 7, widened for DTLS 1.3 by RFC 9443.
  if (stun::is_stun(bytes)) {
    ice_.handle_datagram(now, path, bytes);
    // Firefox answers checks before it has read the answer, and throws the ClientHello away that
    // follows them. Its own first check tells that it has our answer now.
    hello_is_due_ = !early_hello_.empty() && ice_.heard_check();
    if (dtls_ && dtls_->state() == dtls::State::idle && ice_.selected_path()) {
      if (const auto rtt = ice_.round_trip_time()) dtls_->set_round_trip_time(*rtt);
      dtls_->start(now);
      drain_dtls();
    }
    return {};
  }
  if (dtls::is_dtls(bytes)) return handle_dtls(now, path, bytes);
  if (rtp::is_rtp_or_rtcp(bytes)) return unprotect(now, path, bytes);
  ++drops_.empty_or_unknown;
  return {};
}

Delivery TransportPlane::handle_dtls(Timestamp now, const Path& path, MutableBytes bytes) {
  if (!ice_.accepts(path)) {
    ++drops_.unproven_path;
    return {};
  }
  ice_.note_received(path, bytes.size(), now);
  ++counters_.packets_received;
  counters_.bytes_received += bytes.size();
  early_hello_.clear();
  hello_is_due_ = false;
  if (!dtls_) {
    if (early_dtls_.size() >= kMaxEarlyDtls) {
      ++drops_.early_dtls;
      return {};
    }
    early_dtls_.emplace_back(bytes.begin(), bytes.end());
    return {};
  }
  if (const auto rtt = ice_.round_trip_time()) dtls_->set_round_trip_time(*rtt);
  const auto packet = dtls_->unprotect(now, bytes);
  drain_dtls();
  return packet ? Delivery{DataPacket{*packet}} : Delivery{};
}

Delivery TransportPlane::unprotect(Timestamp now, const Path& path, MutableBytes bytes) {
  if (!ice_.accepts(path)) {
    ++drops_.unproven_path;
    return {};
  }
  ice_.note_received(path, bytes.size(), now);
  ++counters_.packets_received;
  counters_.bytes_received += bytes.size();
  if (srtp() == nullptr) {
    ++drops_.before_keys;
    return {};
  }
  if (rtp::is_rtcp(bytes)) {
    const auto plain = srtp_->unprotect_rtcp(bytes);
    return plain ? Delivery{RtcpDatagram{*plain}} : Delivery{};
  }
  const auto plain = srtp_->unprotect_rtp(bytes);
  return plain ? Delivery{RtpDatagram{*plain}} : Delivery{};
}

void TransportPlane::handle_timeout(Timestamp now) {
  ice_.handle_timeout(now);
  if (!dtls_) return;
  if (dtls_->state() == dtls::State::idle && ice_.selected_path()) dtls_->start(now);
  if (dtls_->next_timeout() <= now) dtls_->handle_timeout(now);
  drain_dtls();
}

Timestamp TransportPlane::next_timeout() const {
  const Timestamp ice = ice_.next_timeout();
  return dtls_ ? std::min(ice, dtls_->next_timeout()) : ice;
}

std::optional<Transmit> TransportPlane::poll_transmit(Timestamp now, MutableBytes storage) {
  if (auto transmit = ice_.poll_transmit(now, storage)) return transmit;
  if (!dtls_) return std::nullopt;
  const auto path = ice_.selected_path() ? ice_.selected_path() : last_path_;
  // Without a path nothing is polled: the flight waits inside and leaves with the first pair.
  if (!path) return std::nullopt;
  const auto datagram = poll_dtls(now, storage);
  if (!datagram) return std::nullopt;
  last_path_ = path;
  ice_.note_sent(*path, datagram->size(), now);
  ++counters_.packets_sent;
  counters_.bytes_sent += datagram->size();
  return Transmit{.path = *path, .datagram = *datagram};
}

std::optional<Bytes> TransportPlane::poll_dtls(Timestamp now, MutableBytes storage) {
  if (hello_is_due_) {
    hello_is_due_ = false;
    const auto hello = std::exchange(early_hello_, {});
    std::copy(hello.begin(), hello.end(), storage.begin());
    return Bytes{storage.data(), hello.size()};
  }
  const auto datagram = dtls_->poll_transmit(now, storage);
  const bool is_first = dtls_->role() == dtls::Role::client && counters_.packets_sent == 0;
  if (datagram && is_first && !ice_.heard_check()) {
    early_hello_.assign(datagram->begin(), datagram->end());
  }
  return datagram;
}

std::optional<TransportEvent> TransportPlane::poll_event() {
  if (auto event = ice_.poll_event()) return TransportEvent{std::move(*event)};
  if (next_event_ == events_.size()) return std::nullopt;
  TransportEvent event = std::move(events_[next_event_++]);
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
  }
  return event;
}

void TransportPlane::drain_dtls() {
  while (auto event = dtls_->poll_event()) {
    if (auto* connected = std::get_if<dtls::Connected>(&*event)) {
      take(std::move(*connected));
    } else if (auto* failed = std::get_if<dtls::Failed>(&*event)) {
      events_.emplace_back(std::move(*failed));
    } else if (auto* data = std::get_if<dtls::Data>(&*event)) {
      events_.emplace_back(std::move(*data));
    } else {
      events_.emplace_back(dtls::Closed{});
    }
  }
}

void TransportPlane::take(dtls::Connected connected) {
  SecureConnected secured{.dtls_version = std::move(connected.version),
                          .dtls_cipher = std::move(connected.cipher),
                          .srtp_profile = {}};
  peer_certificate_ = std::move(connected.peer_certificate);
  if (connected.srtp) {
    secured.srtp_profile = connected.srtp->profile;
    srtp_keys_ = std::move(connected.srtp);
  }
  secured_ = secured;
  events_.emplace_back(std::move(secured));
}

srtp::Session* TransportPlane::srtp() {
  if (srtp_ || !srtp_keys_) return srtp_.get();
  const auto keys = std::exchange(srtp_keys_, std::nullopt);
  // Both enumerations carry the code points of the DTLS extension (RFC 5764 section 4.1.2).
  auto made = srtp::Session::create(static_cast<srtp::Profile>(keys->profile),
                                    {.key = keys->local_key, .salt = keys->local_salt},
                                    {.key = keys->remote_key, .salt = keys->remote_salt});
  if (made) {
    srtp_ = std::move(*made);
  } else {
    events_.emplace_back(
        dtls::Failed{{dtls::FailureKind::internal_error, made.error().to_string()}});
  }
  return srtp_.get();
}

std::optional<Transmit> TransportPlane::protect_rtp(Timestamp now, MutableBytes storage,
                                                    std::size_t length) {
  if (!media_ready() || srtp() == nullptr) return std::nullopt;
  return addressed(now, srtp_->protect_rtp(storage, length));
}

std::optional<Transmit> TransportPlane::repeat_rtp(Timestamp now, MutableBytes storage,
                                                   std::size_t length) {
  if (!media_ready() || srtp() == nullptr) return std::nullopt;
  return addressed(now, srtp_->repeat_rtp(storage, length));
}

std::optional<Transmit> TransportPlane::protect_rtcp(Timestamp now, MutableBytes storage,
                                                     std::size_t length) {
  if (!media_ready() || srtp() == nullptr) return std::nullopt;
  return addressed(now, srtp_->protect_rtcp(storage, length));
}

std::optional<Transmit> TransportPlane::protect_data(Timestamp now, Bytes packet,
                                                     MutableBytes storage) {
  if (!data_ready()) return std::nullopt;
  const auto datagram = dtls_->protect(packet, storage);
  if (!datagram) return std::nullopt;
  return addressed(now, *datagram);
}

std::optional<Transmit> TransportPlane::addressed(Timestamp now,
                                                  std::optional<MutableBytes> packet) {
  if (!packet) return std::nullopt;
  const Path path = *ice_.selected_path();
  last_path_ = path;
  ice_.note_sent(path, packet->size(), now);
  ++counters_.packets_sent;
  counters_.bytes_sent += packet->size();
  return Transmit{.path = path, .datagram = *packet};
}

std::optional<dtls::State> TransportPlane::dtls_state() const {
  if (!dtls_) return std::nullopt;
  return dtls_->state();
}

std::optional<dtls::Role> TransportPlane::dtls_role() const {
  if (!dtls_) return std::nullopt;
  return dtls_->role();
}

void TransportPlane::close(Timestamp now) {
  if (closed_) return;
  closed_ = true;
  last_path_ = ice_.selected_path();
  if (dtls_) dtls_->close(now);
  ice_.close();
}

}  // namespace parley::peer
