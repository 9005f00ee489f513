// Progress for people: a bar on a terminal, one line at the end.
#pragma once

#include <chrono>
#include <string>

#include "file_transfer/transfer.hpp"

namespace file_transfer {

/// "1.2 GB", "640 kB", "12 bytes": decimal units, as rates are.
std::string size_text(double bytes);

/// "[=====>    ]  43 %  1.2 GB of 2.8 GB  352 MB/s  0:05 left  holiday/beach.jpg", at most `width`
/// columns wide.
std::string bar_line(const Progress& progress, double bytes_per_second, std::size_t width);

/// The rate over the last seconds, so that it follows what the path does.
class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;
  void add(Clock::time_point now, std::uint64_t bytes_done);
  double bytes_per_second() const { return rate_; }

 private:
  Clock::time_point last_{};
  std::uint64_t last_bytes_ = 0;
  double rate_ = 0;
  bool begun_ = false;
};

}  // namespace file_transfer
