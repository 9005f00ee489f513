#include "parley/jitter/frame_assembler.hpp"

#include <array>

#include "parley/base/random.hpp"
#include "support/catch.hpp"
#include "support/machine_checks.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

const Timestamp kBegin = Timestamp{} + 300s;

/// A frame to be cut into packets. Its bytes tell its number and the place of each packet.
struct Frame {
  int number = 0;
  int packets = 1;
  bool key = false;
  std::optional<std::uint16_t> picture_id;
  std::uint8_t picture_id_bits = 15;
  std::optional<std::uint8_t> tl0;
  std::optional<std::uint8_t> tid;
  bool sync = false;
  bool non_reference = false;
  bool marker = true;
  std::int64_t first_sequence = 0;
};

struct Fixture {
  FrameAssembler assembler;
  Timestamp now = kBegin;

  Fixture() = default;
  explicit Fixture(const FrameAssemblerConfig& config) : assembler(config) {}

  bool put(const Frame& frame, int index, bool retransmitted = false) {
    const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(frame.number),
                                            static_cast<std::uint8_t>(frame.number >> 8),
                                            static_cast<std::uint8_t>(index)};
    VideoPacket packet;
    packet.sequence = frame.first_sequence + index;
    packet.rtp_timestamp = static_cast<std::uint32_t>(frame.number) * 3000U + 0xFFFF'0000U;
    packet.marker = frame.marker && index == frame.packets - 1;
    packet.retransmitted = retransmitted;
    packet.payload.data = bytes;
    packet.payload.begins_frame = index == 0;
    packet.payload.key_frame = index == 0 && frame.key;
    packet.payload.picture_id = frame.picture_id;
    packet.payload.picture_id_bits = frame.picture_id ? frame.picture_id_bits : std::uint8_t{0};
    packet.payload.tl0_picture_index = frame.tl0;
    packet.payload.temporal_id = frame.tid;
    packet.payload.layer_sync = frame.sync;
    packet.payload.non_reference = frame.non_reference;
    if (index == 0 && frame.key) {
      packet.payload.width = 640;
      packet.payload.height = 360;
    }
    return assembler.insert(now, packet);
  }
  void put(const Frame& frame) {
    for (int i = 0; i < frame.packets; ++i) put(frame, i);
  }
  /// The numbers of all frames that are ready now; their bytes are checked.
  std::vector<int> poll() {
    std::vector<int> numbers;
    while (auto frame = assembler.poll_frame(now)) {
      const auto& data = frame->video.data;
      REQUIRE(data.size() == 3 * static_cast<std::size_t>(frame->packets));
      const int number = data[0] | (data[1] << 8);
      for (std::size_t i = 0; i < data.size() / 3; ++i) {
        REQUIRE((data[3 * i] | (data[3 * i + 1] << 8)) == number);
        REQUIRE(data[3 * i + 2] == i);
      }
      REQUIRE(frame->video.rtp_timestamp ==
              static_cast<std::uint32_t>(number) * 3000U + 0xFFFF'0000U);
      numbers.push_back(number);
    }
    return numbers;
  }
  /// Lets time pass in steps, so that nothing depends on when timers are served.
  std::vector<int> wait(Duration d) {
    std::vector<int> numbers;
    for (Duration t{}; t < d; t += 5ms) {
      now += 5ms;
      assembler.handle_timeout(now);
      for (const int n : poll()) numbers.push_back(n);
    }
    return numbers;
  }
};

/// `count` frames of `packets` packets, the first a key frame, without picture ids, across the
/// wrap of the 16-bit sequence number.
std::vector<Frame> plain_stream(int count, int packets) {
  std::vector<Frame> frames;
  std::int64_t sequence = 65'530;
  for (int n = 0; n < count; ++n) {
    Frame f;
    f.number = n;
    f.packets = packets;
    f.key = n == 0;
    f.first_sequence = sequence;
    sequence += packets;
    frames.push_back(f);
  }
  return frames;
}

