// Which frames go out when pictures are missing: picture ids and temporal layers.
#include "frame_fixture.hpp"

using namespace parley;
using namespace parley::jitter;

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
