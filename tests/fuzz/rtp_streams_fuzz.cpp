// A sender and a receiver with everything between them, while the other side's RTCP says anything:
// bounds of queues, deadlines, and the rule that a plain retransmission never changes a byte.
#include <array>
#include <cstdlib>
#include <map>
#include <vector>

#include "parley/rtp/receive_stream.hpp"
#include "parley/rtp/report_builder.hpp"
#include "parley/rtp/report_schedule.hpp"
#include "parley/rtp/round_trip.hpp"
#include "parley/rtp/send_stream.hpp"
#include "parley/rtp/transport_feedback.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {
void require(bool condition) {
  if (!condition) std::abort();
}

class PlainPacketizer final : public VideoPacketizer {
 public:
  std::vector<PayloadPart> packetize(EncodedVideo& frame, std::size_t max_payload) override {
    std::vector<PayloadPart> parts;
    for (std::size_t at = 0; at < frame.data.size(); at += max_payload) {
      parts.emplace_back();
      parts.back().offset = at;
      parts.back().size = std::min(max_payload, frame.data.size() - at);
    }
    return parts;
  }
};

class Harness {
 public:
  explicit Harness(bool rtx)
      : rtx_(rtx),
        random_(1),
        sender_(send_config(rtx), random_),
        receiver_(receive_config()),
        schedule_({}, random_),
        times_(NtpMapping{}) {}

  void step(ByteReader& in) {
    const std::uint8_t what = in.u8();
    now_ += Duration{(what & 0x80) ? in.u24() * 10 : in.u8()};
    switch (what & 0x0F) {
      case 0:
        return rtcp(in.bytes(in.u8()));
      case 1:
        return frame(in.u16());
      case 2:
        return write(PacketClass::media, in.u8());
      case 3:
        return write(PacketClass::retransmission, in.u8());
      case 4:
        return padding(in.u8());
      case 5:
        return nack(in.u8(), in.u8());
      case 6:
        return arrivals(in.u16(), in.u8());
      case 7:
        return sender_.handle_pli(now_);
      case 8:
        return sender_.handle_fir(now_, in.u8());
      case 9:
        return report_block(in.u8(), in.u32(), in.u32());
      case 10:
        return feedback(in.u16(), in.u16(), in.u8());
      case 11:
        return schedule_.handle_stream_started(now_);
      default:
        return drain();
    }
  }

 private:
  static SendStream::Config send_config(bool rtx) {
    SendStream::Config config;
    config.ssrc = Ssrc{1};
    config.payload_type = PayloadType{96};
    if (rtx) {
      config.rtx_ssrc = Ssrc{2};
      config.rtx_payload_type = PayloadType{97};
    }
    std::uint8_t id = 1;
    for (const Extension e :
         {Extension::mid, Extension::rid, Extension::repaired_rid, Extension::abs_send_time,
          Extension::transport_sequence_number, Extension::abs_capture_time})
      require(config.extensions.add(id++, e).has_value());
    config.mid = "video";
    config.rid = "h";
    config.max_packet_size = 300;
    config.max_queued_packets = 50;
    config.max_queued_frames = 8;
    config.history.max_packets = 40;
    config.history.max_bytes = 5000;
    return config;
  }
  static ReceiveStream::Config receive_config() {
    ReceiveStream::Config config;
    config.ssrc = Ssrc{1};
    config.rtx_ssrc = Ssrc{2};
    config.rtx = {{PayloadType{97}, PayloadType{96}}};
    config.nack.emplace();
    return config;
  }

