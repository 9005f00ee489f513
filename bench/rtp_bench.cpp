// What a packet costs at the wire: reading and writing RTP and RTCP, without crypto or sockets.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/rtp/extensions.hpp"
#include "parley/rtp/packet.hpp"
#include "parley/rtp/rtcp.hpp"
#include "parley/rtp/vp8.hpp"

namespace parley::rtp {
namespace {

ExtensionMap three_extensions() {
  ExtensionMap map;
  benchmark::DoNotOptimize(map.add(1, Extension::mid).has_value());
  benchmark::DoNotOptimize(map.add(2, Extension::abs_send_time).has_value());
  benchmark::DoNotOptimize(map.add(3, Extension::transport_sequence_number).has_value());
  return map;
}

HeaderExtensions three_values() {
  HeaderExtensions values;
  values.mid = "0";
  values.abs_send_time = AbsSendTime{};
  values.transport_sequence_number = std::uint16_t{0};
  return values;
}

std::optional<MutableBytes> write_packet(MutableBytes storage, const ExtensionMap& map,
                                         const HeaderExtensions& values, Bytes payload) {
  PacketWriter out{storage, {true, PayloadType{96}, 1, 2, Ssrc{3}, {}}, values.form(map)};
  values.write_to(out, map);
  out.payload(payload);
  return out.finish();
}

void BM_RtpParse(benchmark::State& state) {
  std::array<std::uint8_t, 1500> storage;
  const std::vector<std::uint8_t> payload(1150);
  const ExtensionMap map = three_extensions();
  const auto packet = write_packet(storage, map, three_values(), payload);
  for (auto _ : state) {
    auto view = PacketView::parse(*packet);
    benchmark::DoNotOptimize(view);
  }
}
BENCHMARK(BM_RtpParse);

void BM_RtpParseWithExtensions(benchmark::State& state) {
  std::array<std::uint8_t, 1500> storage;
  const std::vector<std::uint8_t> payload(1150);
  const ExtensionMap map = three_extensions();
  const auto packet = write_packet(storage, map, three_values(), payload);
  for (auto _ : state) {
    const auto view = PacketView::parse(*packet);
    auto values = HeaderExtensions::parse(*view, map);
    benchmark::DoNotOptimize(values);
  }
}
BENCHMARK(BM_RtpParseWithExtensions);

void BM_RtpBuildWithThreeExtensions(benchmark::State& state) {
  std::array<std::uint8_t, 1500> storage;
  const std::vector<std::uint8_t> payload(1150);
  const ExtensionMap map = three_extensions();
  const HeaderExtensions values = three_values();
  std::uint16_t number = 0;
  for (auto _ : state) {
    const auto packet = write_packet(storage, map, values, payload);
    benchmark::DoNotOptimize(set_transport_sequence_number(*packet, map, ++number));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 1150);
}
BENCHMARK(BM_RtpBuildWithThreeExtensions);

void BM_RtcpCompoundParse(benchmark::State& state) {
  using namespace rtcp;
  std::array<std::uint8_t, 1200> storage;
  CompoundWriter out{storage};
  out.add(SenderReport{Ssrc{1}, NtpTime{2}, 3, 4, 5, {ReportBlock{}, ReportBlock{}}});
  out.add(Sdes{{{Ssrc{1}, "some-cname-of-22-chars", "0"}}});
  out.add(Nack{Ssrc{1}, Ssrc{2}, {{100, 3}, {200, 0}}});
  for (auto _ : state) {
    const auto compound = CompoundView::parse(out.bytes());
    for (const SubPacket& sub : *compound) {
      auto report = SenderReport::parse(sub);
      auto sdes = Sdes::parse(sub);
      auto nack = Nack::parse(sub);
      benchmark::DoNotOptimize(report);
      benchmark::DoNotOptimize(sdes);
      benchmark::DoNotOptimize(nack);
    }
  }
}
BENCHMARK(BM_RtcpCompoundParse);

/// 100 packets in 100 ms, of which every tenth is lost and some are late by more than 64 ms.
rtcp::TransportFeedbackWriter hundred_packets(SeededRandom& random) {
  Timestamp time{1s};
  rtcp::TransportFeedbackWriter feedback{Ssrc{1}, Ssrc{2}, 0, 0, time, 1200};
  for (std::uint16_t i = 0; i < 100; ++i) {
    time += Duration{static_cast<std::int64_t>(random.below(100) == 0 ? 80'000 : 1'000)};
    if (i % 10 != 9) feedback.add(i, time);
  }
  return feedback;
}

void BM_TransportFeedbackBuild100(benchmark::State& state) {
  std::array<std::uint8_t, 1200> storage;
  SeededRandom random{1};
  for (auto _ : state) {
    ByteWriter out{storage};
    hundred_packets(random).write_to(out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_TransportFeedbackBuild100);

void BM_TransportFeedbackParse100(benchmark::State& state) {
  std::array<std::uint8_t, 1200> storage;
  SeededRandom random{1};
  ByteWriter out{storage};
  hundred_packets(random).write_to(out);
  for (auto _ : state) {
    const auto sub = rtcp::SubPacket::parse(out.written());
    auto feedback = rtcp::TransportFeedback::parse(*sub);
    benchmark::DoNotOptimize(feedback);
  }
}
BENCHMARK(BM_TransportFeedbackParse100);

void BM_Vp8DescriptorParse(benchmark::State& state) {
  const std::array<std::uint8_t, 12> payload{0x90, 0xE0, 0x92, 0x34, 200, 0x80, 1, 2, 3, 4, 5, 6};
  const Vp8Depacketizer depacketizer;
  for (auto _ : state) {
    auto parsed = depacketizer.parse(payload);
    benchmark::DoNotOptimize(parsed);
  }
}
BENCHMARK(BM_Vp8DescriptorParse);

void BM_Vp8PacketizeFrameOf12Packets(benchmark::State& state) {
  Vp8Packetizer packetizer{{TemporalLayers::on, 0, 0}};
  EncodedVideo frame;
  frame.data.resize(13'000);
  std::array<std::uint8_t, 1200> storage;
  for (auto _ : state) {
    for (const PayloadPart& part : packetizer.packetize(frame, 1150)) {
      ByteWriter out{storage};
      part.write_to(frame.data, out);
      benchmark::ClobberMemory();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 13'000);
}
BENCHMARK(BM_Vp8PacketizeFrameOf12Packets);

}  // namespace
}  // namespace parley::rtp
