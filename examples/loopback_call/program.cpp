#include "loopback_call/program.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "loopback_call/call.hpp"
#include "loopback_call/default_media.hpp"
#include "loopback_call/file.hpp"
#include "loopback_call/live_line.hpp"
#include "loopback_call/media_source.hpp"
#include "loopback_call/report_html.hpp"
#include "loopback_call/seeded_crypto.hpp"
#include "parley/dtls/identity.hpp"
#include "parley/io/udp_driver.hpp"
#include "parley/sim/network.hpp"

namespace loopback_call {
namespace {

using parley::Error;
using parley::IpAddress;
using parley::Result;
using namespace std::chrono_literals;

constexpr Y4mFormat kGeneratedFormat{640, 360, {30, 1}};
constexpr double kGeneratedSpeechSeconds = 12;
/// What one job of a codec takes in virtual time: about what it takes on a small machine.
constexpr parley::Duration kCodecTime = 5ms;

struct Media {
  std::unique_ptr<SpeechSource> speech;
  std::unique_ptr<PictureSource> pictures_a;
  std::unique_ptr<PictureSource> pictures_b;
  std::string description;
};

Result<std::unique_ptr<PictureSource>> open_pictures(const std::filesystem::path& path) {
  auto reader = Y4mReader::open(path);
  if (!reader) return reader.error();
  return make_file_pictures(std::move(reader).value());
}

Result<void> load_speech(const Options& options, const std::filesystem::path& media_dir,
                         Media& media) {
  const auto recorded = media_dir / "speech.wav";
  const bool there = std::filesystem::exists(recorded);
  if (!options.audio && !there) {
    media.speech = std::make_unique<SpeechSource>(generate_speech(kGeneratedSpeechSeconds));
    media.description = "generated sound";
    return {};
  }
  const auto clip = read_wav(options.audio.value_or(recorded));
  if (!clip) return clip.error();
  media.speech = std::make_unique<SpeechSource>(*clip);
  media.description = options.audio ? options.audio->filename().string() : "recorded speech";
  return {};
}

Result<void> load_pictures(const Options& options, const std::filesystem::path& media_dir,
                           Media& media) {
  const auto recorded = media_dir / "footage.y4m";
  const bool there = std::filesystem::exists(recorded);
  if (!options.video && !there) {
    media.pictures_a = make_generated_pictures(kGeneratedFormat);
    media.pictures_b = make_generated_pictures(kGeneratedFormat);
    media.description += " and generated pictures";
    return {};
  }
  const auto path = options.video.value_or(recorded);
  for (auto* pictures : {&media.pictures_a, &media.pictures_b}) {
    auto opened = open_pictures(path);
    if (!opened) return opened.error();
    *pictures = std::move(opened).value();
  }
  media.description += " and " + (options.video ? path.filename().string() : "recorded footage");
  return {};
}

Result<Media> load_media(const Options& options) {
  Media media;
  std::filesystem::path recordings;
  if (!options.audio || !options.video) recordings = prepare_default_media(options.media_dir);
  if (const auto ok = load_speech(options, recordings, media); !ok) return ok.error();
  if (const auto ok = load_pictures(options, recordings, media); !ok) return ok.error();
  return media;
}

/// a plays the media from the beginning, b from the middle: what arrives at the wrong end is
/// noticed.
std::pair<EndSetup, EndSetup> make_ends(Media& media) {
  EndSetup a;
  EndSetup b;
  a.pictures = std::move(media.pictures_a);
  b.pictures = std::move(media.pictures_b);
  b.first_picture = b.pictures->length() / 2;
  b.first_sample = media.speech->length() / 2;
  return {std::move(a), std::move(b)};
}

/// Both ends on one thread, over the loopback interface and, where the network is to be bad,
/// through the relay.
Result<std::unique_ptr<Call>> run_real(const Options& options, CallConfig config, EndSetup a,
                                       EndSetup b, asio::io_context& context,
                                       parley::io::UdpDriver& driver) {
  std::unique_ptr<Relay> relay;
  if (options.impairment.any()) {
    relay = std::make_unique<Relay>(driver, link_config(options.impairment), options.seed);
    config.relay = relay.get();
  }
  for (EndSetup* end : {&a, &b}) {
    end->driver = &driver;
    end->address = IpAddress::loopback(parley::AddressFamily::ipv4);
  }
  config.on_done = [&context] { context.stop(); };
  auto call = std::make_unique<Call>(std::move(config), std::move(a), std::move(b));
  if (const auto ok = call->start(); !ok) return ok.error();
  context.run();
  return call;
}

/// A certificate with the dates of the simulated clock.
Result<std::shared_ptr<const parley::dtls::Identity>> make_identity(parley::Driver& driver) {
  constexpr std::uint64_t kUnixEpochInNtp = 2'208'988'800;
  const auto now = std::chrono::sys_seconds(
      std::chrono::seconds(driver.ntp_mapping().to_ntp(driver.now()).seconds() - kUnixEpochInNtp));
  return parley::dtls::Identity::create({now - 24h, now + 24h * 30}, driver.random());
}

/// Both ends on hosts of a simulated network, as fast as the codecs can.
Result<std::unique_ptr<Call>> run_virtual(const Options& options, CallConfig config, EndSetup a,
                                          EndSetup b, parley::sim::Network& network) {
  const auto add_host = [&network](const char* name, EndSetup& end, const IpAddress& address) {
    parley::sim::Host& host = network.add_host({.name = name, .addresses = {address}});
    host.set_offload_cost(kCodecTime);
    end.driver = &host;
    end.address = address;
    end.effort = EndSetup::Effort::low;
    return &host;
  };
  network.set_workers(std::clamp(std::thread::hardware_concurrency(), 1U, 4U));
  auto* host_a = add_host("a", a, IpAddress::v4(192, 0, 2, 1));
  auto* host_b = add_host("b", b, IpAddress::v4(192, 0, 2, 2));
  network.connect(*host_a, *host_b, link_config(options.impairment));
  network.connect(*host_b, *host_a, link_config(options.impairment));
  for (EndSetup* end : {&a, &b}) {
    auto identity = make_identity(*end->driver);
    if (!identity) return identity.error();
    end->identity = std::move(identity).value();
  }
  bool done = false;
  config.on_done = [&done] { done = true; };
  auto call = std::make_unique<Call>(std::move(config), std::move(a), std::move(b));
  if (const auto ok = call->start(); !ok) return ok.error();
  network.run_until([&done] { return done; }, options.length + 2min);
  return call;
}

Result<void> write_results(const Options& options, Call& call, const std::string& media,
                           const std::vector<std::string>& faults) {
  const Summary& summary = call.summary();
  if (const auto ok = call.stats_json().finish(summary_json(summary, faults)); !ok) return ok;
  const ReportContent content{
      summary,
      faults,
      call.timeline().seconds(),
      call.recorder(Side::a),
      call.recorder(Side::b),
      describe(options.impairment) + (options.is_virtual ? ", in virtual time" : ", real sockets"),
      media};
  return write_file(options.out / "call-report.html", report_html(content));
}

int complain(const std::string& line, int status) {
  std::fprintf(stderr, "loopback_call: %s\n", line.c_str());
  return status;
}

int judge(const Options& options, Call& call, const std::string& media) {
  const QualityFloor floor = default_floor(options, options.video.has_value());
  std::vector<std::string> faults;
  if (!call.failure().empty()) faults.push_back(call.failure());
  for (std::string& fault : find_faults(call.summary(), floor)) faults.push_back(std::move(fault));
  if (const auto ok = write_results(options, call, media, faults); !ok)
    return complain(ok.error().where, 1);
  if (!options.quiet) {
    std::fputs(table_text(call.summary()).c_str(), stdout);
    std::printf("results in %s: call-report.html, stats.json, recordings\n", options.out.c_str());
    std::fflush(stdout);
  }
  for (const std::string& fault : faults) complain(fault, 1);
  return faults.empty() ? 0 : 1;
}

}  // namespace

int run(const Options& options) {
  auto media = load_media(options);
  if (!media) return complain(media.error().where, 2);
  std::error_code failure;
  std::filesystem::create_directories(options.out, failure);
  if (failure) return complain(options.out.string() + ": " + failure.message(), 2);

  CallConfig config;
  config.length = options.length;
  config.bitrate = options.bitrate;
  config.impairment = options.impairment;
  config.out = options.out;
  config.speech = media->speech.get();
  auto live = std::make_unique<LiveLine>(stdout, options.quiet);
  config.on_second = [&live, &options](const Second& second) {
    live->show(second, parley::to_seconds(options.length));
  };
  auto [a, b] = make_ends(*media);

  // The drivers live until the call and its recordings have been looked at.
  asio::io_context context(1);
  std::unique_ptr<parley::io::UdpDriver> driver;
  std::unique_ptr<parley::sim::Network> network;
  Result<std::unique_ptr<Call>> call = Error{};
  std::optional<SeededCrypto> crypto;
  if (options.is_virtual) {
    crypto.emplace(options.seed);
    network = std::make_unique<parley::sim::Network>(options.seed);
    call = run_virtual(options, std::move(config), std::move(a), std::move(b), *network);
  } else {
    // Two for the codecs, and two that may wait for the disk while pictures are recorded.
    driver = std::make_unique<parley::io::UdpDriver>(
        context, parley::io::UdpDriverConfig{.worker_threads = 4});
    call = run_real(options, std::move(config), std::move(a), std::move(b), context, *driver);
  }
  live.reset();
  if (!call) return complain(call.error().to_string(), 1);
  return judge(options, **call, media->description);
}

}  // namespace loopback_call
