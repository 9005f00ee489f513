// Restarts, bounds, deadlines and storage of a frame assembler.
#include "frame_fixture.hpp"
#include "parley/base/random.hpp"
#include "support/machine_checks.hpp"

using namespace parley;
using namespace parley::jitter;

TEST_CASE("the wait is bounded however long the round trip", "[jitter][video]") {
  Fixture f;
  f.assembler.set_round_trip_time(5s);
  const auto s = plain_stream(3, 1);
  f.put(s[0]);
  f.put(s[2]);
  f.poll();
  CHECK(f.assembler.next_timeout() == kBegin + 1s);
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
