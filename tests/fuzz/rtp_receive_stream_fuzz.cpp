// A received stream fed with packets of any content at any time: places, bounds, deadlines.
#include <array>
#include <cstdlib>
#include <vector>

#include "parley/rtp/receive_stream.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {
void require(bool condition) {
  if (!condition) std::abort();
}

class Harness {
 public:
  Harness() : stream_(config()) {}

  void step(ByteReader& in) {
    const std::uint8_t what = in.u8();
    now_ += Duration{(what & 0x80) ? in.u24() * 100 : in.u8() * 10};
    switch (what & 0x0F) {
      case 0:
        return media(in.bytes(in.u8()));
      case 1:
        return retransmission(in.bytes(in.u8()));
      case 2:
        return sequence(in.u16(), in.u32(), in.u8());
      case 3:
        return burst(in.u16(), in.u8());
      case 4:
        return sender_report(in.u64(), in.u32());
      case 5:
        return stream_.handle_bye();
      case 6:
        return stream_.handle_key_frame(stream_.reception().newest_sequence() - in.u8());
      case 7:
        return stream_.set_rtt(Duration{in.u24() + 1});
      case 8:
        return report();
      case 9:
        return stream_.set_rtx_ssrc(Ssrc{in.u8()});
      default:
        return poll();
    }
  }

 private:
  static ReceiveStream::Config config() {
    ReceiveStream::Config config;
    config.ssrc = Ssrc{1};
    config.rtx_ssrc = Ssrc{2};
    config.rtx = {{PayloadType{97}, PayloadType{96}}};
    config.nack.emplace();
    return config;
  }

  void check(const Received& received) {
    require(stream_.nack()->missing() <= 1000);
    if (!is_usable(received.arrival)) return require(!received.packet);
    require(received.sequence > 0);
    require(received.sequence <= stream_.reception().newest_sequence());
    if (received.packet)
      require(received.packet->sequence_number() == static_cast<std::uint16_t>(received.sequence));
    if (received.arrival == Arrival::restart) require(received.sequence > newest_);
    newest_ = std::max(newest_, received.sequence);
  }
  void media(Bytes bytes) {
    if (const auto packet = PacketView::parse(bytes)) check(stream_.handle_packet(now_, *packet));
  }
  void retransmission(Bytes bytes) {
    std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
    check(stream_.handle_retransmission(now_, copy));
  }
  void sequence(std::uint16_t number, std::uint32_t timestamp, std::uint8_t size) {
    std::array<std::uint8_t, 300> storage{};
    PacketHeader header;
    header.payload_type = PayloadType{96};
    header.sequence_number = number;
    header.timestamp = timestamp;
    header.ssrc = Ssrc{1};
    PacketWriter writer(storage, header);
    writer.reserve_payload(size);
    check(stream_.handle_packet(now_, *PacketView::parse(*writer.finish())));
  }
  void burst(std::uint16_t from, std::uint8_t step) {
    for (int i = 0; i < 20; ++i)
      sequence(static_cast<std::uint16_t>(from + i * step), static_cast<std::uint32_t>(i), 1);
  }
  void sender_report(std::uint64_t ntp, std::uint32_t rtp) {
    rtcp::SenderReport sr;
    sr.sender = Ssrc{1};
    sr.ntp = NtpTime{ntp};
    sr.rtp_timestamp = rtp;
    stream_.handle_sender_report(now_, sr);
    require(stream_.to_ntp(rtp).has_value());
  }
  void report() {
    std::vector<rtcp::ReportBlock> blocks;
    stream_.build_report_blocks(now_, blocks);
    require(blocks.size() <= 2);
    for (const auto& block : blocks)
      require(block.cumulative_lost >= -0x80'0000 && block.cumulative_lost <= 0x7F'FFFF);
  }
  void poll() {
    const bool due = stream_.next_timeout() <= now_;
    stream_.handle_timeout(now_);
    std::array<std::uint16_t, 1000> out{};
    const std::size_t count = stream_.poll_nack(now_, out);
    require(count <= stream_.nack()->missing());
    // Everything that was due is out, or given up: the next deadline is later.
    if (due) require(stream_.next_timeout() > now_);
    require(stream_.poll_nack(now_, out) == 0);
    stream_.take_key_frame_needed();
  }

  ReceiveStream stream_;
  Timestamp now_{1'000'000s};
  std::int64_t newest_ = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{Bytes{data, size}};
  Harness harness;
  while (in.ok() && !in.at_end()) harness.step(in);
  return 0;
}
