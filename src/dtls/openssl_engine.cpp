#include "dtls/openssl_engine.hpp"

#include <openssl/err.h>
#include <openssl/srtp.h>

#include <algorithm>
#include <array>
#include <utility>

namespace parley::dtls::openssl {
namespace {

// RFC 6347 section 4.1 and RFC 5288 section 3: what one record adds to its content. The larger of
// our suites is AES-GCM with its explicit nonce; ChaCha20-Poly1305 has none.
constexpr std::size_t kRecordHeader = 13;
constexpr std::size_t kExplicitNonce = 8;
constexpr std::size_t kTag = 16;
constexpr std::size_t kRecordOverhead = kRecordHeader + kExplicitNonce + kTag;
// RFC 5246 section 6.2.1: the largest content of a record.
constexpr std::size_t kMaxRecordContent = 16'384;

// When a forced repetition is not accepted by the library because its own clock says "not yet".
constexpr Duration kAskAgain = 10ms;

// The library keeps 18 kilobytes of record buffers per association. An association that has just
// received this many datagrams, none later than this after the one before, keeps them; the others
// pay for new ones as they need them.
constexpr int kBusy = 64;
constexpr Duration kPause = 100ms;

std::string profile_list(const std::vector<SrtpProfile>& profiles) {
  std::string list;
  for (const SrtpProfile profile : profiles) {
    if (!list.empty()) list += ':';
    list += to_string(profile);
  }
  return list;
}

std::string alert_name(int alert) {
  std::string name = SSL_alert_desc_string_long(alert);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

// The library asks for an empty queue of errors before each call, and clearing an empty one costs
// more than looking.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

bool is_fatal(int alert) { return (alert >> 8) == SSL3_AL_FATAL; }

std::optional<SrtpProfile> selected_profile(SSL* ssl) {
  const SRTP_PROTECTION_PROFILE* chosen = SSL_get_selected_srtp_profile(ssl);
  if (chosen == nullptr) return std::nullopt;
  return static_cast<SrtpProfile>(chosen->id);
}

std::vector<std::uint8_t> der_of(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  if (size <= 0) return {};
  std::vector<std::uint8_t> der(data, data + size);
  OPENSSL_free(data);
  return der;
}

}  // namespace

OpensslEngine::OpensslEngine(const Config& config, Role role,
                             std::shared_ptr<const Identity> identity, PeerJudge& judge)
    : config_(config),
      role_(role),
      identity_(std::move(identity)),
      judge_(judge),
      io_(config.max_datagram_size) {}

Result<std::unique_ptr<Engine>> OpensslEngine::create(const Config& config, Role role,
                                                      std::shared_ptr<const Identity> identity,
                                                      PeerJudge& judge) {
  std::unique_ptr<OpensslEngine> engine(
      new OpensslEngine(config, role, std::move(identity), judge));
  const bool prepared = engine->prepare();
  ERR_clear_error();
  if (!prepared) return Error{Errc::crypto, "preparing a DTLS association"};
  return std::unique_ptr<Engine>(std::move(engine));
}

bool OpensslEngine::prepare() {
  ssl_ = make_ssl(this);
  BioPtr bio = io_.make_bio();
  if (!ssl_ || !bio || !install_identity(ssl_.get(), identity_->impl())) return false;
  SSL* ssl = ssl_.get();
  SSL_set_bio(ssl, bio.get(), bio.get());
  static_cast<void>(bio.release());  // Both ends of the SSL are this one BIO, which it now owns.
  const std::string profiles = profile_list(config_.srtp_profiles);
  // Alone in its library, this function answers 0 for success.
  if (!profiles.empty() && SSL_set_tlsext_use_srtp(ssl, profiles.c_str()) != 0) return false;
  if (role_ == Role::client) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  // No record is longer than a datagram; the library's buffer is made for what this allows.
  constexpr std::size_t kSmallestFragment = 512;
  SSL_set_max_send_fragment(
      ssl, static_cast<long>(
               std::clamp(config_.max_datagram_size, kSmallestFragment, kMaxRecordContent)));
  return SSL_set_mtu(ssl, static_cast<long>(config_.max_datagram_size)) > 0;
}

void OpensslEngine::start(Timestamp now) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::handshaking;
  if (role_ == Role::client) advance(now);
}

std::optional<MutableBytes> OpensslEngine::handle_datagram(Timestamp now, MutableBytes datagram,
                                                           FirstRecord first) {
  if (phase_ == Phase::idle || phase_ == Phase::ended) return std::nullopt;
  io_.set_input(datagram);
  std::optional<MutableBytes> content;
  // Records of an earlier datagram would be read first, and this one written over unread.
  if (first == FirstRecord::in_place && phase_ == Phase::established &&
      SSL_has_pending(ssl_.get()) == 0) {
    io_.begin_flight();
    content = read_in_place(datagram);
    if (!nothing_to_read()) read_records();
  } else {
    advance(now);
  }
  io_.clear_input();
  note_use(now);
  release_buffers();
  return content;
}

void OpensslEngine::note_use(Timestamp now) {
  if (last_used_ == Timestamp::min() || now - last_used_ > kPause) uses_ = 0;
  last_used_ = now;
  if (uses_ < kBusy) ++uses_;
}

void OpensslEngine::release_buffers() {
  // Refused while records are in them.
  if (phase_ != Phase::established || uses_ >= kBusy) return;
  SSL_free_buffers(ssl_.get());
  io_.release_spare();
}

void OpensslEngine::advance(Timestamp now) {
  const std::uint64_t writes_before = io_.writes();
  io_.begin_flight();
  if (phase_ == Phase::handshaking) continue_handshake();
  if (phase_ == Phase::established) read_records();
  update_timer(now, io_.writes() != writes_before);
}

void OpensslEngine::continue_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    phase_ = Phase::established;
    report_established();
  } else {
    handle_error(SSL_get_error(ssl_.get(), result));
  }
}

