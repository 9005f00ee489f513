#include "parley/codec/opus.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "parley/base/random.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::codec;

namespace {

constexpr int kFrame = 960;
using Pcm = std::vector<std::int16_t>;
using Packet = std::vector<std::uint8_t>;

/// Something like voiced speech: harmonics of a gliding pitch under a syllable envelope.
Pcm speech_like(int samples) {
  Pcm pcm(static_cast<std::size_t>(samples));
  double phase = 0.0;
  for (int i = 0; i < samples; ++i) {
    const double t = i / 48'000.0;
    const double pitch = 140.0 + 30.0 * std::sin(2 * std::numbers::pi * 0.7 * t);
    phase += 2 * std::numbers::pi * pitch / 48'000.0;
    double v = 0.0;
    for (int h = 1; h <= 12; ++h) v += std::sin(h * phase) / h;
    const double envelope = 0.55 + 0.45 * std::sin(2 * std::numbers::pi * 3.0 * t);
    pcm[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(5000.0 * envelope * v);
  }
  return pcm;
}

Pcm sine(int samples, double hertz, int channels = 1) {
  Pcm pcm(static_cast<std::size_t>(samples * channels));
  for (int i = 0; i < samples; ++i) {
    const double v = 8000.0 * std::sin(2 * std::numbers::pi * hertz * i / 48'000.0);
    for (int c = 0; c < channels; ++c) {
      pcm[static_cast<std::size_t>(i * channels + c)] = static_cast<std::int16_t>(v);
    }
  }
  return pcm;
}

/// Syllables: pitch and loudness change every 50 ms, so that no lost packet can be guessed from the
/// one before it.
Pcm syllables(int samples) {
  SeededRandom random{5};
  Pcm pcm(static_cast<std::size_t>(samples));
  double phase = 0.0;
  double pitch = 150.0;
  double loudness = 1.0;
  for (int i = 0; i < samples; ++i) {
    if (i % 2400 == 0) {
      pitch = 110.0 + random.below(150);
      loudness = 0.1 + 0.9 * random.unit();
    }
    phase += 2 * std::numbers::pi * pitch / 48'000.0;
    double v = 0.0;
    for (int h = 1; h <= 8; ++h) v += std::sin(h * phase) / h;
    pcm[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(6000.0 * loudness * v);
  }
  return pcm;
}

std::vector<Packet> encode_all(AudioEncoder& encoder, const Pcm& pcm) {
  std::vector<Packet> packets;
  const auto step = static_cast<std::size_t>(encoder.frame_samples() * encoder.channels());
  std::array<std::uint8_t, 4000> storage;
  for (std::size_t at = 0; at + step <= pcm.size(); at += step) {
    const auto size = encoder.encode(std::span{pcm}.subspan(at, step), storage);
    REQUIRE(size);
    packets.emplace_back(storage.begin(), storage.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  return packets;
}

/// Signal-to-noise ratio in dB of `out` against `in`, which it lags behind by `lag` samples.
double snr(std::span<const std::int16_t> in, std::span<const std::int16_t> out, int lag,
           std::size_t from, std::size_t to) {
  double signal = 0.0;
  double noise = 1e-9;
  for (std::size_t i = from; i < to; ++i) {
    const double a = in[i - static_cast<std::size_t>(lag)];
    const double d = out[i] - a;
    signal += a * a;
    noise += d * d;
  }
  return 10.0 * std::log10(signal / noise);
}

std::unique_ptr<OpusEncoder> make_encoder(const OpusEncoderConfig& config) {
  auto encoder = OpusEncoder::create(config);
  REQUIRE(encoder);
  return std::move(encoder).value();
}
std::unique_ptr<OpusDecoder> make_decoder(int channels = 1) {
  auto decoder = OpusDecoder::create({channels});
  REQUIRE(decoder);
  return std::move(decoder).value();
}

Pcm decode_all(AudioDecoder& decoder, const std::vector<Packet>& packets) {
  Pcm all;
  Pcm pcm(static_cast<std::size_t>(5760 * decoder.channels()));
  for (const auto& packet : packets) {
    const auto samples = decoder.decode(packet, pcm);
    REQUIRE(samples);
    all.insert(all.end(), pcm.begin(), pcm.begin() + *samples * decoder.channels());
  }
  return all;
}

OpusEncoderConfig fec_config() {
  OpusEncoderConfig config;
  config.bitrate = DataRate::kilobits_per_second(28);
  config.expected_loss = 0.2;
  return config;
}

}  // namespace

TEST_CASE("a sine survives Opus with little noise at each frame duration", "[codec][rfc6716]") {
  for (const int ms : {10, 20, 40, 60}) {
    OpusEncoderConfig config;
    config.application = OpusApplication::audio;
    config.frame_milliseconds = ms;
    config.bitrate = DataRate::kilobits_per_second(96);
    config.fec = false;
    const auto encoder = make_encoder(config);
    const auto decoder = make_decoder();
    CHECK(encoder->frame_samples() == ms * 48);
    const Pcm in = sine(48'000, 440);
    const auto packets = encode_all(*encoder, in);
    CHECK(decoder->packet_samples(packets.back()) == ms * 48);
    const Pcm out = decode_all(*decoder, packets);
    INFO("frame of " << ms << " ms");
    CHECK(snr(in, out, encoder->lookahead(), 10'000, 45'000) > 20.0);
  }
}

TEST_CASE("stereo keeps the channels apart and mono decodes to stereo", "[codec][rfc7587]") {
  OpusEncoderConfig config;
  config.channels = 2;
  config.application = OpusApplication::audio;
  config.bitrate = DataRate::kilobits_per_second(128);
  const auto encoder = make_encoder(config);
  Pcm in = sine(48'000, 440, 2);
  for (std::size_t i = 1; i < in.size(); i += 2) in[i] = 0;
  const Pcm out = decode_all(*make_decoder(2), encode_all(*encoder, in));
  double left = 0.0;
  double right = 0.0;
  for (std::size_t i = 20'000; i + 1 < out.size(); i += 2) {
    left += std::abs(out[i]);
    right += std::abs(out[i + 1]);
  }
  CHECK(left > 50 * right);

  const Pcm doubled = decode_all(*make_decoder(2), encode_all(*make_encoder({}), sine(9600, 300)));
  CHECK(doubled.size() == 2 * 9600);
  CHECK(doubled[9000] == doubled[9001]);
}

TEST_CASE("LBRR flags in the packet are found exactly when FEC is on", "[codec][rfc6716]") {
  const auto decoder = make_decoder();
  const Pcm in = speech_like(48'000 * 2);
  const auto count = [&](const std::vector<Packet>& packets) {
    int with = 0;
    for (const auto& packet : packets) with += decoder->has_fec(packet) ? 1 : 0;
    return with;
  };
  for (const int ms : {10, 20, 40, 60}) {
    for (const int channels : {1, 2}) {
      INFO(ms << " ms, channels " << channels);
      OpusEncoderConfig config = fec_config();
      config.frame_milliseconds = ms;
      config.channels = channels;
      Pcm pcm = in;
      if (channels == 2) pcm.insert(pcm.end(), in.begin(), in.end());
      const auto on = encode_all(*make_encoder(config), pcm);
      CHECK(count(on) > static_cast<int>(on.size()) / 2);
      config.fec = false;
      CHECK(count(encode_all(*make_encoder(config), pcm)) == 0);
    }
  }
}

TEST_CASE("FEC is there from the first loss on at the default rate and any complexity", "[codec]") {
  const auto decoder = make_decoder();
  for (const int complexity : {1, 5, 9}) {
    OpusEncoderConfig config;
    config.complexity = complexity;
    config.expected_loss = 0.01;
    int copies = 0;
    const auto packets = encode_all(*make_encoder(config), speech_like(48'000 * 2));
    for (const auto& packet : packets) copies += decoder->has_fec(packet) ? 1 : 0;
    INFO("complexity " << complexity << ": " << copies << " of " << packets.size());
    CHECK(copies > static_cast<int>(packets.size()) / 2);
  }
}

TEST_CASE("the flag that has_fec reads agrees with what decoding the copy gives",
          "[codec][rfc6716]") {
  // libopus conceals when there is no copy: then decode_fec and conceal give the same sound.
  const auto encoder = make_encoder(fec_config());
  const Pcm in = speech_like(48'000 * 4);
  auto packets = encode_all(*encoder, in);
  encoder->set_fec(false);
  const auto without = encode_all(*encoder, in);
  packets.insert(packets.end(), without.begin(), without.end());
  const auto a = make_decoder();
  const auto b = make_decoder();
  Pcm pcm_a(5760);
  Pcm pcm_b(5760);
  int agree = 0;
  int total = 0;
  for (std::size_t i = 0; i + 2 < packets.size(); i += 2) {
    // A change of bandwidth shows in the sound whether or not there is a copy.
    if (packets[i][0] != packets[i + 2][0]) continue;
    REQUIRE(a->decode(packets[i], pcm_a));
    REQUIRE(b->decode(packets[i], pcm_b));
    REQUIRE(a->decode_fec(packets[i + 2], kFrame, pcm_a));
    REQUIRE(b->conceal(kFrame, pcm_b));
    const bool differs = !std::equal(pcm_a.begin(), pcm_a.begin() + kFrame, pcm_b.begin());
    INFO("packet " << i + 2 << " of " << packets.size() << " differs " << differs);
    CHECK(differs == a->has_fec(packets[i + 2]));
    agree += differs == a->has_fec(packets[i + 2]) ? 1 : 0;
    ++total;
    // Both go on from the same state.
    a->reset();
    b->reset();
  }
  CHECK(total > 150);

  CHECK(agree == total);
}

TEST_CASE("the redundant copy is closer to the lost sound than invention", "[codec][rfc6716]") {
  const auto encoder = make_encoder(fec_config());
  const Pcm in = syllables(48'000 * 6);
  const auto packets = encode_all(*encoder, in);
  const int lag = encoder->lookahead();
  // Signal and errors are added up over the lost frames: loud ones count more.
  double signal = 0.0;
  double fec_error = 0.0;
  double plc_error = 0.0;
  int lost = 0;
  const auto fec = make_decoder();
  const auto plc = make_decoder();
  Pcm a(5760);
  Pcm b(5760);
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
    const bool drop = i > 20 && i % 10 == 0 && fec->has_fec(packets[i + 1]);
    if (!drop) {
      REQUIRE(fec->decode(packets[i], a));
      REQUIRE(plc->decode(packets[i], b));
      continue;
    }
    REQUIRE(fec->decode_fec(packets[i + 1], kFrame, a));
    REQUIRE(plc->conceal(kFrame, b));
    ++lost;
    const std::span<const std::int16_t> original =
        std::span{in}.subspan(i * kFrame - static_cast<std::size_t>(lag), kFrame);
    for (std::size_t k = 0; k < kFrame; ++k) {
      signal += original[k] * original[k];
      fec_error += std::pow(a[k] - original[k], 2);
      plc_error += std::pow(b[k] - original[k], 2);
    }
  }
  REQUIRE(lost >= 10);
  INFO("SNR " << 10 * std::log10(signal / fec_error) << " dB with the copy, "
              << 10 * std::log10(signal / plc_error) << " dB without");
  CHECK(fec_error < plc_error / 2);
}

TEST_CASE("DTX sends few packets in silence and announces the silence", "[codec][rfc7587]") {
  OpusEncoderConfig config;
  config.dtx = true;
  const auto encoder = make_encoder(config);
  const auto decoder = make_decoder();
  encode_all(*encoder, speech_like(48'000));
  // A very quiet room: five seconds.
  SeededRandom random{7};
  Pcm quiet(48'000 * 5);
  for (auto& s : quiet) s = static_cast<std::int16_t>(static_cast<int>(random.below(5)) - 2);
  const auto packets = encode_all(*encoder, quiet);
  int sent = 0;
  int announced = 0;
  for (const auto& packet : packets) {
    sent += packet.empty() ? 0 : 1;
    announced += !packet.empty() && decoder->is_dtx(packet) ? 1 : 0;
  }
  CHECK(packets.size() == 250);
  CHECK(sent < 60);
  CHECK(announced >= 1);
  CHECK(announced <= 20);

  encoder->set_dtx(false);
  for (const auto& packet : encode_all(*encoder, quiet)) CHECK_FALSE(packet.empty());
}

TEST_CASE("the bitrate can be changed while encoding", "[codec][rfc6716]") {
  OpusEncoderConfig config;
  config.bitrate = DataRate::kilobits_per_second(16);
  const auto encoder = make_encoder(config);
  const auto bytes = [&] {
    std::size_t sum = 0;
    for (const auto& packet : encode_all(*encoder, speech_like(48'000 * 2))) sum += packet.size();
    return sum;
  };
  const auto low = bytes();
  encoder->set_bitrate(DataRate::kilobits_per_second(64));
  const auto high = bytes();
  CHECK(low < 16'000 / 8 * 2 * 3 / 2);
  CHECK(high > 2 * low);
  encoder->set_bitrate(DataRate::infinite());  // clamped, not refused
  CHECK(bytes() > high);
}

TEST_CASE("configurations outside their range are refused", "[codec]") {
  OpusEncoderConfig config;
  config.channels = 3;
  CHECK(OpusEncoder::create(config).error().code == Errc::invalid_argument);
  config = {};
  config.frame_milliseconds = 25;
  CHECK(OpusEncoder::create(config).error().code == Errc::invalid_argument);
  config = {};
  config.complexity = 11;
  CHECK(OpusEncoder::create(config).error().code == Errc::invalid_argument);
  config = {};
  config.expected_loss = 1.5;
  CHECK(OpusEncoder::create(config).error().code == Errc::invalid_argument);
  CHECK(OpusDecoder::create({0}).error().code == Errc::invalid_argument);
}

TEST_CASE("calls with the wrong amount of sound or room are refused", "[codec]") {
  const auto encoder = make_encoder({});
  std::array<std::uint8_t, 1275> out;
  const Pcm pcm(kFrame);
  CHECK(encoder->encode(std::span{pcm}.first(959), out).error().code == Errc::invalid_argument);
  CHECK(encoder->encode(pcm, MutableBytes{}).error().code == Errc::too_large);

  const auto decoder = make_decoder();
  const auto packet = encode_all(*encoder, speech_like(kFrame)).front();
  Pcm little(100);
  Pcm enough(5760);
  CHECK(decoder->decode(packet, little).error().code == Errc::invalid_argument);
  CHECK(decoder->decode({}, enough).error().code == Errc::malformed);
  CHECK_FALSE(decoder->conceal(0, enough));
  CHECK_FALSE(decoder->conceal(7, enough));
  CHECK_FALSE(decoder->decode_fec(packet, -960, enough));
  CHECK(decoder->decode(packet, enough).value() == kFrame);
}

TEST_CASE("no bytes crash the Opus decoder", "[codec]") {
  SeededRandom random{42};
  const auto decoder = make_decoder(2);
  Pcm pcm(5760 * 2);
  const auto valid = encode_all(*make_encoder(fec_config()), speech_like(48'000));
  for (int i = 0; i < 3000; ++i) {
    Packet packet;
    if (i % 2 == 0) {
      packet.resize(1 + random.below(60));
      random.fill(packet);
    } else {
      packet = valid[random.below(static_cast<std::uint32_t>(valid.size()))];
      packet[random.below(static_cast<std::uint32_t>(packet.size()))] ^=
          static_cast<std::uint8_t>(1U << random.below(8));
      packet.resize(1 + random.below(static_cast<std::uint32_t>(packet.size())));
    }
    const auto samples = decoder->packet_samples(packet);
    const auto decoded = decoder->decode(packet, pcm);
    if (decoded) {
      CHECK(samples == *decoded);
    }
    if (decoder->has_fec(packet)) {
      CHECK(samples.has_value());
      static_cast<void>(decoder->decode_fec(packet, 960, pcm));
    }
  }
}
