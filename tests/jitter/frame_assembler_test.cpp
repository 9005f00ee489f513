// How packets become frames.
#include <array>

#include "frame_fixture.hpp"

using namespace parley;
using namespace parley::jitter;

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
