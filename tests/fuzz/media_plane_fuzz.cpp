// The media of a session in the hands of a peer that has authenticated: plain RTP and RTCP of its
// choice, in any order with the application's frames and with time.
#include <array>
#include <cstdlib>
#include <memory>

#include "fuzz/fuzz_input.hpp"
#include "parley/codec/opus.hpp"
#include "peer/media_plane.hpp"

using namespace parley;

namespace {

// Both sides' state after one offer and answer with audio and video.
jsep::State negotiated() {
  SeededRandom random{3};
  jsep::State a = jsep::make_state(jsep::default_config(), random);
  jsep::State b = jsep::make_state(jsep::default_config(), random);
  jsep::add_transceiver(a, MediaKind::audio, {});
  jsep::add_transceiver(a, MediaKind::video, {});
  const auto facts = [](const char* ufrag) {
    jsep::LocalFacts local;
    local.ice_ufrag = ufrag;
    local.ice_pwd = "0123456789012345678901";
    local.fingerprints = {{.algorithm = "sha-256", .value = [] {
                             std::string text = "00";
                             for (int i = 1; i < 32; ++i) text += ":00";
                             return text;
                           }()}};
    return local;
  };
  const auto offer = jsep::build_offer(a, facts("aaaa"));
  jsep::commit(a, *jsep::plan_local(a, jsep::SdpType::offer, *offer));
  jsep::commit(b, *jsep::plan_remote(b, jsep::SdpType::offer, *offer));
  for (const auto& transceiver : std::vector{b.transceivers}) {
    (void)jsep::set_direction(b, transceiver.id, Direction::sendrecv).has_value();
  }
  const auto answer = jsep::build_answer(b, facts("bbbb"));
  jsep::commit(b, *jsep::plan_local(b, jsep::SdpType::answer, *answer));
  jsep::commit(a, *jsep::plan_remote(a, jsep::SdpType::answer, *answer));
  return a;
}

std::unique_ptr<AudioDecoder> decoder(std::string_view, int channels) {
  return *codec::OpusDecoder::create({.channels = channels});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const jsep::State state = negotiated();
  test::FuzzInput input{data, size};
  SeededRandom random{5};
  Timestamp now{2000s};
  peer::MediaPlane plane{{.audio_decoder = decoder, .cname = "fuzz"}, random, now};
  for (const auto& transceiver : state.transceivers) plane.configure(now, transceiver);
  const TransceiverId audio = state.transceivers[0].id;
  const TransceiverId video = state.transceivers[1].id;
  const Ssrc our_video = state.transceivers[1].ssrc;

  alignas(8) std::array<std::uint8_t, kMaxDatagramSize> storage{};
  AudioBlock block;
  while (!input.empty()) {
    switch (input.u8() % 8) {
      case 0: {  // any bytes as RTP
        auto bytes = input.sized_bytes();
        plane.handle_rtp(now, bytes);
        break;
      }
      case 1: {  // a packet that finds its way: negotiated payload type, near sequence numbers
        const auto& transceiver = state.transceivers[input.u8() % 2];
        const auto& codec = transceiver.negotiated->receive.front();
        const bool rtx = input.u8() % 4 == 0 && codec.rtx_payload_type.has_value();
        std::vector<std::uint8_t> packet(12);
        packet[0] = 0x80;
        packet[1] = static_cast<std::uint8_t>(
            (rtx ? *codec.rtx_payload_type : codec.payload_type).value() | (input.u8() & 0x80));
        store_be16(&packet[2], input.u16());
        store_be32(&packet[4], input.u32());
        store_be32(&packet[8], 1000U + input.u8() % 4);
        const auto payload = input.sized_bytes();
        packet.insert(packet.end(), payload.begin(), payload.end());
        plane.handle_rtp(now, packet);
        break;
      }
      case 2:
        plane.handle_rtcp(now, input.sized_bytes());
        break;
      case 3: {  // feedback about the stream we send
        auto bytes = input.sized_bytes();
        if (bytes.size() < 12) break;
        bytes.resize(bytes.size() / 4 * 4);
        bytes[0] = static_cast<std::uint8_t>(0x80 | (bytes[0] & 0x1F));
        bytes[1] = static_cast<std::uint8_t>(200 + bytes[1] % 8);
        store_be16(&bytes[2], static_cast<std::uint16_t>(bytes.size() / 4 - 1));
        store_be32(&bytes[8], our_video.value());
        plane.handle_rtcp(now, bytes);
        break;
      }
      case 4:
        now += std::chrono::milliseconds{input.u8()};
        break;
      case 5: {
        EncodedVideo frame{.data = input.sized_bytes(), .capture_time = now};
        (void)plane.send(now, video, std::move(frame)).has_value();
        break;
      }
      case 6: {
        EncodedAudio packet{.data = input.sized_bytes()};
        (void)plane.send(now, audio, std::move(packet), input.u16(), now, false).has_value();
        break;
      }
      case 7:
        if (auto* receiver = plane.receiver(audio)) receiver->read_audio(now, block);
        break;
    }
    if (plane.next_timeout() <= now) plane.handle_timeout(now);
    for (int rounds = 0; plane.poll_packet(now, storage); ++rounds) {
      if (rounds > 5000) std::abort();
    }
    while (plane.poll_event()) {
    }
  }
  StatsReport report;
  plane.add_stats(state, report);
  return 0;
}
