// The handshake of DTLS 1.2 by OpenSSL 3.0.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dtls/established_engine.hpp"
#include "dtls/openssl_bio.hpp"
#include "dtls/openssl_context.hpp"
#include "dtls/openssl_handles.hpp"
#include "dtls/retransmission_timer.hpp"
#include "parley/dtls/engine.hpp"
#include "parley/dtls/transport.hpp"

namespace parley::dtls::openssl {

/// The Engine of the handshake of DTLS 1.2 (RFC 6347): OpenSSL does the protocol, this class its
/// time, its datagrams and the reading of its results. Its successor carries on with the records,
/// so that OpenSSL's object, which never gives back what a handshake took, can go.
class OpensslEngine final : public Engine, private SslOwner {
 public:
  /// `judge` outlives the engine. Errors: crypto.
  static Result<std::unique_ptr<Engine>> create(const Config& config, Role role,
                                                std::shared_ptr<const Identity> identity,
                                                PeerJudge& judge);

  void start(Timestamp now) override;
  std::optional<MutableBytes> handle_datagram(Timestamp now, MutableBytes datagram,
                                              FirstRecord first) override;
  void handle_timeout(Timestamp now) override;
  Timestamp next_timeout() const override { return timer_.deadline(); }
  std::optional<Bytes> poll_transmit(MutableBytes storage) override { return io_.pop(storage); }
  std::optional<Event> poll_event() override;
  Result<void> send(Bytes) override { return refuse_data(); }
  Result<MutableBytes> protect(Bytes, MutableBytes) override { return refuse_data(); }
  std::size_t max_data_size() const override { return max_record_data(config_.max_datagram_size); }
  void close() override;
  void set_initial_timeout(Duration timeout) override { timer_.set_initial(timeout); }
  std::uint64_t retransmissions() const override { return retransmissions_; }
  std::unique_ptr<Engine> take_successor() override { return std::move(successor_); }

 private:
  enum class Phase { idle, handshaking, ended };

  OpensslEngine(const Config& config, Role role, std::shared_ptr<const Identity> identity,
                PeerJudge& judge);
  bool prepare();
  void advance(Timestamp now);
  void keep_early_records(Bytes datagram);
  Error refuse_data() const;
  void hand_over(Timestamp now);
  Established describe() const;
  bool export_srtp_keys(SrtpProfile profile, Established& report) const;
  void handle_error(int ssl_error);
  void fail(FailureKind kind, std::string text);
  void update_timer(Timestamp now, bool sent);
  bool library_awaits_answer() const;

  int judge_chain(X509_STORE_CTX* chain) override;
  void note_alert(int where, int alert) override;
  void log_key(const char* line) override;
  Duration flight_timeout() const override { return timer_.timeout(); }

  const Config config_;
  const Role role_;
  const std::shared_ptr<const Identity> identity_;
  PeerJudge& judge_;
  DatagramBio io_;
  SslPtr ssl_;  // After io_, which it uses until it is destroyed.
  RetransmissionTimer timer_;
  Phase phase_ = Phase::idle;
  std::list<Event> events_;  // Nearly always empty, which a deque pays 600 bytes for.
  std::uint64_t retransmissions_ = 0;
  /// Records of epoch 1 that came before the handshake was complete, one after the other: they are
  /// the successor's to read.
  std::vector<std::uint8_t> early_;
  std::unique_ptr<EstablishedEngine> successor_;
  std::optional<Failure> rejection_;  ///< Why we refused the peer's certificate.
  std::string alert_received_;        ///< Fatal ones.
  std::string alert_sent_;
};

}  // namespace parley::dtls::openssl
