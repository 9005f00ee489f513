// The states of a connection and what a session tells its owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/units.hpp"
#include "parley/sctp/channels.hpp"
#include "parley/sdp/jsep.hpp"

namespace parley {

using jsep::SdpType;
using jsep::TransceiverId;
using sdp::Direction;

/// W3C RTCPeerConnectionState.
enum class ConnectionState { new_, connecting, connected, disconnected, failed, closed };
/// W3C RTCIceConnectionState.
enum class IceConnectionState {
  new_,
  checking,
  connected,
  completed,
  disconnected,
  failed,
  closed
};
/// W3C RTCIceGatheringState.
enum class IceGatheringState { new_, gathering, complete };
/// W3C RTCSignalingState.
enum class SignalingState {
  stable,
  have_local_offer,
  have_remote_offer,
  have_local_pranswer,
  have_remote_pranswer,
  closed
};

/// The words of the W3C enumerations: "connected", "new", "have-local-offer".
std::string_view to_string(ConnectionState state);
std::string_view to_string(IceConnectionState state);
std::string_view to_string(IceGatheringState state);
std::string_view to_string(SignalingState state);

/// W3C RTCSessionDescription.
struct SessionDescription {
  SdpType type = SdpType::offer;
  std::string sdp;
};

/// W3C RTCOfferOptions.
struct OfferOptions {
  bool ice_restart = false;  ///< new ICE credentials in this offer
};

/// W3C RTCIceCandidate. An empty `candidate` ends the candidates of a generation.
struct IceCandidate {
  std::string candidate;  ///< "candidate:..." without "a="
  std::string sdp_mid;
  std::optional<int> sdp_m_line_index;
  std::string username_fragment;
};

/// A stream that a video transceiver sends: its only one, or one of its simulcast streams.
struct SendLayer {
  std::string rid;                      ///< empty without simulcast
  double scale_resolution_down_by = 1;  ///< 1 or more
  DataRate target_rate;                 ///< zero: not to be encoded now
  sdp::RidRestrictions restrictions;    ///< what the peer asks of it (RFC 8851)
};

namespace event {

struct ConnectionStateChanged {
  ConnectionState state;
};
struct IceConnectionStateChanged {
  IceConnectionState state;
};
struct IceGatheringStateChanged {
  IceGatheringState state;
};
struct SignalingStateChanged {
  SignalingState state;
};
/// An offer should be made (W3C negotiationneeded).
struct NegotiationNeeded {};
/// A local candidate to signal; an empty one after the last.
struct CandidateGathered {
  IceCandidate candidate;
};
/// The peer will send on this transceiver (W3C track).
struct TrackAdded {
  TransceiverId transceiver;
};
/// The peer sends on it no longer (W3C removetrack, mute); when the transceiver stopped, for good.
struct TrackEnded {
  TransceiverId transceiver;
};
/// The transceiver is no longer part of the session: stopped, or undone by a rollback.
struct TransceiverStopped {
  TransceiverId transceiver;
};
/// Codecs or direction of this transceiver were fixed or changed.
struct MediaNegotiated {
  TransceiverId transceiver;
};
/// A complete picture whose references were all given out before, in decoding order.
/// `render_at` is when showing it keeps the motion even.
struct VideoReceived {
  TransceiverId transceiver;
  EncodedVideo frame;
  Timestamp render_at{};
};
/// A packet of audio in order of arrival; only from transceivers in encoded mode.
struct AudioReceived {
  TransceiverId transceiver;
  EncodedAudio packet;
  std::uint32_t rtp_timestamp = 0;
};
/// The peer needs a key frame (PLI, FIR).
struct KeyFrameRequested {
  TransceiverId transceiver;
  std::string rid;  ///< of the simulcast stream; empty without simulcast
};
/// What the encoder of this transceiver, or of this simulcast stream of it, may produce from now
/// on. Zero: the stream is not to be encoded (switched off, paused by the peer, or no room for it).
struct TargetRateChanged {
  TransceiverId transceiver;
  DataRate rate;
  std::string rid;
};
/// The share of our packets that the peer did not get lately, 0 to 1: what FEC is dimensioned by.
struct LossChanged {
  double fraction = 0;
};

/// The peer opened a data channel; it is open.
struct DataChannelAnnounced {
  sctp::ChannelHandle channel;
};
/// A channel of ours takes messages.
struct DataChannelOpened {
  sctp::ChannelHandle channel;
};
/// A whole message. `Session::recycle` takes the storage back.
struct DataReceived {
  sctp::ChannelHandle channel;
  sctp::MessageKind kind = sctp::MessageKind::binary;
  std::vector<std::uint8_t> data;
};
/// The amount of buffered bytes fell to the threshold or below.
struct DataBufferedAmountLow {
  sctp::ChannelHandle channel;
};
/// A `send` that said queue_full would now be taken.
struct DataWritable {
  sctp::ChannelHandle channel;
};
/// Either side began to close the channel.
struct DataChannelClosing {
  sctp::ChannelHandle channel;
};
/// Final. Empty in good order; otherwise what ended it.
struct DataChannelClosed {
  sctp::ChannelHandle channel;
  std::string reason;
};

}  // namespace event

using SessionEvent =
    std::variant<event::ConnectionStateChanged, event::IceConnectionStateChanged,
                 event::IceGatheringStateChanged, event::SignalingStateChanged,
                 event::NegotiationNeeded, event::CandidateGathered, event::TrackAdded,
                 event::TrackEnded, event::TransceiverStopped, event::MediaNegotiated,
                 event::VideoReceived, event::AudioReceived, event::KeyFrameRequested,
                 event::TargetRateChanged, event::LossChanged, event::DataChannelAnnounced,
                 event::DataChannelOpened, event::DataReceived, event::DataBufferedAmountLow,
                 event::DataWritable, event::DataChannelClosing, event::DataChannelClosed>;

}  // namespace parley
