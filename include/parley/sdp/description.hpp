// Session descriptions (RFC 8866) with the attributes of WebRTC as values, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/media.hpp"
#include "parley/base/result.hpp"
#include "parley/sdp/attributes.hpp"

namespace parley::sdp {

/// Bounds of what `Description::parse` accepts; all are ours. 256 video sections as browsers write
/// them are about 1.2 MB, so the size is the bound that is met first.
inline constexpr std::size_t kMaxDescriptionBytes = 1024 * 1024;
inline constexpr std::size_t kMaxLineBytes = 8 * 1024;
inline constexpr std::size_t kMaxMediaSections = 256;
inline constexpr std::size_t kMaxLinesPerSection = 2048;

/// `a=max-message-size:0`: the peer takes messages of any size (RFC 8841 section 6).
inline constexpr std::uint64_t kUnlimitedMessageSize = UINT64_MAX;
/// What an absent `a=max-message-size` means, in bytes (RFC 8841 section 6.1).
inline constexpr std::uint64_t kDefaultMaxMessageSize = 65'536;

/// One `m=` section. A plain value; what has no field here is kept in `other_lines` and
/// `other_attributes` and written out again.
struct Media {
  std::string kind;                        ///< "audio", "video", "application", ...
  std::uint16_t port = 9;                  ///< 0 without bundle_only is a rejected section
  std::string protocol;                    ///< "UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP", "DTLS/SCTP"
  std::vector<Format> formats;             ///< RTP protocols: the payload types in preference order
  std::vector<std::string> other_formats;  ///< other protocols: "webrtc-datachannel", "5000"

  std::string connection;  ///< "IN IP4 0.0.0.0"; empty when the line is absent
  std::vector<Bandwidth> bandwidths;
  std::vector<std::string> other_lines;  ///< "i=..." and other types, in order

  std::optional<Mid> mid;
  std::optional<Direction> direction;
  bool bundle_only = false;  ///< RFC 9143 section 6
  TransportAttributes transport;
  std::vector<std::string>
      candidates;  ///< what follows "a=" in the candidate lines: "candidate:1 ..."
  bool end_of_candidates = false;
  bool rtcp_mux = false;
  bool rtcp_mux_only = false;
  bool rtcp_reduced_size = false;
  std::string rtcp;  ///< "9 IN IP4 0.0.0.0"; empty when absent (RFC 3605)
  bool extmap_allow_mixed = false;
  std::vector<Extmap> extmaps;
  std::vector<std::string> wildcard_feedback;  ///< `a=rtcp-fb:*`: applies to every format
  std::vector<Msid> msids;
  std::vector<SsrcGroup> ssrc_groups;
  std::vector<SsrcAttribute> ssrcs;
  std::vector<RidAttribute> rids;
  std::optional<Simulcast> simulcast;
  std::optional<std::uint16_t> sctp_port;         ///< RFC 8841 section 5
  std::optional<std::uint64_t> max_message_size;  ///< bytes, as written: 0 is unlimited
  std::optional<std::string> sctpmap;             ///< "5000 webrtc-datachannel 65535"
  /// `a=sctp-init`: the bytes of an SCTP INIT chunk, base64 in the text (draft-hancke-tsvwg-snap).
  /// Not checked beyond the base64, which when broken leaves the line in `other_attributes`.
  std::vector<std::uint8_t> sctp_init;
  std::vector<std::string> other_attributes;  ///< what follows "a=", in order

  /// Audio or video over RTP, or nullopt (data, unknown kinds and protocols).
  std::optional<MediaKind> media_kind() const;
  /// A data channel section, in today's or the older form ("DTLS/SCTP 5000").
  bool is_data() const;
  bool is_legacy_data() const;
  /// Port 0 without `a=bundle-only` (RFC 3264 section 6, RFC 9143 section 6).
  bool is_rejected() const { return port == 0 && !bundle_only; }
  const Format* find_format(PayloadType type) const;
  /// The value of the first attribute `name` of `ssrc`, for instance "cname".
  std::optional<std::string_view> ssrc_attribute(Ssrc ssrc, std::string_view name) const;
  /// The data channel port: a=sctp-port, the older forms' port, or 5000.
  std::uint16_t data_port() const;
  /// What the writer accepts, with absence and 0 resolved (RFC 8841 section 6.1).
  std::uint64_t data_max_message_size() const;

  friend bool operator==(const Media&, const Media&) = default;
};

/// `o=` (RFC 8866 section 5.2).
struct Origin {
  std::string username = "-";
  std::string session_id = "0";  ///< a number that may exceed 64 bits in others' descriptions
  std::uint64_t session_version = 0;
  std::string address = "IN IP4 127.0.0.1";
  friend bool operator==(const Origin&, const Origin&) = default;
};

/// A session description. A plain value without rules between its fields; `jsep` has the rules.
struct Description {
  Origin origin;
  std::string name = "-";
  std::string timing = "0 0";
  std::string connection;  ///< empty when absent
  std::vector<Bandwidth> bandwidths;
  std::vector<std::string> other_lines;

  std::vector<Group> groups;
  std::optional<std::string> msid_semantic;  ///< "WMS *"
  TransportAttributes transport;
  bool ice_lite = false;
  /// Candidates of the session part: no RFC has them, some peers do. They are the tagged section's.
  std::vector<std::string> candidates;
  bool end_of_candidates = false;  ///< RFC 8840 section 4.4.2 allows it here
  bool extmap_allow_mixed = false;
  std::vector<Extmap> extmaps;
  std::optional<Direction> direction;
  std::vector<std::string> other_attributes;
  std::vector<Media> media;

  /// Reads a description: CR LF or LF, encoding names in any case, spaces where others put them.
  /// Errors: syntax ("line 12: ..."), too_large.
  static Result<Description> parse(std::string_view text);

  /// The section with this mid, or nullptr.
  const Media* find(const Mid& mid) const;
  /// The first BUNDLE group that holds `mid`, or nullptr.
  const Group* bundle_of(const Mid& mid) const;

  /// What holds for a section with session-level values inherited: ICE credentials come as a pair
  /// (RFC 8839 section 5.4), options add up, fingerprints, setup and tls-id are replaced by the
  /// section's own.
  TransportAttributes transport_of(const Media& section) const;
  /// The section's direction, the session's, or sendrecv (RFC 8866 section 6.7).
  Direction direction_of(const Media& section) const;
  /// The section's extensions and those of the session (RFC 8285 section 5).
  std::vector<Extmap> extmaps_of(const Media& section) const;

  friend bool operator==(const Description&, const Description&) = default;
};

/// The text, with CR LF, in the order of RFC 8866 section 5. `parse(to_string(x)) == x` for every
/// description that came from `parse` or follows its fields' comments.
std::string to_string(const Description& description);
/// One section alone, beginning with its `m=` line.
std::string to_string(const Media& media);

}  // namespace parley::sdp
