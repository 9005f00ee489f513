#include "loopback_call/report_html.hpp"

#include "loopback_call/live_line.hpp"
#include "loopback_call/png.hpp"
#include "loopback_call/report_style.hpp"
#include "loopback_call/svg_plot.hpp"
#include "loopback_call/text.hpp"

namespace loopback_call {
namespace {

using Value = std::optional<double> DirectionSecond::*;

constexpr std::size_t kMostPoints = 800;

/// One value of one direction, second by second.
PlotSeries series(const ReportContent& content, std::string name, std::string style,
                  DirectionSecond Second::*direction, Value value) {
  PlotSeries s{std::move(name), std::move(style), {}};
  for (const Second& second : content.seconds)
    if (const auto& y = second.*direction.*value) s.points.push_back({second.at_s, *y});
  s.points = thin_out(s.points, kMostPoints, false);
  return s;
}

/// The value for both directions.
void add_both(Plot& plot, const ReportContent& content, const std::string& name, Value value,
              const std::string& style = "") {
  plot.series.push_back(series(content, "a to b" + name, "ab" + style, &Second::a_to_b, value));
  plot.series.push_back(series(content, "b to a" + name, "ba" + style, &Second::b_to_a, value));
}

PlotSeries psnr_series(const Recorder& recorder, std::string name, std::string style) {
  PlotSeries s{std::move(name), std::move(style), {}};
  for (const ShownFrame& f : recorder.shown()) s.points.push_back({f.at_s, f.psnr_db});
  s.points = thin_out(s.points, kMostPoints, true);
  return s;
}

std::vector<Plot> plots(const ReportContent& c) {
  std::vector<Plot> all;
  Plot& bitrate = all.emplace_back(Plot{"Bitrate", "kbit/s", {}, 0, 100});
  add_both(bitrate, c, ", sent", &DirectionSecond::send_kbps);
  add_both(bitrate, c, ", received", &DirectionSecond::receive_kbps, " dashed");
  Plot& psnr = all.emplace_back(Plot{"Luma PSNR of every frame shown", "dB", {}, 20, 50});
  psnr.series.push_back(psnr_series(c.at_b, "a to b", "ab"));
  psnr.series.push_back(psnr_series(c.at_a, "b to a", "ba"));
  Plot& rate = all.emplace_back(Plot{"Frame rate, decoded", "frames/s", {}, 0, 30});
  add_both(rate, c, "", &DirectionSecond::frames_per_second);
  Plot& buffer = all.emplace_back(Plot{"Audio jitter buffer", "ms", {}, 0, 40});
  add_both(buffer, c, ", delay", &DirectionSecond::audio_delay_ms);
  add_both(buffer, c, ", target", &DirectionSecond::audio_target_delay_ms, " dashed");
  Plot& rtt = all.emplace_back(Plot{"Round-trip time", "ms", {}, 0, 1});
  add_both(rtt, c, "", &DirectionSecond::rtt_ms);
  Plot& loss = all.emplace_back(Plot{"Packets lost", "%", {}, 0, 1});
  add_both(loss, c, "", &DirectionSecond::loss_percent);
  return all;
}

std::string figure(const Plot& plot, double length_s) {
  std::string html = "<figure class=\"plot\"><figcaption><b>" + html_escape(plot.title) +
                     "</b> <span class=\"unit\">" + html_escape(plot.unit) + "</span>";
  for (const PlotSeries& s : plot.series)
    html += "<span class=\"key\"><svg viewBox=\"0 0 24 8\"><line class=\"line " + s.style +
            "\" x1=\"1\" y1=\"4\" x2=\"23\" y2=\"4\"/></svg>" + html_escape(s.name) + "</span>";
  return html + "</figcaption>" + plot_svg(plot, length_s) + "</figure>\n";
}

std::string tile(const std::string& name, const std::string& value, const std::string& note) {
  return "<div class=\"tile\"><span>" + name + "</span><b>" + value + "</b><span>" + note +
         "</span></div>\n";
}

std::string both(double a_to_b, double b_to_a, int decimals) {
  return fixed(a_to_b, decimals) + " <i>/</i> " + fixed(b_to_a, decimals);
}

std::string tiles(const Summary& s) {
  const double ms = s.seconds * 1000;
  return "<section class=\"tiles\">\n" +
         tile("Connected in", fixed(s.setup_ms, 1) + " ms",
              s.dtls_version + ", " + s.srtp_profile) +
         tile("First frames after", fixed(s.first_frame_ms, 1) + " ms", "decoded at both ends") +
         tile("Luma PSNR",
              both(s.a_to_b.video.psnr_mean_db.value_or(0), s.b_to_a.video.psnr_mean_db.value_or(0),
                   1),
              "dB mean, a\u2192b / b\u2192a") +
         tile("Picture frozen",
              both(100 * s.a_to_b.video.freezes_ms / ms, 100 * s.b_to_a.video.freezes_ms / ms, 2),
              "% of the time") +
         tile("Sound concealed",
              both(100 * s.a_to_b.audio.concealed_ratio, 100 * s.b_to_a.audio.concealed_ratio, 2),
              "% of the samples") +
         tile("Audio jitter buffer",
              both(s.a_to_b.audio.jitter_buffer_ms, s.b_to_a.audio.jitter_buffer_ms, 0),
              "ms, mean") +
         "</section>\n";
}

std::string picture(const std::shared_ptr<const parley::I420Buffer>& pixels,
                    const std::string& caption) {
  return "<figure><img alt=\"" + caption + "\" src=\"" + png_data_uri(*pixels) + "\"><figcaption>" +
         caption + "</figcaption></figure>\n";
}

std::string pictures(const Recorder& recorder, const std::string& sender,
                     const std::string& receiver) {
  std::string html;
  for (const Snapshot& s : recorder.snapshots()) {
    const std::string at = fixed(s.at_s, 1) + " s";
    html += "<div class=\"pair\">" + picture(s.sent, sender + " sent, " + at) +
            picture(s.received, receiver + " showed, " + fixed(s.psnr_db, 1) + " dB") + "</div>\n";
  }
  return html;
}

std::string table(const Summary& summary) {
  std::string html =
      "<table><thead><tr><th></th><th>a to b</th><th>b to a</th></tr></thead><tbody>\n";
  for (const TableRow& r : summary_table(summary))
    html += "<tr><th>" + html_escape(r.name) + "</th><td>" + html_escape(r.a_to_b) + "</td><td>" +
            html_escape(r.b_to_a) + "</td></tr>\n";
  return html + "</tbody></table>\n";
}

std::string verdict(const std::vector<std::string>& faults) {
  if (faults.empty())
    return "<p class=\"verdict good\">Media flowed both ways, every floor held.</p>\n";
  std::string html = "<div class=\"verdict bad\">Below the quality floor:<ul>";
  for (const std::string& fault : faults) html += "<li>" + html_escape(fault) + "</li>";
  return html + "</ul></div>\n";
}

}  // namespace

std::string report_html(const ReportContent& c) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>parley: loopback call</title>\n"
      "<style>\n";
  html += kReportStyle;
  html += "</style>\n</head>\n<body>\n<main>\n<header><h1>Loopback call</h1>\n<p>" +
          fixed(c.summary.seconds, 0) + " s, " + html_escape(c.media) + ", " +
          html_escape(c.network) + "</p></header>\n";
  html += verdict(c.faults);
  html += tiles(c.summary);
  html += "<h2>Over time</h2>\n<section class=\"plots\">\n";
  for (const Plot& plot : plots(c)) html += figure(plot, c.summary.seconds);
  html += "</section>\n<h2>Sent and shown</h2>\n<section class=\"pictures\">\n";
  html += pictures(c.at_b, "a", "b") + pictures(c.at_a, "b", "a");
  html += "</section>\n<h2>Figures</h2>\n" + table(c.summary);
  html +=
      "<p class=\"note\">Bitrates count RTP with its headers. Freezes as in webrtc-stats: an "
      "interval between frames of at least three times the average, and at least 150 ms more. "
      "Speech SNR compares half seconds of received and sent speech at their best alignment; Opus "
      "alone gives about 10 to 20 dB.</p>\n";
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace loopback_call
