// The state of a negotiation as one value, and what the application does to it between offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/sdp/capabilities.hpp"
#include "parley/sdp/description.hpp"
#include "parley/sdp/transceiver.hpp"

namespace parley::jsep {

/// W3C webrtc-pc section 4.3.1. "closed" is the session's business.
enum class SignalingState {
  stable,
  have_local_offer,
  have_remote_offer,
  have_local_pranswer,
  have_remote_pranswer,
};
/// "stable", "have-local-offer", ... as W3C spells them.
std::string_view to_string(SignalingState state);

enum class Side { local, remote };
enum class DtlsRole { client, server };

/// What the peer said about its transport, and which end opens DTLS. From an offer/answer pair.
struct TransportParameters {
  std::string remote_ufrag;
  std::string remote_pwd;
  std::vector<std::string> remote_ice_options;
  bool remote_ice_lite = false;
  std::vector<sdp::Fingerprint> remote_fingerprints;  ///< any one that matches is enough
  std::string remote_tls_id;                          ///< empty when not given
  DtlsRole dtls_role = DtlsRole::client;              ///< ours
  bool local_was_offerer = false;  ///< of the first offer: the controlling side (RFC 8445 6.1.1)
  std::string local_ufrag;         ///< of the local description this belongs to
  Mid mid;                         ///< the section that carries the transport (the bundle's tag)
  friend bool operator==(const TransportParameters&, const TransportParameters&) = default;
};

/// The agreed data section (RFC 8841).
struct DataParameters {
  Mid mid;
  std::uint16_t local_port = 5000;
  std::uint16_t remote_port = 5000;
  std::uint64_t max_message_size = sdp::kDefaultMaxMessageSize;  ///< to send; may be unlimited
  /// SNAP (draft-hancke-tsvwg-snap): the INIT chunks that both sides described, or both empty. With
  /// them the association is established once DTLS is, without a handshake.
  std::vector<std::uint8_t> local_init;
  std::vector<std::uint8_t> remote_init;
  friend bool operator==(const DataParameters&, const DataParameters&) = default;
};

struct DataSection {
  bool wanted = false;  ///< a channel was created: offers have a data section
  std::optional<Mid> mid;
  std::optional<std::size_t> section;
  std::optional<DataParameters> negotiated;
};

/// Shared because it never changes: a state is copied without copying its texts.
using DescriptionPtr = std::shared_ptr<const sdp::Description>;
struct Checkpoint;  // what a rollback restores

/// Everything negotiation knows. A value: copying it and planning on the copy is harmless. Members
/// are for reading; the functions below change them.
struct State {
  /// Never null. Shared, because it never changes: connections hold it once.
  std::shared_ptr<const Config> config = std::make_shared<const Config>();
  std::uint64_t session_id = 0;  ///< the number in o=
  std::uint64_t seed = 0;        ///< what SSRCs and track ids are drawn from
  std::string cname;             ///< of all our streams (RFC 7022)
  /// The version the next description gets; goes up with each one that is set (RFC 9429 5.2.2).
  std::uint64_t next_version = 1;

  SignalingState signaling = SignalingState::stable;
  std::vector<Transceiver> transceivers;  ///< in the order of their creation
  DataSection data;
  std::optional<TransportParameters> transport;
  /// Fragments of ours that restart_ice wants replaced (W3C [[LocalIceCredentialsToReplace]]).
  std::vector<std::string> ufrags_to_replace;
  DescriptionPtr current_local, pending_local, current_remote, pending_remote;

  int next_transceiver = 0;
  int next_mid = 0;
  /// Header extension ids that have a meaning in this bundle: our offers never give them another.
  std::vector<std::pair<int, std::string>> extension_ids;
  /// Payload types with a meaning, likewise (RFC 9143 section 10.1.2): "opus/48000/2" and fmtp.
  std::vector<std::pair<PayloadType, std::string>> payload_types;
  bool offered_first = false;     ///< the first offer was ours
  bool last_offer_local = false;  ///< the last completed exchange began with our offer
  std::shared_ptr<const Checkpoint> checkpoint;  ///< while an offer is pending

  const Transceiver* find(TransceiverId id) const;
  const Transceiver* find(const Mid& mid) const;
  /// pending if there is one, else current (W3C localDescription, remoteDescription).
  const sdp::Description* description(Side side) const;
};

/// A fresh state. Draws the session id, the cname and the seed.
State make_state(Config config, Random& random);

// ---- What the application does to its transceivers between negotiations (W3C section 5) ----

TransceiverId add_transceiver(State& state, MediaKind kind, TransceiverInit init);
/// addTrack: takes a transceiver of this kind that never sent and has no track, or makes one.
TransceiverId add_track(State& state, MediaKind kind, TransceiverInit init);
/// removeTrack: the direction loses its sending half. Errors: not_found.
Result<void> remove_track(State& state, TransceiverId id);
/// Errors: not_found, invalid_state (stopping or stopped).
Result<void> set_direction(State& state, TransceiverId id, Direction direction);
/// setStreams: the MediaStreams that our sender belongs to (RFC 8830), announced by the next
/// description. Ids that cannot be one are refused then. Errors: not_found.
Result<void> set_streams(State& state, TransceiverId id, std::vector<std::string> stream_ids);
/// Which simulcast streams our next offer marks as paused. Errors: not_found.
Result<void> set_paused_rids(State& state, TransceiverId id, std::vector<Rid> rids);
/// Errors: not_found, invalid_argument when an entry is none of the configured codecs (by kind,
/// name and clock rate). An empty list restores the configured one.
Result<void> set_codec_preferences(State& state, TransceiverId id,
                                   std::vector<CodecCapability> codecs);
/// Marks it stopping; the next description rejects its section and it leaves the state with that
/// answer. One that has no section leaves at once. Errors: not_found.
Result<void> stop(State& state, TransceiverId id);
/// The first data channel was created: offers get a data section. Errors: unsupported.
Result<void> want_data(State& state);
/// restartIce: offers are due until our credentials of now are replaced. The owner gives offers new
/// ones while `ice_restart_wanted`. Nothing happens before there is a local description.
void restart_ice(State& state);
/// Whether the next offer should have new credentials.
bool ice_restart_wanted(const State& state);
/// Whether another offer is due (W3C section 4.7.3). False outside `stable`: ask again then.
bool negotiation_needed(const State& state);

}  // namespace parley::jsep
