// call-report.html: the whole call on one page that needs nothing but itself.
#pragma once

#include <string>
#include <vector>

#include "loopback_call/recorder.hpp"
#include "loopback_call/summary.hpp"
#include "loopback_call/timeline.hpp"

namespace loopback_call {

/// What the page shows. Borrowed for the time of the call.
struct ReportContent {
  const Summary& summary;
  const std::vector<std::string>& faults;
  const std::vector<Second>& seconds;
  const Recorder& at_a;  ///< what a received: b to a
  const Recorder& at_b;  ///< what b received: a to b
  /// In words: "clean network", "5 % loss, 40 ms delay", "recorded speech".
  std::string network;
  std::string media;
};

/// The page. Plots are inline SVG, pictures are PNG data URIs, colours follow the reader's choice
/// of light or dark.
std::string report_html(const ReportContent& content);

}  // namespace loopback_call
