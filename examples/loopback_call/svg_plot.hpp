// Plots over time as SVG text: drawn here, coloured by the page's style sheet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loopback_call {

struct PlotPoint {
  double x = 0;
  double y = 0;
};

struct PlotSeries {
  std::string name;
  std::string style;              ///< classes of the style sheet: "ab", "ba dashed"
  std::vector<PlotPoint> points;  ///< by rising x
};

struct Plot {
  std::string title;
  std::string unit;
  std::vector<PlotSeries> series;
  /// Values that the y axis shows at least: a flat line at 30 dB should not fill the plot.
  double least = 0;
  double most = 1;
};

/// A round distance between ticks (1, 2 or 5 times a power of ten) that splits `span` into at most
/// `count` parts. `span` above zero.
double tick_step(double span, int count);

/// At most `count` points: of each run of points the one with the lowest y (`keep_lowest`), so that
/// a single bad frame stays visible, or the highest.
std::vector<PlotPoint> thin_out(const std::vector<PlotPoint>& points, std::size_t count,
                                bool keep_lowest);

/// An <svg> element with axes, grid and lines. `length_s` is the end of the x axis.
std::string plot_svg(const Plot& plot, double length_s);

/// `text` with the characters that HTML gives a meaning written as entities.
std::string html_escape(std::string_view text);

}  // namespace loopback_call
