// Encoded media from one transceiver to another: what keeps its time right.
#pragma once

#include <cstdint>
#include <optional>

#include "parley/base/media.hpp"
#include "parley/base/sequence.hpp"
#include "parley/base/time.hpp"

namespace echo_server {

/// Places received pictures on the clock of this host, so that the motion that is sent on is as
/// even as the motion was when it was captured, whatever the network did to it in between.
class VideoClock {
 public:
  /// The capture time of the picture with `rtp_timestamp` (90 kHz) that has arrived at `now`. Grows
  /// from call to call.
  parley::Timestamp place(std::uint32_t rtp_timestamp, parley::Timestamp now);

 private:
  parley::TimestampUnwrapper unwrapper_;
  std::int64_t first_ = 0;
  std::optional<parley::Timestamp> origin_;  ///< where the picture `first_` is placed
  parley::Timestamp last_ = parley::Timestamp::min();
};

/// Silence between packets as gaps for `Transceiver::send_encoded`.
class AudioGaps {
 public:
  /// Samples that are missing before this packet; nullopt for one that comes too late, after its
  /// successor was sent on.
  std::optional<std::uint32_t> before(const parley::EncodedAudio& packet,
                                      std::uint32_t rtp_timestamp);

 private:
  std::optional<std::uint32_t> next_;
};

}  // namespace echo_server
