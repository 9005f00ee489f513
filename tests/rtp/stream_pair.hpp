// One video stream between two ends over a simulated path, with everything a session wires around
// it: reports on a schedule, NACK, RTX, transport-wide feedback, round trip time both ways.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "parley/rtp/report_builder.hpp"
#include "parley/rtp/report_schedule.hpp"
#include "parley/rtp/round_trip.hpp"
#include "parley/rtp/transport_feedback.hpp"
#include "rtp/stream_fixture.hpp"

namespace parley::rtp::test {

/// A path in one direction. `loses` and `holds_back` see the number of the packet on this path.
struct LinkConditions {
  Duration delay = 40ms;
  std::function<bool(int)> loses = [](int) { return false; };
  std::function<Duration(int)> holds_back = [](int) { return Duration{}; };
};

class Link {
 public:
  explicit Link(LinkConditions conditions) : conditions_(std::move(conditions)) {}

  /// False when the packet is lost.
  bool send(Timestamp now, Bytes bytes) {
    const int number = count_++;
    if (conditions_.loses(number)) return false;
    in_flight_.emplace(now + conditions_.delay + conditions_.holds_back(number),
                       std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
    return true;
  }
  Timestamp next() const { return in_flight_.empty() ? kNever : in_flight_.begin()->first; }
  std::vector<std::uint8_t> take() {
    auto bytes = std::move(in_flight_.begin()->second);
    in_flight_.erase(in_flight_.begin());
    return bytes;
  }
  Duration delay() const { return conditions_.delay; }

 private:
  LinkConditions conditions_;
  int count_ = 0;
  std::multimap<Timestamp, std::vector<std::uint8_t>> in_flight_;
};

class StreamPair {
 public:
  StreamPair(LinkConditions forward, LinkConditions back, SendStream::Config send = video_config(),
             ReceiveStream::Config receive = receive_config())
      : random_(5),
        sender_(std::move(send), random_),
        receiver_(std::move(receive)),
        send_schedule_({}, random_),
        receive_schedule_({}, random_),
        send_times_(video_config().ntp),
        receive_times_(NtpMapping{kStart, NtpTime{std::uint64_t{12'345} << 32}}),
        forward_(std::move(forward)),
        back_(std::move(back)) {}

  /// Runs for `duration` of simulated time, with a frame of `frame_size` bytes every `frame_gap`.
  void run(Duration duration, std::size_t frame_size = 5000, Duration frame_gap = 33ms) {
    const Timestamp end = now_ + duration;
    for (int turns = 0;; ++turns) {
      const Timestamp next =
          std::min({next_frame_, forward_.next(), back_.next(), sender_.next_timeout(),
                    receiver_.next_timeout(), send_schedule_.next_timeout(),
                    receive_schedule_.next_timeout(), recorder_.next_timeout()});
      if (next > end) break;
      // A machine that is due but does nothing would spin here.
      idle_turns_ = next > now_ ? 0 : idle_turns_ + 1;
      if (idle_turns_ > 1000) throw std::logic_error("busy loop");
      now_ = std::max(now_, next);
      if (now_ == next_frame_) {
        const bool key = sender_.take_key_frame_request(now_) || frames_++ == 0;
        if (!sender_.enqueue(now_, make_frame(now_, frame_size, key), packetizer_))
          throw std::logic_error("queue full");
        next_frame_ += frame_gap;
      }
      deliver_media();
      deliver_feedback();
      sender_.take_key_frame_request(now_);
      send_media();
      send_sender_rtcp();
      send_receiver_rtcp();
    }
    now_ = end;
  }

  SendStream& sender() { return sender_; }
  ReceiveStream& receiver() { return receiver_; }
  Timestamp now() const { return now_; }

  // What happened.
  std::set<std::int64_t> usable;            ///< sequences handed to the jitter buffer
  std::map<std::uint16_t, Timestamp> lost;  ///< media packets the path lost, and when sent
  std::map<std::uint16_t, int> asked;       ///< how often each number was asked for
  Duration worst_recovery{};                ///< behind the time a lost packet was due
  int duplicates = 0;                       ///< usable twice: must stay 0
  int transport_lost = 0;                   ///< by transport-wide feedback
  int transport_received = 0;
  std::optional<Duration> receiver_rtt;

 private:
  void send_media() {
    for (const PacketClass which : {PacketClass::retransmission, PacketClass::media}) {
      std::array<std::uint8_t, kMaxDatagramSize> storage{};
      while (const auto written = sender_.write_next(now_, which, log_.next_sequence(), storage)) {
        if (written->consumed_transport_sequence)
          log_.handle_sent(now_, DataSize::bytes(static_cast<std::int64_t>(written->bytes.size())));
        send_schedule_.handle_stream_started(started_ ? kNever - 1h : now_);
        started_ = true;
        const bool sent = forward_.send(now_, written->bytes);
        if (!sent && which == PacketClass::media) lost.emplace(written->sequence_number, now_);
      }
    }
  }

  void deliver_media() {
    while (forward_.next() <= now_) {
      auto bytes = forward_.take();
      if (is_rtcp(bytes)) {
        handle_rtcp_at_receiver(bytes);
        continue;
      }
      const auto packet = PacketView::parse(bytes);
      const auto ext = HeaderExtensions::parse(*packet, extensions_);
      if (!heard_) receive_schedule_.handle_stream_started(now_);
      heard_ = true;
      if (ext.transport_sequence_number)
        recorder_.handle_packet(now_, *ext.transport_sequence_number);
      const Received received = packet->ssrc() == kRtx
                                    ? receiver_.handle_retransmission(now_, bytes)
                                    : receiver_.handle_packet(now_, *packet);
      if (!is_usable(received.arrival)) continue;
      if (!usable.insert(received.sequence).second) ++duplicates;
      const auto it = lost.find(static_cast<std::uint16_t>(received.sequence));
      if (it != lost.end())
        worst_recovery = std::max(worst_recovery, now_ - it->second - forward_.delay());
    }
  }

  void send_receiver_rtcp() {
    receiver_.handle_timeout(now_);
    std::array<std::uint16_t, 200> numbers{};
    const std::size_t nacks = receiver_.poll_nack(now_, numbers);
    for (std::size_t i = 0; i < nacks; ++i) ++asked[numbers[i]];
    const bool key_frame = receiver_.take_key_frame_needed();
    if (nacks > 0 || key_frame || recorder_.due(now_)) receive_schedule_.request_feedback(now_);
    const auto due = receive_schedule_.due(now_);
    if (due == ReportSchedule::Due::nothing) return;
    std::array<std::uint8_t, 1200> storage{};
    ReportBuilder builder;
    builder.begin(storage);
    if (due == ReportSchedule::Due::report) {
      std::vector<rtcp::ReportBlock> blocks;
      receiver_.build_report_blocks(now_, blocks);
      builder.add_reports(kLocal, {}, blocks);
      const std::array<Ssrc, 1> sources{kLocal};
      builder.add_sdes(sources, "receiver");
      if (const auto xr = receive_times_.build(now_, kLocal, true)) builder.add(*xr);
    }
    builder.add_nack(kLocal, kMedia, std::span{numbers}.first(nacks));
    if (key_frame) builder.add(rtcp::Pli{kLocal, kMedia});
    while (recorder_.due(now_) && recorder_.build(now_, kLocal, kMedia, builder.writer())) {
    }
    receive_schedule_.handle_sent(now_, due, builder.finish().size());
    back_.send(now_, builder.finish());
  }

  void deliver_feedback() {
    while (back_.next() <= now_) {
      const auto bytes = back_.take();
      const auto compound = rtcp::CompoundView::parse(bytes);
      if (!compound) continue;
      for (const auto& sub : *compound) {
        if (const auto rr = rtcp::ReceiverReport::parse(sub))
          for (const auto& block : rr->blocks) sender_.handle_report_block(now_, block);
        if (const auto nack = rtcp::Nack::parse(sub))
          sender_.handle_nack(now_, nack->sequence_numbers());
        if (rtcp::Pli::parse(sub)) sender_.handle_pli(now_);
        if (const auto xr = rtcp::ExtendedReport::parse(sub)) send_times_.handle(now_, *xr, kMedia);
        if (const auto feedback = rtcp::TransportFeedback::parse(sub))
          for (const auto& result : log_.handle_feedback(now_, *feedback).packets)
            ++(result.received ? transport_received : transport_lost);
      }
    }
  }

  void send_sender_rtcp() {
    const auto due = send_schedule_.due(now_);
    if (due == ReportSchedule::Due::nothing) return;
    std::array<std::uint8_t, 1200> storage{};
    ReportBuilder builder;
    builder.begin(storage);
    std::vector<rtcp::SenderReport> reports;
    if (const auto sr = sender_.build_sender_report(now_)) reports.push_back(*sr);
    builder.add_reports(kMedia, reports, {});
    const std::array<Ssrc, 1> sources{kMedia};
    builder.add_sdes(sources, "sender");
    if (const auto xr = send_times_.build(now_, kMedia, false)) builder.add(*xr);
    send_schedule_.handle_sent(now_, due, builder.finish().size());
    forward_.send(now_, builder.finish());
  }

  void handle_rtcp_at_receiver(Bytes bytes) {
    const auto compound = rtcp::CompoundView::parse(bytes);
    if (!compound) return;
    for (const auto& sub : *compound) {
      if (const auto sr = rtcp::SenderReport::parse(sub)) receiver_.handle_sender_report(now_, *sr);
      if (const auto xr = rtcp::ExtendedReport::parse(sub)) {
        if (const auto rtt = receive_times_.handle(now_, *xr, kLocal)) {
          receiver_.set_rtt(*rtt);
          receiver_rtt = rtt;
        }
      }
    }
  }

  SeededRandom random_;
  PlainPacketizer packetizer_;
  ExtensionMap extensions_ = all_extensions();
  SendStream sender_;
  ReceiveStream receiver_;
  ReportSchedule send_schedule_;
  ReportSchedule receive_schedule_;
  ReferenceTimeExchange send_times_;
  ReferenceTimeExchange receive_times_;
  TransportFeedbackRecorder recorder_;
  SentPacketLog log_;
  Link forward_;
  Link back_;
  Timestamp now_ = kStart;
  Timestamp next_frame_ = kStart;
  int frames_ = 0;
  int idle_turns_ = 0;
  bool started_ = false;
  bool heard_ = false;
};

}  // namespace parley::rtp::test
