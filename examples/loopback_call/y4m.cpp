#include "loopback_call/y4m.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include "loopback_call/file.hpp"

namespace loopback_call {
namespace {

using parley::Errc;
using parley::Error;
using parley::I420Buffer;
using parley::Result;

constexpr std::string_view kMagic = "YUV4MPEG2";
constexpr std::size_t kLongestLine = 256;

std::optional<int> parse_int(std::string_view text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<FrameRate> parse_rate(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto numerator = parse_int(text.substr(0, colon));
  const auto denominator = parse_int(text.substr(colon + 1));
  if (!numerator || !denominator || *numerator <= 0 || *denominator <= 0) return std::nullopt;
  return FrameRate{*numerator, *denominator};
}

/// All sitings of 4:2:0 with 8 bits; not 420p10 and its kin.
bool is_420(std::string_view chroma) {
  return chroma == "420" || chroma == "420jpeg" || chroma == "420mpeg2" || chroma == "420paldv";
}

Error unsupported(std::string what) { return Error{Errc::unsupported, std::move(what)}; }

Result<void> check(const Y4mFormat& f) {
  const auto good = [](int side) { return side >= 16 && side <= 4096 && side % 2 == 0; };
  if (!good(f.width) || !good(f.height))
    return unsupported("pictures of " + std::to_string(f.width) + "x" + std::to_string(f.height) +
                       ", width and height must be even and from 16 to 4096");
  if (f.rate.per_second() < 1 || f.rate.per_second() > 120)
    return unsupported("the frame rate must be from 1 to 120 a second");
  return {};
}

/// Reads a line without its end. nullopt at the end of the file or when it is too long.
std::optional<std::string> read_line(std::FILE* file) {
  std::string line;
  while (line.size() < kLongestLine) {
    const int c = std::fgetc(file);
    if (c == EOF) return std::nullopt;
    if (c == '\n') return line;
    line.push_back(static_cast<char>(c));
  }
  return std::nullopt;
}

std::uint64_t picture_bytes(const Y4mFormat& f) {
  // Even sizes: the chroma planes are a quarter each.
  return static_cast<std::uint64_t>(f.width) * static_cast<std::uint64_t>(f.height) * 3 / 2;
}

}  // namespace

Result<Y4mFormat> parse_y4m_header(std::string_view line) {
  if (!line.starts_with(kMagic)) return Error{Errc::malformed, "not a Y4M file"};
  line.remove_prefix(kMagic.size());
  Y4mFormat format;
  bool has_rate = false;
  while (!line.empty()) {
    if (line.front() == ' ') {
      line.remove_prefix(1);
      continue;
    }
    const std::string_view token = line.substr(0, line.find(' '));
    line.remove_prefix(token.size());
    const std::string_view value = token.substr(1);
    switch (token.front()) {
      case 'W':
        format.width = parse_int(value).value_or(0);
        break;
      case 'H':
        format.height = parse_int(value).value_or(0);
        break;
      case 'F':
        if (const auto rate = parse_rate(value)) {
          format.rate = *rate;
          has_rate = true;
        }
        break;
      case 'I':
        if (value != "p" && value != "?") return unsupported("interlaced pictures");
        break;
      case 'C':
        if (!is_420(value))
          return unsupported("pixel format C" + std::string(value) + ", only 8-bit 4:2:0 is taken");
        break;
      default:
        break;  // aspect ratio and extensions change nothing here
    }
  }
  if (!has_rate) return Error{Errc::malformed, "no frame rate"};
  if (const auto ok = check(format); !ok) return ok.error();
  return format;
}

Result<Y4mReader> Y4mReader::open(const std::filesystem::path& path) {
  const auto fail = [&path](Errc code, const std::string& what) {
    return Error{code, path.string() + ": " + what};
  };
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure) return fail(Errc::io, failure.message());
  Y4mReader reader;
  reader.file_.reset(std::fopen(path.c_str(), "rb"));
  if (!reader.file_) return io_error(path);
  reader.path_ = path;
  std::FILE* file = reader.file_.get();

  const auto first_line = read_line(file);
  if (!first_line) return fail(Errc::malformed, "not a Y4M file");
  const auto format = parse_y4m_header(*first_line);
  if (!format) return fail(format.error().code, format.error().where);
  reader.format_ = *format;
  const std::uint64_t picture = picture_bytes(*format);

  // Every picture has a line of its own that may carry parameters: its place must be looked for.
  while (const auto line = read_line(file)) {
    if (!line->starts_with("FRAME")) return fail(Errc::malformed, "no FRAME where one belongs");
    const long at = std::ftell(file);
    if (at < 0) return io_error(path);
    const auto offset = static_cast<std::uint64_t>(at);
    if (offset + picture > size) break;
    reader.offsets_.push_back(offset);
    if (std::fseek(file, static_cast<long>(picture), SEEK_CUR) != 0) return io_error(path);
  }
  if (reader.offsets_.empty()) return fail(Errc::malformed, "no picture");
  // From here on whole pictures are read: a buffer in between would only copy.
  std::setvbuf(file, nullptr, _IONBF, 0);
  return reader;
}

Result<std::shared_ptr<const I420Buffer>> Y4mReader::read(std::size_t index) const {
  auto picture = std::make_shared<I420Buffer>(format_.width, format_.height);
  const parley::MutableBytes bytes = picture->data();
  if (std::fseek(file_.get(), static_cast<long>(offsets_.at(index)), SEEK_SET) != 0 ||
      std::fread(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    return Error{Errc::io, path_.string() + ": picture " + std::to_string(index) + " unreadable"};
  return std::shared_ptr<const I420Buffer>(std::move(picture));
}

Result<Y4mWriter> Y4mWriter::create(const std::filesystem::path& path, Y4mFormat format) {
  Y4mWriter writer;
  writer.file_.reset(std::fopen(path.c_str(), "wb"));
  if (!writer.file_) return io_error(path);
  writer.path_ = path;
  writer.format_ = format;
  writer.failed_ =
      std::fprintf(writer.file_.get(), "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420jpeg\n", format.width,
                   format.height, format.rate.numerator, format.rate.denominator) < 0;
  return writer;
}

void Y4mWriter::write(const I420Buffer& picture) {
  const parley::Bytes bytes = picture.data();
  failed_ = failed_ || std::fputs("FRAME\n", file_.get()) < 0 ||
            std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size();
}

Result<void> Y4mWriter::finish() {
  failed_ = std::fclose(file_.release()) != 0 || failed_;
  if (failed_) return Error{Errc::io, path_.string() + ": could not be written"};
  return {};
}

}  // namespace loopback_call
