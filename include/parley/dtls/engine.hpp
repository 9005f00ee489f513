// The border between a Transport and the program that speaks one version of DTLS for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"

namespace parley::dtls {

/// Who speaks first: the client does. RFC 8842 section 5 maps `a=setup:active` to it.
enum class Role { client, server };

/// SRTP protection profiles with their code points (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
enum class SrtpProfile : std::uint16_t {
  aes128_cm_sha1_80 = 0x0001,
  aead_aes_128_gcm = 0x0007,
  aead_aes_256_gcm = 0x0008,
};

/// Lengths in bytes of the master key and master salt of a profile.
std::size_t srtp_key_size(SrtpProfile profile);
std::size_t srtp_salt_size(SrtpProfile profile);
/// "SRTP_AEAD_AES_128_GCM" and so on, as the registry names them.
std::string_view to_string(SrtpProfile profile);

/// The master keys and salts of both directions (RFC 5764 section 4.2). Wiped on destruction.
struct SrtpKeys {
  SrtpProfile profile = SrtpProfile::aead_aes_128_gcm;
  std::vector<std::uint8_t> local_key;    ///< Protects what we send.
  std::vector<std::uint8_t> local_salt;   ///< Protects what we send.
  std::vector<std::uint8_t> remote_key;   ///< Protects what we receive.
  std::vector<std::uint8_t> remote_salt;  ///< Protects what we receive.

  SrtpKeys() = default;
  SrtpKeys(SrtpKeys&&) noexcept = default;
  SrtpKeys& operator=(SrtpKeys&& other) noexcept;
  ~SrtpKeys();
};

/// What kind of failure ended an association, for programs.
enum class FailureKind {
  timeout,               ///< The peer did not answer within Config::handshake_timeout.
  fingerprint_mismatch,  ///< The certificate is not the one the signalling promised.
  no_srtp_profile,       ///< SRTP is required and the two sides share no profile.
  alert_received,        ///< The peer ended the handshake or the association with a fatal alert.
  protocol_error,        ///< The peer broke the protocol, or offers nothing that we accept.
  internal_error,        ///< The cryptographic library failed.
};
std::string_view to_string(FailureKind kind);

/// Why an association ended: `text` is for people ("alert handshake_failure received").
struct Failure {
  FailureKind kind = FailureKind::internal_error;
  std::string text;
};

/// What the owner thinks of the peer's certificate.
enum class Verdict { accept, undecided, reject };

/// Where the first record of application data in a datagram goes: most datagrams have one.
enum class FirstRecord {
  as_event,  ///< with all others, as Engine::Data
  in_place,  ///< decrypted where it lies, and returned
};

/// Asked once per handshake, at the moment the certificate is known. On `undecided` the handshake
/// goes on and the owner passes nothing upward until it has decided.
class PeerJudge {
 public:
  virtual ~PeerJudge() = default;
  virtual Verdict judge_certificate(Bytes certificate_der) = 0;
};

/// One DTLS association of one protocol version, or a stage of it. Owned and driven by a Transport,
/// one sequence of execution, no clock of its own: all times are the caller's. Flights are
/// retransmitted on `next_timeout`. Anything that is not authentic is dropped without effect on the
/// association.
class Engine {
 public:
  /// The handshake is complete on our side.
  struct Established {
    std::string version;  ///< "1.2"
    std::string cipher;   ///< The suite's registry name, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".
    bool extended_master_secret = false;  ///< RFC 7627.
    std::vector<std::uint8_t> peer_certificate;
    std::optional<SrtpKeys> srtp;  ///< Absent when no profile was chosen.
  };
  /// One record of application data.
  struct Data {
    std::vector<std::uint8_t> bytes;
  };
  /// The peer said close_notify.
  struct Closed {};
  using Event = std::variant<Established, Data, Closed, Failure>;

  virtual ~Engine() = default;

  /// A client makes its first flight.
  virtual void start(Timestamp now) = 0;
  /// With FirstRecord::in_place the content of one record may come back, a view of `datagram`, and
  /// comes before that of the events.
  virtual std::optional<MutableBytes> handle_datagram(Timestamp now, MutableBytes datagram,
                                                      FirstRecord first) = 0;
  virtual void handle_timeout(Timestamp now) = 0;
  /// When to call handle_timeout; kNever when no flight waits for an answer.
  virtual Timestamp next_timeout() const = 0;
  /// Copies one datagram of at most the configured size into `storage`; nullopt when there is none.
  virtual std::optional<Bytes> poll_transmit(MutableBytes storage) = 0;
  virtual std::optional<Event> poll_event() = 0;

  /// Protects `data` as one record in a datagram of its own. Errors: invalid_state before
  /// Established, too_large, queue_full, closed (also when the record numbers are used up).
  virtual Result<void> send(Bytes data) = 0;
  /// The same into `storage`, of at least the configured datagram size, in which `data` may lie.
  /// Errors: those of `send`, queue_full excepted.
  virtual Result<MutableBytes> protect(Bytes data, MutableBytes storage) = 0;
  /// The most bytes that one `send` takes.
  virtual std::size_t max_data_size() const = 0;
  /// Says close_notify. Nothing is sent or received after it.
  virtual void close() = 0;
  /// The first retransmission timeout of flights made from now on.
  virtual void set_initial_timeout(Duration timeout) = 0;
  /// Flights sent again because a timeout passed.
  virtual std::uint64_t retransmissions() const = 0;
  /// The engine that carries on once Established, with all that was not polled; null while there
  /// is none. Asked after each datagram; the predecessor is of no use afterwards.
  virtual std::unique_ptr<Engine> take_successor() = 0;
};

}  // namespace parley::dtls
