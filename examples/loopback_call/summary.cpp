#include "loopback_call/summary.hpp"

#include "loopback_call/text.hpp"
#include "loopback_call/timeline.hpp"

namespace loopback_call {
namespace {

using parley::StatsObject;
using parley::StatsReport;

std::int64_t count_of(const StatsObject* object, std::string_view name) {
  return static_cast<std::int64_t>(number_of(object, name));
}

/// "FEFD" (RFC 6347 section 4.1) as people write it.
std::string version_name(std::string_view wire) {
  if (wire == "FEFD" || wire == "fefd") return "DTLS 1.2";
  if (wire == "FEFC" || wire == "fefc") return "DTLS 1.3";
  return std::string(wire);
}

void find_direction_faults(const std::string& name, const DirectionSummary& d, double seconds,
                           const QualityFloor& floor, std::vector<std::string>& faults) {
  if (d.video.frames_decoded == 0) faults.push_back(name + ": no video arrived");
  if (d.audio.packets_received == 0) faults.push_back(name + ": no audio arrived");
  if (d.video.frames_decoded == 0 || d.audio.packets_received == 0) return;
  const auto demand = [&](bool good, const std::string& what) {
    if (!good) faults.push_back(name + ": " + what);
  };
  const double psnr = d.video.psnr_mean_db.value_or(0);
  demand(psnr >= floor.mean_psnr_db, "mean luma PSNR " + fixed(psnr, 1) + " dB is below " +
                                         fixed(floor.mean_psnr_db, 1) + " dB");
  const double least = d.video.psnr_min_db.value_or(0);
  demand(least >= floor.shown_psnr_db, "a frame was shown with luma PSNR " + fixed(least, 1) +
                                           " dB, below " + fixed(floor.shown_psnr_db, 1) + " dB");
  const double frozen = d.video.freezes_ms / 1000 / seconds;
  demand(frozen <= floor.frozen_ratio, "the picture was frozen " + fixed(100 * frozen, 2) +
                                           " % of the time, above " +
                                           fixed(100 * floor.frozen_ratio, 2) + " %");
  const double concealed = d.audio.concealed_ratio;
  demand(concealed <= floor.concealed_ratio, fixed(100 * concealed, 2) +
                                                 " % of the sound was concealed, above " +
                                                 fixed(100 * floor.concealed_ratio, 2) + " %");
  demand(d.audio.jitter_buffer_ms <= floor.audio_delay_ms,
         "the audio jitter buffer delayed by " + fixed(d.audio.jitter_buffer_ms, 1) +
             " ms, above " + fixed(floor.audio_delay_ms, 1) + " ms");
}

}  // namespace

DirectionSummary summarise_direction(const StatsReport& sender, const StatsReport& receiver,
                                     const Recorder& recorder, std::int64_t frames_captured,
                                     double seconds) {
  const StreamStats video(sender, receiver, "video");
  const StreamStats audio(sender, receiver, "audio");
  DirectionSummary d;
  d.video.frames_captured = frames_captured;
  d.video.frames_sent = count_of(video.outbound, "framesSent");
  d.video.frames_decoded = count_of(video.inbound, "framesDecoded");
  d.video.frames_dropped = count_of(video.inbound, "framesDropped");
  d.video.frames_unmatched = recorder.unmatched();
  d.video.psnr_mean_db = recorder.mean_psnr_db();
  d.video.psnr_min_db = recorder.least_psnr_db();
  d.video.freeze_count = recorder.freezes().count();
  d.video.freezes_ms = parley::to_milliseconds(recorder.freezes().total());
  d.video.key_frames_decoded = count_of(video.inbound, "keyFramesDecoded");
  d.video.nack_count = count_of(video.inbound, "nackCount");
  d.video.pli_count = count_of(video.inbound, "pliCount");
  d.video.packets_lost = count_of(video.inbound, "packetsLost");
  d.video.packets_retransmitted = count_of(video.outbound, "retransmittedPacketsSent");
  d.video.target_kbps = number_of(video.outbound, "targetBitrate") / 1000;

  const double played = number_of(audio.inbound, "totalSamplesReceived");
  const double emitted = number_of(audio.inbound, "jitterBufferEmittedCount");
  if (played > 0) d.audio.concealed_ratio = number_of(audio.inbound, "concealedSamples") / played;
  if (emitted > 0)
    d.audio.jitter_buffer_ms = 1000 * number_of(audio.inbound, "jitterBufferDelay") / emitted;
  d.audio.packets_received = count_of(audio.inbound, "packetsReceived");
  d.audio.packets_lost = count_of(audio.inbound, "packetsLost");
  d.audio.fec_packets_received = count_of(audio.inbound, "fecPacketsReceived");
  d.audio.snr_db = recorder.speech().mean_snr_db();
  d.audio.mouth_to_ear_ms = recorder.speech().mean_delay_ms();

  for (const StreamStats& stream : {video, audio}) {
    d.send_kbps +=
        (number_of(stream.outbound, "bytesSent") + number_of(stream.outbound, "headerBytesSent")) *
        8 / 1000 / seconds;
    d.receive_kbps += (number_of(stream.inbound, "bytesReceived") +
                       number_of(stream.inbound, "headerBytesReceived")) *
                      8 / 1000 / seconds;
  }
  return d;
}

void add_security(Summary& summary, const StatsReport& report) {
  const StatsObject* transport = report.first("transport");
  if (transport == nullptr) return;
  summary.srtp_profile = transport->text("srtpCipher").value_or("");
  summary.dtls_version = version_name(transport->text("tlsVersion").value_or(""));
  summary.dtls_cipher = transport->text("dtlsCipher").value_or("");
}

std::vector<std::string> find_faults(const Summary& summary, const QualityFloor& floor) {
  std::vector<std::string> faults;
  if (!summary.setup_ms) return {"the two ends did not connect"};
  find_direction_faults("a to b", summary.a_to_b, summary.seconds, floor, faults);
  find_direction_faults("b to a", summary.b_to_a, summary.seconds, floor, faults);
  return faults;
}

}  // namespace loopback_call
