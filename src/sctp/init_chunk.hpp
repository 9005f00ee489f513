// INIT and INIT ACK (RFC 9260 sections 3.3.2 and 3.3.3) with the parameters that WebRTC uses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "parley/base/bytes.hpp"

namespace parley::sctp {

struct InitChunk {
  std::uint32_t initiate_tag = 0;
  std::uint32_t window = 0;  ///< a_rwnd
  std::uint16_t outbound_streams = 0;
  std::uint16_t inbound_streams = 0;
  std::uint32_t initial_tsn = 0;
  bool forward_tsn = false;    ///< parameter 0xC000, or 192 among the supported extensions
  bool re_config = false;      ///< 130 among them
  bool interleaving = false;   ///< 64 and 194 among them (RFC 8260 section 2.2.1)
  bool zero_checksum = false;  ///< RFC 9653 with the method "SCTP over DTLS"
  Bytes cookie;                ///< INIT ACK only

  /// Parameters of types that we do not know and that ask to be reported, whole. A few only: the
  /// rest is dropped as if it asked for silence.
  std::array<Bytes, 4> unknown{};
  std::size_t unknown_count = 0;

  /// nullopt when a fixed field is missing or not allowed (a tag or a stream count of 0).
  static std::optional<InitChunk> parse(Bytes value);

  std::size_t value_size() const;
  /// `out` has value_size() bytes. `unknown` becomes Unrecognized Parameter parameters.
  void write_to(MutableBytes out) const;
};

}  // namespace parley::sctp
