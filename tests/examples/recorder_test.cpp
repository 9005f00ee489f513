#include "loopback_call/recorder.hpp"

#include <fstream>
#include <sstream>

#include "examples/scratch_dir.hpp"
#include "loopback_call/live_line.hpp"
#include "loopback_call/report_html.hpp"
#include "loopback_call/stats_json.hpp"
#include "loopback_call/summary.hpp"
#include "loopback_call/svg_plot.hpp"
#include "loopback_call/timeline.hpp"
#include "parley/codec/opus.hpp"
#include "parley/codec/vp8.hpp"
#include "parley/sim/network.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

using namespace std::chrono_literals;
using parley::Duration;
using parley::StatsReport;

constexpr Y4mFormat kFormat{320, 180, {30, 1}};
constexpr int kSeconds = 3;

/// What the report needs to know of one direction that runs through the codecs, without a network:
/// the pictures between 1.0 and 1.5 s are lost, all sound comes 70 ms late.
class CodecCall {
 public:
  CodecCall(parley::sim::Network& network, const std::filesystem::path& dir)
      : network_(network),
        host_(network.add_host({.name = "receiver"})),
        speech_(generate_speech(5)),
        pictures_(make_generated_pictures(kFormat)) {
    RecorderConfig config{dir / "b-received.wav",
                          dir / "b-received.y4m",
                          kFormat,
                          std::chrono::seconds(kSeconds),
                          0,
                          500ms};
    recorder_ = std::move(Recorder::create(host_, speech_, config)).value();
    recorder_->begin(network.now());
  }

