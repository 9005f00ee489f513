#include "loopback_call/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/quantities.hpp"

namespace loopback_call {
namespace {

using example::parse_number;
using example::parse_rate;
using parley::DataRate;
using parley::Duration;

/// The options as they were typed.
struct Typed {
  std::string audio, video, media_dir, out, seconds, bitrate, loss, delay, jitter, reorder, rate,
      seed, min_psnr, min_shown_psnr, max_frozen, max_concealed, max_audio_delay;
};

void declare(CLI::App& app, Typed& t, Options& o) {
  app.add_option("--audio", t.audio, "What both ends say: WAV, 48 kHz, mono or stereo")
      ->type_name("FILE.wav");
  app.add_option("--video", t.video, "What both ends show: Y4M, 8-bit 4:2:0")
      ->type_name("FILE.y4m");
  app.add_option("--media-dir", t.media_dir, "Where prepare_media.sh put the default recordings")
      ->type_name("DIR");
  app.add_option("--seconds", t.seconds, "Length of the call (10)")->type_name("S");
  app.add_option("--bitrate", t.bitrate,
                 "Video bitrate each way: 1000 or 1000k or 1M (1000 kbit/s)")
      ->type_name("RATE");
  app.add_option("--loss", t.loss, "Datagrams lost each way, in percent")->type_name("PERCENT");
  app.add_option("--delay", t.delay, "Delay each way, in milliseconds")->type_name("MS");
  app.add_option("--jitter", t.jitter, "Further delay, evenly from 0 to this")->type_name("MS");
  app.add_option("--reorder", t.reorder, "Datagrams that later ones overtake, in percent")
      ->type_name("PERCENT");
  app.add_option("--rate", t.rate, "Capacity of the network each way: 1500 or 1500k or 1.5M")
      ->type_name("RATE");
  app.add_flag("--virtual", o.is_virtual, "Run on the simulated network, in virtual time");
  app.add_option("--seed", t.seed, "Of all that is random in the network (1)")->type_name("N");
  app.add_option("--out", t.out, "Where the results go (out)")->type_name("DIR");
  app.add_flag("--quiet", o.quiet, "No live line and no table");
  const std::string group = "Quality floor (missed: exit status 1)";
  app.add_option("--min-psnr", t.min_psnr, "Mean luma PSNR")->type_name("DB")->group(group);
  app.add_option("--min-shown-psnr", t.min_shown_psnr, "Luma PSNR of the worst frame shown")
      ->type_name("DB")
      ->group(group);
  app.add_option("--max-frozen", t.max_frozen, "Time the picture was frozen")
      ->type_name("PERCENT")
      ->group(group);
  app.add_option("--max-concealed", t.max_concealed, "Audio samples invented by the receiver")
      ->type_name("PERCENT")
      ->group(group);
  app.add_option("--max-audio-delay", t.max_audio_delay, "Mean delay in the audio jitter buffer")
      ->type_name("MS")
      ->group(group);
}

/// Collects the first complaint; later ones do not matter.
class Checker {
 public:
  explicit Checker(std::string& complaint) : complaint_(complaint) {}

  void complain(const std::string& line) {
    if (complaint_.empty()) complaint_ = line;
  }

  /// The number in `text` when it is from `low` to `high`; `fallback` for an empty text.
  double number(const char* name, const std::string& text, double fallback, double low, double high,
                std::initializer_list<std::string_view> suffixes) {
    if (text.empty()) return fallback;
    const auto value = parse_number(text, suffixes);
    if (value && *value >= low && *value <= high) return *value;
    complain(std::string(name) + ": '" + text + "' is not a number from " + plain(low) + " to " +
             plain(high));
    return fallback;
  }

  std::optional<double> optional_number(const char* name, const std::string& text, double high) {
    if (text.empty()) return std::nullopt;
    return number(name, text, 0, 0, high, {"%", "dB", "ms"});
  }

  Duration milliseconds(const char* name, const std::string& text, double high) {
    return parley::from_seconds(number(name, text, 0, 0, high, {"ms"}) / 1000);
  }

  DataRate rate(const char* name, const std::string& text, DataRate fallback, std::int64_t low_kbps,
                std::int64_t high_kbps) {
    if (text.empty()) return fallback;
    const auto value = parse_rate(text);
    if (value && *value >= DataRate::kilobits_per_second(low_kbps) &&
        *value <= DataRate::kilobits_per_second(high_kbps))
      return *value;
    complain(std::string(name) + ": '" + text + "' is not a bitrate from " +
             std::to_string(low_kbps) + "k to " + std::to_string(high_kbps) + "k");
    return fallback;
  }