std::vector<Frame> with_picture_ids(std::vector<Frame> frames, int first, std::uint8_t bits) {
  for (auto& f : frames) {
    f.picture_id = static_cast<std::uint16_t>((first + f.number) & ((1 << bits) - 1));
    f.picture_id_bits = bits;
  }
  return frames;
}

/// Three temporal layers 0 2 1 2 0 2 1 2 ...; the first of layer 1 and 2 after a base picture
/// syncs.
std::vector<Frame> layered_stream(int count) {
  auto frames = with_picture_ids(plain_stream(count, 2), 32'760, 15);
  for (auto& f : frames) {
    constexpr std::array<std::uint8_t, 4> kPattern{0, 2, 1, 2};
    f.tid = kPattern[static_cast<std::size_t>(f.number % 4)];
    f.tl0 = static_cast<std::uint8_t>(250 + f.number / 4);
    f.sync = *f.tid != 0 && f.number % 8 < 4 && f.number % 4 != 3;
    f.non_reference = *f.tid == 2;
  }
  return frames;
}

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("frames come out as soon as their last packet is there", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(3, 3);
  CHECK(f.poll().empty());
  f.put(s[0], 0);
  f.put(s[0], 1);
  CHECK(f.poll().empty());
  f.put(s[0], 2);
  CHECK(f.poll() == Numbers{0});
  CHECK(f.poll().empty());
  f.put(s[1]);
  f.put(s[2]);
  CHECK(f.poll() == Numbers{1, 2});
  CHECK(f.assembler.first_needed() == s[2].first_sequence + 3);
  CHECK(f.assembler.buffered_packets() == 0);
  CHECK(f.assembler.buffered_bytes() == 0);
  CHECK_FALSE(f.assembler.take_key_frame_request());
  CHECK(f.assembler.next_timeout() == kNever);
}

TEST_CASE("what a frame is made of is told with it", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(1, 3);
  f.put(s[0], 1);
  f.now += 7ms;
  f.put(s[0], 0);
  f.now += 4ms;
  f.put(s[0], 2, true);
  f.now += 1ms;
  const auto frame = f.assembler.poll_frame(f.now);
  REQUIRE(frame);
  CHECK(frame->video.key_frame);
  CHECK(frame->video.width == 640);
  CHECK(frame->video.height == 360);
  CHECK(frame->first_arrival == kBegin);
  CHECK(frame->completed == kBegin + 11ms);
  CHECK(frame->first_sequence == 65'530);
  CHECK(frame->last_sequence == 65'532);
  CHECK(frame->packets == 3);
  CHECK(frame->delayed_by_loss);
  const auto& stats = f.assembler.stats();
  CHECK(stats.frames_received == 1);
  CHECK(stats.key_frames_emitted == 1);
  CHECK(stats.frames_assembled_from_multiple_packets == 1);
  CHECK(stats.total_assembly_time == Approx(0.011));
  CHECK(stats.jitter_buffer_delay == Approx(0.012));
  CHECK(stats.jitter_buffer_emitted_count == 1);
}

TEST_CASE("packets in any order and twice give the frames once and in order", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(2, 3);
  f.put(s[1], 2);
  f.put(s[0], 2);
  f.put(s[1], 0);
  f.put(s[0], 0);
  CHECK_FALSE(f.put(s[0], 0));
  f.put(s[1], 1);
  CHECK(f.poll().empty());
  f.put(s[0], 1);
  CHECK(f.poll() == Numbers{0, 1});
  CHECK_FALSE(f.put(s[1], 1));
  CHECK(f.poll().empty());
  CHECK(f.assembler.stats().packets_duplicated == 1);
  CHECK(f.assembler.stats().packets_discarded == 1);
}

TEST_CASE("rotation comes from any packet of the frame", "[jitter][video]") {
  FrameAssembler assembler;
  VideoPacket packet;
  const std::array<std::uint8_t, 1> bytes{1};
  packet.payload.data = bytes;
  packet.payload.begins_frame = packet.payload.key_frame = true;
  assembler.insert(kBegin, packet);
  packet.payload.begins_frame = packet.payload.key_frame = false;
  packet.sequence = 1;
  packet.marker = true;
  packet.rotation = 270;
  assembler.insert(kBegin, packet);
  const auto frame = assembler.poll_frame(kBegin);
  REQUIRE(frame);
  CHECK(frame->video.rotation == 270);
}

TEST_CASE("a frame without marker ends where the next one begins", "[jitter][video][rfc7741]") {
  Fixture f;
  auto s = plain_stream(3, 2);
  for (auto& frame : s) frame.marker = false;
  f.put(s[0]);
  CHECK(f.poll().empty());
  f.put(s[1], 0);
  CHECK(f.poll() == Numbers{0});
  f.put(s[2], 0);  // the last packet of frame 1 is missing: its end is not known
  CHECK(f.poll().empty());
  f.put(s[1], 1);
  CHECK(f.poll() == Numbers{1});
}

TEST_CASE("packets of another timestamp do not join a frame", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(2, 3);
  s[0].marker = false;
  f.put(s[0]);
  Frame strange = s[1];
  strange.first_sequence -= 1;  // its first packet is where the stream has none
  f.put(strange, 1);
  f.put(strange, 2);
  CHECK(f.poll().empty());
}

TEST_CASE("the lost last packet of a frame keeps it incomplete", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(3, 2);
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  f.put(s[1], 0);
  f.put(s[2]);
  CHECK(f.poll().empty());
  f.put(s[1], 1, true);
  CHECK(f.poll() == Numbers{1, 2});
}

TEST_CASE("a frame of which a packet is missing waits for the retransmission and holds up the rest",
          "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(4, 3);
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  f.put(s[1], 0);
  f.put(s[1], 2);
  f.put(s[2]);
  f.put(s[3]);
  CHECK(f.wait(80ms).empty());
  CHECK(f.assembler.first_needed() == s[1].first_sequence);
  f.put(s[1], 1, true);
  CHECK(f.poll() == Numbers{1, 2, 3});
  CHECK_FALSE(f.assembler.take_key_frame_request());
  CHECK(f.assembler.stats().frames_dropped == 0);
}

TEST_CASE("the wait for a retransmission ends by round trips and asks for a key frame once",
          "[jitter][video]") {
  for (const Duration rtt : {20ms, 100ms, 200ms}) {
    Fixture f;
    f.assembler.set_round_trip_time(rtt);
    auto s = plain_stream(5, 3);
    s[4].key = true;
    f.put(s[0]);
    f.poll();
    f.put(s[1], 0);
    f.put(s[1], 2);
    f.put(s[2]);
    const Timestamp noticed = f.now;
    CHECK(f.assembler.next_timeout() == noticed + 100ms + 3 * rtt);
    CHECK(f.wait(100ms + 3 * rtt - 5ms).empty());
    CHECK_FALSE(f.assembler.take_key_frame_request());
    CHECK(f.wait(5ms).empty());
    CHECK(f.assembler.take_key_frame_request());
    CHECK_FALSE(f.assembler.take_key_frame_request());
    // What was missing and what waited for it is of no use any more.
    CHECK(f.assembler.first_needed() == s[3].first_sequence);
    CHECK(f.assembler.buffered_packets() == 0);
    CHECK_FALSE(f.put(s[1], 1, true));
    f.put(s[3]);
    CHECK(f.poll().empty());
    f.put(s[4]);
    CHECK(f.poll() == Numbers{4});
    CHECK(f.assembler.stats().frames_dropped == 3);
  }
}

TEST_CASE("the wait is bounded however long the round trip", "[jitter][video]") {
  Fixture f;
  f.assembler.set_round_trip_time(5s);
  const auto s = plain_stream(3, 1);
  f.put(s[0]);
  f.put(s[2]);
  f.poll();
  CHECK(f.assembler.next_timeout() == kBegin + 1s);
}

TEST_CASE("wishes for a key frame repeat more and more slowly until one comes", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(4, 1);
  f.put(s[1]);  // joined in the middle
  std::vector<Duration> wishes;
  const Timestamp begin = f.now;
  while (f.now < begin + 10s) {
    f.wait(5ms);
    if (f.assembler.take_key_frame_request()) wishes.push_back(f.now - begin);
  }
  CHECK(wishes == std::vector<Duration>{100ms, 600ms, 1600ms, 3600ms, 7600ms});
  CHECK(f.assembler.stats().key_frame_requests == wishes.size());
}

TEST_CASE("a complete key frame ends the wait for what is before it", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(5, 2);
  s[3].key = true;
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  f.put(s[1], 1);
  f.put(s[2]);
  f.put(s[3]);
  CHECK(f.poll().empty());  // a little time for packets that are merely out of order
  CHECK(f.wait(15ms) == Numbers{3});
  CHECK(f.assembler.first_needed() == s[4].first_sequence);
  f.put(s[4]);
  CHECK(f.poll() == Numbers{4});
  CHECK_FALSE(f.assembler.take_key_frame_request());
}

TEST_CASE("a key frame on its way makes a request superfluous", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(5, 3);
  s[3].key = true;
  f.put(s[0]);
  f.poll();
  f.put(s[1], 0);
  f.put(s[2]);
  f.wait(300ms);
  f.put(s[3], 0);
  f.put(s[3], 2);
  f.wait(150ms);  // frame 1 is given up; the key frame has a hole of its own
  CHECK_FALSE(f.assembler.take_key_frame_request());
  f.put(s[3], 1, true);
  CHECK(f.poll() == Numbers{3});
}

TEST_CASE("the stream begins with a key frame whose packets may come late", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(3, 4);
  f.put(s[0], 1);
  f.put(s[0], 3);
  f.put(s[1]);
  CHECK(f.poll().empty());
  f.now += 50ms;
  f.put(s[0], 0);
  f.now += 100ms;
  f.put(s[0], 2, true);
  CHECK(f.poll() == Numbers{0, 1});
  CHECK_FALSE(f.assembler.take_key_frame_request());
}

TEST_CASE("frames before the first key frame are dropped and not kept", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(20, 2);
  s[0].key = false;
  s[15].key = true;
  for (int n = 0; n < 15; ++n) {
    f.put(s[static_cast<std::size_t>(n)]);
    CHECK(f.poll().empty());
    CHECK(f.assembler.buffered_packets() == 0);
  }
  f.put(s[15]);
  f.put(s[16]);
  CHECK(f.poll() == Numbers{15, 16});
}

TEST_CASE("a hole between frames does not matter when picture ids go on",
          "[jitter][video][rfc7741]") {
  // A lost FEC packet in the media sequence (RFC 5109) is a hole that nothing fills. Across the
  // wrap of both widths of the picture id.
  for (const std::uint8_t bits : {std::uint8_t{7}, std::uint8_t{15}}) {
    Fixture f;
    auto s = with_picture_ids(plain_stream(6, 2), (1 << bits) - 3, bits);
    for (auto& frame : s) frame.first_sequence += frame.number;  // a hole after each frame
    for (const auto& frame : s) {
      f.put(frame);
      CHECK(f.poll() == Numbers{frame.number});
    }
    CHECK(f.wait(2s).empty());
    CHECK_FALSE(f.assembler.take_key_frame_request());
  }
}

TEST_CASE("a lost picture is noticed by picture ids and by sequence numbers alike",
          "[jitter][video][rfc7741]") {
  for (const bool ids : {true, false}) {
    Fixture f;
    auto s = plain_stream(4, 2);
    if (ids) s = with_picture_ids(s, 100, 15);
    f.put(s[0]);
    CHECK(f.poll() == Numbers{0});
    f.put(s[2]);
    f.put(s[3]);
    CHECK(f.wait(200ms).empty());
    f.put(s[1], 0, true);
    f.put(s[1], 1, true);
    CHECK(f.poll() == Numbers{1, 2, 3});
  }
}

TEST_CASE("padding between and within frames is skipped", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(3, 2);
  s[1].first_sequence += 3;
  s[2].first_sequence += 4;
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  f.put(s[1]);
  CHECK(f.poll().empty());
  f.assembler.note_padding(f.now, s[0].first_sequence + 4);
  f.assembler.note_padding(f.now, s[0].first_sequence + 2);
  CHECK(f.poll().empty());
  f.assembler.note_padding(f.now, s[0].first_sequence + 3);
  CHECK(f.poll() == Numbers{1});
  f.put(s[2]);
  f.assembler.note_padding(f.now, s[2].first_sequence - 1);
  CHECK(f.poll() == Numbers{2});

  // In the middle of a frame, and before a frame without marker can be told to be over.
  Frame odd;
  odd.number = 3;
  odd.packets = 1;
  odd.marker = false;
  odd.first_sequence = s[2].first_sequence + 2;
  f.put(odd);
  f.assembler.note_padding(f.now, odd.first_sequence + 1);
  Frame after = odd;
  after.number = 4;
  after.first_sequence = odd.first_sequence + 2;
  f.put(after);
  CHECK(f.poll() == Numbers{3});
}

TEST_CASE("a lost picture that nobody refers to is skipped", "[jitter][video][rfc7741]") {
  Fixture f;
  auto s = with_picture_ids(plain_stream(4, 3), 126, 7);
  s[1].non_reference = true;
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  f.put(s[1], 1);  // enough of it came to know that
  f.put(s[2]);
  CHECK(f.poll().empty());
  CHECK(f.wait(15ms) == Numbers{2});
  f.put(s[3]);
  CHECK(f.poll() == Numbers{3});
  CHECK(f.assembler.stats().frames_dropped == 1);
}

TEST_CASE("a lost picture of a higher layer does not stop the base layer",
          "[jitter][video][rfc7741]") {
  Fixture f;
  const auto s = layered_stream(20);
  Numbers out;
  for (const auto& frame : s) {
    if (frame.number == 6) {  // layer 1, without sync
      f.now += 33ms;
      continue;
    }
    f.put(frame);
    for (const int n : f.wait(30ms)) out.push_back(n);
  }
  // 7 (layer 2) may refer to 6; 8 is the base; from there on layers sync with Y.
  CHECK(out == Numbers{0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
  CHECK_FALSE(f.assembler.take_key_frame_request());
}

TEST_CASE("without sync a higher layer stays out until it syncs again",
          "[jitter][video][rfc7741]") {
  Fixture f;
  const auto s = layered_stream(20);
  Numbers out;
  for (const auto& frame : s) {
    if (frame.number != 2) f.put(frame);  // layer 1, the sync itself
    for (const int n : f.wait(30ms)) out.push_back(n);
  }
  // 3 may refer to 2. 5, 6 and 7 have no sync and their layers are not intact.
  CHECK(out == Numbers{0, 1, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
}

TEST_CASE("a lost base picture stops every layer", "[jitter][video][rfc7741]") {
  Fixture f;
  const auto s = layered_stream(12);
  Numbers out;
  for (const auto& frame : s) {
    if (frame.number != 4) f.put(frame);
    for (const int n : f.wait(10ms)) out.push_back(n);
  }
  CHECK(out == Numbers{0, 1, 2, 3});
  f.put(s[4]);
  CHECK(f.poll() == Numbers{4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("a decoder error stops the output until a key frame", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(5, 2);
  s[3].key = true;
  f.put(s[0]);
  f.put(s[1]);
  CHECK(f.poll() == Numbers{0, 1});
  f.assembler.handle_decoder_error(f.now);
  CHECK(f.assembler.take_key_frame_request());
  f.assembler.handle_decoder_error(f.now);  // of a frame that was still being decoded
  CHECK_FALSE(f.assembler.take_key_frame_request());
  f.put(s[2]);
  CHECK(f.poll().empty());
  f.put(s[3]);
  f.put(s[4]);
  CHECK(f.poll() == Numbers{3, 4});
}

TEST_CASE("a jump beyond the window begins a new stream", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(4, 2);
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  s[1].first_sequence += 30'000;
  s[1].key = true;
  s[2].first_sequence += 30'000;
  f.put(s[1]);
  f.put(s[2]);
  CHECK(f.poll() == Numbers{1, 2});
  CHECK(f.assembler.stats().restarts == 1);
}

TEST_CASE("two packets in a row far behind begin a new stream", "[jitter][video][rfc3550]") {
  Fixture f;
  auto s = plain_stream(4, 2);
  f.put(s[0]);
  CHECK(f.poll() == Numbers{0});
  s[1].first_sequence -= 30'000;
  s[1].key = true;
  CHECK_FALSE(f.put(s[1], 0));
  CHECK(f.put(s[1], 1));
  CHECK(f.assembler.stats().restarts == 1);
  // Its first packet was taken for a stray: a key frame is asked for in time.
  f.wait(150ms);
  CHECK(f.assembler.take_key_frame_request());
}

TEST_CASE("reset begins a new stream and keeps counters", "[jitter][video]") {
  Fixture f;
  auto s = plain_stream(3, 2);
  f.put(s[0]);
  f.put(s[1], 0);
  f.poll();
  f.assembler.reset();
  CHECK(f.assembler.buffered_packets() == 0);
  CHECK_FALSE(f.assembler.first_needed());
  CHECK(f.assembler.next_timeout() == kNever);
  CHECK(f.assembler.stats().packets_received == 3);
  f.put(s[2]);  // refers to a picture of before
  CHECK(f.poll().empty());
}

TEST_CASE("the byte bound drops to the newest key frame", "[jitter][video]") {
  FrameAssemblerConfig config;
  config.max_bytes = 300;  // 100 packets
  Fixture f{config};
  auto s = plain_stream(40, 4);
  s[20].key = true;
  f.put(s[0], 0);
  f.put(s[0], 2);  // the rest waits for the missing packets
  for (std::size_t n = 1; n < 30; ++n) {
    f.put(s[n]);
    CHECK(f.assembler.buffered_bytes() <= 300);
  }
  CHECK(f.assembler.stats().overflows == 1);
  CHECK(f.poll() == Numbers{20, 21, 22, 23, 24, 25, 26, 27, 28, 29});
}

TEST_CASE("without a key frame the byte bound drops everything and asks for one",
          "[jitter][video]") {
  FrameAssemblerConfig config;
  config.max_bytes = 300;
  Fixture f{config};
  const auto s = plain_stream(40, 4);
  f.put(s[0]);
  f.poll();
  for (std::size_t n = 2; n < 30; ++n) f.put(s[n]);
  CHECK(f.assembler.stats().overflows == 1);
  CHECK(f.assembler.take_key_frame_request());
  CHECK(f.poll().empty());
}

TEST_CASE("the bound on complete frames holds when nobody polls", "[jitter][video]") {
  FrameAssemblerConfig config;
  config.max_frames = 10;
  Fixture f{config};
  for (const auto& frame : plain_stream(100, 1)) f.put(frame);
  CHECK(f.assembler.buffered_packets() <= 11);
  CHECK(f.assembler.stats().overflows > 0);
}

TEST_CASE("deadlines follow the rule of every core", "[jitter][video]") {
  Fixture f;
  auto s = with_picture_ids(plain_stream(60, 3), 5, 15);
  s[40].key = true;
  SeededRandom random{5};
  for (const auto& frame : s) {
    for (int i = 0; i < frame.packets; ++i) {
      if (random.below(10) != 0) f.put(frame, i);
    }
    for (int step = 0; step < 3; ++step) {
      f.now += 11ms;
      CHECK(test::check_deadline_rule(f.assembler, f.now, [&](FrameAssembler& a, Timestamp now) {
        bool something = a.take_key_frame_request();
        while (a.poll_frame(now)) something = true;
        return something;
      }));
    }
  }
}

TEST_CASE("recycled storage is used for the next frame", "[jitter][video]") {
  Fixture f;
  const auto s = plain_stream(2, 3);
  f.put(s[0]);
  auto first = f.assembler.poll_frame(f.now);
  REQUIRE(first);
  const auto* storage = first->video.data.data();
  f.assembler.recycle(std::move(first->video.data));
  f.put(s[1]);
  const auto second = f.assembler.poll_frame(f.now);
  REQUIRE(second);
  CHECK(second->video.data.data() == storage);
  CHECK(second->video.data.size() == 9);
}
