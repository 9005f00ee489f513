// What a negotiation costs: texts as large as a browser's, and a conference of 50 video sections.
#include <benchmark/benchmark.h>

#include <string>

#include "parley/sdp/jsep.hpp"

using namespace parley;
using namespace parley::jsep;

namespace {

LocalFacts facts(const char* name) {
  LocalFacts f;
  f.ice_ufrag = name;
  f.ice_pwd = std::string(name) + "-0123456789012345678901";
  f.fingerprints = {{"sha-256",
                     "EB:85:53:38:69:00:A0:3D:4E:63:C2:3D:8C:5A:3C:48:DB:FA:82:90:E7:91:28:C4:86:"
                     "61:13:2D:EE:61:1F:29"}};
  for (int i = 0; i < 4; ++i) {
    f.candidates.push_back("candidate:" + std::to_string(i) +
                           " 1 udp 2122194687 192.0.2.1 5000 typ host generation 0");
  }
  return f;
}

/// Codecs in the number that Chromium lists: 7 for audio, 12 for video with RTX.
Config many_codecs() {
  Config config = default_config();
  CodecCapability audio = config.codecs[0];
  for (int i = 0; i < 6; ++i) {
    audio.name = "audio" + std::to_string(i);
    audio.payload_type.reset();
    config.codecs.push_back(audio);
  }
  CodecCapability video = config.codecs[1];
  for (int i = 0; i < 11; ++i) {
    video.name = "video" + std::to_string(i);
    video.fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f";
    video.payload_type.reset();
    video.rtx_payload_type.reset();
    config.codecs.push_back(video);
  }
  return config;
}

State with_sections(Config config, int audio, int video) {
  SeededRandom random(1);
  State state = make_state(std::move(config), random);
  TransceiverInit init;
  init.stream_ids = {"18046047-3a44-4145-9e4c-dbc4ccc57253"};
  for (int i = 0; i < audio; ++i) add_transceiver(state, MediaKind::audio, init);
  for (int i = 0; i < video; ++i) add_transceiver(state, MediaKind::video, init);
  return state;
}

std::string large_offer() {
  State state = with_sections(many_codecs(), 1, 1);
  (void)want_data(state);
  return sdp::to_string(*build_offer(state, facts("bench")));
}

void parse_offer(benchmark::State& run) {
  const std::string text = large_offer();
  for (auto _ : run) benchmark::DoNotOptimize(sdp::Description::parse(text));
  run.SetBytesProcessed(static_cast<std::int64_t>(run.iterations() * text.size()));
  run.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(parse_offer)->Unit(benchmark::kMicrosecond);

void write_offer(benchmark::State& run) {
  const auto d = sdp::Description::parse(large_offer());
  for (auto _ : run) benchmark::DoNotOptimize(sdp::to_string(*d));
}
BENCHMARK(write_offer)->Unit(benchmark::kMicrosecond);

void build_an_offer(benchmark::State& run) {
  const State state = with_sections(default_config(), 1, 1);
  const LocalFacts f = facts("bench");
  for (auto _ : run) benchmark::DoNotOptimize(build_offer(state, f));
}
BENCHMARK(build_an_offer)->Unit(benchmark::kMicrosecond);

/// Remote side of one exchange: the offer is applied and answered, the answer applied.
void answer_an_offer(benchmark::State& run) {
  const auto offer = sdp::Description::parse(large_offer());
  const State fresh = with_sections(default_config(), 0, 0);
  const LocalFacts f = facts("other");
  for (auto _ : run) {
    State state = fresh;
    auto remote = plan_remote(state, SdpType::offer, *offer);
    commit(state, std::move(*remote));
    const auto answer = build_answer(state, f);
    auto local = plan_local(state, SdpType::answer, *answer);
    benchmark::DoNotOptimize(commit(state, std::move(*local)));
  }
}
BENCHMARK(answer_an_offer)->Unit(benchmark::kMicrosecond);

/// A conference offer of N video sections made, written, read and answered.
void conference(benchmark::State& run) {
  const State offerer = with_sections(default_config(), 0, static_cast<int>(run.range(0)));
  const State fresh = with_sections(default_config(), 0, 0);
  const LocalFacts f = facts("bench");
  for (auto _ : run) {
    const auto offer = build_offer(offerer, f);
    const auto read = sdp::Description::parse(sdp::to_string(*offer));
    State state = fresh;
    auto remote = plan_remote(state, SdpType::offer, *read);
    commit(state, std::move(*remote));
    const auto answer = build_answer(state, f);
    auto local = plan_local(state, SdpType::answer, *answer);
    benchmark::DoNotOptimize(commit(state, std::move(*local)));
    benchmark::DoNotOptimize(sdp::to_string(*answer));
  }
}
BENCHMARK(conference)->Arg(1)->Arg(50)->Arg(250)->Unit(benchmark::kMillisecond);

}  // namespace
