#include <opus/opus.h>

#include "parley/codec/opus.hpp"

namespace parley::codec {
namespace {

/// RFC 6716 section 3.2.5: a packet holds at most 120 ms, hence at most 48 frames of 2.5 ms.
constexpr int kMaxPacketSamples = kAudioSampleRate * 120 / 1000;
constexpr std::size_t kMaxFrames = 48;

struct Destroy {
  void operator()(::OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

/// The first frame of a valid packet.
struct FirstFrame {
  Bytes data;
  unsigned config = 0;  ///< RFC 6716 section 3.1
  bool stereo = false;
};

std::optional<FirstFrame> parse_first_frame(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  const unsigned char* frames[kMaxFrames];
  opus_int16 sizes[kMaxFrames];
  unsigned char toc = 0;
  const int count = opus_packet_parse(packet.data(), static_cast<opus_int32>(packet.size()), &toc,
                                      frames, sizes, nullptr);
  if (count < 1) return std::nullopt;
  return FirstFrame{{frames[0], static_cast<std::size_t>(sizes[0])},
                    static_cast<unsigned>(toc) >> 3,
                    (toc & 0x04) != 0};
}

/// SILK frames (10 or 20 ms) in one Opus frame of a SILK or hybrid configuration: the table in RFC
/// 6716 section 3.1. Configurations 0 to 11 repeat 10, 20, 40, 60 ms; 12 to 15 repeat 10, 20 ms.
unsigned silk_frames(unsigned config) {
  if (config >= 12) return 1;
  switch (config % 4) {
    case 2:
      return 2;
    case 3:
      return 3;
    default:
      return 1;
  }
}

}  // namespace

struct OpusDecoder::Impl {
  std::unique_ptr<::OpusDecoder, Destroy> decoder;
  int channels;

  Result<int> run(const unsigned char* data, std::size_t size, int samples, bool fec,
                  std::span<std::int16_t> pcm) {
    const auto room = static_cast<int>(pcm.size() / static_cast<std::size_t>(channels));
    if (samples > room) return Error{Errc::invalid_argument, "no room for the decoded sound"};
    const int decoded = opus_decode(decoder.get(), data, static_cast<opus_int32>(size), pcm.data(),
                                    samples, fec ? 1 : 0);
    if (decoded < 0) return Error{Errc::malformed, opus_strerror(decoded)};
    return decoded;
  }
};

OpusDecoder::OpusDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OpusDecoder::~OpusDecoder() = default;

Result<std::unique_ptr<OpusDecoder>> OpusDecoder::create(const OpusDecoderConfig& config) {
  if (config.channels != 1 && config.channels != 2) {
    return Error{Errc::invalid_argument, "Opus decodes to one or two channels"};
  }
  int error = OPUS_OK;
  std::unique_ptr<::OpusDecoder, Destroy> state{
      opus_decoder_create(kAudioSampleRate, config.channels, &error)};
  if (!state) return Error{Errc::invalid_argument, opus_strerror(error)};
  auto impl = std::make_unique<Impl>();
  impl->decoder = std::move(state);
  impl->channels = config.channels;
  return std::unique_ptr<OpusDecoder>{new OpusDecoder(std::move(impl))};
}

int OpusDecoder::channels() const { return impl_->channels; }

std::optional<int> OpusDecoder::packet_samples(Bytes packet) const {
  if (!parse_first_frame(packet)) return std::nullopt;
  const int samples = opus_packet_get_nb_samples(
      packet.data(), static_cast<opus_int32>(packet.size()), kAudioSampleRate);
  if (samples < 1 || samples > kMaxPacketSamples) return std::nullopt;
  return samples;
}

bool OpusDecoder::has_fec(Bytes packet) const {
  const auto frame = parse_first_frame(packet);
  if (!frame || frame->config >= 16 || frame->data.size() <= 1) return false;
  // RFC 6716 section 4.2.3: one VAD bit per SILK frame, then one LBRR bit; for stereo once more for
  // the side channel. They are the most significant bits of the first byte, eight at most.
  const unsigned vad_bits = silk_frames(frame->config);
  const unsigned mid = 0x80U >> vad_bits;
  const unsigned side = frame->stereo ? mid >> (vad_bits + 1) : 0U;
  return (frame->data[0] & (mid | side)) != 0;
}

bool OpusDecoder::is_dtx(Bytes packet) const {
  const auto frame = parse_first_frame(packet);
  return frame && frame->data.size() <= 1;
}

Result<int> OpusDecoder::decode(Bytes packet, std::span<std::int16_t> pcm) {
  const auto samples = packet_samples(packet);
  if (!samples) return Error{Errc::malformed, "Opus packet"};
  return impl_->run(packet.data(), packet.size(), *samples, false, pcm);
}

Result<int> OpusDecoder::decode_fec(Bytes packet, int samples, std::span<std::int16_t> pcm) {
  if (!packet_samples(packet)) return Error{Errc::malformed, "Opus packet"};
  if (samples < 1) return Error{Errc::invalid_argument, "duration of the lost packet"};
  return impl_->run(packet.data(), packet.size(), samples, true, pcm);
}

Result<int> OpusDecoder::conceal(int samples, std::span<std::int16_t> pcm) {
  if (samples < 1) return Error{Errc::invalid_argument, "duration to conceal"};
  return impl_->run(nullptr, 0, samples, false, pcm);
}

void OpusDecoder::reset() { opus_decoder_ctl(impl_->decoder.get(), OPUS_RESET_STATE); }

}  // namespace parley::codec
