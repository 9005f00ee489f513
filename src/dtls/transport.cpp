#include "parley/dtls/transport.hpp"

#include <algorithm>
#include <utility>

#include "dtls/openssl_engine.hpp"

namespace parley::dtls {
namespace {

// RFC 6347 has no lower bound; below this OpenSSL does not fragment handshake messages.
constexpr std::size_t kMinDatagramSize = 256;
constexpr std::size_t kMaxDatagramSizeSupported = 16'384;

// RFC 9147 section 5.8.2: "use 1.5 times that RTT estimate". The bounds are ours: below the first a
// busy peer's signature takes longer than the path, the second is RFC 6347's initial timeout.
constexpr Duration kMinInitialTimeout = 50ms;
constexpr Duration kMaxInitialTimeout = 1s;

}  // namespace

std::string_view to_string(FailureKind kind) {
  switch (kind) {
    case FailureKind::timeout:
      return "timeout";
    case FailureKind::fingerprint_mismatch:
      return "fingerprint_mismatch";
    case FailureKind::no_srtp_profile:
      return "no_srtp_profile";
    case FailureKind::alert_received:
      return "alert_received";
    case FailureKind::protocol_error:
      return "protocol_error";
    case FailureKind::internal_error:
      return "internal_error";
  }
  return "unknown";
}

Transport::Transport(Duration handshake_timeout, Role role)
    : handshake_timeout_(handshake_timeout), role_(role) {}

Transport::~Transport() = default;

Result<std::unique_ptr<Transport>> Transport::create(const Config& config, Role role,
                                                     std::shared_ptr<const Identity> identity) {
  if (config.max_datagram_size < kMinDatagramSize ||
      config.max_datagram_size > kMaxDatagramSizeSupported) {
    return Error{Errc::invalid_argument, "dtls datagram size"};
  }
  if (identity == nullptr) return Error{Errc::invalid_argument, "dtls needs an identity"};
  std::unique_ptr<Transport> transport(new Transport(config.handshake_timeout, role));
  auto engine = openssl::OpensslEngine::create(config, role, std::move(identity), *transport);
  if (!engine) return engine.error();
  transport->engine_ = std::move(*engine);
  return transport;
}

void Transport::set_remote_fingerprints(Timestamp, std::vector<Fingerprint> fingerprints) {
  if (remote_fingerprints_ || ended()) return;
  remote_fingerprints_ = std::move(fingerprints);
  confirm_peer();
}

void Transport::start(Timestamp now) {
  if (state_ != State::idle) return;
  state_ = State::connecting;
  // A server's time begins with the first datagram: it cannot know when the client starts.
  if (role_ == Role::client) handshake_deadline_ = now + handshake_timeout_;
  engine_->start(now);
  collect();
}

void Transport::handle_datagram(Timestamp now, MutableBytes datagram) {
  receive(now, datagram, FirstRecord::as_event);
}

std::optional<MutableBytes> Transport::unprotect(Timestamp now, MutableBytes datagram) {
  const bool nothing_waits = state_ == State::connected && events_.empty();
  return receive(now, datagram, nothing_waits ? FirstRecord::in_place : FirstRecord::as_event);
}

std::optional<MutableBytes> Transport::receive(Timestamp now, MutableBytes datagram,
                                               FirstRecord first) {
  if (state_ == State::idle && role_ == Role::server) start(now);
  if (state_ == State::idle || ended() || !is_dtls(datagram)) {
    ++datagrams_dropped_;
    return std::nullopt;
  }
  if (state_ == State::connecting && !unconfirmed_ && handshake_deadline_ == kNever) {
    handshake_deadline_ = now + handshake_timeout_;
  }
  const auto content = engine_->handle_datagram(now, datagram, first);
  if (auto successor = engine_->take_successor()) engine_ = std::move(successor);
  collect();
  return content;
}

void Transport::handle_timeout(Timestamp now) {
  if (ended()) return;
  if (now >= handshake_deadline_) {
    engine_->close();
    return fail({FailureKind::timeout, "DTLS handshake not complete in time"});
  }
  if (now >= engine_->next_timeout()) engine_->handle_timeout(now);
  collect();
}

Timestamp Transport::next_timeout() const {
  if (ended()) return kNever;
  return std::min(handshake_deadline_, engine_->next_timeout());
}

std::optional<Bytes> Transport::poll_transmit(Timestamp, MutableBytes storage) {
  return engine_->poll_transmit(storage);
}

std::optional<Event> Transport::poll_event() {
  // Nothing passes upward before the peer is who the description says (RFC 8827 section 6.5).
  const bool withheld = state_ == State::connecting && unconfirmed_.has_value();
  if (events_.empty() || withheld) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

// Takes over what the engine has to say.
void Transport::collect() {
  while (auto event = engine_->poll_event()) {
    if (ended()) return;
    if (auto* established = std::get_if<Engine::Established>(&*event)) {
      handshake_deadline_ = kNever;
      unconfirmed_ = std::move(*established);
      confirm_peer();
    } else if (auto* data = std::get_if<Engine::Data>(&*event)) {
      if (events_.size() >= kMaxHeldRecords) {
        ++data_dropped_;
      } else {
        events_.emplace_back(Data{std::move(data->bytes)});
      }
    } else if (auto* failure = std::get_if<Failure>(&*event)) {
      fail(std::move(*failure));
    } else {
      finish_by_peer();
    }
  }
}

Verdict Transport::judge_certificate(Bytes certificate_der) {
  if (!remote_fingerprints_) return Verdict::undecided;
  return matches_any(*remote_fingerprints_, certificate_der) ? Verdict::accept : Verdict::reject;
}

// Both are known, the certificate and what was promised: decide.
void Transport::confirm_peer() {
  if (!unconfirmed_ || !remote_fingerprints_ || ended()) return;
  if (judge_certificate(unconfirmed_->peer_certificate) != Verdict::accept) {
    engine_->close();
    return fail({FailureKind::fingerprint_mismatch,
                 "certificate does not match the fingerprint in the description"});
  }
  Connected connected;
  connected.version = std::move(unconfirmed_->version);
  connected.cipher = std::move(unconfirmed_->cipher);
  connected.extended_master_secret = unconfirmed_->extended_master_secret;
  connected.peer_certificate = std::move(unconfirmed_->peer_certificate);
  connected.srtp = std::move(unconfirmed_->srtp);
  unconfirmed_.reset();
  state_ = State::connected;
  // Before the data that was held for it.
  events_.emplace_front(std::move(connected));
}

void Transport::finish_by_peer() {
  // Of a peer that was never confirmed nothing is told but that it is gone.
  if (unconfirmed_) events_.clear();
  unconfirmed_.reset();
  state_ = State::closed;
  events_.emplace_back(Closed{});
}

void Transport::fail(Failure failure) {
  // A peer that was never confirmed leaves nothing behind.
  if (unconfirmed_) events_.clear();
  unconfirmed_.reset();
  state_ = State::failed;
  handshake_deadline_ = kNever;
  events_.emplace_back(Failed{std::move(failure)});
}

Result<void> Transport::send(Bytes data) {
  if (ended()) return Error{Errc::closed, "dtls send"};
  if (state_ != State::connected) return Error{Errc::invalid_state, "dtls send before connected"};
  return engine_->send(data);
}

Result<MutableBytes> Transport::protect(Bytes data, MutableBytes storage) {
  if (ended()) return Error{Errc::closed, "dtls protect"};
  if (state_ != State::connected) {
    return Error{Errc::invalid_state, "dtls protect before connected"};
  }
  return engine_->protect(data, storage);
}

std::size_t Transport::max_data_size() const { return engine_->max_data_size(); }

void Transport::set_round_trip_time(Duration rtt) {
  engine_->set_initial_timeout(std::clamp(rtt * 3 / 2, kMinInitialTimeout, kMaxInitialTimeout));
}

void Transport::close(Timestamp) {
  if (ended()) return;
  engine_->close();
  unconfirmed_.reset();
  events_.clear();
  state_ = State::closed;
  handshake_deadline_ = kNever;
}

TransportStats Transport::stats() const {
  return {datagrams_dropped_, data_dropped_, engine_->retransmissions()};
}

}  // namespace parley::dtls
