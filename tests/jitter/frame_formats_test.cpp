// Frames of H.264, VP9 and AV1 through their payload formats and the assembler: beginnings that
// are not marked, key frames told in any packet, references by picture id, joining.
#include <algorithm>
#include <map>
#include <set>

#include "frame_fixture.hpp"
#include "parley/base/random.hpp"
#include "parley/rtp/h264.hpp"
#include "parley/rtp/payload_format.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

using ByteVector = std::vector<std::uint8_t>;

/// One packet as it comes from the network.
struct WirePacket {
  int frame = 0;
  std::int64_t sequence = 0;
  bool marker = false;
  ByteVector payload;
};

struct Sent {
  std::vector<ByteVector> frames;
  std::vector<WirePacket> packets;
};

ByteVector h264_frame(int number, bool key, Random& random) {
  ByteVector stream;
  const auto add = [&](std::uint8_t header, std::size_t size) {
    ByteVector nal{header, 0x80, static_cast<std::uint8_t>(1 + number % 200)};
    while (nal.size() < size) nal.push_back(static_cast<std::uint8_t>(1 + random.below(255)));
    rtp::h264::append_annex_b(nal, stream);
  };
  if (key) {
    add(0x67, 20);
    add(0x68, 6);
  }
  add(key ? 0x65 : 0x41, 10 + random.below(400));
  return stream;
}

