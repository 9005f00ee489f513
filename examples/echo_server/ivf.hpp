// IVF, the plain container of VP8, VP9 and AV1 frames: a header of 32 bytes, then each frame behind
// its size and time.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"

namespace echo_server {

/// Closes what fopen opened.
struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

/// Writes an IVF file whose times count 1/90000 s. The number of frames is put into the header when
/// the writer goes; readers do without.
class IvfWriter {
 public:
  /// `codec` is "VP8", "VP9" or "AV1". Errors: io, unsupported.
  static parley::Result<IvfWriter> create(const std::filesystem::path& path, std::string_view codec,
                                          int width, int height);
  IvfWriter(IvfWriter&&) = default;
  IvfWriter& operator=(IvfWriter&&) = default;
  ~IvfWriter();

  void write(parley::Bytes frame, std::int64_t ticks);

 private:
  explicit IvfWriter(File file) : file_(std::move(file)) {}
  File file_;
  std::uint32_t frames_ = 0;
};

/// A clip in memory.
struct IvfClip {
  struct Frame {
    std::vector<std::uint8_t> data;
    std::int64_t ticks = 0;  ///< 1/90000 s from the first frame
    bool key_frame = false;
  };
  std::string codec;  ///< "VP8", "VP9", "AV1" or "H264"
  int width = 0;
  int height = 0;
  std::vector<Frame> frames;  ///< at least one; the first is a key frame

  /// Errors: io, malformed (also without a key frame), unsupported (codec), too_large (512 MB).
  static parley::Result<IvfClip> read(const std::filesystem::path& path);
};

/// Whether a coded picture can be decoded without those before it. `codec` as in IvfClip.
bool is_key_frame(std::string_view codec, parley::Bytes frame);

}  // namespace echo_server
