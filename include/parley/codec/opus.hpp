// Opus as parley's audio codec: libopus behind the interfaces of base/media.hpp.
#pragma once

#include <memory>

#include "parley/base/media.hpp"

namespace parley::codec {

/// What the encoder is tuned for.
enum class OpusApplication {
  voip,       ///< speech: SILK and hybrid modes where they pay, which carry in-band FEC
  audio,      ///< music and mixed content
  low_delay,  ///< CELT only: 2.5 ms less delay, never in-band FEC
};

struct OpusEncoderConfig {
  int channels = 1;  ///< 1 or 2
  OpusApplication application = OpusApplication::voip;
  int frame_milliseconds = 20;                           ///< 10, 20, 40 or 60
  DataRate bitrate = DataRate::kilobits_per_second(32);  ///< 6 to 510 kbit/s, clamped
  int complexity = 9;                                    ///< 0 (cheap) to 10
  bool fec = true;   ///< in-band FEC; takes effect with an expected loss above zero
  bool dtx = false;  ///< send next to nothing during silence
  /// 0 to 1. Anything above 0 counts as at least 0.1: below that, libopus leaves redundant copies
  /// out at the rates of speech, and the first losses would find none.
  double expected_loss = 0.05;
  bool constant_bitrate = false;  ///< hides speech patterns from traffic analysis (RFC 6562)
};

/// Encodes 48 kHz PCM to Opus packets (RFC 6716), one frame per packet for 10 and 20 ms.
///
/// With DTX on, the first packet of a silence is returned (it tells the receiver that silence
/// begins) and also the refreshes every 400 ms that carry a new description of the noise; `encode`
/// gives 0 in between. Owns the libopus state. Not thread-safe; one sequence (a codec worker).
class OpusEncoder final : public AudioEncoder {
 public:
  /// Errors: invalid_argument (channels, frame duration, complexity or loss outside their range).
  static Result<std::unique_ptr<OpusEncoder>> create(const OpusEncoderConfig& config = {});
  ~OpusEncoder() override;

  int frame_samples() const override;
  int channels() const override;
  Result<std::size_t> encode(std::span<const std::int16_t> pcm, MutableBytes out) override;
  void set_bitrate(DataRate rate) override;
  void set_expected_loss(double ratio) override;
  void set_fec(bool on) override;
  void set_dtx(bool on) override;
  /// Samples by which decoded audio lags behind its input (RFC 7845 calls it pre-skip).
  int lookahead() const;

 private:
  struct Impl;
  explicit OpusEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct OpusDecoderConfig {
  int channels = 1;  ///< 1 or 2; packets of the other kind are mixed down or doubled
};

/// Decodes Opus packets to 48 kHz PCM. Owns the libopus state. Not thread-safe.
class OpusDecoder final : public AudioDecoder {
 public:
  /// Errors: invalid_argument (channels).
  static Result<std::unique_ptr<OpusDecoder>> create(const OpusDecoderConfig& config = {});
  ~OpusDecoder() override;

  int channels() const override;
  std::optional<int> packet_samples(Bytes packet) const override;
  /// Reads the LBRR flags of the first frame (RFC 6716 section 4.2.3). CELT never has any.
  bool has_fec(Bytes packet) const override;
  /// True when the first frame has at most one byte (RFC 6716 section 2.1.9).
  bool is_dtx(Bytes packet) const override;
  Result<int> decode(Bytes packet, std::span<std::int16_t> pcm) override;
  Result<int> decode_fec(Bytes packet, int samples, std::span<std::int16_t> pcm) override;
  Result<int> conceal(int samples, std::span<std::int16_t> pcm) override;
  void reset() override;

 private:
  struct Impl;
  explicit OpusDecoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::codec
