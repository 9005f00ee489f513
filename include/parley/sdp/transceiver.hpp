// One RTP media section of a negotiation as a value, and what was agreed about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/media.hpp"
#include "parley/base/units.hpp"
#include "parley/sdp/attributes.hpp"
#include "parley/sdp/capabilities.hpp"

namespace parley::jsep {

/// Names a transceiver for the life of the session; never reused.
using TransceiverId = StrongId<struct TransceiverIdTag, int>;

/// A codec both sides agreed on, for one direction.
struct NegotiatedCodec {
  std::string name;  ///< as our capability spells it
  int clock_rate = 0;
  int channels = 1;
  PayloadType payload_type;                     ///< the number on the wire in this direction
  std::optional<PayloadType> rtx_payload_type;  ///< RFC 4588
  std::string fmtp;  ///< the receiver's parameters: the peer's for sending, ours for receiving
  std::vector<std::string> feedback;  ///< agreed RTCP feedback: "nack pli", "transport-cc", ...

  bool has_feedback(std::string_view value) const;
  MediaCodec media_codec() const { return {name, clock_rate, channels, fmtp, payload_type}; }
  friend bool operator==(const NegotiatedCodec&, const NegotiatedCodec&) = default;
};

/// Which of `codecs` carries media that is coded with `codec`: one that is the same by the rules of
/// offer and answer, else one of the same name (RFC 6184 section 8.2.2: a stream of one profile may
/// be one of another, too). nullopt when there is none.
std::optional<std::size_t> find_codec(const std::vector<NegotiatedCodec>& codecs,
                                      const MediaCodec& codec);

struct NegotiatedExtension {
  int id = 0;  ///< the same in both directions and over the whole bundle
  std::string uri;
  bool send = true;
  bool receive = true;
  friend bool operator==(const NegotiatedExtension&, const NegotiatedExtension&) = default;
};

/// A stream the peer announced by SSRC. Peers may announce none: then MID and RID tell.
struct RemoteStream {
  Ssrc ssrc;
  std::optional<Ssrc> rtx_ssrc;
  std::string cname;
  /// "0", "1", ...: its place in an `a=ssrc-group:SIM`, with which peers of before RFC 8853 send
  /// simulcast (Chromium's edited descriptions, older clients of servers). Empty otherwise.
  Rid rid{};
  friend bool operator==(const RemoteStream&, const RemoteStream&) = default;
};

/// Letters and digits (RFC 8852 section 3), at most 16, so that one-byte header extensions can
/// carry it (RFC 8285 section 4.2).
bool is_rid(const Rid& rid);

/// A simulcast stream that one side sends and the other takes (RFC 8853).
struct NegotiatedRid {
  Rid id;
  /// Sending: the peer does not want it now. Receiving: the peer does not send it now.
  bool paused = false;
  sdp::RidRestrictions restrictions;  ///< what the peer asks of what we send
  friend bool operator==(const NegotiatedRid&, const NegotiatedRid&) = default;
};

/// What the last answer fixed for one section.
struct NegotiatedMedia {
  std::vector<NegotiatedCodec> send;     ///< in the peer's order of preference; use the first
  std::vector<NegotiatedCodec> receive;  ///< anything of this may arrive
  std::vector<NegotiatedExtension> extensions;
  bool rtcp_reduced_size = false;
  std::vector<RemoteStream> remote_streams;
  /// Simulcast streams the peer wants, and those it will send, in the order of their sender. (RFC
  /// 8853 section 5.2 puts the preferred first; browsers write what the application listed.) Empty:
  /// one stream.
  std::vector<NegotiatedRid> send_rids;
  std::vector<NegotiatedRid> receive_rids;
  std::optional<DataRate> max_send_rate;  ///< the peer's b=TIAS or b=AS (RFC 8866 section 5.8)

  friend bool operator==(const NegotiatedMedia&, const NegotiatedMedia&) = default;
};

/// What the application says when it adds media.
struct TransceiverInit {
  Direction direction = Direction::sendrecv;
  std::vector<std::string> stream_ids;  ///< MediaStream ids, at most 8; may be empty
  std::string track_id;                 ///< empty: no track yet, an id is made up for descriptions
  std::vector<Rid> send_rids;           ///< simulcast streams to offer; video only, two or more
  std::vector<Rid> paused_rids;         ///< those of them that are not sent at first (`~`)
  std::vector<Rid> receive_rids;        ///< simulcast streams to ask for in our offer; video only
};

/// The SSRCs of one simulcast stream of ours, for the life of the session.
struct LayerSsrcs {
  Rid rid;
  Ssrc ssrc;
  Ssrc rtx_ssrc;
};

/// A transceiver (RFC 9429 section 3.4.1). Read it freely; change it through the functions of
/// state.hpp, which keep W3C's rules. Stopped ones are no longer in the state.
struct Transceiver {
  TransceiverId id;
  MediaKind kind = MediaKind::audio;
  Direction direction = Direction::sendrecv;   ///< wished
  std::optional<Direction> current_direction;  ///< negotiated, as we see it
  std::optional<Mid> mid;                      ///< known once a description was set
  std::optional<std::size_t> section;          ///< index of its m= line
  bool stopping = false;  ///< stop() was called; it leaves the state when that is negotiated
  bool stopped = false;   ///< for good
  bool created_by_remote = false;
  bool used_by_application = true;  ///< survives the rollback of the offer that made it
  bool added_by_track = false;      ///< made by add_track: may be matched to a remote section
  bool has_track = false;           ///< its sender has a track of the application
  bool ever_sent = false;           ///< its sender was used: add_track makes a new transceiver

  std::vector<std::string> stream_ids;  ///< of our sender
  std::string track_id;
  Ssrc ssrc;
  Ssrc rtx_ssrc;
  /// As in TransceiverInit; an answer leaves those that the peer takes, or gives those it asked for
  /// when the application named none.
  std::vector<Rid> send_rids;
  std::vector<Rid> paused_rids;
  std::vector<Rid> receive_rids;
  std::vector<LayerSsrcs> layers;                  ///< of every rid that was ever in send_rids
  std::vector<CodecCapability> codec_preferences;  ///< empty: the configured list

  std::vector<std::string>
      remote_stream_ids;  ///< of the peer's sender, from the remote description
  std::string remote_track_id;
  bool receiving = false;                     ///< a TrackAdded was told and no TrackRemoved since
  std::optional<NegotiatedMedia> negotiated;  ///< after the first answer
};

}  // namespace parley::jsep
