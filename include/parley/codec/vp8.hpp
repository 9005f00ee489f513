// VP8 as parley's video codec: libvpx behind the interfaces of base/media.hpp.
#pragma once

#include <memory>

#include "parley/base/media.hpp"

namespace parley::codec {

/// What the encoder may do when the picture does not fit the rate.
enum class FrameDropping {
  never,    ///< coarser quantisation only: a steady frame rate, the rate may be overshot briefly
  allowed,  ///< drop pictures when the rate buffer runs empty
};

struct Vp8EncoderConfig {
  DataRate rate = DataRate::kilobits_per_second(1000);
  double frames_per_second = 30;  ///< above 0, at most 240: what the rate controller plans for
  int min_quantizer = 2;          ///< 0 to 63, lower is finer
  int max_quantizer = 56;         ///< `min_quantizer` to 63
  /// libvpx's cpu-used for real-time coding, 0 to 16; higher is faster and coarser. 0 chooses by
  /// picture size.
  int speed = 0;
  int threads = 1;  ///< 1 to 16
  FrameDropping dropping = FrameDropping::never;
  /// Longest distance between key frames in pictures; 0 makes them on demand only.
  int key_frame_interval = 0;
  /// A key frame may take this many percent of an average frame's bits, at least 100.
  int max_key_frame_percent = 900;
  int denoise = 0;  ///< 0 (off) to 6: temporal noise reduction
};

/// Encodes pictures to VP8 (RFC 6386) in real time, at a constant rate.
///
/// Each frame refers to the one before it, so a receiver needs every frame: it asks for lost
/// packets (NACK) and, when they stay lost, for a key frame. Probabilities are not reset per frame,
/// which would cost some percent of the rate and help only receivers that decode past a hole.
/// Pictures from 16x16 to 4096x4096 (libvpx allows more). Owns the libvpx state. Not thread-safe.
class Vp8Encoder final : public VideoEncoder {
 public:
  /// Errors: invalid_argument (a member outside its range).
  static Result<std::unique_ptr<Vp8Encoder>> create(const Vp8EncoderConfig& config = {});
  ~Vp8Encoder() override;

  /// The first picture, and each of another size than the one before, becomes a key frame.
  Result<std::optional<EncodedVideo>> encode(const VideoFrame& frame, Options options) override;
  /// `rate` above zero (others are ignored), `frames_per_second` above 0 and at most 240. Takes
  /// effect with the next picture.
  void set_rate(DataRate rate, double frames_per_second) override;
  /// Quantizer of the last encoded frame, 0 to 63 (W3C qpSum adds up the 0 to 127 form); -1 before.
  int last_quantizer() const;

 private:
  struct Impl;
  explicit Vp8Encoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Vp8DecoderConfig {
  int max_width = 4096;  ///< larger pictures are refused before memory is taken
  int max_height = 4096;
  int threads = 1;  ///< 1 to 16
};

/// Decodes VP8. A frame that libvpx marks as damaged is an error and never shown, and so is
/// everything after it up to the next key frame. Owns the libvpx state. Not thread-safe.
class Vp8Decoder final : public VideoDecoder {
 public:
  /// Errors: invalid_argument (a member outside its range).
  static Result<std::unique_ptr<Vp8Decoder>> create(const Vp8DecoderConfig& config = {});
  ~Vp8Decoder() override;

  /// Errors: malformed (damaged, truncated, not VP8, or an inter frame without its references: ask
  /// for a key frame), too_large (a picture above the configured size).
  Result<std::optional<VideoFrame>> decode(const EncodedVideo& frame) override;

 private:
  struct Impl;
  explicit Vp8Decoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::codec
