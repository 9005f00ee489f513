#include "parley/rtp/send_stream.hpp"

#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
struct Sender {
  explicit Sender(SendStream::Config config = video_config(), std::uint64_t seed = 1)
      : random(seed), stream(std::move(config), random) {}

  void frame(Timestamp now, std::size_t size, bool key = false) {
    REQUIRE(stream.enqueue(now, make_frame(now, size, key), packetizer));
  }
  /// Writes the next packet; its bytes stay in `storage` until the next call.
  std::optional<WrittenPacket> write(Timestamp now, PacketClass which = PacketClass::media,
                                     std::uint16_t transport = 7) {
    return stream.write_next(now, which, transport, storage);
  }
  std::vector<std::uint8_t> write_bytes(Timestamp now, PacketClass which = PacketClass::media,
                                        std::uint16_t transport = 7) {
    const auto written = write(now, which, transport);
    REQUIRE(written);
    return {written->bytes.begin(), written->bytes.end()};
  }
  void nack(Timestamp now, std::vector<std::uint16_t> numbers) { stream.handle_nack(now, numbers); }
  HeaderExtensions extensions(const WrittenPacket& written) const {
    return HeaderExtensions::parse(*PacketView::parse(written.bytes), map);
  }

  ExtensionMap map = all_extensions();
  SeededRandom random;
  SendStream stream;
  PlainPacketizer packetizer;
  std::array<std::uint8_t, kMaxDatagramSize> storage{};
};

rtcp::ReportBlock report_on(Ssrc ssrc) {
  rtcp::ReportBlock block;
  block.source = ssrc;
  return block;
}
SendStream::Config without_rtx() {
  auto config = video_config();
  config.rtx_ssrc.reset();
  config.rtx_payload_type.reset();
  return config;
}
SendStream::Config audio_config() {
  auto config = without_rtx();
  config.kind = MediaKind::audio;
  config.clock_rate = 48'000;
  config.rid.clear();
  return config;
}
}  // namespace

TEST_CASE("a frame becomes packets within the size limit and in order", "[rtp][rfc3550]") {
  Sender sender;
  sender.frame(kStart, 5000, true);
  const std::size_t count = sender.stream.queued(PacketClass::media).packets;
  CHECK(count == 5);
  CHECK(sender.stream.queued(PacketClass::media).bytes == 5000);
  CHECK(sender.stream.queued(PacketClass::media).oldest == kStart);
  std::vector<std::uint8_t> data;
  std::optional<std::uint16_t> previous;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t announced = sender.stream.next_packet_size(PacketClass::media);
    const auto written = sender.write(kStart + 5ms);
    REQUIRE(written);
    CHECK(written->bytes.size() == announced);
    CHECK(written->bytes.size() <= 1200);
    const auto view = PacketView::parse(written->bytes);
    REQUIRE(view);
    CHECK(view->ssrc() == kMedia);
    CHECK(view->payload_type() == kVideo);
    CHECK(view->marker() == (i + 1 == count));
    CHECK(written->ends_frame == (i + 1 == count));
    if (previous) CHECK(view->sequence_number() == static_cast<std::uint16_t>(*previous + 1));
    previous = view->sequence_number();
    data.insert(data.end(), view->payload().begin(), view->payload().end());
  }
  CHECK(data == make_frame(kStart, 5000).data);
  CHECK_FALSE(sender.write(kStart));
  CHECK(sender.stream.next_packet_size(PacketClass::media) == 0);
  CHECK(sender.stream.queued(PacketClass::media).oldest == kNever);
  CHECK(sender.stream.stats().packets_sent == 5);
  CHECK(sender.stream.stats().bytes_sent == 5000);
  CHECK(sender.stream.stats().frames_sent == 1);
  CHECK(sender.stream.stats().key_frames_sent == 1);
  CHECK(sender.stream.stats().total_packet_send_delay == 25ms);
}

