#include "loopback_call/timeline.hpp"

#include <algorithm>

namespace loopback_call {
namespace {

using parley::StatsObject;
using parley::StatsReport;

double bytes_of(const StatsObject* stream, bool outbound) {
  return number_of(stream, outbound ? "bytesSent" : "bytesReceived") +
         number_of(stream, outbound ? "headerBytesSent" : "headerBytesReceived");
}

std::optional<double> ratio(double part, double whole, double scale) {
  if (whole <= 0) return std::nullopt;
  return scale * part / whole;
}

}  // namespace

double number_of(const StatsObject* object, std::string_view name, double fallback) {
  return object == nullptr ? fallback : object->number(name).value_or(fallback);
}

StreamStats::StreamStats(const StatsReport& sender, const StatsReport& receiver,
                         std::string_view kind)
    : outbound(sender.first("outbound-rtp", kind)),
      remote_inbound(sender.first("remote-inbound-rtp", kind)),
      inbound(receiver.first("inbound-rtp", kind)) {}

std::optional<double> round_trip_ms(const StatsReport& report) {
  // RTCP measures once a second or so, connectivity checks every few seconds.
  for (const std::string_view kind : {"video", "audio"}) {
    const StatsObject* remote = report.first("remote-inbound-rtp", kind);
    const auto seconds = remote == nullptr ? std::nullopt : remote->number("roundTripTime");
    if (seconds) return *seconds * 1000;
  }
  const StatsObject* transport = report.first("transport");
  const auto selected =
      transport == nullptr ? std::nullopt : transport->text("selectedCandidatePairId");
  const StatsObject* pair = selected ? report.find(*selected) : report.first("candidate-pair");
  if (pair == nullptr) return std::nullopt;
  const auto seconds = pair->number("currentRoundTripTime");
  return seconds ? std::optional(*seconds * 1000) : std::nullopt;
}

Timeline::Totals Timeline::totals(const StatsReport& sender, const StatsReport& receiver) {
  Totals t;
  for (const std::string_view kind : {"audio", "video"}) {
    const StreamStats stream(sender, receiver, kind);
    t.sent_bytes += bytes_of(stream.outbound, true);
    t.received_bytes += bytes_of(stream.inbound, false);
    t.packets_received += number_of(stream.inbound, "packetsReceived");
    t.packets_lost += number_of(stream.inbound, "packetsLost");
  }
  const StreamStats audio(sender, receiver, "audio");
  t.audio_delay_s = number_of(audio.inbound, "jitterBufferDelay");
  t.audio_target_s = number_of(audio.inbound, "jitterBufferTargetDelay");
  t.audio_emitted = number_of(audio.inbound, "jitterBufferEmittedCount");
  const StreamStats video(sender, receiver, "video");
  t.video_delay_s = number_of(video.inbound, "jitterBufferDelay");
  t.video_emitted = number_of(video.inbound, "jitterBufferEmittedCount");
  t.frames_decoded = number_of(video.inbound, "framesDecoded");
  return t;
}

DirectionSecond Timeline::difference(const Totals& before, const Totals& now, double seconds) {
  DirectionSecond d;
  d.send_kbps = ratio(8 * (now.sent_bytes - before.sent_bytes), seconds, 1e-3);
  d.receive_kbps = ratio(8 * (now.received_bytes - before.received_bytes), seconds, 1e-3);
  const double received = now.packets_received - before.packets_received;
  // Late packets take losses back: a second can end with fewer of them than it began with.
  const double lost = std::max(0.0, now.packets_lost - before.packets_lost);
  d.loss_percent = ratio(lost, received + lost, 100);
  const double emitted = now.audio_emitted - before.audio_emitted;
  d.audio_delay_ms = ratio(now.audio_delay_s - before.audio_delay_s, emitted, 1000);
  d.audio_target_delay_ms = ratio(now.audio_target_s - before.audio_target_s, emitted, 1000);
  d.video_delay_ms = ratio(now.video_delay_s - before.video_delay_s,
                           now.video_emitted - before.video_emitted, 1000);
  d.frames_per_second = ratio(now.frames_decoded - before.frames_decoded, seconds, 1);
  d.frames_decoded = static_cast<std::int64_t>(now.frames_decoded);
  return d;
}

const Second& Timeline::add(double at_s, const StatsReport& a, const StatsReport& b,
                            std::optional<double> psnr_a_to_b, std::optional<double> psnr_b_to_a) {
  const double passed = at_s - (seconds_.empty() ? 0 : seconds_.back().at_s);
  const Totals a_to_b = totals(a, b);
  const Totals b_to_a = totals(b, a);
  Second second{at_s, difference(a_to_b_, a_to_b, passed), difference(b_to_a_, b_to_a, passed)};
  second.a_to_b.rtt_ms = round_trip_ms(a);
  second.b_to_a.rtt_ms = round_trip_ms(b);
  second.a_to_b.psnr_db = psnr_a_to_b;
  second.b_to_a.psnr_db = psnr_b_to_a;
  a_to_b_ = a_to_b;
  b_to_a_ = b_to_a;
  seconds_.push_back(second);
  return seconds_.back();
}

}  // namespace loopback_call
