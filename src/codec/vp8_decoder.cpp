#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include <cstring>

#include "parley/codec/vp8.hpp"

namespace parley::codec {
namespace {

/// RFC 6386 section 9.1: a 3-byte frame tag whose first bit is 0 for key frames.
constexpr std::size_t kFrameTagSize = 3;

bool is_key_frame(Bytes frame) { return (frame[0] & 0x01) == 0; }

void copy_plane(const vpx_image_t& image, int index, PlaneView<std::uint8_t> to) {
  const unsigned char* from = image.planes[index];
  for (int y = 0; y < to.height; ++y) {
    std::memcpy(to.row(y).data(), from, static_cast<std::size_t>(to.width));
    from += image.stride[index];
  }
}

std::shared_ptr<const I420Buffer> copy_picture(const vpx_image_t& image) {
  auto picture =
      std::make_shared<I420Buffer>(static_cast<int>(image.d_w), static_cast<int>(image.d_h));
  copy_plane(image, VPX_PLANE_Y, picture->y());
  copy_plane(image, VPX_PLANE_U, picture->u());
  copy_plane(image, VPX_PLANE_V, picture->v());
  return picture;
}

}  // namespace

struct Vp8Decoder::Impl {
  explicit Impl(const Vp8DecoderConfig& c) : config(c) {}
  ~Impl() {
    if (open) vpx_codec_destroy(&codec);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Error fail(std::string where) {
    needs_key_frame = true;
    return Error{Errc::malformed, std::move(where)};
  }
  Result<void> check_key_frame(Bytes data);
  Result<void> run(Bytes data);

  Vp8DecoderConfig config;
  vpx_codec_ctx_t codec{};
  bool open = false;
  bool needs_key_frame = true;
};

/// The picture size is read before libvpx sees the frame and takes memory for it.
Result<void> Vp8Decoder::Impl::check_key_frame(Bytes data) {
  vpx_codec_stream_info_t info{};
  info.sz = sizeof info;
  if (vpx_codec_peek_stream_info(vpx_codec_vp8_dx(), data.data(),
                                 static_cast<unsigned>(data.size()), &info) != VPX_CODEC_OK ||
      info.w == 0 || info.h == 0) {
    return fail("VP8 key frame header");
  }
  if (info.w > static_cast<unsigned>(config.max_width) ||
      info.h > static_cast<unsigned>(config.max_height)) {
    needs_key_frame = true;
    return Error{Errc::too_large, "VP8 picture size"};
  }
  return {};
}

Result<void> Vp8Decoder::Impl::run(Bytes data) {
  if (vpx_codec_decode(&codec, data.data(), static_cast<unsigned>(data.size()), nullptr, 0) !=
      VPX_CODEC_OK) {
    return fail(vpx_codec_error(&codec));
  }
  int corrupted = 0;
  if (vpx_codec_control(&codec, VP8D_GET_FRAME_CORRUPTED, &corrupted) != VPX_CODEC_OK ||
      corrupted != 0) {
    return fail("VP8 frame is damaged");
  }
  return {};
}

Vp8Decoder::Vp8Decoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Vp8Decoder::~Vp8Decoder() = default;

Result<std::unique_ptr<Vp8Decoder>> Vp8Decoder::create(const Vp8DecoderConfig& config) {
  const auto side_is_valid = [](int side) { return side >= 1 && side <= 16384; };
  if (!side_is_valid(config.max_width) || !side_is_valid(config.max_height) || config.threads < 1 ||
      config.threads > 16) {
    return Error{Errc::invalid_argument, "VP8 decoder configuration"};
  }
  auto impl = std::make_unique<Impl>(config);
  vpx_codec_dec_cfg_t vpx{};
  vpx.threads = static_cast<unsigned>(config.threads);
  if (vpx_codec_dec_init(&impl->codec, vpx_codec_vp8_dx(), &vpx, 0) != VPX_CODEC_OK) {
    return Error{Errc::unsupported, "libvpx refused VP8"};
  }
  impl->open = true;
  return std::unique_ptr<Vp8Decoder>{new Vp8Decoder(std::move(impl))};
}

Result<std::optional<VideoFrame>> Vp8Decoder::decode(const EncodedVideo& frame) {
  const Bytes data = frame.data;
  // libvpx takes an empty frame as a lost one and would show the old picture again.
  if (data.size() < kFrameTagSize) return impl_->fail("VP8 frame is too short");
  const bool key_frame = is_key_frame(data);
  if (key_frame) {
    if (auto checked = impl_->check_key_frame(data); !checked) return checked.error();
  } else if (impl_->needs_key_frame) {
    return Error{Errc::malformed, "VP8 inter frame without its references"};
  }
  if (auto decoded = impl_->run(data); !decoded) return decoded.error();
  impl_->needs_key_frame = false;

  vpx_codec_iter_t iterator = nullptr;
  const vpx_image_t* image = vpx_codec_get_frame(&impl_->codec, &iterator);
  if (image == nullptr) return std::optional<VideoFrame>{};  // show_frame is 0
  VideoFrame shown;
  shown.picture = copy_picture(*image);
  shown.rtp_timestamp = frame.rtp_timestamp;
  shown.capture_time = frame.capture_time;
  shown.rotation = frame.rotation;
  return std::optional{std::move(shown)};
}

}  // namespace parley::codec
