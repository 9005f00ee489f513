#include "dtls/openssl_engine.hpp"

#include <openssl/err.h>
#include <openssl/srtp.h>

#include <algorithm>
#include <utility>

#include "dtls/alert.hpp"
#include "dtls/openssl_record_keys.hpp"
#include "dtls/record.hpp"
#include "dtls/srtp_keys.hpp"
#include "parley/base/crypto.hpp"

namespace parley::dtls::openssl {
namespace {

// Records that overtake the Finished message of their flight: the library's own bound is 100.
constexpr std::size_t kMaxEarlyBytes = 32'768;

// When a forced repetition is not accepted by the library because its own clock says "not yet".
constexpr Duration kAskAgain = 10ms;

std::string profile_list(const std::vector<SrtpProfile>& profiles) {
  std::string list;
  for (const SrtpProfile profile : profiles) {
    if (!list.empty()) list += ':';
    list += to_string(profile);
  }
  return list;
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
                                                           FirstRecord) {
  if (phase_ != Phase::handshaking) return std::nullopt;
  keep_early_records(datagram);
  io_.set_input(datagram);
  advance(now);
  io_.clear_input();
  return std::nullopt;
}

// The library keeps such records too, but what it has of them is lost with it. Among them is the
// peer's Finished: the successor reads it once more, and knows its number from then on.
void OpensslEngine::keep_early_records(Bytes datagram) {
  while (const auto header = parse_record_header(datagram)) {
    const Bytes record = datagram.first(header->record_size());
    datagram = datagram.subspan(record.size());
    if (header->epoch != RecordLayer::kEpoch) continue;
    if (early_.size() + record.size() > kMaxEarlyBytes) continue;
    early_.insert(early_.end(), record.begin(), record.end());
  }
}

void OpensslEngine::advance(Timestamp now) {
  const std::uint64_t writes_before = io_.writes();
  io_.begin_flight();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    hand_over(now);
  } else {
    handle_error(SSL_get_error(ssl_.get(), result));
  }
  update_timer(now, io_.writes() != writes_before);
}

void OpensslEngine::hand_over(Timestamp now) {
  phase_ = Phase::ended;
  Established report = describe();
  const auto profile = selected_profile(ssl_.get());
  const bool exported = !profile || export_srtp_keys(*profile, report);
  const auto keys = derive_record_keys(ssl_.get());
  // Our Finished at least was protected.
  auto records = keys && io_.last_protected()
                     ? RecordLayer::create(*keys, role_, *io_.last_protected())
                     : std::nullopt;
  if (!exported || !records) return fail(FailureKind::internal_error, "taking over the keys");
  // A flight that completes the handshake on our side is the last one: who sent the one before
  // learns from the answer that it is complete.
  successor_ = std::make_unique<EstablishedEngine>(
      now, EstablishedEngine::Handover{.report = std::move(report),
                                       .records = std::move(*records),
                                       .last_flight = io_.flight(),
                                       .outgoing = io_.take_output(),
                                       .max_datagram_size = config_.max_datagram_size,
                                       .retransmissions = retransmissions_});
  successor_->handle_datagram(now, early_, FirstRecord::as_event);
}

Engine::Established OpensslEngine::describe() const {
  SSL* ssl = ssl_.get();
  Established report;
  report.version = "1.2";
  report.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  report.extended_master_secret = SSL_get_extms_support(ssl) == 1;
  if (X509* certificate = SSL_get0_peer_certificate(ssl)) {
    report.peer_certificate = der_of(certificate);
  }
  return report;
}

bool OpensslEngine::export_srtp_keys(SrtpProfile profile, Established& report) const {
  std::vector<std::uint8_t> block(srtp_key_block_size(profile));
  // RFC 5764 section 4.2: no context, which in DTLS 1.2 is not the same as an empty one.
  const bool exported =
      SSL_export_keying_material(ssl_.get(), block.data(), block.size(), kSrtpExporterLabel.data(),
                                 kSrtpExporterLabel.size(), nullptr, 0, 0) == 1;
  if (exported) report.srtp = split_srtp_key_block(profile, role_, block);
  wipe(block);
  return exported;
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

Error OpensslEngine::refuse_data() const {
  if (phase_ == Phase::ended) return Error{Errc::closed, "dtls send"};
  return Error{Errc::invalid_state, "dtls send before connected"};
}

// A peer in the middle of a handshake believes an alert without protection, and would otherwise go
// on repeating its flight. Once something of ours was protected it would have to be too.
void OpensslEngine::close() {
  if (phase_ == Phase::handshaking && io_.writes() > 0 && !io_.last_protected()) {
    io_.append_unprotected(ContentType::alert,
                           alert_content(AlertLevel::warning, AlertDescription::close_notify));
  }
  phase_ = Phase::ended;
  timer_.stop();
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
