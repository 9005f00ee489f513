// The parts of a Session and how they are wired. Session.cpp holds negotiation, session_io.cpp the
// datagram side, session_data.cpp the channels, session_stats.cpp the statistics.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parley/session.hpp"
#include "peer/data_plane.hpp"
#include "peer/media_plane.hpp"
#include "peer/transport_plane.hpp"

namespace parley {

struct Session::Impl {
  Impl(Timestamp now, SessionConfig session_config, Random& source);

  // Negotiation.
  jsep::LocalFacts local_facts(const ice::Credentials& credentials);
  bool offers_restart(const OfferOptions& options) const;
  const ice::Credentials& answer_credentials();
  Result<void> check_credentials(const sdp::Description& local) const;
  Result<void> check_supported(const jsep::Plan& plan) const;
  void begin_generation(Timestamp now, const sdp::Description& local);
  void carry_out(Timestamp now, std::vector<jsep::Change> changes);
  void handle(Timestamp now, const jsep::SignalingStateChanged& change);
  void handle(Timestamp now, const jsep::TransportNegotiated& change);
  void handle(Timestamp now, const jsep::RemoteCandidates& change);
  void add_remote_line(Timestamp now, std::string_view line);
  void check_negotiation_needed();
  Mid transport_mid() const;

  // Events of the planes.
  void absorb(Timestamp now);
  void handle(Timestamp now, const ice::Event& event);
  void handle(Timestamp now, const peer::TransportEvent& event);
  void tell_candidate(std::string line, const std::string& ufrag);
  void fail(Timestamp now, std::string reason);
  void check_media_keys(Timestamp now);
  void start_data(Timestamp now);
  bool has_media() const;
  void update_connection_state();
  ConnectionState derive_connection_state() const;

  std::optional<Transmit> protect(Timestamp now, MutableBytes storage,
                                  const peer::MediaPacket& packet);
  std::optional<Transmit> poll_data(Timestamp now, MutableBytes storage);
  std::optional<Transmit> poll_farewell(Timestamp now, MutableBytes storage);

  SessionConfig config;
  Random& random;
  jsep::State state;
  peer::TransportPlane transport;
  peer::MediaPlane media;
  peer::DataPlane data;

  std::list<SessionEvent> events;  ///< nearly always empty, which a deque pays 600 bytes for
  ConnectionState connection_state = ConnectionState::new_;
  IceGatheringState gathering_state = IceGatheringState::new_;
  std::optional<std::pair<IpAddress, IpAddress>> hosts_in_use;  ///< of the selected pair
  std::string failure;                                          ///< of what cannot be mended
  std::string ice_failure;                                      ///< until a restart mends it
  std::uint32_t gathering_generation = 0;
  bool negotiation_needed = false;  ///< W3C [[NegotiationNeeded]]
  bool peer_closed = false;
  bool closed = false;
  bool bye_pending = false;
  /// What was gathered with one set of credentials.
  struct Gathered {
    std::string ufrag;
    std::vector<std::string> lines;
    bool ended = false;
  };
  Gathered& gathered(const std::string& ufrag);
  std::vector<Gathered> generations;  ///< the newest last
};

}  // namespace parley
