#include <opus/opus.h>

#include <algorithm>
#include <cmath>

#include "parley/codec/opus.hpp"

namespace parley::codec {
namespace {

/// libopus: "If the return value is 2 bytes or less, then the packet does not need to be
/// transmitted (DTX)".
constexpr opus_int32 kDtxSize = 2;

/// Measured with libopus 1.3.1: at 24 to 32 kbit/s it leaves the redundant copies out when it is
/// told of 5 percent loss or less, and adds them from 10 percent on whatever its complexity.
constexpr double kLeastLossForFec = 0.10;

struct Destroy {
  void operator()(::OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};

int application_code(OpusApplication application) {
  switch (application) {
    case OpusApplication::voip:
      return OPUS_APPLICATION_VOIP;
    case OpusApplication::audio:
      return OPUS_APPLICATION_AUDIO;
    case OpusApplication::low_delay:
      break;
  }
  return OPUS_APPLICATION_RESTRICTED_LOWDELAY;
}

bool is_valid(const OpusEncoderConfig& c) {
  const int ms = c.frame_milliseconds;
  return (c.channels == 1 || c.channels == 2) && (ms == 10 || ms == 20 || ms == 40 || ms == 60) &&
         c.complexity >= 0 && c.complexity <= 10 && c.expected_loss >= 0.0 &&
         c.expected_loss <= 1.0;
}

}  // namespace

struct OpusEncoder::Impl {
  std::unique_ptr<::OpusEncoder, Destroy> encoder;
  int channels;
  int frame_samples;
  bool in_dtx = false;

  /// All requests below take integers in range: libopus cannot refuse them.
  void set(int request, opus_int32 value) { opus_encoder_ctl(encoder.get(), request, value); }
};

OpusEncoder::OpusEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OpusEncoder::~OpusEncoder() = default;

Result<std::unique_ptr<OpusEncoder>> OpusEncoder::create(const OpusEncoderConfig& config) {
  if (!is_valid(config)) return Error{Errc::invalid_argument, "Opus encoder configuration"};
  int error = OPUS_OK;
  std::unique_ptr<::OpusEncoder, Destroy> state{opus_encoder_create(
      kAudioSampleRate, config.channels, application_code(config.application), &error)};
  if (!state) return Error{Errc::invalid_argument, opus_strerror(error)};

  auto impl = std::make_unique<Impl>();
  impl->encoder = std::move(state);
  impl->channels = config.channels;
  impl->frame_samples = config.frame_milliseconds * kAudioSampleRate / 1000;
  impl->set(OPUS_SET_COMPLEXITY_REQUEST, config.complexity);
  impl->set(OPUS_SET_VBR_REQUEST, config.constant_bitrate ? 0 : 1);
  std::unique_ptr<OpusEncoder> encoder{new OpusEncoder(std::move(impl))};
  encoder->set_bitrate(config.bitrate);
  encoder->set_expected_loss(config.expected_loss);
  encoder->set_fec(config.fec);
  encoder->set_dtx(config.dtx);
  return encoder;
}

int OpusEncoder::frame_samples() const { return impl_->frame_samples; }
int OpusEncoder::channels() const { return impl_->channels; }

Result<std::size_t> OpusEncoder::encode(std::span<const std::int16_t> pcm, MutableBytes out) {
  if (pcm.size() != static_cast<std::size_t>(impl_->frame_samples * impl_->channels)) {
    return Error{Errc::invalid_argument, "Opus frame of another duration"};
  }
  if (out.empty()) return Error{Errc::too_large, "no room for an Opus packet"};
  const auto room = static_cast<opus_int32>(std::min<std::size_t>(out.size(), 4000));
  const opus_int32 size =
      opus_encode(impl_->encoder.get(), pcm.data(), impl_->frame_samples, out.data(), room);
  if (size == OPUS_BUFFER_TOO_SMALL) {
    return Error{Errc::too_large, "no room for an Opus packet"};
  }
  if (size < 0) return Error{Errc::invalid_argument, opus_strerror(size)};

  // The first packet of a silence goes out although libopus does not need it: without it the
  // receiver could not tell the silence from an outage until the next packet comes.
  const bool dtx = size <= kDtxSize;
  const bool announced = dtx && impl_->in_dtx;
  impl_->in_dtx = dtx;
  return announced ? std::size_t{0} : static_cast<std::size_t>(size);
}

void OpusEncoder::set_bitrate(DataRate rate) {
  // RFC 6716 section 2.1.1: 6 to 510 kbit/s.
  const std::int64_t bps = std::clamp<std::int64_t>(rate.bits_per_second(), 6'000, 510'000);
  impl_->set(OPUS_SET_BITRATE_REQUEST, static_cast<opus_int32>(bps));
}

void OpusEncoder::set_expected_loss(double ratio) {
  if (!std::isfinite(ratio)) return;
  if (ratio > 0.0) ratio = std::max(ratio, kLeastLossForFec);
  const double percent = std::clamp(ratio, 0.0, 1.0) * 100.0;
  impl_->set(OPUS_SET_PACKET_LOSS_PERC_REQUEST, static_cast<opus_int32>(std::lround(percent)));
}

void OpusEncoder::set_fec(bool on) { impl_->set(OPUS_SET_INBAND_FEC_REQUEST, on ? 1 : 0); }
void OpusEncoder::set_dtx(bool on) { impl_->set(OPUS_SET_DTX_REQUEST, on ? 1 : 0); }

int OpusEncoder::lookahead() const {
  opus_int32 samples = 0;
  opus_encoder_ctl(impl_->encoder.get(), OPUS_GET_LOOKAHEAD(&samples));
  return samples;
}

}  // namespace parley::codec
