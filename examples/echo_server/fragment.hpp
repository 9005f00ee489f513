// SDP as the HTTP interface needs it: fragments of trickle ICE, and small questions to
// descriptions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/result.hpp"
#include "parley/peer_connection.hpp"
#include "parley/sdp/description.hpp"

namespace echo_server {

/// The content of an application/trickle-ice-sdpfrag body (RFC 8840 section 9): credentials and
/// candidates of one ICE session. With BUNDLE they belong to the first section.
struct IceFragment {
  std::string ufrag;  ///< empty when the fragment has none
  std::string password;
  struct Candidate {
    std::string mid;
    std::string line;  ///< "candidate:..."
  };
  std::vector<Candidate> candidates;
  bool end_of_candidates = false;
  std::vector<std::string> options;  ///< a=ice-options; said, not read

  /// Errors: syntax (a line that is no SDP line, half a pair of credentials), too_large.
  static parley::Result<IceFragment> parse(std::string_view text);
  std::string to_string() const;
};

/// Most candidates that one fragment may bring.
inline constexpr std::size_t kMaxFragmentCandidates = 64;

/// Credentials and candidates of a description, those of the section that carries the bundle.
std::optional<IceFragment> ice_of(const parley::sdp::Description& description);

/// `description` with the credentials and candidates of `fragment` in every section that has
/// credentials, and the next version: the offer that an ICE restart over HTTP leaves out (RFC 9725
/// section 4.3.3).
parley::sdp::Description with_ice(parley::sdp::Description description,
                                  const IceFragment& fragment);

/// Names of the codecs that the first section of this kind lists, in its order, in capitals,
/// without those that only repair others.
std::vector<std::string> codecs_in(const parley::sdp::Description& description,
                                   parley::MediaKind kind);

}  // namespace echo_server