ByteVector vp9_frame(int number, bool key, Random& random) {
  ByteVector data = key ? ByteVector{0x82, 0x49, 0x83, 0x42, 0x00, 0x03, 0xF0, 0x02, 0xF6, 0x06}
                        : ByteVector{0x86, 0x00};
  data.push_back(static_cast<std::uint8_t>(number));
  for (std::uint32_t i = random.below(400); i > 0; --i) {
    data.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  return data;
}

ByteVector av1_frame(int number, bool key, Random& random) {
  ByteVector unit;
  if (key) unit = {0x0A, 0x0B, 0, 0, 0, 0x2D, 0x4C, 0xF5, 0xB2, 0x4F, 0xBF, 0x90, 0x04};
  const std::size_t size = 130 + random.below(300);  // a size field of two bytes
  unit.insert(unit.end(), {0x32, static_cast<std::uint8_t>((size & 0x7F) | 0x80),
                           static_cast<std::uint8_t>(size >> 7)});
  unit.push_back(key ? 0x10 : 0x30);
  unit.push_back(static_cast<std::uint8_t>(number));
  for (std::size_t i = 2; i < size; ++i) {
    unit.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  return unit;
}

Sent make_sent(std::string_view format, int count, int key_interval, Random& random) {
  const auto packetizer =
      rtp::make_video_packetizer(format, random, rtp::TemporalLayers::off, "packetization-mode=1");
  Sent sent;
  std::int64_t sequence = 65'500;
  for (int n = 0; n < count; ++n) {
    const bool key = n % key_interval == 0;
    EncodedVideo frame;
    frame.data = format == "H264"  ? h264_frame(n, key, random)
                 : format == "VP9" ? vp9_frame(n, key, random)
                                   : av1_frame(n, key, random);
    frame.key_frame = key;
    sent.frames.push_back(frame.data);
    const auto parts = packetizer->packetize(frame, 100);
    REQUIRE_FALSE(parts.empty());
    for (const auto& part : parts) {
      WirePacket packet{n, sequence++, &part == &parts.back(), ByteVector(part.payload_size())};
      ByteWriter out{packet.payload};
      REQUIRE(part.write_to(frame.data, out));
      sent.packets.push_back(std::move(packet));
    }
  }
  return sent;
}

/// The receiving side of one stream.
struct Receiver {
  explicit Receiver(std::string_view format) : depacketizer(rtp::make_video_depacketizer(format)) {}

  bool put(const WirePacket& packet) {
    VideoPacket video;
    video.sequence = packet.sequence;
    video.rtp_timestamp = static_cast<std::uint32_t>(packet.frame) * 3000U;
    video.marker = packet.marker;
    const auto parsed = depacketizer->parse(packet.payload);
    REQUIRE(parsed);
    video.payload = *parsed;
    return assembler.insert(now, video);
  }
  /// The numbers of frames that came out, their bytes compared with what was sent.
  std::vector<int> poll(const Sent& sent) {
    std::vector<int> numbers;
    while (auto frame = assembler.poll_frame(now)) {
      const int n = static_cast<int>(frame->video.rtp_timestamp / 3000U);
      REQUIRE(frame->video.data == sent.frames[static_cast<std::size_t>(n)]);
      key_frames += frame->video.key_frame ? 1 : 0;
      numbers.push_back(n);
    }
    return numbers;
  }
  std::vector<int> wait(Duration d, const Sent& sent) {
    std::vector<int> numbers;
    for (Duration t{}; t < d; t += 5ms) {
      now += 5ms;
      assembler.handle_timeout(now);
      for (const int n : poll(sent)) numbers.push_back(n);
    }
    return numbers;
  }

  std::unique_ptr<rtp::VideoDepacketizer> depacketizer;
  FrameAssembler assembler;
  Timestamp now = kBegin;
  int key_frames = 0;
};

Numbers range(int from, int to) {
  Numbers numbers;
  for (int n = from; n < to; ++n) numbers.push_back(n);
  return numbers;
}

/// A packet of H.264 made by hand.
WirePacket h264_packet(int frame, std::int64_t sequence, bool marker, ByteVector payload) {
  return {frame, sequence, marker, std::move(payload)};
}

}  // namespace

TEST_CASE("frames of every format come out whole and in order", "[jitter][video]") {
  const auto format = GENERATE("H264", "VP9", "AV1");
  SeededRandom random{7};
  const Sent sent = make_sent(format, 60, 20, random);
  Receiver receiver{format};
  for (const auto& packet : sent.packets) receiver.put(packet);
  CHECK(receiver.poll(sent) == range(0, 60));
  CHECK(receiver.key_frames == 3);
  CHECK(receiver.assembler.buffered_packets() == 0);
}

TEST_CASE("packets of every format may come in any order", "[jitter][video]") {
  const auto format = GENERATE("H264", "VP9", "AV1");
  SeededRandom random{8};
  const Sent sent = make_sent(format, 30, 30, random);
  Receiver receiver{format};
  std::vector<WirePacket> shuffled = sent.packets;
  // All but the very first: before anything came nobody knows where the stream begins.
  for (std::size_t i = shuffled.size() - 1; i > 1; --i) {
    std::swap(shuffled[i], shuffled[1 + random.below(static_cast<std::uint32_t>(i))]);
  }
  for (const auto& packet : shuffled) receiver.put(packet);
  CHECK(receiver.poll(sent) == range(0, 30));
}

TEST_CASE("loss in any format drops up to the next key frame and no further", "[jitter][video]") {
  const auto format = GENERATE("H264", "VP9", "AV1");
  SeededRandom random{9};
  const Sent sent = make_sent(format, 60, 20, random);
  Receiver receiver{format};
  Numbers out;
  bool asked = false;
  for (const auto& packet : sent.packets) {
    const bool lost = packet.frame == 25 && packet.marker;
    if (!lost) receiver.put(packet);
    for (const int n : packet.marker ? receiver.wait(30ms, sent) : receiver.poll(sent)) {
      out.push_back(n);
    }
    asked |= receiver.assembler.take_key_frame_request();
  }
  Numbers expected = range(0, 25);
  for (const int n : range(40, 60)) expected.push_back(n);
  CHECK(out == expected);
  CHECK(asked);
}

TEST_CASE("a retransmission repairs any format", "[jitter][video]") {
  const auto format = GENERATE("H264", "VP9", "AV1");
  SeededRandom random{10};
  const Sent sent = make_sent(format, 40, 100, random);
  // Whichever packet it is: first, middle and last of a frame, and frames of one packet.
  for (std::size_t lost = 1; lost < sent.packets.size(); lost += 3) {
    Receiver receiver{format};
    for (std::size_t i = 0; i < sent.packets.size(); ++i) {
      if (i != lost) receiver.put(sent.packets[i]);
    }
    Numbers out = receiver.poll(sent);
    receiver.now += 50ms;
    receiver.put(sent.packets[lost]);
    for (const int n : receiver.poll(sent)) out.push_back(n);
    REQUIRE(out == range(0, 40));
    REQUIRE_FALSE(receiver.assembler.take_key_frame_request());
  }
}

TEST_CASE("random loss and repair in any format gives decodable frames only",
          "[jitter][video][property]") {
  const auto format = GENERATE("H264", "VP9", "AV1");
  SeededRandom random{0xF0A3};
  for (int round = 0; round < 40; ++round) {
    const int interval = 5 + static_cast<int>(random.below(40));
    const Sent sent = make_sent(format, 80, interval, random);
    const std::uint32_t loss = random.below(12);
    std::multimap<Timestamp, const WirePacket*> arrivals;
    for (const auto& packet : sent.packets) {
      const Timestamp at = kBegin + packet.frame * 33ms + Duration{random.below(20'000)};
      if (packet.frame >= 70 || random.below(100) >= loss) {
        arrivals.emplace(at, &packet);
      } else if (random.below(2) == 0) {
        arrivals.emplace(at + 40ms + Duration{random.below(200'000)}, &packet);
      }
    }
    Receiver receiver{format};
    Numbers out;
    for (const auto& [at, packet] : arrivals) {
      receiver.now = at;
      receiver.assembler.handle_timeout(at);
      receiver.put(*packet);
      for (const int n : receiver.poll(sent)) out.push_back(n);
    }
    int last = -1;
    for (const int n : out) {
      REQUIRE(n > last);
      // Each frame refers to the one before it, unless it is a key frame.
      REQUIRE((n == last + 1 || n % interval == 0));
      last = n;
    }
    if (loss == 0) REQUIRE(out == range(0, 80));
  }
}

TEST_CASE("an H264 frame begins where the timestamp changes", "[jitter][video][rfc6184]") {
  Receiver receiver{"H264"};
  Sent sent;
  const ByteVector sps{0x67, 0x42, 0x01};
  const ByteVector pps{0x68, 0xCB};
  const ByteVector idr{0x65, 0x88, 0x84};
  const ByteVector slice{0x41, 0x9A, 0x24};
  ByteVector key;
  for (const auto& nal : {sps, pps, idr}) rtp::h264::append_annex_b(nal, key);
  ByteVector inter;
  rtp::h264::append_annex_b(slice, inter);
  sent.frames = {inter, key, inter, inter};

  SECTION("the parameter sets in packets of their own belong to the key frame") {
    receiver.put(h264_packet(1, 100, false, sps));
    receiver.put(h264_packet(1, 101, false, pps));
    receiver.put(h264_packet(1, 102, true, idr));
    CHECK(receiver.poll(sent) == Numbers{1});
    CHECK(receiver.key_frames == 1);
    receiver.put(h264_packet(2, 103, true, slice));  // right behind what went out
    CHECK(receiver.poll(sent) == Numbers{2});
  }
  SECTION("markers end frames of a sender whose timestamp stands still") {
    // As GStreamer's rtph264pay does with a stream that comes without times.
    receiver.put(h264_packet(1, 100, false, sps));
    receiver.put(h264_packet(1, 101, false, pps));
    receiver.put(h264_packet(1, 102, true, idr));
    CHECK(receiver.poll(sent) == Numbers{1});
    sent.frames[1] = inter;
    receiver.put(h264_packet(1, 103, true, slice));
    CHECK(receiver.poll(sent) == Numbers{1});
  }
  SECTION("a marker that is missing is no harm") {
    receiver.put(h264_packet(1, 100, false, sps));
    receiver.put(h264_packet(1, 101, false, pps));
    receiver.put(h264_packet(1, 102, false, idr));
    CHECK(receiver.poll(sent).empty());
    receiver.put(h264_packet(2, 103, true, slice));
    CHECK(receiver.poll(sent) == Numbers{1, 2});
  }
  SECTION("a lost delimiter does not keep a key frame with parameter sets back") {
    receiver.put(h264_packet(0, 98, true, slice));
    receiver.put(h264_packet(1, 100, false, sps));
    receiver.put(h264_packet(1, 101, false, pps));
    receiver.put(h264_packet(1, 102, true, idr));
    CHECK(receiver.wait(20ms, sent) == Numbers{1});
  }
  SECTION("the parameter sets of a key frame are waited for") {
    receiver.put(h264_packet(0, 98, true, slice));
    receiver.put(h264_packet(1, 100, false, pps));
    receiver.put(h264_packet(1, 101, true, idr));
    CHECK(receiver.wait(50ms, sent).empty());
    receiver.put(h264_packet(1, 99, false, sps));
    CHECK(receiver.poll(sent) == Numbers{1});
  }
  SECTION("padding before a frame shows that it begins") {
    receiver.put(h264_packet(1, 100, false, sps));
    receiver.put(h264_packet(1, 101, false, pps));
    receiver.put(h264_packet(1, 102, true, idr));
    CHECK(receiver.poll(sent) == Numbers{1});
    receiver.put(h264_packet(2, 104, true, slice));
    CHECK(receiver.poll(sent).empty());
    receiver.assembler.note_padding(receiver.now, 103);
    CHECK(receiver.poll(sent) == Numbers{2});
  }
  SECTION("after a loss that nothing repairs a bare IDR picture is found") {
    receiver.put(h264_packet(1, 100, false, sps));
    receiver.put(h264_packet(1, 101, false, pps));
    receiver.put(h264_packet(1, 102, true, idr));
    CHECK(receiver.poll(sent) == Numbers{1});
    receiver.put(h264_packet(2, 104, true, slice));
    CHECK(receiver.wait(600ms, sent).empty());
    CHECK(receiver.assembler.take_key_frame_request());
    sent.frames[3].clear();
    rtp::h264::append_annex_b(idr, sent.frames[3]);
    receiver.put(h264_packet(3, 105, true, idr));
    CHECK(receiver.poll(sent) == Numbers{3});
  }
}

TEST_CASE("packets that make no frame cost a key frame request", "[jitter][video][rfc6184]") {
  Receiver receiver{"H264"};
  Sent sent;
  sent.frames.resize(4);
  // A fragment that does not end, marked as the last of its frame.
  receiver.put(h264_packet(1, 100, false, {0x67, 0x42, 0x01}));
  receiver.put(h264_packet(1, 101, true, {0x7C, 0x85, 0x88, 0x84}));
  CHECK(receiver.poll(sent).empty());
  CHECK(receiver.assembler.take_key_frame_request());
  CHECK(receiver.assembler.buffered_packets() == 0);
  CHECK(receiver.assembler.stats().frames_dropped == 1);
}

TEST_CASE("in flexible mode a frame goes out when what it refers to did",
          "[jitter][video][rfc9628]") {
  // Pictures 0 1 2 3 4 5 6; odd ones refer to the one before, even ones to two before.
  Fixture f;
  auto s = with_picture_ids(plain_stream(7, 2), 126, 7);
  for (auto& frame : s) {
    frame.references = frame.key               ? std::vector<std::uint8_t>{}
                       : frame.number % 2 == 1 ? std::vector<std::uint8_t>{1}
                                               : std::vector<std::uint8_t>{2};
    frame.references_known = true;
  }
  Numbers out;
  for (const auto& frame : s) {
    if (frame.number != 3) f.put(frame);
    for (const int n : f.wait(20ms)) out.push_back(n);
  }
  CHECK(out == Numbers{0, 1, 2, 4, 5, 6});
  CHECK_FALSE(f.assembler.take_key_frame_request());
}

TEST_CASE("in flexible mode a lost reference stops what depends on it",
          "[jitter][video][rfc9628]") {
  Fixture f;
  auto s = with_picture_ids(plain_stream(6, 1), 5, 15);
  for (auto& frame : s) {
    frame.references_known = true;
    if (!frame.key) frame.references = {1};
  }
  Numbers out;
  for (const auto& frame : s) {
    if (frame.number != 2) f.put(frame);
    for (const int n : f.wait(20ms)) out.push_back(n);
  }
  CHECK(out == Numbers{0, 1});
  f.put(s[2]);
  CHECK(f.poll() == Numbers{2, 3, 4, 5});
}

TEST_CASE("behind a switching point higher layers are whole again", "[jitter][video][rfc9628]") {
  // Layers 0 2 1 2 without VP8's layer sync; the base picture 8 allows to switch up.
  Fixture f;
  auto s = layered_stream(12);
  for (auto& frame : s) {
    frame.sync = false;
    frame.switching_point = frame.number == 0 || frame.number == 8;
  }
  Numbers out;
  for (const auto& frame : s) {
    if (frame.number != 2) f.put(frame);  // layer 1
    for (const int n : f.wait(30ms)) out.push_back(n);
  }
  CHECK(out == Numbers{0, 1, 4, 8, 9, 10, 11});
}