  void run() {
    auto encoder = std::move(parley::codec::Vp8Encoder::create(
                                 {.rate = parley::DataRate::kilobits_per_second(400)}))
                       .value();
    auto decoder = std::move(parley::codec::Vp8Decoder::create()).value();
    const parley::Timestamp start = network_.now();
    for (int i = 0; i < 30 * kSeconds; ++i) {
      network_.run_until(start + Duration{i * 1'000'000 / 30});
      parley::VideoFrame frame;
      frame.picture = *pictures_->picture(i);
      frame.capture_time = network_.now();
      auto encoded = encoder->encode(frame, {});
      REQUIRE(encoded);
      REQUIRE(*encoded);
      (*encoded)->rtp_timestamp =
          static_cast<std::uint32_t>(4'294'960'000U + 3000U * static_cast<std::uint32_t>(i));
      recorder_->handle_sent((*encoded)->rtp_timestamp, frame.picture);
      const auto decoded = decoder->decode(**encoded);
      REQUIRE(decoded);
      const bool shown = i < 30 || i >= 45;
      if (shown) recorder_->handle_frame(**decoded, network_.now());
    }
    play();
  }

  Recorder& recorder() { return *recorder_; }
  parley::Timestamp end() { return network_.now(); }

 private:
  void play() {
    auto encoder = std::move(parley::codec::OpusEncoder::create({})).value();
    auto decoder = std::move(parley::codec::OpusDecoder::create({})).value();
    std::array<std::uint8_t, 1275> packet{};
    std::array<std::int16_t, 5760> pcm{};
    std::array<std::int16_t, 960> block{};
    parley::AudioBlock out;
    for (int i = 0; i < 7; ++i) recorder_->handle_audio(out);
    for (int i = 0; i < 50 * kSeconds; ++i) {
      speech_.read(960 * i, block);
      const auto size = encoder->encode(block, packet);
      REQUIRE(size);
      REQUIRE(decoder->decode(parley::Bytes(packet).first(*size), pcm));
      for (std::size_t half : {0U, 480U}) {
        std::copy_n(&pcm[half], 480, out.samples().begin());
        recorder_->handle_audio(out);
      }
    }
    network_.run_for(1ms);
  }

  parley::sim::Network& network_;
  parley::sim::Host& host_;
  SpeechSource speech_;
  std::unique_ptr<PictureSource> pictures_;
  std::unique_ptr<Recorder> recorder_;
};

/// Statistics as both ends of a call give them after `seconds`.
std::pair<StatsReport, StatsReport> made_up_stats(double seconds) {
  StatsReport sender;
  StatsReport receiver;
  const auto n = static_cast<std::int64_t>(seconds * 100);
  for (const char* kind : {"audio", "video"}) {
    sender.objects.emplace_back(std::string("out-") + kind, "outbound-rtp")
        .set("kind", kind)
        .set("bytesSent", n * 1000)
        .set("headerBytesSent", n * 20)
        .set("framesSent", n / 4);
    receiver.objects.emplace_back(std::string("in-") + kind, "inbound-rtp")
        .set("kind", kind)
        .set("bytesReceived", n * 1000)
        .set("headerBytesReceived", n * 20)
        .set("packetsReceived", n)
        .set("packetsLost", n / 20)
        .set("framesDecoded", n / 4)
        .set("jitterBufferDelay", 0.03 * seconds * 48'000)
        .set("jitterBufferTargetDelay", 0.02 * seconds * 48'000)
        .set("jitterBufferEmittedCount", static_cast<std::int64_t>(seconds * 48'000))
        .set("concealedSamples", static_cast<std::int64_t>(seconds * 480))
        .set("totalSamplesReceived", static_cast<std::int64_t>(seconds * 48'000));
  }
  sender.objects.emplace_back("pair", "candidate-pair").set("currentRoundTripTime", 0.082);
  sender.objects.emplace_back("transport", "transport")
      .set("selectedCandidatePairId", "pair")
      .set("srtpCipher", "AEAD_AES_128_GCM")
      .set("tlsVersion", "FEFD");
  return {sender, receiver};
}

TEST_CASE("a recorder keeps what came and tells how good it was", "[example][recorder]") {
  const ScratchDir dir;
  parley::sim::Network network(1);
  CodecCall call(network, dir.path());
  call.run();
  Recorder& recorder = call.recorder();
  REQUIRE(recorder.idle());
  REQUIRE(recorder.finish(call.end()));

  CHECK(recorder.frames() == 75);
  CHECK(recorder.unmatched() == 0);
  CHECK(recorder.shown().size() == 75);
  CHECK(*recorder.mean_psnr_db() > 30);
  CHECK(*recorder.mean_psnr_db() < 60);
  CHECK(*recorder.least_psnr_db() > 25);
  CHECK(recorder.freezes().count() == 1);
  CHECK(recorder.freezes().total() == Duration{45 * 1'000'000 / 30 - 29 * 1'000'000 / 30});
  CHECK(recorder.snapshots().size() == 2);
  CHECK(Y4mReader::open(dir.path() / "b-received.y4m")->frame_count() == 75);
  CHECK(read_wav(dir.path() / "b-received.wav")->frames() == 48'000 * kSeconds + 7 * 480);
  // 70 ms late, and Opus itself delays by 6.5 ms.
  CHECK(*recorder.speech().mean_delay_ms() == Approx(76.5).margin(1));
  CHECK(*recorder.speech().mean_snr_db() > 5);
}

TEST_CASE("a frame that nobody sent is counted and not measured", "[example][recorder]") {
  const ScratchDir dir;
  parley::sim::Network network(1);
  parley::sim::Host& host = network.add_host({.name = "receiver"});
  const SpeechSource speech(generate_speech(1));
  auto recorder = std::move(Recorder::create(host, speech,
                                             {dir.path() / "x.wav", dir.path() / "x.y4m", kFormat,
                                              1s, 0, 500ms}))
                      .value();
  auto pictures = make_generated_pictures(kFormat);
  parley::VideoFrame frame;
  frame.picture = *pictures->picture(0);
  frame.rtp_timestamp = 7;
  recorder->handle_frame(frame, network.now());
  recorder->handle_sent(7, *make_generated_pictures({64, 48, {30, 1}})->picture(0));
  recorder->handle_frame(frame, network.now());  // another size
  network.run_for(1ms);
  CHECK(recorder->unmatched() == 2);
  CHECK_FALSE(recorder->mean_psnr_db());
  CHECK(recorder->frames() == 2);
}

TEST_CASE("cumulative statistics become seconds", "[example][timeline]") {
  Timeline timeline;
  for (int t = 1; t <= 3; ++t) {
    const auto [sender, receiver] = made_up_stats(t);
    timeline.add(t, sender, receiver, 40.0, std::nullopt);
  }
  REQUIRE(timeline.seconds().size() == 3);
  const DirectionSecond& d = timeline.seconds()[2].a_to_b;
  CHECK(*d.send_kbps == Approx(2 * 100 * 1020 * 8 / 1000.0));
  CHECK(*d.receive_kbps == Approx(*d.send_kbps));
  CHECK(*d.loss_percent == Approx(100 * 5.0 / 105));
  CHECK(*d.rtt_ms == Approx(82));
  CHECK(*d.audio_delay_ms == Approx(30));
  CHECK(*d.audio_target_delay_ms == Approx(20));
  CHECK(*d.frames_per_second == Approx(25));
  CHECK(*d.psnr_db == 40);
  CHECK_FALSE(timeline.seconds()[2].b_to_a.loss_percent);
  CHECK_FALSE(timeline.seconds()[2].b_to_a.rtt_ms);
}

TEST_CASE("the results of a call can be read by programs and by people", "[example][report]") {
  const ScratchDir dir;
  parley::sim::Network network(1);
  CodecCall call(network, dir.path());
  call.run();
  REQUIRE(call.recorder().finish(call.end()));
  const auto [sender, receiver] = made_up_stats(kSeconds);

  Summary summary;
  summary.seconds = kSeconds;
  summary.setup_ms = 12.3456;
  summary.first_frame_ms = 60;
  add_security(summary, sender);
  summary.a_to_b = summarise_direction(sender, receiver, call.recorder(), 30 * kSeconds, kSeconds);
  summary.b_to_a = summary.a_to_b;
  CHECK(summary.srtp_profile == "AEAD_AES_128_GCM");
  CHECK(summary.dtls_version == "DTLS 1.2");
  CHECK(summary.a_to_b.audio.jitter_buffer_ms == Approx(30));
  CHECK(summary.a_to_b.audio.concealed_ratio == Approx(0.01));

  auto writer = StatsJsonWriter::create(dir.path() / "stats.json");
  REQUIRE(writer);
  Timeline timeline;
  for (int t = 1; t <= kSeconds; ++t) {
    const auto [a, b] = made_up_stats(t);
    timeline.add(t, a, b, 40.0, 41.0);
    writer->add_sample(t, a, b);
  }
  const std::vector<std::string> faults{"less <than> it & should"};
  REQUIRE(writer->finish(summary_json(summary, faults)));
  std::stringstream json;
  json << std::ifstream(dir.path() / "stats.json").rdbuf();
  for (const char* name :
       {"\"setupMs\": 12.346", "\"firstFrameMs\"", "\"aToB\"", "\"bToA\"", "\"framesSent\"",
        "\"framesDecoded\"", "\"psnrYMeanDb\"", "\"freezeCount\": 1", "\"totalFreezesDurationMs\"",
        "\"concealedSamplesRatio\": 0.01", "\"jitterBufferDelayMeanMs\": 30.0", "\"snrDb\"",
        "\"srtpProfile\"", "\"dtlsVersion\": \"DTLS 1.2\""}) {
    CAPTURE(name);
    CHECK(json.str().find(name) != std::string::npos);
  }

  const std::string page = report_html({summary, faults, timeline.seconds(), call.recorder(),
                                        call.recorder(), "clean network", "recorded speech"});
  CHECK(page.find("less &lt;than&gt; it &amp; should") != std::string::npos);
  CHECK(page.find("http") == std::string::npos);  // nothing is fetched
  std::size_t pictures = 0;
  for (std::size_t at = 0; (at = page.find("data:image/png;base64,", at)) != std::string::npos;
       ++at)
    ++pictures;
  CHECK(pictures == 8);
  if (const char* keep = std::getenv("PARLEY_KEEP_REPORT")) std::ofstream(keep) << page;

  const std::string table = table_text(summary);
  CHECK(table.find("luma PSNR, mean (dB)") != std::string::npos);
  CHECK(live_text(timeline.seconds()[0], kSeconds, 40).size() == 40);
}

TEST_CASE("every broken floor is told", "[example][summary]") {
  Summary good;
  good.seconds = 10;
  good.setup_ms = 5;
  for (DirectionSummary* d : {&good.a_to_b, &good.b_to_a}) {
    d->video.frames_decoded = 300;
    d->video.psnr_mean_db = 40;
    d->video.psnr_min_db = 33;
    d->audio.packets_received = 500;
    d->audio.jitter_buffer_ms = 20;
  }
  const QualityFloor floor{34, 25, 0.01, 0.005, 40};
  CHECK(find_faults(good, floor).empty());
  const auto fault_of = [&](const auto& change) {
    Summary bad = good;
    change(bad);
    const auto faults = find_faults(bad, floor);
    return faults.size() == 1 ? faults[0] : "not one fault";
  };
  CHECK(fault_of([](Summary& s) { s.setup_ms.reset(); }) == "the two ends did not connect");
  CHECK(fault_of([](Summary& s) { s.a_to_b.video.frames_decoded = 0; }) ==
        "a to b: no video arrived");
  CHECK(fault_of([](Summary& s) { s.b_to_a.audio.packets_received = 0; }) ==
        "b to a: no audio arrived");
  CHECK(fault_of([](Summary& s) { s.b_to_a.video.psnr_mean_db = 33.9; }) ==
        "b to a: mean luma PSNR 33.9 dB is below 34.0 dB");
  CHECK(fault_of([](Summary& s) { s.b_to_a.video.psnr_min_db = 12; }) ==
        "b to a: a frame was shown with luma PSNR 12.0 dB, below 25.0 dB");
  CHECK(fault_of([](Summary& s) { s.a_to_b.video.freezes_ms = 200; }) ==
        "a to b: the picture was frozen 2.00 % of the time, above 1.00 %");
  CHECK(fault_of([](Summary& s) { s.a_to_b.audio.concealed_ratio = 0.01; }) ==
        "a to b: 1.00 % of the sound was concealed, above 0.50 %");
  CHECK(fault_of([](Summary& s) { s.a_to_b.audio.jitter_buffer_ms = 50; }) ==
        "a to b: the audio jitter buffer delayed by 50.0 ms, above 40.0 ms");
}

TEST_CASE("ticks are round and thinning keeps the worst", "[example][report]") {
  CHECK(tick_step(10, 5) == Approx(2));
  CHECK(tick_step(11, 5) == Approx(5));
  CHECK(tick_step(0.9, 4) == Approx(0.5));
  CHECK(tick_step(3000, 4) == Approx(1000));
  std::vector<PlotPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back({i * 0.1, i == 777 ? 3.0 : 40.0});
  const auto thin = thin_out(points, 100, true);
  CHECK(thin.size() == 100);
  CHECK(thin[77].y == 3);
  CHECK(thin_out(points, 5000, true).size() == 1000);
}

}  // namespace
}  // namespace loopback_call
