// WAV files: whole recordings in, a stream of blocks out.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"

namespace loopback_call {

/// Interleaved 16-bit PCM of 48 kHz.
struct PcmClip {
  int channels = 1;  ///< 1 or 2
  std::vector<std::int16_t> samples;

  /// Samples per channel.
  std::size_t frames() const { return samples.size() / static_cast<std::size_t>(channels); }
};

/// Reads a RIFF/WAVE file: integer PCM of 16, 24 or 32 bits or 32-bit float, mono or stereo, all
/// converted to 16 bits. Errors: malformed (not a WAV file, or cut short before its first sample),
/// unsupported (another rate than 48 kHz, another coding, more channels).
parley::Result<PcmClip> parse_wav(parley::Bytes file);

/// Reads the file at `path`; errors of `parse_wav`, io, and too_large above 512 MB. The error's
/// `where` begins with the path.
parley::Result<PcmClip> read_wav(const std::filesystem::path& path);

/// Writes a WAV file block by block, so that its length in memory does not grow with the call.
class WavWriter {
 public:
  /// Creates or replaces the file. Errors: io.
  static parley::Result<WavWriter> create(const std::filesystem::path& path, int channels);

  /// Appends interleaved samples. A full disk is told by `finish`.
  void write(std::span<const std::int16_t> samples);
  /// Fills in the lengths and closes. Errors: io. Without it the file reads as empty.
  parley::Result<void> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::filesystem::path path_;
  int channels_ = 1;
  std::uint64_t data_bytes_ = 0;
  bool failed_ = false;
};

}  // namespace loopback_call
