// The secure datagram service under media and data: ICE finds the path, DTLS proves the peer and
// makes the keys, SRTP protects what is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/net.hpp"
#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/dtls/transport.hpp"
#include "parley/ice/transport.hpp"
#include "parley/srtp/session.hpp"

namespace parley::peer {

struct TransportConfig {
  ice::Config ice;
  dtls::Config dtls;
  std::shared_ptr<const dtls::Identity> identity;
};

/// What a description says of the peer's end of the transport.
struct RemoteTransport {
  ice::Credentials credentials;
  std::vector<dtls::Fingerprint> fingerprints;
  dtls::Role local_role = dtls::Role::client;
  /// Media was negotiated: a handshake without keys for it fails. Otherwise use_srtp is offered and
  /// not missed, as peers for data alone do without.
  dtls::SrtpUse srtp_use = dtls::SrtpUse::required;
  bool ice_restart = false;  ///< the credentials are those of the prepared generation
};

/// Datagrams that were not passed on, by reason.
struct TransportDrops {
  std::uint64_t empty_or_unknown = 0;  ///< first byte of no protocol of ours (RFC 7983)
  std::uint64_t unproven_path = 0;     ///< DTLS or SRTP from where no check succeeded
  std::uint64_t before_keys = 0;       ///< SRTP before DTLS was done
  std::uint64_t early_dtls = 0;        ///< more DTLS before the answer than is held
};

/// Counters of W3C RTCTransportStats.
struct TransportCounters {
  std::uint64_t packets_sent = 0, packets_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

/// DTLS is done and the peer is who the signalling said.
struct SecureConnected {
  std::string dtls_version;
  std::string dtls_cipher;
  std::optional<dtls::SrtpProfile> srtp_profile;
};
using TransportEvent =
    std::variant<ice::Event, SecureConnected, dtls::Failed, dtls::Closed, dtls::Data>;

/// What a datagram turned out to be, for the plane above; views of the caller's bytes.
struct RtpDatagram {
  MutableBytes packet;
};
struct RtcpDatagram {
  MutableBytes packet;
};
/// The content of a DTLS record.
struct DataPacket {
  Bytes packet;
};
using Delivery = std::variant<std::monostate, RtpDatagram, RtcpDatagram, DataPacket>;

/// One transport (RFC 9143: everything is bundled on it). One sequence of execution; owns the ICE
/// agent, the DTLS association and the SRTP session.
class TransportPlane {
 public:
  /// Handshake datagrams that are held while the answer, and with it our DTLS role, is unknown: two
  /// flights of a browser.
  static constexpr std::size_t kMaxEarlyDtls = 8;

  TransportPlane(const TransportConfig& config, Random& random, Timestamp now);

  ice::Transport& ice() { return ice_; }
  const ice::Transport& ice() const { return ice_; }
  /// Starts checks and the handshake. Later calls with the same values change nothing; an ICE
  /// restart changes nothing above ICE (RFC 8842 section 4).
  Result<void> set_remote(Timestamp now, const RemoteTransport& remote);

  Delivery handle_datagram(Timestamp now, const Path& path, MutableBytes bytes);
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage);
  std::optional<TransportEvent> poll_event();

  /// True when media can be protected and there is a path for it.
  bool media_ready() const { return (srtp_ || srtp_keys_) && ice_.selected_path().has_value(); }
  /// The same of data.
  bool data_ready() const { return secured_.has_value() && ice_.selected_path().has_value(); }
  /// Protects the packet in the first `length` bytes of `storage` (srtp::kMaxTrailer more bytes of
  /// room) and addresses it. nullopt when not ready, or refused by SRTP.
  std::optional<Transmit> protect_rtp(Timestamp now, MutableBytes storage, std::size_t length);
  /// The same for the very bytes of an earlier packet.
  std::optional<Transmit> repeat_rtp(Timestamp now, MutableBytes storage, std::size_t length);
  std::optional<Transmit> protect_rtcp(Timestamp now, MutableBytes storage, std::size_t length);
  /// Protects one packet of at most `max_data_size()` bytes, which may lie in `storage`. nullopt
  /// when not ready, or refused by DTLS.
  std::optional<Transmit> protect_data(Timestamp now, Bytes packet, MutableBytes storage);
  std::size_t max_data_size() const { return dtls_ ? dtls_->max_data_size() : 0; }

  std::optional<dtls::State> dtls_state() const;
  std::optional<dtls::Role> dtls_role() const;
  const std::optional<SecureConnected>& secured() const { return secured_; }
  const std::vector<std::uint8_t>& peer_certificate() const { return peer_certificate_; }
  const TransportDrops& drops() const { return drops_; }
  const TransportCounters& counters() const { return counters_; }
  const srtp::Counters* srtp_counters() const { return srtp_ ? &srtp_->counters() : nullptr; }

  /// Says close_notify; what is to be sent can still be polled.
  void close(Timestamp now);
  bool closed() const { return closed_; }

 private:
  Delivery handle_dtls(Timestamp now, const Path& path, MutableBytes bytes);
  Delivery unprotect(Timestamp now, const Path& path, MutableBytes bytes);
  void drain_dtls();
  std::optional<Bytes> poll_dtls(Timestamp now, MutableBytes storage);
  void take(dtls::Connected connected);
  /// Null before the keys are there. Connections for data alone never make it.
  srtp::Session* srtp();
  std::optional<Transmit> addressed(Timestamp now, std::optional<MutableBytes> packet);

  TransportConfig config_;
  ice::Transport ice_;
  std::unique_ptr<dtls::Transport> dtls_;
  std::optional<dtls::SrtpKeys> srtp_keys_;  ///< until the first packet of media
  std::unique_ptr<srtp::Session> srtp_;
  std::vector<std::vector<std::uint8_t>> early_dtls_;
  /// Our ClientHello, when it left before the peer showed any sign of having our answer.
  std::vector<std::uint8_t> early_hello_;
  bool hello_is_due_ = false;  ///< once more, before its timer says so
  std::vector<TransportEvent> events_;
  std::size_t next_event_ = 0;
  std::optional<SecureConnected> secured_;
  std::vector<std::uint8_t> peer_certificate_;
  std::optional<Path> last_path_;  ///< where close_notify goes after ICE has closed
  TransportDrops drops_;
  TransportCounters counters_;
  bool closed_ = false;
};

}  // namespace parley::peer
