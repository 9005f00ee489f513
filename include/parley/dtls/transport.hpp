// DTLS for WebRTC: the secure association under data channels, and the keys of SRTP.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/dtls/engine.hpp"
#include "parley/dtls/fingerprint.hpp"
#include "parley/dtls/identity.hpp"

namespace parley::dtls {

/// True when a datagram's first byte is in 20..63 (RFC 7983 section 7, RFC 9443): DTLS 1.2 record
/// types and the unified header of DTLS 1.3.
constexpr bool is_dtls(Bytes datagram) {
  return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63;
}

enum class SrtpUse {
  required,  ///< Media will flow: no common profile is a failure (RFC 5764 section 4.1).
  optional,  ///< Data only: offered and accepted, but its absence does not matter.
};

struct Config {
  /// In order of preference; the server's order decides (RFC 5764 section 4.1.1). Empty: use_srtp
  /// is neither offered nor answered.
  std::vector<SrtpProfile> srtp_profiles = {
      SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm, SrtpProfile::aes128_cm_sha1_80};
  SrtpUse srtp_use = SrtpUse::required;
  /// The largest UDP payload that we send, in bytes, 256 to 16384. Handshake messages are
  /// fragmented to it (RFC 6347 section 4.1.1).
  std::size_t max_datagram_size = 1200;
  /// The handshake fails when it is not complete this long after `start` (client) or after the
  /// first datagram (server).
  Duration handshake_timeout = 30s;
  /// Called with one line of the NSS key log format per association, for debugging with a packet
  /// analyser. Whoever reads the line can read everything: leave it empty otherwise.
  std::function<void(std::string_view line)> key_log;
};

/// Handshake complete and the peer's certificate is the one that the signalling promised.
struct Connected {
  std::optional<SrtpKeys> srtp;  ///< Absent only with SrtpUse::optional.
  std::string version;           ///< "1.2"
  std::string cipher;            ///< The suite's registry name.
  bool extended_master_secret = false;
  std::vector<std::uint8_t> peer_certificate;  ///< DER.
};
/// One record of application data.
struct Data {
  std::vector<std::uint8_t> bytes;
};
/// The association cannot be made, or was ended by a fatal alert. Nothing follows.
struct Failed {
  Failure failure;
};
/// The peer said close_notify. Nothing follows.
struct Closed {};
using Event = std::variant<Connected, Data, Failed, Closed>;

enum class State {
  idle,        ///< Before `start`.
  connecting,  ///< Handshake running, or complete and waiting for the remote fingerprints.
  connected,   ///< Connected was reported.
  closed,      ///< Either side said close_notify.
  failed,
};

/// Drops, each counted.
struct TransportStats {
  std::uint64_t datagrams_dropped = 0;  ///< Not DTLS, or after the end.
  std::uint64_t data_dropped = 0;       ///< Application data beyond the bound of what is held.
  std::uint64_t retransmissions = 0;    ///< Flights sent again because a timeout passed.
};

/// One DTLS 1.2 association (RFC 6347) between two peers who know each other's certificate
/// fingerprint from the signalling (RFC 5763, RFC 8842).
///
/// Certificates are verified by fingerprint only, and before any key or data passes upward. The
/// fingerprints may come after the handshake began, or ended: until then everything is held.
/// Datagrams carry no addresses here: ICE has proved the path, so a server asks for no cookie.
/// One sequence of execution; owns its engine; shares its identity.
class Transport final : private PeerJudge {
 public:
  /// Application data held while the fingerprints are unknown or events are not polled: records
  /// beyond it are dropped, as the network may drop them.
  static constexpr std::size_t kMaxHeldRecords = 256;

  /// Errors: invalid_argument for a datagram size out of range; crypto.
  static Result<std::unique_ptr<Transport>> create(const Config& config, Role role,
                                                   std::shared_ptr<const Identity> identity);
  ~Transport() override;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// What the remote description promises; one match is enough. The first call decides: the
  /// certificate of an association does not change, so later calls have no effect.
  void set_remote_fingerprints(Timestamp now, std::vector<Fingerprint> fingerprints);

  /// The client's first flight goes out; a server begins to listen. Datagrams that arrive at a
  /// server before `start` start it.
  void start(Timestamp now);

  void handle_datagram(Timestamp now, MutableBytes datagram);
  /// The same for owners who take data at once: the content of the datagram's first record of
  /// application data comes back as a view of `datagram`, unless something is waiting to be polled
  /// that must be told before. Everything else comes as events, after it.
  [[nodiscard]] std::optional<MutableBytes> unprotect(Timestamp now, MutableBytes datagram);
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;
  /// One datagram of at most Config::max_datagram_size. `storage` has that room.
  std::optional<Bytes> poll_transmit(Timestamp now, MutableBytes storage);
  std::optional<Event> poll_event();

  /// One record, one datagram. Errors: invalid_state before Connected; too_large beyond
  /// `max_data_size()`; queue_full when `poll_transmit` was not drained; closed.
  Result<void> send(Bytes data);
  /// The same without the queue: the datagram is written to `storage`, which has
  /// Config::max_datagram_size bytes and in which `data` may lie. Errors: those of `send` but
  /// queue_full.
  Result<MutableBytes> protect(Bytes data, MutableBytes storage);
  /// The most bytes that one `send` takes.
  std::size_t max_data_size() const;

  /// The path's round-trip time as ICE measures it: flights made from now on are first
  /// retransmitted after 1.5 times that, within 50 ms to 1 s. Without it 400 ms (RFC 9147 section
  /// 5.8.2, which speaks for DTLS-SRTP of any version).
  void set_round_trip_time(Duration rtt);

  /// Says close_notify to the peer, who sees Closed; no event here.
  void close(Timestamp now);

  State state() const { return state_; }
  Role role() const { return role_; }
  TransportStats stats() const;

 private:
  Transport(Duration handshake_timeout, Role role);
  Verdict judge_certificate(Bytes certificate_der) override;
  std::optional<MutableBytes> receive(Timestamp now, MutableBytes datagram, FirstRecord first);
  void collect();
  void confirm_peer();
  void finish_by_peer();
  void fail(Failure failure);
  bool ended() const { return state_ == State::closed || state_ == State::failed; }

  const Duration handshake_timeout_;
  const Role role_;
  std::unique_ptr<Engine> engine_;
  State state_ = State::idle;
  Timestamp handshake_deadline_ = kNever;
  std::optional<std::vector<Fingerprint>> remote_fingerprints_;
  /// Handshake complete, fingerprints not known yet.
  std::optional<Engine::Established> unconfirmed_;
  std::list<Event> events_;  // Nearly always empty, which a deque pays 600 bytes for.
  std::uint64_t datagrams_dropped_ = 0;
  std::uint64_t data_dropped_ = 0;
};

}  // namespace parley::dtls
