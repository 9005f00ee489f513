// The attributes of a session description that WebRTC gives a meaning to, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/ids.hpp"

namespace parley::sdp {

/// Direction of media as the side that writes it sees it (RFC 8866 section 6.7).
enum class Direction { inactive, sendonly, recvonly, sendrecv };

constexpr bool sends(Direction d) { return d == Direction::sendonly || d == Direction::sendrecv; }
constexpr bool receives(Direction d) {
  return d == Direction::recvonly || d == Direction::sendrecv;
}
constexpr Direction make_direction(bool send, bool receive) {
  if (send) return receive ? Direction::sendrecv : Direction::sendonly;
  return receive ? Direction::recvonly : Direction::inactive;
}
/// The same flow as the other side writes it: sendonly and recvonly change places.
constexpr Direction reversed(Direction d) { return make_direction(receives(d), sends(d)); }
constexpr Direction intersection(Direction a, Direction b) {
  return make_direction(sends(a) && sends(b), receives(a) && receives(b));
}
/// "sendrecv", "sendonly", "recvonly" or "inactive".
std::string_view to_string(Direction direction);

/// Who opens the DTLS connection (`a=setup`, RFC 8842 section 5.2).
enum class Setup { active, passive, actpass, holdconn };
std::string_view to_string(Setup setup);

/// `a=fingerprint` (RFC 8122 section 5).
struct Fingerprint {
  std::string algorithm;  ///< "sha-256"; lower case after parsing
  std::string value;      ///< "AB:CD:..."; upper case after parsing
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// What a transport needs to know of its peer. Stands at session level, at media level or both.
struct TransportAttributes {
  std::optional<std::string> ice_ufrag;  ///< 4 to 256 characters (RFC 8839 section 5.4)
  std::optional<std::string> ice_pwd;    ///< 22 to 256 characters
  std::vector<std::string> ice_options;  ///< tokens; unknown ones are kept
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;
  std::optional<std::string> tls_id;  ///< RFC 8842 section 4
  friend bool operator==(const TransportAttributes&, const TransportAttributes&) = default;
};

/// One RTP payload type of a media section: `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` together.
struct Format {
  PayloadType payload_type;
  std::string name;                   ///< as written ("OPUS"); empty when neither mapped nor static
  int clock_rate = 0;                 ///< Hz
  int channels = 1;                   ///< audio only
  std::string fmtp;                   ///< parameters as written; see fmtp_value
  std::vector<std::string> feedback;  ///< "nack", "nack pli", "transport-cc", ...; no `*` entries
  friend bool operator==(const Format&, const Format&) = default;
};

/// The value of `key` in fmtp parameters "a=1; b=2", without spaces; keys compare in any case.
/// A key without value gives an empty view.
std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view key);
/// The same as a number in [0, 2^31).
std::optional<int> fmtp_number(std::string_view fmtp, std::string_view key);

/// `a=extmap` (RFC 8285 section 5).
struct Extmap {
  int id = 0;  ///< 1 to 14, or to 255 with two-byte headers; 4096 and more: not yet assigned
  std::optional<Direction> direction;
  std::string uri;
  std::string parameters;
  friend bool operator==(const Extmap&, const Extmap&) = default;
};

/// `a=ssrc` (RFC 5576 section 4.1).
struct SsrcAttribute {
  Ssrc ssrc;
  std::string name;   ///< "cname", "msid", ...
  std::string value;  ///< empty when there is none
  friend bool operator==(const SsrcAttribute&, const SsrcAttribute&) = default;
};

/// `a=ssrc-group` (RFC 5576 section 4.2).
struct SsrcGroup {
  std::string semantics;  ///< "FID", "SIM", "FEC-FR"
  std::vector<Ssrc> ssrcs;
  friend bool operator==(const SsrcGroup&, const SsrcGroup&) = default;
};

/// `a=msid` (RFC 8830). "-" as stream id stands for no stream.
struct Msid {
  std::string stream_id;
  std::string track_id;  ///< may be empty
  friend bool operator==(const Msid&, const Msid&) = default;
};

/// `a=rid` (RFC 8851).
struct RidAttribute {
  Rid id;
  bool send = true;          ///< "send" or "recv", seen from the writer
  std::string restrictions;  ///< "pt=96;max-width=1280" as written; may be empty
  friend bool operator==(const RidAttribute&, const RidAttribute&) = default;
};

/// The restrictions of `a=rid` that parley understands (RFC 8851 section 5).
struct RidRestrictions {
  std::vector<PayloadType> payload_types;  ///< "pt": in the numbers of who wrote it; empty: any
  std::optional<int> max_width;            ///< pixels
  std::optional<int> max_height;
  std::optional<int> max_fps;                ///< frames per second
  std::optional<std::uint64_t> max_bitrate;  ///< "max-br", bit/s
  bool understood = true;                    ///< false: there was something else, or a broken value
  friend bool operator==(const RidRestrictions&, const RidRestrictions&) = default;
};
RidRestrictions parse_rid_restrictions(std::string_view text);

/// One rid of `a=simulcast`; `~` marks it paused (RFC 8853 section 5.1).
struct SimulcastRid {
  Rid id;
  bool paused = false;
  friend bool operator==(const SimulcastRid&, const SimulcastRid&) = default;
};
/// The streams of one direction, best first; each stream is a list of alternatives.
using SimulcastStreams = std::vector<std::vector<SimulcastRid>>;
struct Simulcast {
  SimulcastStreams send;
  SimulcastStreams receive;
  friend bool operator==(const Simulcast&, const Simulcast&) = default;
};

/// `b=` (RFC 8866 section 5.8). AS and CT count kbit/s, TIAS bit/s (RFC 3890).
struct Bandwidth {
  std::string type;
  std::uint64_t value = 0;
  friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

/// `a=group` (RFC 5888).
struct Group {
  std::string semantics;  ///< "BUNDLE", "LS"
  std::vector<Mid> mids;
  friend bool operator==(const Group&, const Group&) = default;
};

}  // namespace parley::sdp
