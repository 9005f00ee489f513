#include "loopback_call/options.hpp"
#include "common/quantities.hpp"

#include "support/catch.hpp"

namespace loopback_call {

using example::parse_rate;

namespace {

using namespace std::chrono_literals;
using parley::DataRate;

std::variant<Options, example::Stop> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "loopback_call");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST_CASE("without arguments the call has its documented defaults", "[example][options]") {
  const auto parsed = parse({});
  const auto& o = std::get<Options>(parsed);
  CHECK(o.length == 10s);
  CHECK(o.bitrate == DataRate::kilobits_per_second(1000));
  CHECK_FALSE(o.impairment.any());
  CHECK_FALSE(o.is_virtual);
  CHECK(o.out == "out");
}

TEST_CASE("every option arrives in its unit", "[example][options]") {
  const auto parsed = parse({"--seconds",
                             "60",
                             "--bitrate",
                             "1.5M",
                             "--loss",
                             "5",
                             "--delay",
                             "40",
                             "--jitter",
                             "20ms",
                             "--reorder",
                             "2%",
                             "--rate",
                             "800k",
                             "--virtual",
                             "--seed",
                             "18446744073709551615",
                             "--out",
                             "x",
                             "--quiet",
                             "--audio",
                             "a.wav",
                             "--video",
                             "v.y4m",
                             "--min-psnr",
                             "30"});
  const auto& o = std::get<Options>(parsed);
  CHECK(o.length == 60s);
  CHECK(o.bitrate == DataRate::kilobits_per_second(1500));
  CHECK(o.impairment.loss == Approx(0.05));
  CHECK(o.impairment.delay == 40ms);
  CHECK(o.impairment.jitter == 20ms);
  CHECK(o.impairment.reorder == Approx(0.02));
  CHECK(o.impairment.rate == DataRate::kilobits_per_second(800));
  CHECK(o.is_virtual);
  CHECK(o.seed == UINT64_MAX);
  CHECK(o.out == "x");
  CHECK(o.quiet);
  CHECK(o.audio == std::filesystem::path("a.wav"));
  CHECK(o.video == std::filesystem::path("v.y4m"));
  CHECK(default_floor(o, false).mean_psnr_db == 30);
}

TEST_CASE("a bitrate may be written in several ways", "[example][options]") {
  const auto kbps = [](std::string_view text) {
    return parse_rate(text).value_or(DataRate{}).kilobits_per_second();
  };
  CHECK(kbps("1000") == 1000);
  CHECK(kbps("1000000") == 1000);
  CHECK(kbps("1000k") == 1000);
  CHECK(kbps("1M") == 1000);
  CHECK(kbps("1.5Mbit/s") == 1500);
  CHECK(kbps("64kbps") == 64);
  for (const char* text : {"", "k", "-1", "1G", "1 M", "nan", "inf", "0x10", "1e999", "1MM"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rate(text));
  }
}

TEST_CASE("nonsense on the command line gets one line and status 2", "[example][options]") {
  const std::vector<std::vector<const char*>> nonsense = {{"--seconds", "0"},
                                                          {"--seconds", "-5"},
                                                          {"--seconds", "nan"},
                                                          {"--seconds", "1e9"},
                                                          {"--seconds", "ten"},
                                                          {"--seconds"},
                                                          {"--loss", "101"},
                                                          {"--loss", "-1"},
                                                          {"--loss", "inf"},
                                                          {"--delay", "99999"},
                                                          {"--jitter", "x"},
                                                          {"--reorder", "5x"},
                                                          {"--rate", "0"},
                                                          {"--bitrate", "1"},
                                                          {"--bitrate", "900M"},
                                                          {"--seed", "-1"},
                                                          {"--seed", "1.5"},
                                                          {"--seed", "18446744073709551616"},
                                                          {"--min-psnr", "200"},
                                                          {"--unknown"},
                                                          {"file"},
                                                          {"--max-frozen", "nan"},
                                                          {"--loss", "5", "--loss", "6"}};
  for (const auto& arguments : nonsense) {
    CAPTURE(arguments);
    const auto parsed = parse(arguments);
    REQUIRE(std::holds_alternative<example::Stop>(parsed));
    const auto& stop = std::get<example::Stop>(parsed);
    CHECK(stop.status == 2);
    CHECK_FALSE(stop.text.empty());
    CHECK(stop.text.find('\n') == std::string::npos);
  }
}

TEST_CASE("help is not an error", "[example][options]") {
  const auto parsed = parse({"--help"});
  const auto& stop = std::get<example::Stop>(parsed);
  CHECK(stop.status == 0);
  CHECK(stop.text.find("--reorder") != std::string::npos);
}

TEST_CASE("the quality floor follows the impairment", "[example][options]") {
  Options o;
  const QualityFloor clean = default_floor(o, false);
  CHECK(clean.mean_psnr_db == 34);
  CHECK(clean.concealed_ratio == Approx(0.02));
  CHECK(clean.audio_delay_ms == 100);
  o.impairment = {.loss = 0.05, .delay = 40ms, .jitter = 20ms};
  const QualityFloor lossy = default_floor(o, false);
  CHECK(lossy.frozen_ratio == Approx(0.03));
  CHECK(lossy.concealed_ratio == Approx(0.03));
  CHECK(lossy.shown_psnr_db == 25);
  o.impairment.loss = 0.3;
  CHECK(default_floor(o, false).frozen_ratio > 0.5);
  CHECK(default_floor(o, true).mean_psnr_db < clean.mean_psnr_db);
}

}  // namespace
}  // namespace loopback_call
