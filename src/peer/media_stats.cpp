// Statistics of the media plane with the names and units of webrtc-stats.
#include <string>

#include "peer/media_plane.hpp"

namespace parley::peer {
namespace {

/// What tells the objects of one stream from those of the others.
std::string stats_number(TransceiverId id, const std::string& rid) {
  const std::string number = std::to_string(id.value());
  return rid.empty() ? number : number + "-" + rid;
}

std::string_view kind_name(MediaKind kind) { return kind == MediaKind::audio ? "audio" : "video"; }

void add_outbound(StatsReport& report, const std::string& id, const rtp::SendStats& media,
                  const rtp::SendStats& rtx) {
  StatsObject& object = report.objects.emplace_back(id, "outbound-rtp");
  // webrtc-stats counts retransmissions into the stream that they repair.
  object.set("packetsSent", media.packets_sent + rtx.packets_sent)
      .set("bytesSent", media.bytes_sent + rtx.bytes_sent)
      .set("headerBytesSent", media.header_bytes_sent + rtx.header_bytes_sent)
      .set("retransmittedPacketsSent",
           media.retransmitted_packets_sent + rtx.retransmitted_packets_sent)
      .set("retransmittedBytesSent", media.retransmitted_bytes_sent + rtx.retransmitted_bytes_sent)
      .set("nackCount", media.nack_count)
      .set_seconds("totalPacketSendDelay", media.total_packet_send_delay);
}

void add_codec(StatsReport& report, const std::string& id, MediaKind kind,
               const jsep::NegotiatedCodec& codec) {
  report.objects.emplace_back(id, "codec")
      .set("payloadType", codec.payload_type.value())
      .set("mimeType", std::string{kind_name(kind)} + "/" + codec.name)
      .set("clockRate", kind == MediaKind::audio ? kAudioSampleRate : 90'000)
      .set("transportId", "T");
}

void add_audio(StatsObject& object, const jitter::AudioBufferStats& stats) {
  object.set("jitterBufferDelay", stats.jitter_buffer_delay)
      .set("jitterBufferTargetDelay", stats.jitter_buffer_target_delay)
      .set("jitterBufferMinimumDelay", stats.jitter_buffer_minimum_delay)
      .set("jitterBufferEmittedCount", stats.jitter_buffer_emitted_count)
      .set("totalSamplesReceived", stats.total_samples_received)
      .set("concealedSamples", stats.concealed_samples)
      .set("silentConcealedSamples", stats.silent_concealed_samples)
      .set("concealmentEvents", stats.concealment_events)
      .set("insertedSamplesForDeceleration", stats.inserted_samples_for_deceleration)
      .set("removedSamplesForAcceleration", stats.removed_samples_for_acceleration)
      .set("fecPacketsReceived", stats.fec_packets_received)
      .set("fecPacketsDiscarded", stats.fec_packets_discarded)
      .set("totalAudioEnergy", stats.total_audio_energy)
      .set("totalSamplesDuration", stats.total_samples_duration)
      .set("audioLevel", stats.audio_level);
}

void add_video(StatsObject& object, const MediaReceiver& receiver) {
  const jitter::FrameAssemblerStats& stats = receiver.assembler()->stats();
  object.set("framesReceived", stats.frames_received)
      .set("framesDropped", stats.frames_dropped)
      .set("framesAssembledFromMultiplePackets", stats.frames_assembled_from_multiple_packets)
      .set("totalAssemblyTime", stats.total_assembly_time)
      .set("jitterBufferDelay", stats.jitter_buffer_delay)
      .set("jitterBufferEmittedCount", stats.jitter_buffer_emitted_count)
      .set("jitterBufferTargetDelay", to_seconds(receiver.timing().current_delay()) *
                                          static_cast<double>(stats.jitter_buffer_emitted_count))
      .set("pliCount", receiver.plis_sent());
}

}  // namespace

void MediaPlane::add_stats(const jsep::State& negotiation, StatsReport& report) const {
  for (const auto& section : sections_) {
    for (std::size_t i = 0; i < section->senders.size(); ++i) {
      add_sender_stats(*section, i, report);
    }
    for (const auto& receiver : section->receivers) {
      add_receiver_stats(*section, *receiver, negotiation, report);
    }
  }
}

void MediaPlane::add_common_stats(const Section& section, Ssrc ssrc, const std::string& rid,
                                  StatsObject& object) const {
  object.set("ssrc", ssrc.value())
      .set("kind", kind_name(section.kind))
      .set("transportId", "T")
      .set("mid", section.mid)
      .set("transceiverId", section.id.value());
  if (!rid.empty()) object.set("rid", rid);
}

void MediaPlane::add_sender_stats(const Section& section, std::size_t index,
                                  StatsReport& report) const {
  const Sender& sender = *section.senders[index];
  const rtp::SendStream& stream = sender.stream;
  const std::string number = stats_number(section.id, sender.rid);
  const std::string codec_id = "CO" + number;
  add_codec(report, codec_id, section.kind, sender.codec());
  add_outbound(report, "O" + number, stream.stats(), stream.rtx_stats());
  StatsObject& outbound = report.objects.back();
  add_common_stats(section, stream.ssrc(), sender.rid, outbound);
  outbound.set("active", sender.wanted()).set("codecId", codec_id).set("remoteId", "RI" + number);
  if (stream.rtx_ssrc()) outbound.set("rtxSsrc", stream.rtx_ssrc()->value());
  if (section.kind == MediaKind::video) {
    outbound.set("encodingIndex", index)
        .set("framesSent", stream.stats().frames_sent)
        .set("pliCount", stream.stats().pli_count)
        .set("firCount", stream.stats().fir_count)
        .set("targetBitrate", static_cast<double>(sender.target.bits_per_second()));
  }
  const rtp::RemoteInboundStats& remote = stream.remote_stats();
  if (remote.reports == 0) return;
  StatsObject& object = report.objects.emplace_back("RI" + number, "remote-inbound-rtp");
  add_common_stats(section, stream.ssrc(), sender.rid, object);
  object.set("localId", "O" + number)
      .set("packetsLost", remote.packets_lost)
      .set("fractionLost", remote.fraction_lost)
      .set_seconds("jitter", remote.jitter)
      .set_seconds("totalRoundTripTime", remote.total_round_trip_time)
      .set("roundTripTimeMeasurements", remote.round_trip_measurements);
  if (remote.round_trip_time) object.set_seconds("roundTripTime", *remote.round_trip_time);
}

void MediaPlane::add_receiver_stats(const Section& section, const MediaReceiver& receiver,
                                    const jsep::State& negotiation, StatsReport& report) const {
  if (receiver.stream() == nullptr) return;
  const std::string number = stats_number(section.id, receiver.rid());
  const rtp::ReceiveStream& stream = *receiver.stream();
  const rtp::ReceiveStats& stats = stream.stats();
  const jsep::NegotiatedCodec* codec = receiver.codec();
  if (codec != nullptr) add_codec(report, "CI" + number, section.kind, *codec);
  StatsObject& inbound = report.objects.emplace_back("I" + number, "inbound-rtp");
  add_common_stats(section, stream.ssrc(), receiver.rid(), inbound);
  inbound.set("packetsReceived", stats.packets_received + stats.retransmitted_packets_received)
      .set("bytesReceived", stats.bytes_received + stats.retransmitted_bytes_received)
      .set("headerBytesReceived", stats.header_bytes_received)
      .set("retransmittedPacketsReceived", stats.retransmitted_packets_received)
      .set("retransmittedBytesReceived", stats.retransmitted_bytes_received)
      .set("packetsLost", stream.packets_lost())
      .set_seconds("jitter", stream.jitter())
      .set("nackCount", receiver.nacks_sent());
  if (codec != nullptr) inbound.set("codecId", "CI" + number);
  if (stream.rtx_ssrc()) inbound.set("rtxSsrc", stream.rtx_ssrc()->value());
  if (const auto* transceiver = negotiation.find(section.id)) {
    inbound.set("trackIdentifier", transceiver->remote_track_id);
  }
  std::uint64_t discarded = stats.packets_discarded;
  if (receiver.audio() != nullptr) {
    add_audio(inbound, receiver.audio()->stats());
    discarded += receiver.audio()->stats().packets_discarded;
  } else if (receiver.assembler() != nullptr) {
    add_video(inbound, receiver);
    discarded += receiver.assembler()->stats().packets_discarded;
  }
  inbound.set("packetsDiscarded", discarded);
  if (stats.sender_reports == 0) return;
  StatsObject& object = report.objects.emplace_back("RO" + number, "remote-outbound-rtp");
  add_common_stats(section, stream.ssrc(), receiver.rid(), object);
  object.set("localId", "I" + number)
      .set("packetsSent", stats.remote_packets_sent)
      .set("bytesSent", stats.remote_bytes_sent)
      .set("reportsSent", stats.sender_reports);
}

}  // namespace parley::peer
