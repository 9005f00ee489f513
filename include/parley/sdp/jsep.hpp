// Offer and answer (RFC 9429) as functions of values: build, plan, commit.
//
//   Description offer  = build_offer(state, facts)          pure
//   Plan plan          = plan_local(state, SdpType::offer, offer)   validates, changes nothing
//   commit(state, std::move(plan))                           cannot fail; returns the changes
//
// The session carries out the changes in their order. Nothing here knows sockets, time or ICE:
// candidate lines and credentials are text. All functions are thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/result.hpp"
#include "parley/sdp/description.hpp"
#include "parley/sdp/state.hpp"

namespace parley::jsep {

enum class SdpType { offer, pranswer, answer };
std::string_view to_string(SdpType type);

/// What the session knows of its transport when a description is built.
struct LocalFacts {
  std::string ice_ufrag;  ///< new values here are an ICE restart
  std::string ice_pwd;
  bool ice_lite = false;
  std::vector<std::string> ice_options = {"trickle", "ice2"};
  std::vector<sdp::Fingerprint> fingerprints;  ///< at least one
  std::string tls_id;                          ///< written when not empty (RFC 8842)
  /// Role to take when an offer leaves the choice (RFC 9429 section 5.3.1: active).
  DtlsRole answer_role = DtlsRole::client;
  std::vector<std::string> candidates;  ///< gathered so far: "candidate:..." without "a="
  bool end_of_candidates = false;
  /// Our SCTP INIT chunk, for SNAP (draft-hancke-tsvwg-snap): the same bytes for the life of an
  /// association. Empty: neither offered nor answered. Whether both sides have it, and the peer's
  /// chunk, come with DataNegotiated (DataParameters::local_init and remote_init).
  std::vector<std::uint8_t> sctp_init;
};

// ---- Descriptions ----

/// An offer for the present state. Errors: invalid_argument (credentials or fingerprint missing),
/// too_large (more sections or payload types than there are).
Result<sdp::Description> build_offer(const State& state, const LocalFacts& facts);
/// An answer to the pending remote offer. Errors: invalid_state without one, invalid_argument.
Result<sdp::Description> build_answer(const State& state, const LocalFacts& facts);
/// The INIT chunk of the pending remote offer that an answer may agree to, or empty. It has the
/// form of one; whether its parameters are right is SCTP's to say: when they are not, the answer is
/// built without LocalFacts::sctp_init.
std::vector<std::uint8_t> offered_sctp_init(const State& state);

struct SignalingStateChanged {
  SignalingState from, to;
};
/// The remote offer made a transceiver.
struct TransceiverAdded {
  TransceiverId id;
};
/// A rollback took it away again.
struct TransceiverRemoved {
  TransceiverId id;
};
/// The transceiver now has a section (or, after a rollback, none).
struct TransceiverAssociated {
  TransceiverId id;
  std::optional<Mid> mid;
};
/// The peer will send: W3C `track`. Told at the offer already when the offer comes from there.
struct TrackAdded {
  TransceiverId id;
  std::vector<std::string> stream_ids;
  std::string track_id;
};
/// The peer's sender left: W3C `removetrack` on these streams, `mute` on the track.
struct TrackRemoved {
  TransceiverId id;
  std::vector<std::string> stream_ids;
};
/// The peer's track is now in other streams: W3C `addtrack` and `removetrack` on these.
struct TrackStreamsChanged {
  TransceiverId id;
  std::vector<std::string> added, removed;
};
struct DirectionChanged {
  TransceiverId id;
  std::optional<Direction> from, to;  ///< current direction; nullopt: not negotiated
};
/// Codecs, extensions, peer's streams or limits of this one were fixed or changed: read
/// `Transceiver::negotiated`.
struct MediaNegotiated {
  TransceiverId id;
};
/// Its section was rejected, or a rollback took the section of a stopping one: it is no longer in
/// the state.
struct TransceiverStopped {
  TransceiverId id;
};
/// An answer fixed the transport for the first time or changed it.
struct TransportNegotiated {
  TransportParameters parameters;
  bool ice_restart = false;   ///< new credentials on a transport that had others
  bool dtls_restart = false;  ///< new fingerprints, tls-id or role: a new DTLS association
};
/// Candidates of the remote description whose transport was just negotiated, trickled ones that
/// were added to it before included.
struct RemoteCandidates {
  Mid mid;
  std::vector<std::string> lines;  ///< "candidate:..." without "a="
  bool end_of_candidates = false;
};
struct DataNegotiated {
  DataParameters parameters;
};
/// The data section was rejected: channels close.
struct DataRejected {};

using Change = std::variant<SignalingStateChanged, TransceiverAdded, TransceiverRemoved,
                            TransceiverAssociated, TrackAdded, TrackRemoved, TrackStreamsChanged,
                            DirectionChanged, MediaNegotiated, TransceiverStopped,
                            TransportNegotiated, RemoteCandidates, DataNegotiated, DataRejected>;

/// A validated step: the state after it, and the changes in the order to carry them out.
struct Plan {
  State next;
  std::vector<Change> changes;
};

/// setLocalDescription. `description` comes from build_offer or build_answer on this state (or one
/// before transceivers were added); candidates and cosmetic lines may differ. Errors:
/// invalid_state (type does not fit the signaling state), invalid_argument (sections, mids or
/// credentials are not those of a description built here).
Result<Plan> plan_local(const State& state, SdpType type, const sdp::Description& description);
/// setRemoteDescription. An offer while ours is pending rolls ours back first (W3C section 4.4.1.5,
/// perfect negotiation). Errors: invalid_state, invalid_argument (contradicts itself, the offer or
/// what was negotiated), incompatible (needs what is not there: mux, bundle, fingerprint).
Result<Plan> plan_remote(const State& state, SdpType type, const sdp::Description& description);
/// Drops a pending offer of `side`. Errors: invalid_state when there is none (also in pranswer).
Result<Plan> plan_rollback(const State& state, Side side);
/// Makes the plan's state the present one and hands back what to do.
std::vector<Change> commit(State& state, Plan&& plan);

/// Whether the pending offer of the peer restarts ICE (RFC 8839 section 4.4.1.1.1): its answer has
/// new credentials of ours, and only then.
bool remote_offer_restarts_ice(const State& state);
/// Whether it asks for a new DTLS association: another fingerprint or tls-id (RFC 8842 section 4).
bool remote_offer_restarts_dtls(const State& state);
/// The credentials of the section that carries the transport; empty when every section is rejected.
struct IceCredentials {
  std::string ufrag, pwd;
  friend bool operator==(const IceCredentials&, const IceCredentials&) = default;
};
IceCredentials ice_credentials_of(const sdp::Description& description);

// ---- Candidates that come after their description ----

/// Adds a gathered candidate ("candidate:...") to the local description, for those who read it.
/// It goes to the description whose credentials have this `ufrag`; empty: to the newest. False when
/// there is none: a generation that was rolled back.
bool add_local_candidate(State& state, std::string_view line, std::string_view ufrag = {});
bool end_local_candidates(State& state, std::string_view ufrag = {});

enum class CandidateDelivery {
  now,    ///< the transport it belongs to is negotiated: hand it to ICE
  later,  ///< it is kept in the description and comes out with RemoteCandidates
};
/// A trickled candidate of the peer, or an empty line for the end of its candidates. `mid` or
/// `section` names the media section (mid wins); `ufrag` the generation, if known. Errors:
/// invalid_state without a remote description, not_found (no such section or generation),
/// too_large (more than kMaxRemoteCandidates).
Result<CandidateDelivery> add_remote_candidate(State& state, std::string_view line,
                                               const std::optional<Mid>& mid,
                                               std::optional<std::size_t> section,
                                               std::string_view ufrag = {});
/// Ours: more is not a peer that wants to connect.
inline constexpr std::size_t kMaxRemoteCandidates = 256;

}  // namespace parley::jsep
