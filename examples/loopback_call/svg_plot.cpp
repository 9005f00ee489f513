#include "loopback_call/svg_plot.hpp"

#include <algorithm>
#include <cmath>

#include "loopback_call/text.hpp"

namespace loopback_call {
namespace {

// Of the drawing, in its own units; the page scales it.
constexpr double kWidth = 560;
constexpr double kHeight = 190;
constexpr double kLeft = 48;
constexpr double kRight = 8;
constexpr double kTop = 8;
constexpr double kBottom = 24;

/// Where values go on the drawing.
class Frame {
 public:
  Frame(double length_s, double low, double high) : length_(length_s), low_(low), high_(high) {}
  double x(double value) const {
    return kLeft + std::clamp(value / length_, 0.0, 1.0) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    const double share = std::clamp((value - low_) / (high_ - low_), 0.0, 1.0);
    return kHeight - kBottom - share * (kHeight - kTop - kBottom);
  }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  double length_;
  double low_;
  double high_;
};

Frame frame_for(const Plot& plot, double length_s) {
  double low = plot.least;
  double high = plot.most;
  for (const PlotSeries& s : plot.series) {
    for (const PlotPoint& p : s.points) {
      low = std::min(low, p.y);
      high = std::max(high, p.y);
    }
  }
  const double step = tick_step(high - low, 4);
  return {length_s, std::floor(low / step) * step, std::ceil(high / step) * step};
}

std::string tick_text(double value, double step) {
  return fixed(value, std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))));
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return "<line class=\"" + std::string(style) + "\" x1=\"" + fixed(x1, 1) + "\" y1=\"" +
         fixed(y1, 1) + "\" x2=\"" + fixed(x2, 1) + "\" y2=\"" + fixed(y2, 1) + "\"/>";
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + anchor +
         "\">" + text + "</text>";
}

std::string axes(const Frame& frame, double length_s) {
  std::string svg;
  const double y_step = tick_step(frame.high() - frame.low(), 4);
  const auto lines = static_cast<int>(std::lround((frame.high() - frame.low()) / y_step));
  for (int i = 0; i <= lines; ++i) {
    const double value = frame.low() + i * y_step;
    const double y = frame.y(value);
    svg += line(kLeft, y, kWidth - kRight, y, i == 0 ? "axis" : "grid");
    svg += label(kLeft - 6, y + 4, "end", tick_text(value, y_step));
  }
  const double x_step = tick_step(length_s, 8);
  for (double t = 0; t <= length_s * 1.0001; t += x_step)
    svg += label(frame.x(t), kHeight - 6, "middle", tick_text(t, x_step) + (t == 0 ? " s" : ""));
  return svg;
}

std::string polyline(const PlotSeries& series, const Frame& frame) {
  std::string svg = "<polyline class=\"line " + series.style + "\" points=\"";
  for (const PlotPoint& p : series.points)
    svg += fixed(frame.x(p.x), 1) + "," + fixed(frame.y(p.y), 1) + " ";
  return svg + "\"/>";
}

}  // namespace

double tick_step(double span, int count) {
  const double raw = span / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw * 0.9999) return factor * power;
  return 10 * power;
}

std::vector<PlotPoint> thin_out(const std::vector<PlotPoint>& points, std::size_t count,
                                bool keep_lowest) {
  if (points.size() <= count) return points;
  std::vector<PlotPoint> kept;
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = points.begin() + static_cast<std::ptrdiff_t>(i * points.size() / count);
    const auto last = points.begin() + static_cast<std::ptrdiff_t>((i + 1) * points.size() / count);
    const auto lower = [](const PlotPoint& a, const PlotPoint& b) { return a.y < b.y; };
    kept.push_back(keep_lowest ? *std::min_element(first, last, lower)
                               : *std::max_element(first, last, lower));
  }
  return kept;
}

std::string plot_svg(const Plot& plot, double length_s) {
  const Frame frame = frame_for(plot, length_s);
  std::string svg = "<svg viewBox=\"0 0 " + fixed(kWidth, 0) + " " + fixed(kHeight, 0) +
                    "\" role=\"img\" aria-label=\"" + html_escape(plot.title) + "\">";
  svg += axes(frame, length_s);
  for (const PlotSeries& s : plot.series) svg += polyline(s, frame);
  return svg + "</svg>";
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace loopback_call
