#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include <algorithm>
#include <cmath>

#include "parley/codec/vp8.hpp"

namespace parley::codec {
namespace {

constexpr int kTicksPerSecond = 90'000;
constexpr int kMinSide = 16;
constexpr int kMaxSide = 4096;

/// The rate buffer in milliseconds of the target rate. It begins half full, so that a first frame
/// of several times the average size leaves the quantizer room instead of pinning it at its
/// maximum; one second bounds the burst that the pacer has to spread.
constexpr unsigned kBufferSize = 1000;
constexpr unsigned kBufferInitial = 500;
constexpr unsigned kBufferOptimal = 600;
/// Tolerance of the rate controller, in percent. Ours.
constexpr unsigned kUndershootPercent = 100;
constexpr unsigned kOvershootPercent = 15;
/// Buffer level in percent below which pictures are dropped, where that is allowed.
constexpr unsigned kDropThreshold = 30;

bool is_valid_rate(DataRate rate, double fps) {
  return rate.bits_per_second() > 0 && !rate.is_infinite() && fps > 0.0 && fps <= 240.0;
}

bool is_valid(const Vp8EncoderConfig& c) {
  return is_valid_rate(c.rate, c.frames_per_second) && c.min_quantizer >= 0 &&
         c.min_quantizer <= c.max_quantizer && c.max_quantizer <= 63 && c.speed >= 0 &&
         c.speed <= 16 && c.threads >= 1 && c.threads <= 16 && c.key_frame_interval >= 0 &&
         c.max_key_frame_percent >= 100 && c.denoise >= 0 && c.denoise <= 6;
}

/// Measured on footage of 640x360 at 1 Mbit/s: from 4 to 10 the time for a picture falls by a third
/// and quality by a quarter of a decibel. Small pictures are cheap and get the finer search.
int speed_for(int width, int height) {
  const int pixels = width * height;
  if (pixels < 352 * 288) return 4;
  return pixels < 640 * 360 ? 6 : 10;
}

}  // namespace

struct Vp8Encoder::Impl {
  explicit Impl(const Vp8EncoderConfig& c) : config(c) {}
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void close() {
    if (open) vpx_codec_destroy(&codec);
    open = false;
  }
  bool open_for(int width, int height);
  void apply_rate();
  void set_controls(int width, int height);
  vpx_codec_pts_t next_pts(const VideoFrame& frame);
  Result<std::optional<EncodedVideo>> take_packet(const VideoFrame& frame);

  Vp8EncoderConfig config;
  vpx_codec_ctx_t codec{};
  vpx_codec_enc_cfg_t vpx{};
  bool open = false;
  bool rate_changed = false;
  vpx_codec_pts_t pts = 0;
  Timestamp last_capture{};
};

bool Vp8Encoder::Impl::open_for(int width, int height) {
  close();
  if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &vpx, 0) != VPX_CODEC_OK) return false;
  vpx.g_w = static_cast<unsigned>(width);
  vpx.g_h = static_cast<unsigned>(height);
  vpx.g_threads = static_cast<unsigned>(config.threads);
  vpx.g_timebase = {1, kTicksPerSecond};
  vpx.g_lag_in_frames = 0;    // every picture comes out at once
  vpx.g_error_resilient = 0;  // losses are repaired, not decoded past: see the class comment
  vpx.g_pass = VPX_RC_ONE_PASS;
  vpx.rc_end_usage = VPX_CBR;
  vpx.rc_min_quantizer = static_cast<unsigned>(config.min_quantizer);
  vpx.rc_max_quantizer = static_cast<unsigned>(config.max_quantizer);
  vpx.rc_buf_sz = kBufferSize;
  vpx.rc_buf_initial_sz = kBufferInitial;
  vpx.rc_buf_optimal_sz = kBufferOptimal;
  vpx.rc_undershoot_pct = kUndershootPercent;
  vpx.rc_overshoot_pct = kOvershootPercent;
  vpx.rc_dropframe_thresh = config.dropping == FrameDropping::allowed ? kDropThreshold : 0;
  vpx.rc_resize_allowed = 0;
  vpx.kf_mode = config.key_frame_interval > 0 ? VPX_KF_AUTO : VPX_KF_DISABLED;
  vpx.kf_max_dist = static_cast<unsigned>(config.key_frame_interval);
  apply_rate();
  if (vpx_codec_enc_init(&codec, vpx_codec_vp8_cx(), &vpx, 0) != VPX_CODEC_OK) return false;
  open = true;
  set_controls(width, height);
  return true;
}

void Vp8Encoder::Impl::apply_rate() {
  vpx.rc_target_bitrate = static_cast<unsigned>(
      std::clamp<std::int64_t>(config.rate.bits_per_second() / 1000, 1, 1'000'000));
  rate_changed = false;
}

void Vp8Encoder::Impl::set_controls(int width, int height) {
  const int speed = config.speed > 0 ? config.speed : speed_for(width, height);
  // Negative: this speed, not one that libvpx chooses by measuring its own time.
  vpx_codec_control(&codec, VP8E_SET_CPUUSED, -speed);
  // In a hurry, blocks that hardly changed are skipped: a tenth of the time for a tenth of a
  // decibel.
  vpx_codec_control(&codec, VP8E_SET_STATIC_THRESHOLD, speed >= 12 ? 500U : 1U);
  vpx_codec_control(
      &codec, VP8E_SET_TOKEN_PARTITIONS,
      static_cast<int>(config.threads > 1 ? VP8_TWO_TOKENPARTITION : VP8_ONE_TOKENPARTITION));
  vpx_codec_control(&codec, VP8E_SET_NOISE_SENSITIVITY, static_cast<unsigned>(config.denoise));
  vpx_codec_control(&codec, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                    static_cast<unsigned>(config.max_key_frame_percent));
}