// OpenSSL copies the datagram before it decrypts, so that the content may come back to its place.
std::optional<MutableBytes> OpensslEngine::read_in_place(MutableBytes datagram) {
  const std::size_t room = std::min(datagram.size(), kMaxRecordContent);
  forget_errors();
  const int length = SSL_read(ssl_.get(), datagram.data(), static_cast<int>(room));
  if (length > 0) return datagram.first(static_cast<std::size_t>(length));
  handle_error(SSL_get_error(ssl_.get(), length));
  return std::nullopt;
}

// Asking OpenSSL in vain costs as much as a small record.
bool OpensslEngine::nothing_to_read() const {
  return io_.input_taken() && SSL_has_pending(ssl_.get()) == 0;
}

void OpensslEngine::read_records() {
  std::array<std::uint8_t, kMaxRecordContent> content;
  while (phase_ == Phase::established) {
    forget_errors();
    const int length = SSL_read(ssl_.get(), content.data(), static_cast<int>(content.size()));
    if (length > 0) {
      events_.emplace_back(Data{{content.begin(), content.begin() + length}});
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), length);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    handle_error(error);
  }
}

void OpensslEngine::report_established() {
  SSL* ssl = ssl_.get();
  Established report;
  report.version = "1.2";
  report.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  report.extended_master_secret = SSL_get_extms_support(ssl) == 1;
  if (X509* certificate = SSL_get0_peer_certificate(ssl)) {
    report.peer_certificate = der_of(certificate);
  }
  report.srtp_profile = selected_profile(ssl);
  events_.emplace_back(std::move(report));
}

void OpensslEngine::handle_error(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return;
    case SSL_ERROR_ZERO_RETURN:
      phase_ = Phase::ended;
      events_.emplace_back(Closed{});
      return;
    default:
      break;
  }
  if (rejection_) return fail(rejection_->kind, rejection_->text);
  if (!alert_received_.empty()) {
    return fail(FailureKind::alert_received, "alert " + alert_received_ + " received");
  }
  const unsigned long code = ERR_peek_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_READ_TIMEOUT_EXPIRED) {
    return fail(FailureKind::timeout, "no answer to a flight that was repeated 12 times");
  }
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown error";
  if (!alert_sent_.empty()) text += ", alert " + alert_sent_ + " sent";
  const bool theirs = ERR_GET_LIB(code) == ERR_LIB_SSL && alert_sent_ != "internal_error";
  fail(theirs ? FailureKind::protocol_error : FailureKind::internal_error, std::move(text));
}

void OpensslEngine::fail(FailureKind kind, std::string text) {
  phase_ = Phase::ended;
  ERR_clear_error();
  events_.emplace_back(Failure{kind, std::move(text)});
}

bool OpensslEngine::library_awaits_answer() const {
  timeval left{};
  return DTLSv1_get_timeout(ssl_.get(), &left) == 1;
}

