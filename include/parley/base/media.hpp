// Media as values, and the interfaces that codecs fill. Jitter buffers and the session see these
// interfaces only; parley::codec implements them with libopus and libvpx, an application may
// implement them with anything else.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/ids.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley {

enum class MediaKind { audio, video };

/// The sampling rate of all PCM inside parley, in Hz.
inline constexpr int kAudioSampleRate = 48'000;
/// Samples per channel in 10 ms.
inline constexpr int kSamplesPer10Ms = 480;

/// 10 ms of interleaved 16-bit PCM at 48 kHz. A value; 1.9 KB.
struct AudioBlock {
  int channels = 1;  ///< 1 or 2
  std::array<std::int16_t, 2 * kSamplesPer10Ms> storage{};

  std::span<std::int16_t> samples() {
    return std::span{storage}.first(static_cast<std::size_t>(channels) * kSamplesPer10Ms);
  }
  std::span<const std::int16_t> samples() const {
    return std::span{storage}.first(static_cast<std::size_t>(channels) * kSamplesPer10Ms);
  }
};

/// One plane of a picture, borrowed. `row(y)` has `width` bytes.
template <class Byte>
struct PlaneView {
  Byte* data = nullptr;
  int width = 0;
  int height = 0;
  int stride = 0;  ///< bytes from one row to the next
  std::span<Byte> row(int y) const {
    return {data + static_cast<std::ptrdiff_t>(y) * stride, static_cast<std::size_t>(width)};
  }
};

