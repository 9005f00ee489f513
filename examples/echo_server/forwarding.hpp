// Encoded media from one transceiver to another: what keeps its time right.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

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

/// Of the streams of a simulcast sender (RFC 8853) the one that is sent on: the largest that is
/// alive. A stream is entered at its key frames only. Without simulcast everything passes.
class LayerChoice {
 public:
  enum class Verdict {
    pass,
    drop,
    want_key_frame,  ///< dropped, and this stream should be the one from its next key frame on
  };
  Verdict judge(const parley::EncodedVideo& frame, parley::Timestamp now);
  /// The stream that passes; empty without simulcast.
  const std::string& current() const { return current_; }

 private:
  struct Layer {
    std::int64_t pixels = 0;  ///< 0 before its first key frame
    parley::Timestamp last_seen{};
  };
  bool is_better(const Layer& layer, parley::Timestamp now) const;

  std::map<std::string, Layer> layers_;
  std::string current_;
};

}  // namespace echo_server
