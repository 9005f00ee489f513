// Opus in Ogg (RFC 3533, RFC 7845).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "echo_server/ivf.hpp"
#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"

namespace echo_server {

/// Writes Opus packets, half a second to a page. Silence that was not sent is filled with packets
/// that code nothing, as RFC 7845 section 4.1 advises.
class OggOpusWriter {
 public:
  /// Errors: io.
  static parley::Result<OggOpusWriter> create(const std::filesystem::path& path);
  OggOpusWriter(OggOpusWriter&&) = default;
  OggOpusWriter& operator=(OggOpusWriter&&) = default;
  /// Ends the stream properly.
  ~OggOpusWriter();

  /// `gap`: samples at 48 kHz without a packet before this one. What is no valid Opus is left out.
  void write(parley::Bytes packet, std::uint32_t gap);

 private:
  explicit OggOpusWriter(File file) : file_(std::move(file)) {}
  void add(parley::Bytes packet, int samples);
  void write_page(int flags);

  File file_;
  std::vector<std::uint8_t> lacing_;
  std::vector<std::uint8_t> body_;
  std::uint32_t pages_ = 0;
  std::int64_t samples_ = 0;
  std::int64_t page_begin_ = 0;  ///< of `samples_`
};

/// A clip in memory.
struct OggOpusClip {
  struct Packet {
    std::vector<std::uint8_t> data;
    int samples = 0;  ///< at 48 kHz
  };
  std::vector<Packet> packets;  ///< at least one

  /// Reads the first Opus stream. Errors: io, malformed, too_large (512 MB).
  static parley::Result<OggOpusClip> read(const std::filesystem::path& path);
};

}  // namespace echo_server
