#include "file_transfer/progress_bar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace file_transfer {
namespace {

template <class... T>
std::string print(const char* format, T... values) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

std::string size_text(double bytes) {
  if (bytes < 1000) return print("%.0f bytes", bytes);
  constexpr std::array<const char*, 5> kUnits{"kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (bytes /= 1000; bytes >= 999.95 && unit + 1 < kUnits.size(); bytes /= 1000) ++unit;
  return print(bytes < 10 ? "%.2f %s" : "%.1f %s", bytes, kUnits[unit]);
}

std::string bar_line(const Progress& progress, double bytes_per_second, std::size_t width) {
  constexpr std::size_t kBar = 24;
  const double share = progress.bytes == 0 ? 1
                                           : static_cast<double>(progress.bytes_done) /
                                                 static_cast<double>(progress.bytes);
  const auto filled = static_cast<std::size_t>(share * kBar);
  std::string line = "[" + std::string(filled, '=') + (filled < kBar ? ">" : "");
  line.resize(kBar + 1, ' ');
  line += print("] %3.0f %%  ", std::floor(100 * share));
  line += size_text(static_cast<double>(progress.bytes_done)) + " of " +
          size_text(static_cast<double>(progress.bytes));
  if (bytes_per_second > 0) {
    line += "  " + size_text(bytes_per_second) + "/s";
    const double left =
        static_cast<double>(progress.bytes - progress.bytes_done) / bytes_per_second;
    if (left < 100 * 3600) {
      const long seconds = std::lround(left);
      line += print("  %ld:%02ld left", seconds / 60, seconds % 60);
    }
  }
  if (!progress.current.empty()) line += "  " + progress.current;
  if (line.size() > width) line.resize(width);
  return line;
}

void RateMeter::add(Clock::time_point now, std::uint64_t bytes_done) {
  if (!begun_) {
    begun_ = true;
    last_ = now;
    last_bytes_ = bytes_done;
    return;
  }
  const double seconds = std::chrono::duration<double>(now - last_).count();
  if (seconds < 0.1) return;
  const double latest = static_cast<double>(bytes_done - last_bytes_) / seconds;
  const double keep = rate_ == 0 ? 0 : std::exp(-seconds / 2);
  rate_ = keep * rate_ + (1 - keep) * latest;
  last_ = now;
  last_bytes_ = bytes_done;
}

}  // namespace file_transfer