TEST_CASE("the first sequence number is below 2 to the 15th", "[rtp][rfc3711]") {
  std::vector<std::uint16_t> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    Sender sender{video_config(), seed};
    sender.frame(kStart, 10);
    seen.push_back(sender.write(kStart)->sequence_number);
    CHECK(seen.back() < 32'768);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() > 60);
}

TEST_CASE("video timestamps follow the capture clock from a random offset", "[rtp][rfc3550]") {
  Sender sender;
  sender.frame(kStart, 10);
  sender.frame(kStart + 40ms, 10);
  const auto first = PacketView::parse(sender.write_bytes(kStart))->timestamp();
  const auto second = PacketView::parse(sender.write_bytes(kStart))->timestamp();
  CHECK(static_cast<std::int32_t>(second - first) == Approx(3600).margin(1));
  Sender other{video_config(), 2};
  other.frame(kStart, 10);
  CHECK(PacketView::parse(other.write_bytes(kStart))->timestamp() != first);
}

TEST_CASE("two frames of one capture time get different timestamps", "[rtp]") {
  Sender sender;
  sender.frame(kStart, 10);
  sender.frame(kStart, 10);
  const auto first = PacketView::parse(sender.write_bytes(kStart))->timestamp();
  CHECK(PacketView::parse(sender.write_bytes(kStart))->timestamp() != first);
}

TEST_CASE("packets carry the negotiated extensions", "[rtp][rfc8285]") {
  Sender sender;
  sender.frame(kStart, 10);
  const auto written = sender.write(kStart + 3ms, PacketClass::media, 4711);
  REQUIRE(written);
  CHECK(written->consumed_transport_sequence);
  const auto ext = sender.extensions(*written);
  CHECK(ext.mid == "1");
  CHECK(ext.rid == "hi");
  CHECK(ext.transport_sequence_number == 4711);
  CHECK(ext.abs_send_time == AbsSendTime::from_ntp(video_config().ntp.to_ntp(kStart + 3ms)));
  REQUIRE(ext.video_orientation);
  CHECK(ext.abs_capture_time);
  CHECK_FALSE(ext.audio_level);
}

TEST_CASE("nothing is written for extensions that were not negotiated", "[rtp][rfc8285]") {
  auto config = video_config();
  config.extensions = {};
  Sender sender{config};
  sender.frame(kStart, 10);
  const auto written = sender.write(kStart);
  REQUIRE(written);
  CHECK_FALSE(written->consumed_transport_sequence);
  CHECK(written->bytes.size() == 22);
}

TEST_CASE("identification is sent until the other side reports on the stream", "[rtp][rfc9143]") {
  Sender sender;
  for (int i = 0; i < 3; ++i) sender.frame(kStart, 10);
  CHECK(sender.extensions(*sender.write(kStart)).mid);
  sender.stream.handle_report_block(kStart, report_on(kLocal));
  CHECK(sender.extensions(*sender.write(kStart)).rid);
  sender.stream.handle_report_block(kStart, report_on(kMedia));
  const auto ext = sender.extensions(*sender.write(kStart));
  CHECK_FALSE(ext.mid);
  CHECK_FALSE(ext.rid);
}

TEST_CASE("audio carries its level and the caller's media clock", "[rtp][rfc6464]") {
  Sender sender{audio_config()};
  EncodedAudio audio;
  audio.data = {1, 2, 3};
  audio.audio_level = 30;
  REQUIRE(sender.stream.enqueue(kStart, audio, 1000, kStart, true));
  REQUIRE(sender.stream.enqueue(kStart, audio, 1960, kStart + 20ms));
  const auto first = sender.write(kStart);
  REQUIRE(first);
  CHECK(first->ends_frame);
  const auto view = *PacketView::parse(first->bytes);
  CHECK(view.marker());
  const std::uint32_t timestamp = view.timestamp();
  CHECK(sender.extensions(*first).audio_level == AudioLevel{true, 30});
  const auto second = sender.write_bytes(kStart);
  CHECK(PacketView::parse(second)->timestamp() - timestamp == 960);
  CHECK_FALSE(PacketView::parse(second)->marker());
}

TEST_CASE("frames that do not fit the queue are dropped whole and counted", "[rtp]") {
  auto config = video_config();
  config.max_queued_bytes = 10'000;
  Sender sender{config};
  sender.frame(kStart, 6000);
  const auto refused = sender.stream.enqueue(kStart, make_frame(kStart, 6000), sender.packetizer);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::queue_full);
  CHECK(sender.stream.stats().frames_dropped == 1);
  CHECK(sender.stream.queued(PacketClass::media).bytes == 6000);
  // What follows can not be decoded without it.
  CHECK(sender.stream.take_key_frame_request(kStart));
}

TEST_CASE("the queue is bounded by frames", "[rtp]") {
  auto config = video_config();
  config.max_queued_frames = 3;
  Sender sender{config};
  for (int i = 0; i < 3; ++i) sender.frame(kStart, 10);
  CHECK_FALSE(sender.stream.enqueue(kStart, make_frame(kStart, 10), sender.packetizer));
  sender.write(kStart);
  sender.frame(kStart, 10);
  sender.stream.clear_queue();
  CHECK(sender.stream.queued(PacketClass::media).packets == 0);
  CHECK_FALSE(sender.write(kStart));
}