/// Capture times tell the rate controller the true frame rate; the nominal one stands in where they
/// do not advance.
vpx_codec_pts_t Vp8Encoder::Impl::next_pts(const VideoFrame& frame) {
  const auto nominal = static_cast<vpx_codec_pts_t>(kTicksPerSecond / config.frames_per_second);
  const Duration passed = frame.capture_time - last_capture;
  const bool usable = pts > 0 && passed > 0ms && passed < 1s;
  last_capture = frame.capture_time;
  const vpx_codec_pts_t step = usable ? passed.count() * kTicksPerSecond / 1'000'000 : nominal;
  return pts += std::max<vpx_codec_pts_t>(step, 1);
}

Result<std::optional<EncodedVideo>> Vp8Encoder::Impl::take_packet(const VideoFrame& frame) {
  vpx_codec_iter_t iterator = nullptr;
  while (const vpx_codec_cx_pkt_t* packet = vpx_codec_get_cx_data(&codec, &iterator)) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    EncodedVideo encoded;
    const auto* data = static_cast<const std::uint8_t*>(packet->data.frame.buf);
    encoded.data.assign(data, data + packet->data.frame.sz);
    encoded.key_frame = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    encoded.rtp_timestamp = frame.rtp_timestamp;
    encoded.capture_time = frame.capture_time;
    encoded.width = frame.picture->width();
    encoded.height = frame.picture->height();
    encoded.rotation = frame.rotation;
    return std::optional{std::move(encoded)};
  }
  return std::optional<EncodedVideo>{};
}

Vp8Encoder::Vp8Encoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Vp8Encoder::~Vp8Encoder() = default;

Result<std::unique_ptr<Vp8Encoder>> Vp8Encoder::create(const Vp8EncoderConfig& config) {
  if (!is_valid(config)) return Error{Errc::invalid_argument, "VP8 encoder configuration"};
  return std::unique_ptr<Vp8Encoder>{new Vp8Encoder(std::make_unique<Impl>(config))};
}

Result<std::optional<EncodedVideo>> Vp8Encoder::encode(const VideoFrame& frame, Options options) {
  if (!frame.picture) return Error{Errc::invalid_argument, "no picture"};
  const I420Buffer& picture = *frame.picture;
  const int width = picture.width();
  const int height = picture.height();
  if (width < kMinSide || height < kMinSide || width > kMaxSide || height > kMaxSide) {
    return Error{Errc::invalid_argument, "picture size"};
  }
  const bool other_size = impl_->open && (impl_->vpx.g_w != static_cast<unsigned>(width) ||
                                          impl_->vpx.g_h != static_cast<unsigned>(height));
  if (!impl_->open || other_size) {
    if (!impl_->open_for(width, height)) return Error{Errc::unsupported, "libvpx refused VP8"};
  } else if (impl_->rate_changed) {
    impl_->apply_rate();
    if (vpx_codec_enc_config_set(&impl_->codec, &impl_->vpx) != VPX_CODEC_OK) {
      return Error{Errc::invalid_argument, vpx_codec_error(&impl_->codec)};
    }
  }

  vpx_image_t image{};
  image.fmt = VPX_IMG_FMT_I420;
  image.bit_depth = 8;
  image.bps = 12;
  image.w = image.d_w = static_cast<unsigned>(width);
  image.h = image.d_h = static_cast<unsigned>(height);
  image.x_chroma_shift = image.y_chroma_shift = 1;
  const PlaneView<const std::uint8_t> planes[] = {picture.y(), picture.u(), picture.v()};
  for (int i = 0; i < 3; ++i) {
    image.planes[i] = const_cast<unsigned char*>(planes[i].data);  // libvpx reads only
    image.stride[i] = planes[i].stride;
  }

  const auto nominal =
      static_cast<unsigned long>(std::max(1.0, kTicksPerSecond / impl_->config.frames_per_second));
  const vpx_codec_pts_t pts = impl_->next_pts(frame);
  const vpx_enc_frame_flags_t flags = options.key_frame ? VPX_EFLAG_FORCE_KF : 0;
  if (vpx_codec_encode(&impl_->codec, &image, pts, nominal, flags, VPX_DL_REALTIME) !=
      VPX_CODEC_OK) {
    return Error{Errc::invalid_argument, vpx_codec_error(&impl_->codec)};
  }
  return impl_->take_packet(frame);
}

void Vp8Encoder::set_rate(DataRate rate, double frames_per_second) {
  if (!is_valid_rate(rate, frames_per_second)) return;
  impl_->config.rate = rate;
  impl_->config.frames_per_second = frames_per_second;
  impl_->rate_changed = true;
}

int Vp8Encoder::last_quantizer() const {
  int quantizer = -1;
  if (impl_->open) vpx_codec_control(&impl_->codec, VP8E_GET_LAST_QUANTIZER_64, &quantizer);
  return quantizer;
}

}  // namespace parley::codec
