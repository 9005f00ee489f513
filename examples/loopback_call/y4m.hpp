// YUV4MPEG2 files: raw pictures behind a line of text.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/result.hpp"

namespace loopback_call {

struct FrameRate {
  int numerator = 30;
  int denominator = 1;
  double per_second() const { return static_cast<double>(numerator) / denominator; }
};

struct Y4mFormat {
  int width = 0;
  int height = 0;
  FrameRate rate;
};

/// Parses the first line, without its line end. Taken: progressive 8-bit 4:2:0 of any siting, even
/// sizes from 16 to 4096, 1 to 120 pictures a second. Errors: malformed, unsupported.
parley::Result<Y4mFormat> parse_y4m_header(std::string_view line);

/// Pictures by their number, read from the file when they are asked for. One thread at a time.
class Y4mReader {
 public:
  /// Finds all pictures; one that is cut short at the end does not count. Errors: io, malformed
  /// (also when there is no picture), unsupported; `where` begins with the path.
  static parley::Result<Y4mReader> open(const std::filesystem::path& path);

  const Y4mFormat& format() const { return format_; }
  std::size_t frame_count() const { return offsets_.size(); }
  /// `index` below `frame_count()`. Errors: io.
  parley::Result<std::shared_ptr<const parley::I420Buffer>> read(std::size_t index) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::filesystem::path path_;
  Y4mFormat format_;
  std::vector<std::uint64_t> offsets_;
};

/// Writes pictures of one size.
class Y4mWriter {
 public:
  /// Creates or replaces the file. Errors: io.
  static parley::Result<Y4mWriter> create(const std::filesystem::path& path, Y4mFormat format);

  const Y4mFormat& format() const { return format_; }
  /// Appends a picture of the format's size. A full disk is told by `finish`.
  void write(const parley::I420Buffer& picture);
  /// Closes. Errors: io.
  parley::Result<void> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::filesystem::path path_;
  Y4mFormat format_;
  bool failed_ = false;
};

}  // namespace loopback_call
