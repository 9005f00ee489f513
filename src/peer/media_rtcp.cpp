// RTCP of the media plane: what the peer reports and asks for, and what we report and ask for.
#include <algorithm>
#include <utility>

#include "peer/media_plane.hpp"

namespace parley::peer {

namespace rtcp = rtp::rtcp;

void MediaPlane::handle_rtcp(Timestamp now, Bytes packet) {
  const auto compound = rtcp::CompoundView::parse(packet);
  if (!compound) {
    ++drops_.malformed_rtcp;
    return;
  }
  schedule_.handle_received(packet.size());
  for (const rtcp::SubPacket& sub : *compound) {
    switch (sub.type) {
      case rtcp::PacketType::sender_report:
        if (const auto report = rtcp::SenderReport::parse(sub)) {
          each_receiver([&](MediaReceiver& r) { r.handle_sender_report(now, *report); });
          for (const auto& block : report->blocks) handle_block(now, block);
        }
        break;
      case rtcp::PacketType::receiver_report:
        if (const auto report = rtcp::ReceiverReport::parse(sub)) {
          for (const auto& block : report->blocks) handle_block(now, block);
        }
        break;
      case rtcp::PacketType::bye:
        if (const auto bye = rtcp::Bye::parse(sub)) {
          for (const Ssrc ssrc : bye->sources) {
            each_receiver([ssrc](MediaReceiver& receiver) { receiver.handle_bye(ssrc); });
          }
        }
        break;
      case rtcp::PacketType::extended_report:
        if (const auto report = rtcp::ExtendedReport::parse(sub)) {
          if (const auto rtt = reference_times_.handle(now, *report, local_ssrc())) {
            reported_rtt_ = rtt;
            note_round_trip_time(*rtt);
          }
        }
        break;
      case rtcp::PacketType::transport_feedback:
        handle_transport_feedback(now, sub);
        break;
      case rtcp::PacketType::payload_feedback:
        handle_payload_feedback(now, sub);
        break;
      default:
        break;  // SDES tells nothing that SDP did not; APP is not used
    }
  }
}

rtp::SendStream* MediaPlane::sender_of(Ssrc ssrc) {
  rtp::SendStream* found = nullptr;
  each_sender([&](Sender& sender) {
    if (sender.stream.ssrc() == ssrc || sender.stream.rtx_ssrc() == ssrc) found = &sender.stream;
  });
  return found;
}

void MediaPlane::handle_block(Timestamp now, const rtcp::ReportBlock& block) {
  rtp::SendStream* stream = sender_of(block.source);
  if (stream == nullptr) return;
  if (const auto rtt = stream->handle_report_block(now, block)) {
    reported_rtt_ = rtt;
    note_round_trip_time(*rtt);
  }
  if (stream->ssrc() != block.source) return;  // losses of retransmissions say nothing about media
  const double lost = block.fraction_lost / 256.0;
  note_loss(lost);
  // With transport-wide feedback the controller knows more, and sooner.
  if (sent_.feedbacks() == 0) {
    apply(now, controller_->on_loss_report(
                   now, {.fraction_lost = lost, .round_trip_time = reported_rtt_}));
  }
}

void MediaPlane::handle_transport_feedback(Timestamp now, const rtcp::SubPacket& sub) {
  if (sub.count == rtcp::kFormatNack) {
    const auto nack = rtcp::Nack::parse(sub);
    if (!nack) return;
    if (rtp::SendStream* stream = sender_of(nack->media)) {
      stream->handle_nack(now, nack->sequence_numbers());
    }
    return;
  }
  if (sub.count != rtcp::kFormatTransportFeedback) return;
  const auto feedback = rtcp::TransportFeedback::parse(sub);
  if (!feedback) return;
  const auto known = sent_.handle_feedback(now, *feedback);
  results_.clear();
  for (const rtp::PacketResult& result : known.packets) {
    results_.push_back(
        {.packet = {.sequence = result.sequence, .sent = result.sent, .size = result.size},
         .received = result.received});
  }
  apply(now, controller_->on_feedback(
                 now, {.packets = results_, .round_trip_time = known.round_trip_time}));
}

void MediaPlane::handle_payload_feedback(Timestamp now, const rtcp::SubPacket& sub) {
  if (sub.count == rtcp::kFormatPli) {
    const auto pli = rtcp::Pli::parse(sub);
    if (!pli) return;
    if (rtp::SendStream* stream = sender_of(pli->media)) stream->handle_pli(now);
  } else if (sub.count == rtcp::kFormatFir) {
    const auto fir = rtcp::Fir::parse(sub);
    if (!fir) return;
    for (const auto& entry : fir->entries) {
      if (rtp::SendStream* stream = sender_of(entry.media)) stream->handle_fir(now, entry.sequence);
    }
  } else if (sub.count == rtcp::kFormatApplicationLayer) {
    const auto remb = rtcp::Remb::parse(sub);
    if (remb) apply(now, controller_->on_remote_estimate(now, remb->bitrate));
  }
  collect_key_frame_requests(now);
}

void MediaPlane::collect_key_frame_requests(Timestamp now) {
  each_sender([&](Sender& sender) {
    if (sender.stream.take_key_frame_request(now)) {
      events_.emplace_back(event::KeyFrameRequested{sender.id, sender.rid});
    }
  });
}

// --- What we say ---

Ssrc MediaPlane::local_ssrc() const {
  for (const auto& section : sections_) {
    if (!section->senders.empty()) return section->senders.front()->stream.ssrc();
  }
  return feedback_ssrc_;
}

bool MediaPlane::feedback_due(Timestamp now) const {
  bool due = arrivals_.due(now);
  each_receiver([&](const MediaReceiver& receiver) { due = due || receiver.feedback_due(now); });
  return due;
}

std::optional<MediaPacket> MediaPlane::poll_rtcp(Timestamp now, MutableBytes storage) {
  if (feedback_due(now)) schedule_.request_feedback(now);
  const auto due = schedule_.due(now);
  if (due == rtp::ReportSchedule::Due::nothing) return std::nullopt;
  builder_.begin(storage);
  if (due == rtp::ReportSchedule::Due::report) {
    add_report(now);
  } else if (!reduced_size_ || !leaving_.empty()) {
    // A peer that did not agree to reduced size wants every compound to be full (RFC 5506 section
    // 3.4.2): a report without blocks and the name.
    const Ssrc local = local_ssrc();
    builder_.add_reports(local, {}, {});
    builder_.add_sdes({&local, 1}, config_.cname);
  }
  add_feedback(now);
  // Last, and in a full compound (RFC 3550 section 6.1).
  if (!leaving_.empty()) builder_.add(rtcp::Bye{.sources = std::exchange(leaving_, {})});
  const std::size_t size = builder_.finish().size();
  schedule_.handle_sent(now, due, size);
  if (size == 0) return std::nullopt;  // what was due had been answered meanwhile
  return MediaPacket{.size = size, .kind = MediaPacket::Kind::rtcp};
}

void MediaPlane::add_report(Timestamp now) {
  std::vector<rtcp::SenderReport> reports;
  std::vector<Ssrc> sources;
  bool sending = false;
  each_sender([&](const Sender& sender) {
    if (!sender.active || sources.size() + 2 > rtcp::kMaxCount) return;
    const rtp::SendStream& stream = sender.stream;
    if (auto report = stream.build_sender_report(now)) {
      reports.push_back(std::move(*report));
      sources.push_back(stream.ssrc());
      sending = true;
    }
    if (auto report = stream.build_rtx_sender_report(now)) {
      reports.push_back(std::move(*report));
      sources.push_back(*stream.rtx_ssrc());
    }
  });
  if (sources.empty()) sources.push_back(local_ssrc());
  blocks_.clear();
  each_receiver([&](MediaReceiver& receiver) { receiver.build_report_blocks(now, blocks_); });
  constexpr std::size_t kReserve = 300;  // SDES, XR and some feedback
  builder_.add_reports(local_ssrc(), reports, blocks_, kReserve);
  builder_.add_sdes(sources, config_.cname);
  if (const auto extended = reference_times_.build(now, local_ssrc(), !sending)) {
    builder_.add(*extended);
  }
}

void MediaPlane::add_feedback(Timestamp now) {
  const Ssrc local = local_ssrc();
  each_receiver([&](MediaReceiver& receiver) {
    if (receiver.stream() == nullptr) return;
    const Ssrc media = receiver.stream()->ssrc();
    if (const auto request = receiver.poll_key_frame_request(now)) {
      builder_.add(rtcp::Pli{.sender = local, .media = media});
      receiver.count_pli();
    }
    std::array<std::uint16_t, 100> missing;
    if (const std::size_t count = receiver.poll_nack(now, missing); count > 0) {
      builder_.add_nack(local, media, std::span{missing}.first(count));
      receiver.count_nack();
    }
  });
  if (arrivals_.due(now)) arrivals_.build(now, local, last_received_ssrc_, builder_.writer());
}

std::optional<MediaPacket> MediaPlane::build_bye(MutableBytes storage) {
  std::vector<Ssrc> sources;
  each_sender([&](const Sender& sender) {
    if (sender.stream.stats().packets_sent == 0) return;
    if (sources.size() < rtcp::kMaxCount) sources.push_back(sender.stream.ssrc());
  });
  if (sources.empty()) return std::nullopt;
  builder_.begin(storage.first(std::min(storage.size(), config_.max_packet_size)));
  // BYE stands in a full compound (RFC 3550 section 6.1).
  builder_.add_reports(sources.front(), {}, {});
  builder_.add_sdes(sources, config_.cname);
  builder_.add(rtcp::Bye{.sources = sources});
  return MediaPacket{.size = builder_.finish().size(), .kind = MediaPacket::Kind::rtcp};
}

}  // namespace parley::peer
