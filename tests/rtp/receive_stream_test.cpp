#include "parley/rtp/receive_stream.hpp"

#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
Received arrive(ReceiveStream& stream, Timestamp now, std::uint16_t sequence,
                std::uint32_t timestamp = 0) {
  Packet packet = make_packet(sequence, timestamp);
  Received received = stream.handle_packet(now, packet.view());
  if (received.packet) CHECK(received.packet->sequence_number() == sequence);
  received.packet.reset();  // it borrows
  return received;
}
rtcp::ReportBlock block_of(ReceiveStream& stream, Timestamp now) {
  std::vector<rtcp::ReportBlock> blocks;
  stream.build_report_blocks(now, blocks);
  REQUIRE(blocks.size() >= 1);
  return blocks.front();
}
Packet make_rtx(std::uint16_t rtx_sequence, std::uint16_t original, std::uint32_t timestamp,
                PayloadType payload_type = kVideoRtx) {
  Packet packet;
  PacketHeader header;
  header.marker = true;
  header.payload_type = payload_type;
  header.sequence_number = rtx_sequence;
  header.timestamp = timestamp;
  header.ssrc = kRtx;
  PacketWriter writer(packet.storage, header);
  const std::array<std::uint8_t, 2> mid{'a', 'b'};
  writer.extension(3, mid);
  const std::array<std::uint8_t, 5> payload{static_cast<std::uint8_t>(original >> 8),
                                            static_cast<std::uint8_t>(original), 7, 8, 9};
  writer.payload(payload);
  packet.size = writer.finish()->size();
  return packet;
}
}  // namespace

