// stats.json: the statistics of both ends, one sample per second, and the summary.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "loopback_call/summary.hpp"
#include "parley/base/result.hpp"
#include "parley/stats.hpp"

namespace loopback_call {

/// Writes sample by sample, so that memory does not grow with the call:
///
///   {"samples": [{"t": 1.0, "a": [...], "b": [...]}, ...], "summary": {...}}
///
/// "a" and "b" are the objects of webrtc-stats as each end reports them.
class StatsJsonWriter {
 public:
  /// Creates or replaces the file. Errors: io.
  static parley::Result<StatsJsonWriter> create(const std::filesystem::path& path);

  void add_sample(double at_s, const parley::StatsReport& a, const parley::StatsReport& b);
  /// Appends the summary (a JSON object) and closes. Errors: io.
  parley::Result<void> finish(std::string_view summary);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void write(std::string_view text);
  std::unique_ptr<std::FILE, Close> file_;
  std::filesystem::path path_;
  bool any_ = false;
  bool failed_ = false;
};

/// The summary as a JSON object:
///
///   {"setupMs", "firstFrameMs", "srtpProfile", "dtlsVersion", ...,
///    "aToB": {"video": {"framesSent", "framesDecoded", "psnrYMeanDb", "freezeCount",
///                       "totalFreezesDurationMs", ...},
///             "audio": {"concealedSamplesRatio", "jitterBufferDelayMeanMs", "snrDb", ...}},
///    "bToA": {...}, "passed": true, "faults": []}
///
/// What was never measured is null.
std::string summary_json(const Summary& summary, const std::vector<std::string>& faults);

}  // namespace loopback_call
