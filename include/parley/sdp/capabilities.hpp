// What this side can negotiate: codecs, header extensions, data channels, policies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/result.hpp"
#include "parley/sdp/attributes.hpp"

namespace parley::jsep {

using sdp::Direction;

/// A codec this side encodes and decodes. Redundancy formats (red, ulpfec) and companions
/// (telephone-event, CN) are listed like codecs and negotiated only beside one.
struct CodecCapability {
  MediaKind kind = MediaKind::audio;
  std::string name;  ///< "opus", "VP8"; compared in any case
  int clock_rate = 48'000;
  int channels = 1;
  std::string fmtp;                   ///< what we write about our receiver
  std::vector<std::string> feedback;  ///< "nack", "nack pli", ...
  bool rtx = false;                   ///< offer retransmission (RFC 4588) of this codec
  /// Wished numbers in our own offers, 96 to 127 or static; others are taken when these are in use.
  std::optional<PayloadType> payload_type;
  std::optional<PayloadType> rtx_payload_type;

  friend bool operator==(const CodecCapability&, const CodecCapability&) = default;
};

/// A header extension (RFC 8285) this side can write or read.
struct ExtensionCapability {
  std::string uri;
  int id = 0;  ///< wished id in our own offers, 1 to 14
  bool audio = true;
  bool video = true;
  Direction direction = Direction::sendrecv;
};

/// A list that never changes, held once by all its copies: what connections have in common costs
/// each of them a pointer.
template <class T>
class SharedList {
 public:
  SharedList() = default;
  SharedList(std::vector<T> items)  // NOLINT(google-explicit-constructor): a list is a list
      : items_(std::make_shared<const std::vector<T>>(std::move(items))) {}

  const T* begin() const { return items_ == nullptr ? nullptr : items_->data(); }
  const T* end() const { return begin() + size(); }
  std::size_t size() const { return items_ == nullptr ? 0 : items_->size(); }

 private:
  std::shared_ptr<const std::vector<T>> items_;
};

/// How an initial offer writes the sections after the first of a bundle.
enum class BundleStyle {
  bundle_only,  ///< port 0 and a=bundle-only: what bundlePolicy max-bundle does (RFC 9429 4.1.1)
  shared_port,  ///< port 9 in every section, for peers that take any port 0 for a rejection
};

/// Fixed for the life of a session. One transport carries everything; RTP and RTCP share it.
struct Config {
  std::vector<CodecCapability> codecs;  ///< of transceivers without preferences of their own
  /// Those that preferences may name besides.
  SharedList<CodecCapability> optional_codecs;
  SharedList<ExtensionCapability> extensions;
  bool data_channels = true;  ///< when false, offered data sections are rejected
  std::uint16_t sctp_port = 5000;
  std::uint64_t max_message_size = 262'144;  ///< what we accept, bytes; 0 for any size
  BundleStyle bundle_style = BundleStyle::bundle_only;
  /// Offer SNAP when there is a data section and LocalFacts::sctp_init is given. A peer's offer of
  /// it is answered whenever that is given.
  bool offer_snap = false;
  bool receive_simulcast = false;  ///< answer a=simulcast:send with all offered streams
  /// Answer a=simulcast:recv of a peer with the streams it asks for, when the transceiver names
  /// none of its own (W3C webrtc-pc section 4.4.1.5 does the same). Those it names are answered
  /// whatever this says.
  bool send_simulcast = true;
};

/// Opus; VP8 with RTX. Feedback: nack, nack pli, ccm fir, goog-remb, transport-cc.
std::vector<CodecCapability> default_codecs();
/// What is carried encoded only: H264 in both packetization modes and five profiles, VP9 in four,
/// AV1, each with RTX; PCMU, PCMA, G722, telephone-event. Always the same list.
SharedList<CodecCapability> optional_codecs();
/// All codecs of these names (in any case) that `config` has for `kind`, in the order of the names.
/// Names of the other kind are skipped. Errors: invalid_argument for a name it does not have.
Result<std::vector<CodecCapability>> codecs_named(const Config& config, MediaKind kind,
                                                  const std::vector<std::string>& names);
/// mid, rid, repaired rid, audio level, abs-send-time, transport-wide sequence number,
/// abs-capture-time, playout delay, video orientation. Always the same list.
SharedList<ExtensionCapability> default_extensions();
/// The lists above, data channels on.
Config default_config();

/// URIs of header extensions, as `a=extmap` names them.
namespace uri {
inline constexpr char kMid[] = "urn:ietf:params:rtp-hdrext:sdes:mid";
inline constexpr char kRid[] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
inline constexpr char kRepairedRid[] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
inline constexpr char kAudioLevel[] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
inline constexpr char kAbsSendTime[] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
inline constexpr char kTransportWideCc[] =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
inline constexpr char kAbsCaptureTime[] =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
inline constexpr char kPlayoutDelay[] =
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
inline constexpr char kVideoOrientation[] = "urn:3gpp:video-orientation";
}  // namespace uri

}  // namespace parley::jsep