/// A planar YUV 4:2:0 picture of 8 bits per sample. Chroma planes are rounded up for odd sizes.
/// Filled by one owner, then shared as const.
class I420Buffer {
 public:
  /// `width` and `height` from 1 to 16384. Contents are unspecified until written.
  I420Buffer(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  PlaneView<std::uint8_t> y() { return plane<std::uint8_t>(0); }
  PlaneView<std::uint8_t> u() { return plane<std::uint8_t>(1); }
  PlaneView<std::uint8_t> v() { return plane<std::uint8_t>(2); }
  PlaneView<const std::uint8_t> y() const { return const_plane(0); }
  PlaneView<const std::uint8_t> u() const { return const_plane(1); }
  PlaneView<const std::uint8_t> v() const { return const_plane(2); }
  /// The whole picture, planes one after another without padding (the layout of a Y4M frame).
  MutableBytes data() { return data_; }
  Bytes data() const { return data_; }

 private:
  struct Layout {
    std::size_t offset;
    int width;
    int height;
  };
  Layout layout(int index) const;
  template <class Byte>
  PlaneView<Byte> plane(int index) {
    const Layout l = layout(index);
    return {data_.data() + l.offset, l.width, l.height, l.width};
  }
  PlaneView<const std::uint8_t> const_plane(int index) const {
    const Layout l = layout(index);
    return {data_.data() + l.offset, l.width, l.height, l.width};
  }
  int width_;
  int height_;
  std::vector<std::uint8_t> data_;
};

/// A raw picture with its place in media time.
struct VideoFrame {
  std::shared_ptr<const I420Buffer> picture;
  std::uint32_t rtp_timestamp = 0;  ///< 90 kHz; set on received frames
  Timestamp capture_time{};         ///< when it was captured, engine time; set on frames to send
  int rotation = 0;                 ///< 0, 90, 180 or 270 degrees clockwise (3GPP 26.114 CVO)
};

/// A codec as both sides agreed on it: what encoded media is coded with.
struct MediaCodec {
  std::string name;  ///< encoding name of `a=rtpmap`: "VP8", "H264", "opus"
  int clock_rate = 0;
  int channels = 1;
  std::string fmtp;          ///< parameters of the receiver, as in `a=fmtp`
  PayloadType payload_type;  ///< the number on the wire, of one direction
  friend bool operator==(const MediaCodec&, const MediaCodec&) = default;
};

/// An encoded audio packet: what one RTP packet carries.
struct EncodedAudio {
  std::vector<std::uint8_t> data;
  int samples_per_channel = 960;  ///< duration at 48 kHz
  bool voice_activity = true;
  std::uint8_t audio_level = 127;  ///< -dBov, 0 loudest to 127 silence (RFC 6464)
  /// As in EncodedVideo.
  std::shared_ptr<const MediaCodec> codec = nullptr;
};

/// An encoded picture: what the packets of one RTP timestamp carry. H.264 is in annex B form with
/// start codes, AV1 a temporal unit in the low overhead format without temporal delimiter, VP9 a
/// picture with all its spatial layers.
struct EncodedVideo {
  std::vector<std::uint8_t> data;
  bool key_frame = false;
  std::uint32_t rtp_timestamp = 0;  ///< 90 kHz; set on received frames
  Timestamp capture_time{};         ///< set on frames to send
  int width = 0;                    ///< 0 when not known (inter frames received)
  int height = 0;
  int rotation = 0;
  std::uint8_t temporal_id = 0;  ///< VP8 TID, 0 when there is one layer
  bool layer_sync = false;       ///< VP8 Y bit
  std::string rid;               ///< simulcast stream it belongs to (RFC 8851); empty without
  /// Set on received frames. Of a frame to send: it leaves with the payload type that the peer has
  /// for this codec. Null: the codec that was negotiated first.
  std::shared_ptr<const MediaCodec> codec = nullptr;
};

/// Encodes PCM of 48 kHz. Not thread-safe; used from one sequence (a codec worker).
class AudioEncoder {
 public:
  virtual ~AudioEncoder() = default;
  /// Samples per channel in one packet (960 for 20 ms).
  virtual int frame_samples() const = 0;
  virtual int channels() const = 0;
  /// Encodes `frame_samples() * channels()` interleaved samples into `out` and returns the number
  /// of bytes. 0 means that nothing needs to be sent (DTX): the RTP timestamp advances, the
  /// sequence number does not. Errors: invalid_argument for another count, too_large when `out` is
  /// too small (1275 bytes always suffice for 20 ms of Opus, 3828 for 60 ms).
  virtual Result<std::size_t> encode(std::span<const std::int16_t> pcm, MutableBytes out) = 0;
  virtual void set_bitrate(DataRate rate) = 0;
  /// Loss the encoder should prepare for, 0 to 1: what in-band FEC is dimensioned by.
  virtual void set_expected_loss(double ratio) = 0;
  virtual void set_fec(bool on) = 0;
  virtual void set_dtx(bool on) = 0;
};

/// Decodes to PCM of 48 kHz. Not thread-safe.
class AudioDecoder {
 public:
  virtual ~AudioDecoder() = default;
  virtual int channels() const = 0;
  /// Duration of a packet in samples per channel at 48 kHz; nullopt when it is not valid.
  virtual std::optional<int> packet_samples(Bytes packet) const = 0;
  /// True when `packet` carries a redundant copy of the packet before it.
  virtual bool has_fec(Bytes packet) const = 0;
  /// True when `packet` says that nothing was coded and silence follows (DTX): until the next
  /// packet, nothing is lost when nothing comes.
  virtual bool is_dtx(Bytes packet) const {
    static_cast<void>(packet);
    return false;
  }
  /// Decodes one packet to interleaved PCM; returns samples per channel. `pcm` holds at least
  /// 120 ms (5760 samples per channel). Errors: malformed.
  virtual Result<int> decode(Bytes packet, std::span<std::int16_t> pcm) = 0;
  /// Decodes the redundant copy of the packet that was lost before `packet`; `samples` is the
  /// duration of what was lost.
  virtual Result<int> decode_fec(Bytes packet, int samples, std::span<std::int16_t> pcm) = 0;
  /// Invents `samples` samples per channel in place of a lost packet (multiple of 2.5 ms).
  virtual Result<int> conceal(int samples, std::span<std::int16_t> pcm) = 0;
  virtual void reset() = 0;
};

/// Encodes pictures. Not thread-safe; used from one sequence (a codec worker).
class VideoEncoder {
 public:
  virtual ~VideoEncoder() = default;
  struct Options {
    bool key_frame = false;  ///< make this one a key frame
  };
  /// Encodes one picture. nullopt when the encoder dropped it to keep its rate. A picture of
  /// another size than the last starts a key frame. Errors: invalid_argument (no picture).
  virtual Result<std::optional<EncodedVideo>> encode(const VideoFrame& frame, Options options) = 0;
  virtual void set_rate(DataRate rate, double frames_per_second) = 0;
};

/// Decodes pictures. Not thread-safe; used from one sequence (a codec worker).
class VideoDecoder {
 public:
  virtual ~VideoDecoder() = default;
  /// Decodes one frame; the references must have been decoded before. nullopt when the frame shows
  /// nothing. Errors: malformed (the caller asks for a key frame).
  virtual Result<std::optional<VideoFrame>> decode(const EncodedVideo& frame) = 0;
};

}  // namespace parley
