#include "echo_server/ivf.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "parley/rtp/h264.hpp"

namespace echo_server {
namespace {

using namespace parley;

constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kFrameHeaderSize = 12;
constexpr std::uintmax_t kMaxFileSize = 512'000'000;
constexpr std::int64_t kTicksPerSecond = 90'000;
constexpr long kFrameCountOffset = 24;

constexpr std::pair<std::string_view, std::string_view> kFourCcs[] = {
    {"VP8", "VP80"}, {"VP9", "VP90"}, {"AV1", "AV01"}, {"H264", "H264"}};

template <class T>
void put(std::uint8_t* at, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <class T>
T get(const std::uint8_t* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<T>(value | static_cast<T>(at[i]) << (8 * i));
  return value;
}

Error io_error(const std::filesystem::path& path) {
  return {Errc::io, path.string() + ": " + std::generic_category().message(errno)};
}

bool is_vp9_key_frame(std::uint8_t first) {
  // VP9 bitstream section 6.2: marker 2 bits, profile 2, one more for profile 3, then
  // show_existing_frame and frame_type.
  const int shift = (first >> 4 & 3) == 3 ? 1 : 0;
  const bool existing = (first >> (3 - shift) & 1) != 0;
  return !existing && (first >> (2 - shift) & 1) == 0;
}

bool has_av1_sequence_header(Bytes unit) {
  // AV1 section 5.3: OBUs with their sizes; the header stands before every key frame.
  while (!unit.empty()) {
    const int type = unit[0] >> 3 & 15;
    const bool extension = (unit[0] & 4) != 0;
    const bool sized = (unit[0] & 2) != 0;
    if (type == 1) return true;
    std::size_t at = extension ? 2 : 1;
    std::size_t size = 0;
    if (!sized) return false;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at >= unit.size()) return false;
      const std::uint8_t byte = unit[at++];
      size |= static_cast<std::size_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    if (size > unit.size() - at) return false;
    unit = unit.subspan(at + size);
  }
  return false;
}

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure) return Error{Errc::io, path.string() + ": " + failure.message()};
  if (size > kMaxFileSize) return Error{Errc::too_large, path.string()};
  const File file{std::fopen(path.c_str(), "rb")};
  std::vector<std::uint8_t> bytes(size);
  if (!file || std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    return io_error(path);
  return bytes;
}

/// What the header says beside the clip's own members.
struct TimeBase {
  std::uint64_t rate = 0;
  std::uint64_t scale = 0;
};

Result<TimeBase> read_header(Bytes bytes, IvfClip& clip) {
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(), "DKIF", 4) != 0)
    return Error{Errc::malformed, "no IVF header"};
  const std::string_view four_cc{reinterpret_cast<const char*>(bytes.data()) + 8, 4};
  for (const auto& [codec, name] : kFourCcs) {
    if (name == four_cc) clip.codec = codec;
  }
  if (clip.codec.empty()) return Error{Errc::unsupported, "codec " + std::string(four_cc)};
  clip.width = get<std::uint16_t>(bytes.data() + 12);
  clip.height = get<std::uint16_t>(bytes.data() + 14);
  const TimeBase base{get<std::uint32_t>(bytes.data() + 16), get<std::uint32_t>(bytes.data() + 20)};
  if (base.rate == 0 || base.scale == 0 || base.scale > base.rate)
    return Error{Errc::malformed, "time base"};
  return base;
}

}  // namespace

Result<IvfWriter> IvfWriter::create(const std::filesystem::path& path, std::string_view codec,
                                    int width, int height) {
  const auto* known = std::find_if(std::begin(kFourCcs), std::end(kFourCcs),
                                   [&](const auto& entry) { return entry.first == codec; });
  if (known == std::end(kFourCcs)) return Error{Errc::unsupported, std::string(codec)};
  File file{std::fopen(path.c_str(), "wb")};
  if (!file) return io_error(path);
  std::array<std::uint8_t, kHeaderSize> header{};
  std::memcpy(header.data(), "DKIF", 4);
  put<std::uint16_t>(&header[6], kHeaderSize);
  std::memcpy(&header[8], known->second.data(), 4);
  put(&header[12], static_cast<std::uint16_t>(width));
  put(&header[14], static_cast<std::uint16_t>(height));
  put(&header[16], static_cast<std::uint32_t>(kTicksPerSecond));
  put(&header[20], std::uint32_t{1});
  std::fwrite(header.data(), 1, header.size(), file.get());
  return IvfWriter{std::move(file)};
}

IvfWriter::~IvfWriter() {
  if (!file_) return;
  std::array<std::uint8_t, 4> count;
  put(count.data(), frames_);
  if (std::fseek(file_.get(), kFrameCountOffset, SEEK_SET) == 0)
    std::fwrite(count.data(), 1, count.size(), file_.get());
}

void IvfWriter::write(Bytes frame, std::int64_t ticks) {
  std::array<std::uint8_t, kFrameHeaderSize> header;
  put(header.data(), static_cast<std::uint32_t>(frame.size()));
  put(&header[4], static_cast<std::uint64_t>(ticks));
  std::fwrite(header.data(), 1, header.size(), file_.get());
  std::fwrite(frame.data(), 1, frame.size(), file_.get());
  ++frames_;
}

Result<IvfClip> IvfClip::read(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  IvfClip clip;
  const auto base = read_header(*bytes, clip);
  if (!base) return Error{base.error().code, path.string() + ": " + base.error().where};
  std::uint64_t first = 0;
  for (Bytes rest = Bytes{*bytes}.subspan(kHeaderSize); rest.size() >= kFrameHeaderSize;) {
    const std::size_t size = get<std::uint32_t>(rest.data());
    const auto time = get<std::uint64_t>(rest.data() + 4);
    // A recording that was cut off ends in half a frame.
    if (size > rest.size() - kFrameHeaderSize) break;
    const Bytes data = rest.subspan(kFrameHeaderSize, size);
    rest = rest.subspan(kFrameHeaderSize + size);
    const bool key = is_key_frame(clip.codec, data);
    if (clip.frames.empty()) first = time;
    if ((clip.frames.empty() && !key) || time < first) continue;
    const double seconds =
        static_cast<double>((time - first) * base->scale) / static_cast<double>(base->rate);
    clip.frames.push_back({{data.begin(), data.end()},
                           static_cast<std::int64_t>(seconds * kTicksPerSecond + 0.5),
                           key});
  }
  if (clip.frames.empty()) return Error{Errc::malformed, path.string() + ": no key frame"};
  return clip;
}

bool is_key_frame(std::string_view codec, Bytes frame) {
  if (frame.empty()) return false;
  if (codec == "VP8") return (frame[0] & 1) == 0;  // RFC 6386 section 9.1
  if (codec == "VP9") return is_vp9_key_frame(frame[0]);
  if (codec == "AV1") return has_av1_sequence_header(frame);
  const auto units = rtp::h264::split_annex_b(frame);
  return std::any_of(units.begin(), units.end(),
                     [](Bytes unit) { return rtp::h264::nal_type(unit) == rtp::h264::kIdrSlice; });
}

}  // namespace echo_server
