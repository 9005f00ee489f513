#include "echo_server/ogg_opus.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "parley/rtp/opus.hpp"

namespace echo_server {
namespace {

using namespace parley;

constexpr std::size_t kPageHeader = 27;
constexpr std::size_t kCrcOffset = 22;
constexpr std::size_t kMaxSegments = 255;
constexpr int kContinued = 1;
constexpr int kBeginning = 2;
constexpr int kEnd = 4;
constexpr std::uint32_t kSerial = 0x7061726C;
constexpr std::int64_t kPageSamples = 24'000;
constexpr std::uint32_t kLongestFill = 60U * 48'000;
constexpr std::uintmax_t kMaxFileSize = 512'000'000;

/// RFC 3533 section 6: polynomial 0x04C11DB7, not reflected, from zero.
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t r = i << 24;
    for (int bit = 0; bit < 8; ++bit) r = (r << 1) ^ ((r >> 31) * 0x04C1'1DB7U);
    table[i] = r;
  }
  return table;
}

std::uint32_t crc_of(Bytes bytes, std::uint32_t crc = 0) {
  static constexpr auto kTable = make_crc_table();
  for (const std::uint8_t byte : bytes) crc = (crc << 8) ^ kTable[(crc >> 24) ^ byte];
  return crc;
}

template <class T>
void put(std::uint8_t* at, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    at[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
}

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// One page of a file: `segments` and `body` are views of it.
struct Page {
  int flags = 0;
  std::uint32_t serial = 0;
  Bytes segments;
  Bytes body;
};

/// The page at the front of `rest`, which loses it.
std::optional<Page> take_page(Bytes& rest) {
  if (rest.size() < kPageHeader || std::memcmp(rest.data(), "OggS", 4) != 0) return std::nullopt;
  const std::size_t count = rest[26];
  if (rest.size() < kPageHeader + count) return std::nullopt;
  Page page;
  page.flags = rest[5];
  std::memcpy(&page.serial, rest.data() + 14, sizeof page.serial);
  page.segments = rest.subspan(kPageHeader, count);
  std::size_t size = 0;
  for (const std::uint8_t lace : page.segments) size += lace;
  if (rest.size() < kPageHeader + count + size) return std::nullopt;
  page.body = rest.subspan(kPageHeader + count, size);
  rest = rest.subspan(kPageHeader + count + size);
  return page;
}

/// Puts the packets of one logical stream together.
class PacketReader {
 public:
  template <class Handler>
  void read(const Page& page, Handler&& handle) {
    if ((page.flags & kContinued) == 0) packet_.clear();
    std::size_t at = 0;
    for (const std::uint8_t lace : page.segments) {
      const Bytes piece = page.body.subspan(at, lace);
      packet_.insert(packet_.end(), piece.begin(), piece.end());
      at += lace;
      // RFC 3533 section 5: a segment below 255 bytes ends the packet.
      if (lace == 255) continue;
      handle(packet_);
      packet_.clear();
    }
  }

 private:
  std::vector<std::uint8_t> packet_;
};

bool starts_with(Bytes packet, std::string_view magic) {
  return packet.size() >= magic.size() &&
         std::memcmp(packet.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Result<OggOpusWriter> OggOpusWriter::create(const std::filesystem::path& path) {
  File file{std::fopen(path.c_str(), "wb")};
  if (!file) return Error{Errc::io, path.string() + ": " + std::generic_category().message(errno)};
  OggOpusWriter writer{std::move(file)};
  // RFC 7845 section 5.1: version, channels, pre-skip, input rate, gain, mapping.
  std::array<std::uint8_t, 19> head{};
  std::memcpy(head.data(), "OpusHead", 8);
  head[8] = 1;
  head[9] = 2;
  put(&head[10], std::uint16_t{312});
  put(&head[12], std::uint32_t{48'000});
  writer.add(head, 0);
  writer.write_page(kBeginning);
  // Section 5.2: the vendor, and no comments.
  std::string tags = "OpusTags";
  tags += std::string("\x06\0\0\0parley\0\0\0\0", 14);
  writer.add(as_bytes(tags), 0);
  writer.write_page(0);
  return writer;
}

OggOpusWriter::~OggOpusWriter() {
  if (file_) write_page(kEnd);
}

void OggOpusWriter::write(Bytes packet, std::uint32_t gap) {
  const auto info = rtp::parse_opus_packet(packet);
  if (!info || packet.size() > kMaxSegments * 255 / 2) return;
  // One frame of no bytes, of the same configuration.
  const std::uint8_t nothing = packet[0] & 0xFC;
  const auto step = static_cast<std::uint32_t>(info->frame_samples);
  for (gap = std::min(gap, kLongestFill); gap >= step; gap -= step)
    add(Bytes{&nothing, 1}, info->frame_samples);
  add(packet, info->samples());
}

void OggOpusWriter::add(Bytes packet, int samples) {
  const std::size_t segments = packet.size() / 255 + 1;
  if (lacing_.size() + segments > kMaxSegments || samples_ - page_begin_ >= kPageSamples)
    write_page(0);
  lacing_.insert(lacing_.end(), segments - 1, 255);
  lacing_.push_back(static_cast<std::uint8_t>(packet.size() % 255));
  body_.insert(body_.end(), packet.begin(), packet.end());
  samples_ += samples;
}

void OggOpusWriter::write_page(int flags) {
  std::vector<std::uint8_t> page(kPageHeader);
  std::memcpy(page.data(), "OggS", 4);
  page[5] = static_cast<std::uint8_t>(flags);
  put(&page[6], samples_);
  put(&page[14], kSerial);
  put(&page[18], pages_++);
  page[26] = static_cast<std::uint8_t>(lacing_.size());
  page.insert(page.end(), lacing_.begin(), lacing_.end());
  page.insert(page.end(), body_.begin(), body_.end());
  put(&page[kCrcOffset], crc_of(page));
  std::fwrite(page.data(), 1, page.size(), file_.get());
  lacing_.clear();
  body_.clear();
  page_begin_ = samples_;
}

Result<OggOpusClip> OggOpusClip::read(const std::filesystem::path& path) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure) return Error{Errc::io, path.string() + ": " + failure.message()};
  if (size > kMaxFileSize) return Error{Errc::too_large, path.string()};
  std::vector<std::uint8_t> bytes(size);
  const File file{std::fopen(path.c_str(), "rb")};
  if (!file || std::fread(bytes.data(), 1, size, file.get()) != size)
    return Error{Errc::io, path.string() + ": " + std::generic_category().message(errno)};
  OggOpusClip clip;
  std::optional<std::uint32_t> serial;
  PacketReader reader;
  Bytes rest{bytes};
  while (const auto page = take_page(rest)) {
    if (!serial && (page->flags & kBeginning) != 0 && starts_with(page->body, "OpusHead"))
      serial = page->serial;
    if (page->serial != serial) continue;
    reader.read(*page, [&](const std::vector<std::uint8_t>& packet) {
      if (starts_with(packet, "OpusHead") || starts_with(packet, "OpusTags")) return;
      if (const auto samples = rtp::opus_packet_samples(packet))
        clip.packets.push_back({packet, *samples});
    });
  }
  if (clip.packets.empty()) return Error{Errc::malformed, path.string() + ": no Opus in Ogg"};
  return clip;
}

}  // namespace echo_server