// OpenSSL knows whether its last flight wants an answer; when to repeat it is decided here.
void OpensslEngine::update_timer(Timestamp now, bool sent) {
  if (phase_ != Phase::handshaking || !library_awaits_answer()) {
    timer_.stop();
  } else if (sent || !timer_.running()) {
    timer_.start(now);
  }
}

void OpensslEngine::handle_timeout(Timestamp now) {
  if (now < timer_.deadline()) return;
  const std::uint64_t writes_before = io_.writes();
  io_.begin_flight();
  io_.expire_library_timer();
  ERR_clear_error();
  const long result = DTLSv1_handle_timeout(ssl_.get());
  if (result < 0) {
    handle_error(SSL_get_error(ssl_.get(), static_cast<int>(result)));
    timer_.stop();
  } else if (io_.writes() == writes_before) {
    timer_.set_deadline(now + kAskAgain);
  } else {
    ++retransmissions_;
    timer_.back_off(now);
  }
}

std::optional<Engine::Event> OpensslEngine::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<void> OpensslEngine::check_sendable(Bytes data) const {
  if (phase_ == Phase::ended) return Error{Errc::closed, "dtls send"};
  if (phase_ != Phase::established) return Error{Errc::invalid_state, "dtls send before connected"};
  if (data.size() > max_data_size()) return Error{Errc::too_large, "dtls record"};
  if (data.empty()) return Error{Errc::invalid_argument, "empty dtls record"};
  return {};
}

bool OpensslEngine::write_record(Bytes data) {
  forget_errors();
  // Reading makes them by itself, writing does not.
  bool written = SSL_alloc_buffers(ssl_.get()) == 1;
  written = written && SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size())) > 0;
  release_buffers();
  if (!written) ERR_clear_error();
  return written;
}

Result<void> OpensslEngine::send(Bytes data) {
  if (auto sendable = check_sendable(data); !sendable) return sendable;
  if (io_.full()) return Error{Errc::queue_full, "dtls datagrams"};
  if (!write_record(data)) return Error{Errc::crypto, "protecting a dtls record"};
  return {};
}

Result<MutableBytes> OpensslEngine::protect(Bytes data, MutableBytes storage) {
  if (auto sendable = check_sendable(data); !sendable) return sendable.error();
  io_.set_output(storage);
  const bool written = write_record(data);
  const auto datagram = io_.take_output();
  if (!written || datagram.empty()) return Error{Errc::crypto, "protecting a dtls record"};
  return datagram;
}

std::size_t OpensslEngine::max_data_size() const {
  return std::min(config_.max_datagram_size - kRecordOverhead, kMaxRecordContent);
}

void OpensslEngine::close() {
  if (phase_ == Phase::established) {
    ERR_clear_error();
    if (SSL_alloc_buffers(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  phase_ = Phase::ended;
  timer_.stop();
}

bool OpensslEngine::export_keying_material(std::string_view label, MutableBytes out) {
  // RFC 5764 section 4.2: no context, which in DTLS 1.2 is not the same as an empty one.
  return phase_ == Phase::established &&
         SSL_export_keying_material(ssl_.get(), out.data(), out.size(), label.data(), label.size(),
                                    nullptr, 0, 0) == 1;
}

// Called in the middle of the handshake, so that a refusal still becomes an alert.
int OpensslEngine::judge_chain(X509_STORE_CTX* chain) {
  if (config_.srtp_use == SrtpUse::required && !selected_profile(ssl_.get())) {
    rejection_ = Failure{FailureKind::no_srtp_profile, "no SRTP protection profile in common"};
    X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);  // handshake_failure
    return 0;
  }
  X509* certificate = X509_STORE_CTX_get0_cert(chain);
  const auto der = certificate != nullptr ? der_of(certificate) : std::vector<std::uint8_t>{};
  if (judge_.judge_certificate(der) == Verdict::reject) {
    rejection_ = Failure{FailureKind::fingerprint_mismatch,
                         "certificate does not match the fingerprint in the description"};
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);  // bad_certificate
    return 0;
  }
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

void OpensslEngine::note_alert(int where, int alert) {
  if (!is_fatal(alert)) return;
  std::string& slot = (where & SSL_CB_READ) != 0 ? alert_received_ : alert_sent_;
  slot = alert_name(alert);
}

void OpensslEngine::log_key(const char* line) {
  if (config_.key_log) config_.key_log(line);
}

}  // namespace parley::dtls::openssl