TEST_CASE("bad frames are refused by value", "[rtp]") {
  Sender video;
  CHECK(video.stream.enqueue(kStart, EncodedVideo{}, video.packetizer).error().code ==
        Errc::malformed);
  Sender audio{audio_config()};
  EncodedAudio large;
  large.data.resize(1300);
  CHECK(audio.stream.enqueue(kStart, large, 0, kStart).error().code == Errc::too_large);
  CHECK(audio.stream.enqueue(kStart, EncodedAudio{}, 0, kStart).error().code == Errc::malformed);
}

TEST_CASE("too little storage leaves the packet in the queue", "[rtp]") {
  Sender sender;
  sender.frame(kStart, 500);
  std::array<std::uint8_t, 100> small{};
  CHECK_FALSE(sender.stream.write_next(kStart, PacketClass::media, 1, small));
  CHECK(sender.stream.queued(PacketClass::media).packets == 1);
  CHECK(sender.stream.stats().packets_sent == 0);
  CHECK(sender.write(kStart));
}

TEST_CASE("a NACK is answered by RTX with the original sequence number", "[rtp][rfc4588]") {
  Sender sender;
  sender.frame(kStart, 3000);
  std::vector<std::vector<std::uint8_t>> sent;
  while (sender.stream.queued(PacketClass::media).packets > 0)
    sent.push_back(sender.write_bytes(kStart));
  const auto lost = *PacketView::parse(sent[1]);
  sender.nack(kStart + 50ms, {lost.sequence_number()});
  REQUIRE(sender.stream.queued(PacketClass::retransmission).packets == 1);
  const std::size_t bound = sender.stream.next_packet_size(PacketClass::retransmission);
  const auto written = sender.write(kStart + 51ms, PacketClass::retransmission, 99);
  REQUIRE(written);
  CHECK(written->ssrc == kRtx);
  CHECK(written->bytes.size() <= bound);
  CHECK(written->bytes.size() <= 1200);
  CHECK(written->consumed_transport_sequence);
  CHECK(written->queued == kStart + 50ms);
  const auto ext = sender.extensions(*written);
  CHECK(ext.mid == "1");
  CHECK(ext.repaired_rid == "hi");
  CHECK_FALSE(ext.rid);
  CHECK(ext.transport_sequence_number == 99);
  const auto rtx = *PacketView::parse(written->bytes);
  CHECK(rtx.payload_type() == kVideoRtx);
  CHECK(rtx.timestamp() == lost.timestamp());
  CHECK(rtx.marker() == lost.marker());
  const auto back = unwrap_rtx(written->bytes, kMedia, kVideo);
  REQUIRE(back);
  CHECK(back->sequence_number() == lost.sequence_number());
  CHECK(std::equal(back->payload().begin(), back->payload().end(), lost.payload().begin(),
                   lost.payload().end()));
  CHECK(sender.stream.stats().retransmitted_packets_sent == 1);
  CHECK(sender.stream.stats().retransmitted_bytes_sent == lost.payload_size());
  CHECK(sender.stream.stats().packets_sent == 3);
  CHECK(sender.stream.rtx_stats().packets_sent == 1);
  CHECK(sender.stream.stats().nack_count == 1);
}

