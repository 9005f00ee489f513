#include "parley/sdp/capabilities.hpp"

#include <algorithm>

#include "sdp/text.hpp"

namespace parley::jsep {
namespace {

CodecCapability video_codec(std::string name, std::string fmtp) {
  CodecCapability c;
  c.kind = MediaKind::video;
  c.name = std::move(name);
  c.clock_rate = 90'000;
  c.fmtp = std::move(fmtp);
  c.feedback = {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"};
  c.rtx = true;
  return c;
}

CodecCapability audio_codec(std::string name, int clock_rate, std::uint8_t payload_type) {
  CodecCapability c;
  c.kind = MediaKind::audio;
  c.name = std::move(name);
  c.clock_rate = clock_rate;
  c.feedback = {"transport-cc"};
  c.payload_type = PayloadType{payload_type};
  return c;
}

std::vector<CodecCapability> make_optional_codecs() {
  std::vector<CodecCapability> codecs;
  // Constrained baseline, which RFC 7742 section 6.2 asks for, first; then baseline, main, high and
  // constrained high, each at level 3.1. Levels are not compared (see codec_matching.cpp).
  for (const char* profile : {"42e01f", "42001f", "4d001f", "64001f", "640c1f"}) {
    for (const char* mode : {"1", "0"}) {
      codecs.push_back(
          video_codec("H264", std::string("level-asymmetry-allowed=1;packetization-mode=") + mode +
                                  ";profile-level-id=" + profile));
    }
  }
  codecs[0].payload_type = PayloadType{102};
  codecs[0].rtx_payload_type = PayloadType{103};
  for (const char* profile : {"0", "2", "1", "3"}) {
    codecs.push_back(video_codec("VP9", std::string("profile-id=") + profile));
    if (*profile != '0') continue;
    codecs.back().payload_type = PayloadType{98};
    codecs.back().rtx_payload_type = PayloadType{99};
  }
  for (const char* profile : {"0", "1"}) {
    codecs.push_back(video_codec("AV1", std::string("level-idx=5;profile=") + profile + ";tier=0"));
    if (*profile != '0') continue;
    codecs.back().payload_type = PayloadType{45};
    codecs.back().rtx_payload_type = PayloadType{46};
  }
  codecs.push_back(audio_codec("G722", 8'000, 9));
  codecs.push_back(audio_codec("PCMU", 8'000, 0));
  codecs.push_back(audio_codec("PCMA", 8'000, 8));
  codecs.push_back(audio_codec("telephone-event", 48'000, 110));
  codecs.push_back(audio_codec("telephone-event", 8'000, 126));
  codecs[codecs.size() - 2].fmtp = codecs.back().fmtp = "0-15";  // RFC 4733 section 2.4.1
  return codecs;
}

std::vector<ExtensionCapability> make_default_extensions() {
  // The ids are those browsers use where they use one, which makes captures easier to read.
  const auto extension = [](const char* name, int id, bool audio, bool video) {
    ExtensionCapability e;
    e.uri = name;
    e.id = id;
    e.audio = audio;
    e.video = video;
    return e;
  };
  return {
      extension(uri::kAudioLevel, 1, true, false),
      extension(uri::kAbsSendTime, 2, true, true),
      extension(uri::kTransportWideCc, 3, true, true),
      extension(uri::kMid, 4, true, true),
      extension(uri::kPlayoutDelay, 5, false, true),
      extension(uri::kVideoOrientation, 13, false, true),
      extension(uri::kAbsCaptureTime, 12, true, true),
      extension(uri::kRid, 10, false, true),
      extension(uri::kRepairedRid, 11, false, true),
  };
}

}  // namespace

std::vector<CodecCapability> default_codecs() {
  CodecCapability opus;
  opus.kind = MediaKind::audio;
  opus.name = "opus";
  opus.clock_rate = 48'000;  // RFC 7587 section 7: always opus/48000/2
  opus.channels = 2;
  opus.fmtp = "minptime=10;useinbandfec=1";
  opus.feedback = {"transport-cc"};
  opus.payload_type = PayloadType{111};

  CodecCapability vp8 = video_codec("VP8", "");
  vp8.payload_type = PayloadType{96};
  vp8.rtx_payload_type = PayloadType{97};
  return {opus, vp8};
}

// Made once and never changed: threads may share it.
SharedList<CodecCapability> optional_codecs() {
  static const SharedList<CodecCapability> list = make_optional_codecs();
  return list;
}

Result<std::vector<CodecCapability>> codecs_named(const Config& config, MediaKind kind,
                                                  const std::vector<std::string>& names) {
  std::vector<CodecCapability> chosen;
  for (const std::string& name : names) {
    bool known = false;
    const auto choose = [&](const auto& list) {
      for (const CodecCapability& codec : list) {
        if (!sdp::text::equal_in_any_case(codec.name, name)) continue;
        known = true;
        if (codec.kind == kind && std::find(chosen.begin(), chosen.end(), codec) == chosen.end()) {
          chosen.push_back(codec);
        }
      }
    };
    choose(config.codecs);
    choose(config.optional_codecs);
    if (!known) return Error{Errc::invalid_argument, "unknown codec " + name};
  }
  return chosen;
}

// As above.
SharedList<ExtensionCapability> default_extensions() {
  static const SharedList<ExtensionCapability> list = make_default_extensions();
  return list;
}

Config default_config() {
  Config config;
  config.codecs = default_codecs();
  config.optional_codecs = optional_codecs();
  config.extensions = default_extensions();
  return config;
}

}  // namespace parley::jsep
