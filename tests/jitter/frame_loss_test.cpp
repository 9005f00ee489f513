// What a frame assembler waits for, gives up and asks for.
#include "frame_fixture.hpp"

using namespace parley;
using namespace parley::jitter;

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