TEST_CASE("RTX numbers its own packets one after another", "[rtp][rfc4588]") {
  Sender sender;
  sender.frame(kStart, 3000);
  std::vector<std::uint16_t> numbers;
  while (const auto written = sender.write(kStart)) numbers.push_back(written->sequence_number);
  sender.nack(kStart, numbers);
  std::optional<std::uint16_t> previous;
  while (const auto written = sender.write(kStart, PacketClass::retransmission)) {
    CHECK(written->sequence_number < 40'000);
    if (previous) CHECK(written->sequence_number == static_cast<std::uint16_t>(*previous + 1));
    previous = written->sequence_number;
  }
  CHECK(sender.stream.rtx_stats().packets_sent == numbers.size());
}

TEST_CASE("without RTX the very bytes of the first sending go out again", "[rtp][rfc7714]") {
  Sender sender{without_rtx()};
  sender.frame(kStart, 100);
  const auto first = sender.write_bytes(kStart, PacketClass::media, 10);
  sender.stream.handle_report_block(kStart + 30ms, report_on(kMedia));  // would drop mid and rid
  sender.nack(kStart + 200ms, {PacketView::parse(first)->sequence_number()});
  const auto written = sender.write(kStart + 210ms, PacketClass::retransmission, 11);
  REQUIRE(written);
  CHECK_FALSE(written->consumed_transport_sequence);
  CHECK(written->ssrc == kMedia);
  CHECK(std::vector<std::uint8_t>(written->bytes.begin(), written->bytes.end()) == first);
}

TEST_CASE("a packet is sent again at most once per round trip", "[rtp][rfc4585]") {
  Sender sender;
  sender.stream.set_rtt(100ms);
  sender.frame(kStart, 100);
  const auto number = sender.write(kStart)->sequence_number;
  sender.nack(kStart + 50ms, {number, number});
  sender.nack(kStart + 51ms, {number});
  CHECK(sender.stream.queued(PacketClass::retransmission).packets == 1);
  CHECK(sender.write(kStart + 52ms, PacketClass::retransmission));
  sender.nack(kStart + 151ms, {number});
  CHECK(sender.stream.queued(PacketClass::retransmission).packets == 0);
  sender.nack(kStart + 152ms, {number});
  CHECK(sender.stream.queued(PacketClass::retransmission).packets == 1);
  CHECK(sender.stream.stats().retransmissions_refused == 3);
}

TEST_CASE("retransmissions keep to their rate", "[rtp]") {
  auto config = video_config();
  config.retransmission_rate = DataRate::kilobits_per_second(80);  // 10 kB a second
  Sender sender{config};
  std::vector<std::uint16_t> numbers;
  for (int i = 0; i < 10; ++i) sender.frame(kStart, 4000);
  while (const auto written = sender.write(kStart)) numbers.push_back(written->sequence_number);
  sender.nack(kStart, numbers);
  CHECK(sender.stream.queued(PacketClass::retransmission).bytes <= 10'000);
  CHECK(sender.stream.queued(PacketClass::retransmission).bytes > 8'000);
  while (sender.write(kStart, PacketClass::retransmission)) {
  }
  sender.stream.set_rtt(1ms);
  sender.nack(kStart + 500ms, numbers);
  CHECK(sender.stream.queued(PacketClass::retransmission).bytes <= 6'000);
  CHECK(sender.stream.queued(PacketClass::retransmission).bytes > 3'000);
}

TEST_CASE("what was never sent or is forgotten is not sent again", "[rtp]") {
  auto config = video_config();
  config.history.max_age = 500ms;
  Sender sender{config};
  sender.frame(kStart, 100);
  const auto number = sender.write(kStart)->sequence_number;
  sender.nack(kStart + 10ms,
              {static_cast<std::uint16_t>(number + 1), static_cast<std::uint16_t>(number - 1),
               static_cast<std::uint16_t>(number + 32'768)});
  CHECK(sender.stream.queued(PacketClass::retransmission).packets == 0);
  sender.nack(kStart + 400ms, {number});
  CHECK(sender.stream.queued(PacketClass::retransmission).packets == 1);
  // Too old by the time it would leave.
  CHECK_FALSE(sender.write(kStart + 600ms, PacketClass::retransmission));
  CHECK(sender.stream.queued(PacketClass::retransmission).packets == 0);
}

TEST_CASE("padding probes go out on the retransmission stream only", "[rtp][rfc4588]") {
  Sender sender;
  CHECK_FALSE(sender.stream.write_padding(kStart, 200, 1, sender.storage));
  sender.frame(kStart, 100);
  sender.write(kStart);
  const auto written = sender.stream.write_padding(kStart, 200, 1, sender.storage);
  REQUIRE(written);
  CHECK(written->bytes.size() == 200);
  const auto view = PacketView::parse(written->bytes);
  REQUIRE(view);
  CHECK(view->ssrc() == kRtx);
  CHECK(view->payload_size() == 0);
  CHECK_FALSE(unwrap_rtx(written->bytes, kMedia, kVideo));
  CHECK(sender.stream.rtx_stats().bytes_sent == 0);
  CHECK(sender.stream.stats().retransmitted_packets_sent == 0);
  Sender plain{without_rtx()};
  plain.frame(kStart, 100);
  plain.write(kStart);
  CHECK_FALSE(plain.stream.write_padding(kStart, 200, 1, plain.storage));
}

TEST_CASE("a sender report extrapolates the timestamp to its own instant", "[rtp][rfc3550]") {
  Sender sender;
  CHECK_FALSE(sender.stream.build_sender_report(kStart));
  sender.frame(kStart, 3000);
  std::uint32_t timestamp = 0;
  while (const auto written = sender.write(kStart + 10ms))
    timestamp = PacketView::parse(written->bytes)->timestamp();
  const auto report = sender.stream.build_sender_report(kStart + 100ms);
  REQUIRE(report);
  CHECK(report->sender == kMedia);
  CHECK(report->ntp == video_config().ntp.to_ntp(kStart + 100ms));
  CHECK(report->rtp_timestamp - timestamp == 9000);
  CHECK(report->packet_count == 3);
  CHECK(report->octet_count == 3000);
  CHECK_FALSE(sender.stream.build_rtx_sender_report(kStart + 100ms));
}

TEST_CASE("round trip time comes from LSR and DLSR", "[rtp][rfc3550]") {
  Sender sender;
  sender.frame(kStart, 10);
  sender.write(kStart);
  const auto sr = sender.stream.build_sender_report(kStart + 10ms);
  auto block = report_on(kMedia);
  CHECK_FALSE(sender.stream.handle_report_block(kStart + 20ms, block));  // LSR 0: no SR seen
  CHECK(sender.stream.remote_stats().reports == 1);
  block.last_sr = sr->ntp.compact();
  block.delay_since_last_sr = to_compact_ntp(200ms);
  block.fraction_lost = 64;
  block.cumulative_lost = -3;
  block.jitter = 900;
  const auto rtt = sender.stream.handle_report_block(kStart + 10ms + 270ms, block);
  REQUIRE(rtt);
  CHECK(to_milliseconds(*rtt) == Approx(70).margin(0.1));
  CHECK(sender.stream.rtt() == *rtt);
  const auto& remote = sender.stream.remote_stats();
  CHECK(remote.fraction_lost == Approx(0.25));
  CHECK(remote.packets_lost == -3);
  CHECK(remote.jitter == 10ms);
  CHECK(remote.round_trip_measurements == 1);
}

TEST_CASE("round trip time is right over the wrap of compact NTP time", "[rtp][rfc3550]") {
  auto config = video_config();
  // 65535.9 seconds into the 16-bit part.
  config.ntp = NtpMapping{kStart, NtpTime{(std::uint64_t{0xABCD'FFFF} << 32) + 0xE666'6666}};
  Sender sender{config};
  sender.frame(kStart, 10);
  sender.write(kStart);
  const auto sr = sender.stream.build_sender_report(kStart);
  auto block = report_on(kMedia);
  block.last_sr = sr->ntp.compact();
  block.delay_since_last_sr = to_compact_ntp(100ms);
  const auto rtt = sender.stream.handle_report_block(kStart + 300ms, block);
  REQUIRE(rtt);
  CHECK(to_milliseconds(*rtt) == Approx(200).margin(0.1));
}

TEST_CASE("an impossible delay in a report gives no round trip time", "[rtp][rfc3550]") {
  Sender sender;
  sender.frame(kStart, 10);
  sender.write(kStart);
  const auto sr = sender.stream.build_sender_report(kStart);
  auto block = report_on(kMedia);
  block.last_sr = sr->ntp.compact();
  block.delay_since_last_sr = to_compact_ntp(10s);
  CHECK_FALSE(sender.stream.handle_report_block(kStart + 1s, block));
  CHECK(sender.stream.rtt() == 100ms);
}

TEST_CASE("key frame requests are handed to the encoder at a limited rate", "[rtp][rfc4585]") {
  Sender sender;
  CHECK_FALSE(sender.stream.take_key_frame_request(kStart));
  CHECK(sender.stream.next_timeout() == kNever);
  sender.stream.handle_pli(kStart);
  CHECK(sender.stream.next_timeout() == kStart);
  CHECK(sender.stream.take_key_frame_request(kStart));
  CHECK_FALSE(sender.stream.take_key_frame_request(kStart));
  sender.stream.handle_pli(kStart + 100ms);
  CHECK_FALSE(sender.stream.take_key_frame_request(kStart + 100ms));
  CHECK(sender.stream.next_timeout() == kStart + 300ms);
  CHECK(sender.stream.take_key_frame_request(kStart + 300ms));
  CHECK(sender.stream.stats().pli_count == 2);
}

TEST_CASE("a key frame that is queued meanwhile satisfies a request", "[rtp][rfc4585]") {
  Sender sender;
  sender.stream.handle_pli(kStart);
  sender.frame(kStart + 1ms, 10, true);
  CHECK_FALSE(sender.stream.take_key_frame_request(kStart + 1s));
}

TEST_CASE("a repeated FIR is not a new request", "[rtp][rfc5104]") {
  Sender sender;
  sender.stream.handle_fir(kStart, 5);
  CHECK(sender.stream.take_key_frame_request(kStart));
  sender.stream.handle_fir(kStart + 1s, 5);
  CHECK_FALSE(sender.stream.take_key_frame_request(kStart + 1s));
  sender.stream.handle_fir(kStart + 2s, 6);
  CHECK(sender.stream.take_key_frame_request(kStart + 2s));
  CHECK(sender.stream.stats().fir_count == 2);
}
