// The header extensions that parley speaks: which id means which (RFC 8285 section 5), and the
// exact form of each value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/rtp/packet.hpp"

namespace parley::rtp {

enum class Extension : std::uint8_t {
  mid,                        ///< RFC 9143 section 15.2
  rid,                        ///< RtpStreamId, RFC 8852 section 3.1
  repaired_rid,               ///< RepairedRtpStreamId, RFC 8852 section 3.2
  audio_level,                ///< client to mixer, RFC 6464
  abs_send_time,              ///< 24 bits of 6.18 fixed-point seconds
  transport_sequence_number,  ///< draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2
  abs_capture_time,           ///< NTP time of capture, with the sender's clock offset
  playout_delay,              ///< limits of the receiver's delay
  video_orientation,          ///< 3GPP TS 26.114 section 7.4.5 (CVO)
};
inline constexpr std::size_t kExtensionCount = 9;

/// The URI of an extension in `a=extmap`.
std::string_view extension_uri(Extension extension);
/// nullopt for a URI that is not spoken here.
std::optional<Extension> extension_from_uri(std::string_view uri);

/// Which id stands for which extension: one map for all media of a bundle (RFC 8285 section 5: the
/// same id means the same URI over the whole bundle). A value of 9 bytes.
class ExtensionMap {
 public:
  /// Errors: invalid_argument for id 0, or when `id` already means another extension. Adding an
  /// extension again under another id moves it.
  Result<void> add(std::uint8_t id, Extension extension);
  /// The same by URI. An unknown URI is ignored, and its elements will be skipped.
  Result<void> add(std::uint8_t id, std::string_view uri);
  void remove(Extension extension) { ids_[static_cast<std::size_t>(extension)] = 0; }

  /// nullopt when it was not negotiated.
  std::optional<std::uint8_t> id(Extension extension) const;
  bool has(Extension extension) const { return id(extension).has_value(); }
  /// nullopt for an id of an unknown extension.
  std::optional<Extension> extension(std::uint8_t id) const;

 private:
  std::array<std::uint8_t, kExtensionCount> ids_{};
};

/// RFC 6464 section 3: V bit and 7 bits of level.
struct AudioLevel {
  static constexpr std::size_t kSize = 1;
  bool voice = false;
  std::uint8_t level = 127;  ///< -dBov: 0 loudest, 127 silence

  static std::optional<AudioLevel> parse(Bytes value);
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const AudioLevel&, const AudioLevel&) = default;
};

/// When the packet left: seconds modulo 64 in 6.18 fixed point, 24 bits.
struct AbsSendTime {
  static constexpr std::size_t kSize = 3;
  std::uint32_t value = 0;  ///< below 2^24

  static AbsSendTime from_ntp(NtpTime ntp);
  /// The time from `earlier` to this, within -32 s to 32 s.
  Duration since(AbsSendTime earlier) const;
  static std::optional<AbsSendTime> parse(Bytes value);
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const AbsSendTime&, const AbsSendTime&) = default;
};

/// When the first sample was captured, by the clock of the capture system, and that clock's offset
/// to the sender's. 8 bytes, 16 with the offset.
struct AbsCaptureTime {
  static constexpr std::size_t kMaxSize = 16;
  NtpTime capture{};                         ///< UQ32.32 seconds
  std::optional<std::int64_t> clock_offset;  ///< SQ32.32 seconds

  std::size_t size() const { return clock_offset ? 16 : 8; }
  static std::optional<AbsCaptureTime> parse(Bytes value);
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const AbsCaptureTime&, const AbsCaptureTime&) = default;
};

/// Limits of the delay from capture to rendering; (0, 0) asks to render at once. 12 bits each.
struct PlayoutDelay {
  static constexpr std::size_t kSize = 3;
  static constexpr std::uint16_t kMaxUnits = 0xFFF;
  std::uint16_t min_10ms = 0;  ///< 0 to 4095, units of 10 ms
  std::uint16_t max_10ms = 0;  ///< not below `min_10ms`

  Duration min() const { return 10ms * min_10ms; }
  Duration max() const { return 10ms * max_10ms; }
  static std::optional<PlayoutDelay> parse(Bytes value);
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const PlayoutDelay&, const PlayoutDelay&) = default;
};

/// Coordination of video orientation: 0 0 0 0 C F R1 R0.
struct VideoOrientation {
  static constexpr std::size_t kSize = 1;
  bool back_camera = false;
  bool flip = false;  ///< horizontally, before the rotation
  int rotation = 0;   ///< clockwise turn for display: 0, 90, 180 or 270 degrees

  static std::optional<VideoOrientation> parse(Bytes value);
  bool write_to(ByteWriter& out) const;
  friend bool operator==(const VideoOrientation&, const VideoOrientation&) = default;
};

/// All the extension values of one packet. Texts have 1 to 255 bytes (RFC 7941 section 4.1) and are
/// borrowed from the packet, or from the caller when writing.
struct HeaderExtensions {
  std::optional<std::string_view> mid;
  std::optional<std::string_view> rid;
  std::optional<std::string_view> repaired_rid;
  std::optional<AudioLevel> audio_level;
  std::optional<AbsSendTime> abs_send_time;
  std::optional<std::uint16_t> transport_sequence_number;
  std::optional<AbsCaptureTime> abs_capture_time;
  std::optional<PlayoutDelay> playout_delay;
  std::optional<VideoOrientation> video_orientation;

  /// One pass over the packet. Elements with unknown ids, and values of the wrong length, are
  /// skipped; of two elements of one kind the first counts.
  static HeaderExtensions parse(const PacketView& packet, const ExtensionMap& map);

  /// The form that carries all values that are both set and mapped: one-byte unless an id is above
  /// 14 or a text is longer than 16 bytes.
  ExtensionForm form(const ExtensionMap& map) const;
  /// The bytes of the extension block in `form(map)`, its 4-byte header and padding included; 0
  /// when there is nothing to write.
  std::size_t block_size(const ExtensionMap& map) const;
  /// Appends every value that is both set and mapped. `out` was made with `form(map)`. A value to
  /// be filled in later is set to anything (0) here and changed with `set_*` below.
  void write_to(PacketWriter& out, const ExtensionMap& map) const;

  friend bool operator==(const HeaderExtensions&, const HeaderExtensions&) = default;
};

/// Replace a value in a packet that is about to leave, before it is protected. False when the
/// packet has no such element. Never on a packet that was already protected once (SRTP would reuse
/// its nonce).
bool set_transport_sequence_number(MutableBytes packet, const ExtensionMap& map,
                                   std::uint16_t number);
bool set_abs_send_time(MutableBytes packet, const ExtensionMap& map, AbsSendTime time);

}  // namespace parley::rtp
