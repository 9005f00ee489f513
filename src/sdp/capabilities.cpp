#include "parley/sdp/capabilities.hpp"

namespace parley::jsep {

std::vector<CodecCapability> default_codecs() {
  CodecCapability opus;
  opus.kind = MediaKind::audio;
  opus.name = "opus";
  opus.clock_rate = 48'000;  // RFC 7587 section 7: always opus/48000/2
  opus.channels = 2;
  opus.fmtp = "minptime=10;useinbandfec=1";
  opus.feedback = {"transport-cc"};
  opus.payload_type = PayloadType{111};

  CodecCapability vp8;
  vp8.kind = MediaKind::video;
  vp8.name = "VP8";
  vp8.clock_rate = 90'000;
  vp8.feedback = {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"};
  vp8.rtx = true;
  vp8.payload_type = PayloadType{96};
  vp8.rtx_payload_type = PayloadType{97};
  return {opus, vp8};
}

std::vector<ExtensionCapability> default_extensions() {
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
      extension(uri::kVideoOrientation, 6, false, true),
      extension(uri::kAbsCaptureTime, 7, true, true),
      extension(uri::kRid, 10, false, true),
      extension(uri::kRepairedRid, 11, false, true),
  };
}

Config default_config() {
  Config config;
  config.codecs = default_codecs();
  config.extensions = default_extensions();
  return config;
}

}  // namespace parley::jsep
