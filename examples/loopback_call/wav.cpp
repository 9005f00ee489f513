#include "loopback_call/wav.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <system_error>

#include "loopback_call/file.hpp"
#include "parley/base/media.hpp"

namespace loopback_call {
namespace {

using parley::Bytes;
using parley::Errc;
using parley::Error;
using parley::Result;

constexpr std::uint16_t kPcm = 1;
constexpr std::uint16_t kFloat = 3;
constexpr std::uint16_t kExtensible = 0xFFFE;
constexpr std::size_t kHeaderSize = 44;
constexpr std::uintmax_t kLargestFile = 512'000'000;

std::uint32_t load_le(const std::uint8_t* p, int bytes) {
  std::uint32_t v = 0;
  for (int i = bytes - 1; i >= 0; --i) v = (v << 8) | p[i];
  return v;
}

void store_le(std::uint8_t* p, std::uint32_t v, int bytes) {
  for (int i = 0; i < bytes; ++i) p[i] = static_cast<std::uint8_t>(v >> (8 * i));
}

struct Format {
  std::uint16_t coding = 0;
  int channels = 0;
  std::uint32_t rate = 0;
  int bits = 0;
};

std::optional<Format> parse_format(Bytes chunk) {
  if (chunk.size() < 16) return std::nullopt;
  Format f;
  f.coding = static_cast<std::uint16_t>(load_le(&chunk[0], 2));
  f.channels = static_cast<int>(load_le(&chunk[2], 2));
  f.rate = load_le(&chunk[4], 4);
  f.bits = static_cast<int>(load_le(&chunk[14], 2));
  if (f.coding == kExtensible) {
    // The coding's number opens the sub-format GUID.
    if (chunk.size() < 26) return std::nullopt;
    f.coding = static_cast<std::uint16_t>(load_le(&chunk[24], 2));
  }
  return f;
}

Result<void> check(const Format& f) {
  if (f.rate != parley::kAudioSampleRate)
    return Error{Errc::unsupported,
                 "the rate is " + std::to_string(f.rate) + " Hz, only 48000 Hz is taken"};
  if (f.channels != 1 && f.channels != 2)
    return Error{Errc::unsupported,
                 std::to_string(f.channels) + " channels, only mono and stereo are taken"};
  const bool integer = f.coding == kPcm && (f.bits == 16 || f.bits == 24 || f.bits == 32);
  if (!integer && !(f.coding == kFloat && f.bits == 32))
    return Error{Errc::unsupported, "coding " + std::to_string(f.coding) + " with " +
                                        std::to_string(f.bits) +
                                        " bits, only PCM of 16, 24 or 32 bits or float is taken"};
  return {};
}

std::int16_t from_float(float v) {
  if (std::isnan(v)) return 0;
  return static_cast<std::int16_t>(std::lround(std::clamp(v * 32768.0F, -32768.0F, 32767.0F)));
}

PcmClip convert(const Format& f, Bytes data) {
  const int width = f.bits / 8;
  PcmClip clip;
  clip.channels = f.channels;
  const std::size_t frames = data.size() / static_cast<std::size_t>(width * f.channels);
  clip.samples.resize(frames * static_cast<std::size_t>(f.channels));
  const std::uint8_t* in = data.data();
  for (std::int16_t& sample : clip.samples) {
    const std::uint32_t bits = load_le(in, width);
    // Integers keep their upper 16 bits.
    sample = f.coding == kFloat
                 ? from_float(std::bit_cast<float>(bits))
                 : static_cast<std::int16_t>(static_cast<std::uint16_t>(bits >> (f.bits - 16)));
    in += width;
  }
  return clip;
}

}  // namespace

Result<PcmClip> parse_wav(Bytes file) {
  if (file.size() < 12 || std::memcmp(file.data(), "RIFF", 4) != 0 ||
      std::memcmp(&file[8], "WAVE", 4) != 0)
    return Error{Errc::malformed, "not a WAV file"};
  std::optional<Format> format;
  std::size_t at = 12;
  while (file.size() - at >= 8) {
    const Bytes header = file.subspan(at, 8);
    at += 8;
    // Programs that write to a pipe leave the length open: what is there counts.
    const std::size_t size = std::min<std::size_t>(load_le(&header[4], 4), file.size() - at);
    const Bytes chunk = file.subspan(at, size);
    if (std::memcmp(header.data(), "fmt ", 4) == 0) {
      format = parse_format(chunk);
      if (!format) return Error{Errc::malformed, "the format chunk is cut short"};
      if (const auto ok = check(*format); !ok) return ok.error();
    } else if (std::memcmp(header.data(), "data", 4) == 0) {
      if (!format) return Error{Errc::malformed, "no format chunk before the samples"};
      PcmClip clip = convert(*format, chunk);
      if (clip.samples.empty()) return Error{Errc::malformed, "no samples"};
      return clip;
    }
    at = std::min(at + size + (size & 1), file.size());
  }
  return Error{Errc::malformed, "no samples"};
}

Result<PcmClip> read_wav(const std::filesystem::path& path) {
  auto file = read_file(path, kLargestFile);
  if (!file) return file.error();
  auto clip = parse_wav(*file);
  if (!clip) return Error{clip.error().code, path.string() + ": " + clip.error().where};
  return clip;
}

Result<WavWriter> WavWriter::create(const std::filesystem::path& path, int channels) {
  WavWriter writer;
  writer.file_.reset(std::fopen(path.c_str(), "wb"));
  if (!writer.file_) return io_error(path);
  writer.path_ = path;
  writer.channels_ = channels;
  const std::array<std::uint8_t, kHeaderSize> room{};
  writer.failed_ = std::fwrite(room.data(), 1, room.size(), writer.file_.get()) != room.size();
  return writer;
}

void WavWriter::write(std::span<const std::int16_t> samples) {
  std::array<std::uint8_t, 4096> bytes;
  while (!samples.empty() && !failed_) {
    const std::size_t n = std::min(samples.size(), bytes.size() / 2);
    for (std::size_t i = 0; i < n; ++i)
      store_le(&bytes[2 * i], static_cast<std::uint16_t>(samples[i]), 2);
    failed_ = std::fwrite(bytes.data(), 2, n, file_.get()) != n;
    data_bytes_ += 2 * n;
    samples = samples.subspan(n);
  }
}

Result<void> WavWriter::finish() {
  std::array<std::uint8_t, kHeaderSize> h{};
  const auto data = static_cast<std::uint32_t>(std::min<std::uint64_t>(data_bytes_, 0xFFFF'FF00));
  const auto channels = static_cast<std::uint32_t>(channels_);
  std::memcpy(&h[0], "RIFF", 4);
  store_le(&h[4], data + kHeaderSize - 8, 4);
  std::memcpy(&h[8], "WAVEfmt ", 8);
  store_le(&h[16], 16, 4);
  store_le(&h[20], kPcm, 2);
  store_le(&h[22], channels, 2);
  store_le(&h[24], parley::kAudioSampleRate, 4);
  store_le(&h[28], parley::kAudioSampleRate * channels * 2, 4);
  store_le(&h[32], channels * 2, 2);
  store_le(&h[34], 16, 2);
  std::memcpy(&h[36], "data", 4);
  store_le(&h[40], data, 4);
  failed_ = failed_ || std::fseek(file_.get(), 0, SEEK_SET) != 0 ||
            std::fwrite(h.data(), 1, h.size(), file_.get()) != h.size();
  failed_ = std::fclose(file_.release()) != 0 || failed_;
  if (failed_) return Error{Errc::io, path_.string() + ": could not be written"};
  return {};
}

}  // namespace loopback_call