 private:
  static std::string plain(double v) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", v);
    return text.data();
  }
  std::string& complaint_;
};

void convert(const Typed& t, Options& o, std::string& complaint) {
  Checker check(complaint);
  if (!t.audio.empty()) o.audio = t.audio;
  if (!t.video.empty()) o.video = t.video;
  if (!t.media_dir.empty()) o.media_dir = t.media_dir;
  if (!t.out.empty()) o.out = t.out;
  o.length = parley::from_seconds(check.number("--seconds", t.seconds, 10, 1, 86'400, {"s"}));
  o.bitrate = check.rate("--bitrate", t.bitrate, o.bitrate, 50, 20'000);
  o.impairment.loss = check.number("--loss", t.loss, 0, 0, 100, {"%"}) / 100;
  o.impairment.delay = check.milliseconds("--delay", t.delay, 5000);
  o.impairment.jitter = check.milliseconds("--jitter", t.jitter, 5000);
  o.impairment.reorder = check.number("--reorder", t.reorder, 0, 0, 100, {"%"}) / 100;
  o.impairment.rate = check.rate("--rate", t.rate, o.impairment.rate, 50, 10'000'000);
  if (!t.seed.empty()) {
    const char* end = t.seed.data() + t.seed.size();
    const auto [stop, failure] = std::from_chars(t.seed.data(), end, o.seed);
    if (failure != std::errc{} || stop != end)
      check.complain("--seed: '" + t.seed + "' is not a whole number");
  }
  o.min_psnr_db = check.optional_number("--min-psnr", t.min_psnr, 99);
  o.min_shown_psnr_db = check.optional_number("--min-shown-psnr", t.min_shown_psnr, 99);
  o.max_frozen_percent = check.optional_number("--max-frozen", t.max_frozen, 100);
  o.max_concealed_percent = check.optional_number("--max-concealed", t.max_concealed, 100);
  o.max_audio_delay_ms = check.optional_number("--max-audio-delay", t.max_audio_delay, 60'000);
}

}  // namespace

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv) {
  Options options;
  Typed typed;
  CLI::App app{
      "Two peers in one process, an encrypted audio and video call between them, and a report "
      "about it.",
      "loopback_call"};
  declare(app, typed, options);
  if (auto stop = example::read_arguments(app, argc, argv)) return *stop;
  std::string complaint;
  convert(typed, options, complaint);
  if (!complaint.empty()) return example::Stop{2, complaint};
  return options;
}

QualityFloor default_floor(const Options& options, bool own_footage) {
  const Impairment& i = options.impairment;
  QualityFloor floor;
  // The footage of prepare_media.sh reaches about 42 dB with 1 Mbit/s; each halving of the rate
  // takes about 3 dB away.
  const double kbps = options.bitrate.kilobits_per_second();
  const bool narrow = !i.rate.is_infinite() && i.rate < options.bitrate * 1.3;
  floor.mean_psnr_db = kbps >= 1000 ? 34 : 34 + 4 * std::log2(kbps / 1000);
  if (own_footage || narrow) floor.mean_psnr_db = 20;
  floor.shown_psnr_db = own_footage || narrow || kbps < 300 ? 15 : 25;
  // A clean network freezes and conceals nothing, but a busy machine may be late: what is left to
  // it is far above what a quiet one needs. Up to 5 % loss retransmission and in-band FEC keep both
  // below 3 %; beyond, they grow with what is lost twice.
  const double lost = i.loss + i.reorder / 4;
  const bool clean = !i.any();
  const double excess = std::max(0.0, lost - 0.05);
  // The sender slows down where much is lost.
  floor.mean_psnr_db = std::max(20.0, floor.mean_psnr_db - 40 * excess);
  floor.frozen_ratio = std::min(0.9, 0.03 + 3 * excess + (narrow ? 0.3 : 0));
  floor.concealed_ratio = clean ? 0.02 : std::min(0.9, 0.03 + 1.5 * excess + (narrow ? 0.3 : 0));
  floor.audio_delay_ms = 100 + 4 * parley::to_milliseconds(i.jitter) + (narrow ? 500 : 0);

  if (options.min_psnr_db) floor.mean_psnr_db = *options.min_psnr_db;
  if (options.min_shown_psnr_db) floor.shown_psnr_db = *options.min_shown_psnr_db;
  if (options.max_frozen_percent) floor.frozen_ratio = *options.max_frozen_percent / 100;
  if (options.max_concealed_percent) floor.concealed_ratio = *options.max_concealed_percent / 100;
  if (options.max_audio_delay_ms) floor.audio_delay_ms = *options.max_audio_delay_ms;
  return floor;
}

}  // namespace loopback_call
