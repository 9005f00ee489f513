// RE-CONFIG (RFC 6525): the parameters that data channels need.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "sctp/packet.hpp"

namespace parley::sctp {

/// The types of RFC 6525 section 4.
enum class ReconfigType : std::uint16_t {
  outgoing_reset = 13,
  incoming_reset = 14,
  ssn_tsn_reset = 15,
  response = 16,
  add_outgoing = 17,
  add_incoming = 18,
};

/// RFC 6525 section 4.4, table 3.
enum class ReconfigResult : std::uint32_t {
  nothing_to_do = 0,
  performed = 1,
  denied = 2,
  wrong_ssn = 3,
  already_in_progress = 4,
  bad_sequence_number = 5,
  in_progress = 6,
};

/// Section 4.1, borrowed from a packet. No streams: all.
struct OutgoingResetRequest {
  std::uint32_t request_number = 0;
  std::uint32_t response_number = 0;
  std::uint32_t last_tsn = 0;
  Bytes streams;

  static std::optional<OutgoingResetRequest> parse(Bytes value);
  std::size_t count() const { return streams.size() / 2; }
  std::uint16_t stream(std::size_t i) const { return load_be16(&streams[2 * i]); }
};

/// Section 4.4 without the optional TSNs, which answer a request that we do not make.
struct ReconfigResponse {
  std::uint32_t request_number = 0;
  ReconfigResult result{};

  static std::optional<ReconfigResponse> parse(Bytes value);
};

/// The values of RE-CONFIG chunks with one parameter; `out` has the size that is named.
constexpr std::size_t outgoing_reset_size(std::size_t streams) { return 16 + 2 * streams; }
void write_outgoing_reset(MutableBytes out, std::uint32_t request_number,
                          std::uint32_t response_number, std::uint32_t last_tsn,
                          const std::vector<ChannelId>& streams);
inline constexpr std::size_t kReconfigResponseSize = 12;
void write_reconfig_response(MutableBytes out, const ReconfigResponse& response);

}  // namespace parley::sctp
