#include "loopback_call/live_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "loopback_call/text.hpp"

namespace loopback_call {
namespace {

/// A value of both directions: "1061/1064".
std::string both(const Second& second, std::optional<double> DirectionSecond::*value,
                 int decimals) {
  return fixed(second.a_to_b.*value, decimals) + "/" + fixed(second.b_to_a.*value, decimals);
}

std::size_t terminal_columns(std::FILE* out) {
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string padded(std::string text, std::size_t width, bool right) {
  if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
  return text;
}

}  // namespace

std::string live_text(const Second& second, double length_s, std::size_t columns) {
  using D = DirectionSecond;
  std::string text =
      fixed(second.at_s, 0) + "/" + fixed(length_s, 0) + " s  " +
      both(second, &D::receive_kbps, 0) + " kbit/s  rtt " + fixed(second.a_to_b.rtt_ms, 1) +
      " ms  loss " + both(second, &D::loss_percent, 1) + " %  " +
      std::to_string(second.a_to_b.frames_decoded) + "/" +
      std::to_string(second.b_to_a.frames_decoded) + " frames  buffer " +
      both(second, &D::audio_delay_ms, 0) + " ms  " + both(second, &D::psnr_db, 1) + " dB";
  if (text.size() > columns) text.resize(columns);
  return text;
}

LiveLine::LiveLine(std::FILE* out, bool quiet)
    : out_(out), quiet_(quiet), terminal_(isatty(fileno(out)) == 1) {}

LiveLine::~LiveLine() {
  if (open_) std::fputc('\n', out_);
}

void LiveLine::show(const Second& second, double length_s) {
  if (quiet_) return;
  if (terminal_) {
    // Back to the first column, the new text, and erase what the old one had more of.
    const std::string text = live_text(second, length_s, terminal_columns(out_) - 1);
    std::fprintf(out_, "\r%s\x1b[K", text.c_str());
    open_ = true;
  } else {
    std::fprintf(out_, "%s\n", live_text(second, length_s, 1000).c_str());
  }
  std::fflush(out_);
}

std::vector<TableRow> summary_table(const Summary& summary) {
  std::vector<TableRow> rows;
  const auto row = [&](const char* name, const auto& value_of) {
    rows.push_back({name, value_of(summary.a_to_b), value_of(summary.b_to_a)});
  };
  using D = DirectionSummary;
  row("frames sent", [](const D& d) { return std::to_string(d.video.frames_sent); });
  row("frames decoded", [](const D& d) { return std::to_string(d.video.frames_decoded); });
  row("luma PSNR, mean (dB)", [](const D& d) { return fixed(d.video.psnr_mean_db, 2); });
  row("luma PSNR, worst frame (dB)", [](const D& d) { return fixed(d.video.psnr_min_db, 2); });
  row("freezes", [](const D& d) { return std::to_string(d.video.freeze_count); });
  row("time frozen (ms)", [](const D& d) { return fixed(d.video.freezes_ms, 0); });
  row("key frames", [](const D& d) { return std::to_string(d.video.key_frames_decoded); });
  row("video packets sent again",
      [](const D& d) { return std::to_string(d.video.packets_retransmitted); });
  row("sound concealed (%)", [](const D& d) { return fixed(100 * d.audio.concealed_ratio, 3); });
  row("audio jitter buffer (ms)", [](const D& d) { return fixed(d.audio.jitter_buffer_ms, 1); });
  row("mouth to ear (ms)", [](const D& d) { return fixed(d.audio.mouth_to_ear_ms, 1); });
  row("speech SNR (dB)", [](const D& d) { return fixed(d.audio.snr_db, 1); });
  row("packets lost, video + audio", [](const D& d) {
    return std::to_string(d.video.packets_lost) + " + " + std::to_string(d.audio.packets_lost);
  });
  row("sent (kbit/s)", [](const D& d) { return fixed(d.send_kbps, 0); });
  row("received (kbit/s)", [](const D& d) { return fixed(d.receive_kbps, 0); });
  return rows;
}

std::string table_text(const Summary& summary) {
  const auto rows = summary_table(summary);
  std::size_t name_width = 0;
  std::size_t value_width = 8;
  for (const TableRow& r : rows) {
    name_width = std::max(name_width, r.name.size());
    value_width = std::max({value_width, r.a_to_b.size(), r.b_to_a.size()});
  }
  const auto line = [&](const std::string& name, const std::string& a, const std::string& b) {
    return padded(name, name_width, false) + "  " + padded(a, value_width, true) + "  " +
           padded(b, value_width, true) + "\n";
  };
  std::string text = "connected in " + fixed(summary.setup_ms, 1) + " ms, first frames after " +
                     fixed(summary.first_frame_ms, 1) + " ms, " + summary.dtls_version + ", " +
                     summary.srtp_profile + "\n";
  text += line("", "a to b", "b to a");
  for (const TableRow& r : rows) text += line(r.name, r.a_to_b, r.b_to_a);
  return text;
}

}  // namespace loopback_call