  void rtcp(Bytes datagram) {
    schedule_.handle_received(datagram.size());
    const auto compound = rtcp::CompoundView::parse(datagram);
    if (!compound) return;
    for (const auto& sub : *compound) {
      if (const auto sr = rtcp::SenderReport::parse(sub)) {
        receiver_.handle_sender_report(now_, *sr);
        for (const auto& block : sr->blocks) sender_.handle_report_block(now_, block);
      }
      if (const auto rr = rtcp::ReceiverReport::parse(sub))
        for (const auto& block : rr->blocks) sender_.handle_report_block(now_, block);
      if (const auto n = rtcp::Nack::parse(sub)) sender_.handle_nack(now_, n->sequence_numbers());
      if (rtcp::Pli::parse(sub)) sender_.handle_pli(now_);
      if (const auto fir = rtcp::Fir::parse(sub))
        for (const auto& entry : fir->entries) sender_.handle_fir(now_, entry.sequence);
      if (rtcp::Bye::parse(sub)) receiver_.handle_bye();
      if (const auto xr = rtcp::ExtendedReport::parse(sub)) times_.handle(now_, *xr, Ssrc{1});
      if (const auto f = rtcp::TransportFeedback::parse(sub)) check(log_.handle_feedback(now_, *f));
    }
  }
  void check(const SentPacketLog::Feedback& feedback) {
    std::int64_t previous = 0;
    for (const auto& packet : feedback.packets) {
      require(packet.sequence > previous);
      require(packet.sent <= now_);
      previous = packet.sequence;
    }
    require(log_.in_flight() >= DataSize{});
  }
  void frame(std::uint16_t size) {
    EncodedVideo frame;
    frame.data.resize(size);
    frame.key_frame = size % 5 == 0;
    frame.capture_time = now_;
    static_cast<void>(sender_.enqueue(now_, std::move(frame), packetizer_));
    require(sender_.queued(PacketClass::media).packets <= 51);
  }
  void write(PacketClass which, std::uint8_t loss) {
    std::array<std::uint8_t, 400> storage{};
    const std::size_t announced = sender_.next_packet_size(which);
    const auto written = sender_.write_next(now_, which, log_.next_sequence(), storage);
    if (!written) return;
    if (which == PacketClass::media) require(written->bytes.size() == announced);
    require(written->bytes.size() <= 300);
    if (written->consumed_transport_sequence)
      log_.handle_sent(now_, DataSize::bytes(static_cast<std::int64_t>(written->bytes.size())));
    never_changes(*written);
    if (loss % 4 == 0) return;
    if (written->ssrc == Ssrc{2})
      receiver_.handle_retransmission(now_, written->bytes);
    else
      receiver_.handle_packet(now_, *PacketView::parse(written->bytes));
  }
  // Two packets of one SSRC and sequence number (within half a circle) are the same bytes.
  void never_changes(const WrittenPacket& written) {
    const auto key = std::pair{written.ssrc, written.sequence_number};
    std::vector<std::uint8_t> bytes(written.bytes.begin(), written.bytes.end());
    if (count_++ > 30'000) return;
    const auto [it, fresh] = sent_.emplace(key, bytes);
    require(fresh || (!rtx_ && it->second == bytes));
  }
  void padding(std::uint8_t size) {
    std::array<std::uint8_t, 400> storage{};
    const auto written = sender_.write_padding(now_, size, std::nullopt, storage);
    if (!written) return;
    never_changes(*written);
    receiver_.handle_retransmission(now_, written->bytes);
  }
  void nack(std::uint8_t back, std::uint8_t count) {
    std::vector<std::uint16_t> numbers;
    for (int i = 0; i < count; ++i)
      numbers.push_back(
          static_cast<std::uint16_t>(receiver_.reception().newest_sequence() - back + i));
    sender_.handle_nack(now_, numbers);
    require(sender_.queued(PacketClass::retransmission).packets <= 40);
  }
  void arrivals(std::uint16_t from, std::uint8_t step) {
    for (int i = 0; i < 8; ++i)
      recorder_.handle_packet(now_, static_cast<std::uint16_t>(from + i * step));
  }
  void report_block(std::uint8_t ssrc, std::uint32_t lsr, std::uint32_t dlsr) {
    rtcp::ReportBlock block;
    block.source = Ssrc{ssrc};
    block.last_sr = lsr;
    block.delay_since_last_sr = dlsr;
    const auto rtt = sender_.handle_report_block(now_, block);
    require(!rtt || *rtt >= Duration{});
  }
  void feedback(std::uint16_t base, std::uint16_t count, std::uint8_t arrived) {
    rtcp::TransportFeedback f;
    f.base_sequence = base;
    f.status_count = count;
    for (int i = 0; i < arrived; ++i)
      f.arrivals.push_back({static_cast<std::uint16_t>(base + 2 * i), Duration{i}});
    check(log_.handle_feedback(now_, f));
  }
  void drain() {
    sender_.take_key_frame_request(now_);
    require(sender_.next_timeout() > now_);
    std::array<std::uint8_t, 1200> storage{};
    ReportBuilder builder;
    int packets = 0;
    while (recorder_.due(now_)) {
      builder.begin(storage);
      if (!recorder_.build(now_, Ssrc{1}, Ssrc{1}, builder.writer())) break;
      require(++packets <= 5000);
    }
    require(!recorder_.due(now_));
    std::vector<rtcp::ReportBlock> blocks;
    receiver_.build_report_blocks(now_, blocks);
    builder.begin(storage);
    std::vector<rtcp::SenderReport> reports;
    if (const auto sr = sender_.build_sender_report(now_)) reports.push_back(*sr);
    if (const auto sr = sender_.build_rtx_sender_report(now_)) reports.push_back(*sr);
    require(builder.add_reports(Ssrc{1}, reports, blocks) == blocks.size());
    if (const auto xr = times_.build(now_, Ssrc{1}, true)) require(builder.add(*xr));
    require(rtcp::CompoundView::parse(builder.finish()).has_value());
    const auto due = schedule_.due(now_);
    if (due != ReportSchedule::Due::nothing)
      schedule_.handle_sent(now_, due, builder.finish().size());
    require(schedule_.next_timeout() > now_);
  }

  bool rtx_;
  SeededRandom random_;
  SendStream sender_;
  ReceiveStream receiver_;
  ReportSchedule schedule_;
  ReferenceTimeExchange times_;
  TransportFeedbackRecorder recorder_;
  SentPacketLog log_{64};
  PlainPacketizer packetizer_;
  Timestamp now_{1'000'000s};
  std::map<std::pair<Ssrc, std::uint16_t>, std::vector<std::uint8_t>> sent_;
  int count_ = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{Bytes{data, size}};
  Harness harness{(in.u8() & 1) != 0};
  while (in.ok() && !in.at_end()) harness.step(in);
  return 0;
}
