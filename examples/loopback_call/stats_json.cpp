#include "loopback_call/stats_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "loopback_call/file.hpp"
#include "loopback_call/text.hpp"

namespace loopback_call {
namespace {

using Json = nlohmann::ordered_json;
using parley::Errc;
using parley::Error;
using parley::Result;

/// Rounded, so that the file reads well: no figure here is good to more than three digits behind
/// the point.
Json number(double value, double scale = 1000) {
  if (!std::isfinite(value)) return nullptr;
  return std::round(value * scale) / scale;
}

Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json to_json(const DirectionSummary::Video& v) {
  return {{"framesCaptured", v.frames_captured},
          {"framesSent", v.frames_sent},
          {"framesDecoded", v.frames_decoded},
          {"framesDropped", v.frames_dropped},
          {"framesUnmatched", v.frames_unmatched},
          {"keyFramesDecoded", v.key_frames_decoded},
          {"psnrYMeanDb", number(v.psnr_mean_db)},
          {"psnrYMinDb", number(v.psnr_min_db)},
          {"freezeCount", v.freeze_count},
          {"totalFreezesDurationMs", number(v.freezes_ms)},
          {"nackCount", v.nack_count},
          {"pliCount", v.pli_count},
          {"packetsLost", v.packets_lost},
          {"retransmittedPacketsSent", v.packets_retransmitted}};
}

Json to_json(const DirectionSummary::Audio& a) {
  return {{"concealedSamplesRatio", number(a.concealed_ratio, 1e6)},
          {"jitterBufferDelayMeanMs", number(a.jitter_buffer_ms)},
          {"snrDb", number(a.snr_db)},
          {"mouthToEarMeanMs", number(a.mouth_to_ear_ms)},
          {"packetsReceived", a.packets_received},
          {"packetsLost", a.packets_lost},
          {"fecPacketsReceived", a.fec_packets_received}};
}

Json to_json(const DirectionSummary& d) {
  return {{"video", to_json(d.video)},
          {"audio", to_json(d.audio)},
          {"sendKbps", number(d.send_kbps)},
          {"receiveKbps", number(d.receive_kbps)},
          {"firstFrameMs", number(d.first_frame_ms)}};
}

}  // namespace

Result<StatsJsonWriter> StatsJsonWriter::create(const std::filesystem::path& path) {
  StatsJsonWriter writer;
  writer.file_.reset(std::fopen(path.c_str(), "wb"));
  if (!writer.file_) return io_error(path);
  writer.path_ = path;
  // Samples are added beside the network: the disk is met once in a few minutes.
  std::setvbuf(writer.file_.get(), nullptr, _IOFBF, std::size_t{1} << 20);
  writer.write("{\"samples\": [");
  return writer;
}

void StatsJsonWriter::write(std::string_view text) {
  failed_ = failed_ || std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size();
}

void StatsJsonWriter::add_sample(double at_s, const parley::StatsReport& a,
                                 const parley::StatsReport& b) {
  write(any_ ? ",\n" : "\n");
  any_ = true;
  write("{\"t\": " + fixed(at_s, 3) + ",\n \"a\": " + a.to_json() + ",\n \"b\": " + b.to_json() +
        "}");
}

Result<void> StatsJsonWriter::finish(std::string_view summary) {
  write("\n],\n\"summary\": ");
  write(summary);
  write("}\n");
  failed_ = std::fclose(file_.release()) != 0 || failed_;
  if (failed_) return Error{Errc::io, path_.string() + ": could not be written"};
  return {};
}

std::string summary_json(const Summary& s, const std::vector<std::string>& faults) {
  const Json json = {{"seconds", number(s.seconds)},
                     {"setupMs", number(s.setup_ms)},
                     {"firstFrameMs", number(s.first_frame_ms)},
                     {"srtpProfile", s.srtp_profile},
                     {"dtlsVersion", s.dtls_version},
                     {"dtlsCipher", s.dtls_cipher},
                     {"aToB", to_json(s.a_to_b)},
                     {"bToA", to_json(s.b_to_a)},
                     {"passed", faults.empty()},
                     {"faults", faults}};
  return json.dump(1);
}

}  // namespace loopback_call