TEST_CASE("the first packet counts without probation", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  CHECK(arrive(stream, kStart, 40'000).arrival == Arrival::in_order);
  CHECK(stream.reception().received() == 1);
  CHECK(stream.packets_lost() == 0);
}

TEST_CASE("packets are told apart as in order and late and duplicate", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  const auto first = arrive(stream, kStart, 65'534);
  const auto second = arrive(stream, kStart, 1);
  CHECK(second.arrival == Arrival::in_order);
  CHECK(second.sequence == first.sequence + 3);
  const auto late = arrive(stream, kStart, 65'535);
  CHECK(late.arrival == Arrival::late);
  CHECK(late.sequence == first.sequence + 1);
  CHECK(arrive(stream, kStart, 65'535).arrival == Arrival::duplicate);
  CHECK(arrive(stream, kStart, 1).arrival == Arrival::duplicate);
  CHECK(arrive(stream, kStart, 0).arrival == Arrival::late);
  CHECK(stream.stats().packets_duplicated == 2);
}

TEST_CASE("a packet before the first one is late and not a wrap", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  const auto first = arrive(stream, kStart, 0);
  const auto before = arrive(stream, kStart, 65'535);
  CHECK(before.arrival == Arrival::late);
  CHECK(before.sequence == first.sequence - 1);
  CHECK(before.sequence > 0);
  // More arrived than was expected since the first: the count is signed.
  CHECK(stream.packets_lost() == -1);
  const auto block = block_of(stream, kStart);
  CHECK(block.cumulative_lost == -1);
  CHECK(block.fraction_lost == 0);
}

TEST_CASE("a jump is believed when the next packet continues it", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 100);
  const auto gap = arrive(stream, kStart, 100 + 2999);
  CHECK(gap.arrival == Arrival::in_order);
  CHECK(arrive(stream, kStart, 3099 + 3000).arrival == Arrival::suspect);
  const auto restart = arrive(stream, kStart, 6100);
  CHECK(restart.arrival == Arrival::restart);
  CHECK(restart.sequence > gap.sequence);
  CHECK((restart.sequence & 0xFFFF) == 6100);
  CHECK(stream.packets_lost() == 0);
  CHECK(stream.stats().restarts == 1);
  CHECK(stream.stats().packets_discarded == 1);
  CHECK(block_of(stream, kStart).highest_sequence == 6100);
}

TEST_CASE("a single stray packet does not disturb the stream", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 100);
  CHECK(arrive(stream, kStart, 40'000).arrival == Arrival::too_old);
  CHECK(arrive(stream, kStart, 101).arrival == Arrival::in_order);
  CHECK(arrive(stream, kStart, 40'001).arrival == Arrival::too_old);
  CHECK(stream.packets_lost() == 0);
}

TEST_CASE("a restart backwards is believed after two packets too", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 30'000);
  CHECK(arrive(stream, kStart, 10).arrival == Arrival::too_old);
  CHECK(arrive(stream, kStart, 11).arrival == Arrival::restart);
}

TEST_CASE("packets after BYE are a new stream", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 100);
  const auto last = arrive(stream, kStart, 105);
  stream.handle_bye();
  CHECK(stream.next_timeout() == kNever);
  const auto next = arrive(stream, kStart, 106);
  CHECK(next.arrival == Arrival::restart);
  CHECK(next.sequence > last.sequence);
  CHECK(stream.packets_lost() == 0);
}

TEST_CASE("loss is reported per interval and in total", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  for (std::uint16_t s = 0; s < 10; ++s)
    if (s != 4) arrive(stream, kStart, s);
  auto block = block_of(stream, kStart);
  CHECK(block.source == kMedia);
  CHECK(block.fraction_lost == 256 / 10);
  CHECK(block.cumulative_lost == 1);
  CHECK((block.highest_sequence & 0xFFFF) == 9);
  for (std::uint16_t s = 10; s < 18; ++s)
    if (s % 2 == 1) arrive(stream, kStart, s);
  block = block_of(stream, kStart);
  CHECK(block.fraction_lost == 128);
  CHECK(block.cumulative_lost == 5);
}

TEST_CASE("the highest sequence number counts its wraps", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 65'530);
  arrive(stream, kStart, 3);
  CHECK(block_of(stream, kStart).highest_sequence == 0x10003);
}

TEST_CASE("a silent stream is left out of the report", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  std::vector<rtcp::ReportBlock> blocks;
  stream.build_report_blocks(kStart, blocks);
  CHECK(blocks.empty());
  arrive(stream, kStart, 1);
  stream.build_report_blocks(kStart, blocks);
  CHECK(blocks.size() == 1);
  stream.build_report_blocks(kStart, blocks);
  CHECK(blocks.size() == 1);
}

TEST_CASE("jitter follows the formula of RFC 3550", "[rtp][rfc3550]") {
  auto config = receive_config();
  config.clock_rate = 8000;
  ReceiveStream stream{config};
  // 20 ms packets; every second one 10 ms late: |D| is 80 ticks each time.
  double expected = 0;
  for (int i = 0; i < 200; ++i) {
    arrive(stream, kStart + 20ms * i + (i % 2 == 1 ? 10ms : 0ms), static_cast<std::uint16_t>(i),
           static_cast<std::uint32_t>(160 * i));
    if (i > 0) expected += (80 - expected) / 16;
  }
  CHECK(stream.reception().jitter() == Approx(expected).margin(1.5));
  CHECK(to_milliseconds(stream.jitter()) == Approx(10).margin(0.3));
}

TEST_CASE("jitter outlives the wrap of the timestamp", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  for (int i = 0; i < 50; ++i)
    arrive(stream, kStart + 10ms * i, static_cast<std::uint16_t>(i),
           0xFFFF'F000u + static_cast<std::uint32_t>(900 * i));
  CHECK(stream.reception().jitter() == 0);
}

TEST_CASE("a jump of the sender's timestamps is no jitter of the path", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 1, 0);
  arrive(stream, kStart + 20ms, 2, 1'800);
  arrive(stream, kStart + 40ms, 3, 0x4000'0000);
  arrive(stream, kStart + 60ms, 4, 0x4000'0000 + 1'800);
  CHECK(stream.reception().jitter() == 0);
}

TEST_CASE("padding counts for the sequence and not for jitter", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 1, 9000);
  Packet padding = make_packet(2, 9000, 0, 200);
  const auto received = stream.handle_packet(kStart + 400ms, padding.view());
  CHECK(received.arrival == Arrival::in_order);
  CHECK_FALSE(received.packet);
  CHECK(stream.stats().padding_packets == 1);
  CHECK(stream.stats().bytes_received == 100);
  CHECK(stream.stats().header_bytes_received == 12 + 12 + 200);
  arrive(stream, kStart + 500ms, 3, 9000 + 45'000);
  CHECK(stream.reception().jitter() == 0);
  CHECK(stream.packets_lost() == 0);
  CHECK(stream.nack()->missing() == 0);
}

TEST_CASE("RTX gives the original packet back in place", "[rtp][rfc4588]") {
  Packet packet = make_rtx(500, 0x1234, 777);
  const auto original = unwrap_rtx(packet.bytes(), kMedia, kVideo);
  REQUIRE(original);
  CHECK(original->sequence_number() == 0x1234);
  CHECK(original->ssrc() == kMedia);
  CHECK(original->payload_type() == kVideo);
  CHECK(original->timestamp() == 777);
  CHECK(original->marker());
  CHECK(original->extension(3)->size() == 2);
  const auto payload = original->payload();
  CHECK(std::vector<std::uint8_t>(payload.begin(), payload.end()) ==
        std::vector<std::uint8_t>{7, 8, 9});
}

TEST_CASE("RTX without an original sequence number is refused and left alone", "[rtp][rfc4588]") {
  Packet packet = make_packet(1, 2, 0, 100);
  const auto before = packet.storage;
  CHECK_FALSE(unwrap_rtx(packet.bytes(), kMedia, kVideo));
  CHECK(packet.storage == before);
  Packet one = make_packet(1, 2, 1);
  CHECK_FALSE(unwrap_rtx(one.bytes(), kMedia, kVideo));
}

TEST_CASE("a retransmission fills its hole but does not repair the report", "[rtp][rfc4588]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 1);
  arrive(stream, kStart, 3);
  CHECK(stream.nack()->missing() == 1);
  Packet rtx = make_rtx(9000, 2, 0);
  const auto received = stream.handle_retransmission(kStart + 50ms, rtx.bytes());
  CHECK(received.arrival == Arrival::late);
  CHECK(received.origin == Origin::retransmission);
  REQUIRE(received.packet);
  CHECK(received.packet->sequence_number() == 2);
  CHECK(stream.nack()->missing() == 0);
  CHECK(stream.packets_lost() == 1);
  CHECK(stream.stats().retransmitted_packets_received == 1);
  CHECK(stream.stats().packets_received == 2);
  std::vector<rtcp::ReportBlock> blocks;
  stream.build_report_blocks(kStart, blocks);
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].cumulative_lost == 1);
  CHECK(blocks[1].source == kRtx);
  CHECK(blocks[1].cumulative_lost == 0);
}

TEST_CASE("the original after its retransmission is a duplicate", "[rtp][rfc4588]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 1);
  arrive(stream, kStart, 3);
  Packet rtx = make_rtx(9000, 2, 0);
  stream.handle_retransmission(kStart, rtx.bytes());
  CHECK(arrive(stream, kStart, 2).arrival == Arrival::duplicate);
  Packet again = make_rtx(9001, 2, 0);
  CHECK(stream.handle_retransmission(kStart, again.bytes()).arrival == Arrival::duplicate);
}

TEST_CASE("RTX before any media packet is not used but counted", "[rtp][rfc4588]") {
  ReceiveStream stream{receive_config()};
  Packet rtx = make_rtx(9000, 2, 0);
  CHECK_FALSE(is_usable(stream.handle_retransmission(kStart, rtx.bytes()).arrival));
  CHECK(arrive(stream, kStart, 40'000).arrival == Arrival::in_order);
}

TEST_CASE("RTX of an unknown payload type and RTX probes are counted only", "[rtp][rfc4588]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 1);
  Packet unknown = make_rtx(9000, 2, 0, PayloadType{100});
  CHECK_FALSE(stream.handle_retransmission(kStart, unknown.bytes()).packet);
  CHECK(stream.stats().packets_discarded == 1);
  Packet probe = make_packet(9001, 0, 0, 200);
  CHECK_FALSE(stream.handle_retransmission(kStart, probe.bytes()).packet);
  CHECK(stream.stats().padding_packets == 1);
  CHECK(stream.stats().retransmitted_packets_received == 0);
}

TEST_CASE("a report echoes the last sender report and its age", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  arrive(stream, kStart, 1);
  auto block = block_of(stream, kStart);
  CHECK(block.last_sr == 0);
  CHECK(block.delay_since_last_sr == 0);
  rtcp::SenderReport sr;
  sr.sender = kMedia;
  sr.ntp = NtpTime{0x1111'2222'3333'4444};
  stream.handle_sender_report(kStart, sr);
  arrive(stream, kStart, 2);
  block = block_of(stream, kStart + 500ms);
  CHECK(block.last_sr == 0x2222'3333);
  CHECK(block.delay_since_last_sr == 32'768);
}

TEST_CASE("sender reports map media time to the clock of the sender", "[rtp][rfc3550]") {
  ReceiveStream stream{receive_config()};
  CHECK_FALSE(stream.to_ntp(0));
  rtcp::SenderReport sr;
  sr.sender = kMedia;
  sr.ntp = NtpTime{std::uint64_t{1000} << 32};
  sr.rtp_timestamp = 0xFFFF'FFF0;
  stream.handle_sender_report(kStart, sr);
  CHECK(stream.to_ntp(0xFFFF'FFF0 + 90'000) == NtpTime{std::uint64_t{1001} << 32});
  CHECK(stream.to_ntp(0xFFFF'FFF0 - 45'000) == NtpTime{(std::uint64_t{999} << 32) + (1u << 31)});
}

TEST_CASE("a jump of the sender's clock is told and the newest report counts", "[rtp][rfc3550]") {
  SenderClock clock{90'000};
  rtcp::SenderReport sr;
  sr.ntp = NtpTime{std::uint64_t{1000} << 32};
  sr.rtp_timestamp = 0;
  clock.handle_sender_report(kStart, sr);
  CHECK_FALSE(clock.jumped());
  sr.ntp = NtpTime{std::uint64_t{1001} << 32};
  sr.rtp_timestamp = 90'000;
  clock.handle_sender_report(kStart + 1s, sr);
  CHECK_FALSE(clock.jumped());
  sr.ntp = NtpTime{std::uint64_t{900} << 32};  // set back
  sr.rtp_timestamp = 180'000;
  clock.handle_sender_report(kStart + 2s, sr);
  CHECK(clock.jumped());
  CHECK(clock.to_ntp(180'000) == sr.ntp);
}

TEST_CASE("a sender report that was overtaken is ignored", "[rtp][rfc3550]") {
  SenderClock clock{90'000};
  rtcp::SenderReport sr;
  sr.ntp = NtpTime{std::uint64_t{1001} << 32};
  sr.rtp_timestamp = 90'000;
  clock.handle_sender_report(kStart, sr);
  sr.ntp = NtpTime{std::uint64_t{1000} << 32};
  sr.rtp_timestamp = 0;
  clock.handle_sender_report(kStart + 10ms, sr);
  rtcp::ReportBlock block;
  clock.fill_report_block(kStart + 10ms, block);
  CHECK(block.last_sr == (1001u << 16));
}

TEST_CASE("reports of other sources do not touch the stream", "[rtp]") {
  ReceiveStream stream{receive_config()};
  rtcp::SenderReport sr;
  sr.sender = kLocal;
  sr.ntp = NtpTime{1};
  stream.handle_sender_report(kStart, sr);
  CHECK(stream.stats().sender_reports == 0);
  CHECK_FALSE(stream.to_ntp(0));
}

TEST_CASE("remote counters come from the last sender report", "[rtp]") {
  ReceiveStream stream{receive_config()};
  rtcp::SenderReport sr;
  sr.sender = kMedia;
  sr.packet_count = 17;
  sr.octet_count = 1700;
  stream.handle_sender_report(kStart, sr);
  CHECK(stream.stats().remote_packets_sent == 17);
  CHECK(stream.stats().remote_bytes_sent == 1700);
}

TEST_CASE("a stream does not take its own SSRC for its retransmissions", "[rtp][rfc4588]") {
  ReceiveStream stream{receive_config()};
  stream.set_rtx_ssrc(kMedia);
  CHECK(stream.rtx_ssrc() == kRtx);
  stream.set_rtx_ssrc(kLocal);
  CHECK(stream.rtx_ssrc() == kLocal);
}
