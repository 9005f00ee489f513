#include "parley/rtp/nack.hpp"

#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
constexpr std::int64_t kFirst = 70'000;

std::vector<int> poll(NackTracker& tracker, Timestamp now) {
  std::array<std::uint16_t, 2000> out{};
  const std::size_t count = tracker.poll(now, out);
  std::vector<int> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(static_cast<std::uint16_t>(out[i] - kFirst));
  return result;
}
void arrive(NackTracker& tracker, Timestamp now, std::initializer_list<int> offsets,
            Origin origin = Origin::media) {
  for (const int offset : offsets) tracker.handle_packet(now, kFirst + offset, origin);
}
using List = std::vector<int>;
}  // namespace

TEST_CASE("a hole is asked for at once while the path keeps order", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 1, 2});
  CHECK(tracker.next_timeout() == kNever);
  arrive(tracker, kStart, {5});
  CHECK(tracker.next_timeout() == kStart);
  CHECK(poll(tracker, kStart) == List{3, 4});
  CHECK(poll(tracker, kStart).empty());
}

TEST_CASE("what came before the first packet is not missing", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {10, 8, 11});
  CHECK(tracker.missing() == 0);
}

TEST_CASE("a question is not repeated before a round trip has passed", "[rtp][rfc4585]") {
  NackTracker tracker;
  tracker.set_rtt(80ms);
  arrive(tracker, kStart, {0, 2});
  CHECK(poll(tracker, kStart) == List{1});
  CHECK(poll(tracker, kStart + 80ms).empty());
  const Timestamp again = tracker.next_timeout();
  CHECK(again > kStart + 80ms);
  CHECK(again <= kStart + 100ms);
  CHECK(poll(tracker, again) == List{1});
  // The second repeat waits longer than the first.
  CHECK(tracker.next_timeout() - again > again - kStart);
}

TEST_CASE("a recovered packet is not asked for again", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 3});
  CHECK(poll(tracker, kStart) == List{1, 2});
  arrive(tracker, kStart + 90ms, {1}, Origin::retransmission);
  CHECK(tracker.missing() == 1);
  CHECK(tracker.stats().recovered == 1);
  CHECK(poll(tracker, kStart + 200ms) == List{2});
  arrive(tracker, kStart + 300ms, {2}, Origin::retransmission);
  CHECK(tracker.next_timeout() == kNever);
}

TEST_CASE("reordering that was seen before delays the first question", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 1, 4, 2, 3});  // overtaken by one and before anything was asked
  CHECK(tracker.reorder_distance() == 2);
  CHECK(tracker.stats().reordered == 2);
  arrive(tracker, kStart + 20ms, {6});
  CHECK(poll(tracker, kStart + 20ms).empty());
  arrive(tracker, kStart + 21ms, {7, 5});
  CHECK(tracker.missing() == 0);
  CHECK(tracker.stats().asked == 0);
}

TEST_CASE("more overtaking than was ever seen ends the wait", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 1, 4, 2, 3, 6});
  CHECK(poll(tracker, kStart + 1ms).empty());
  arrive(tracker, kStart + 2ms, {7, 8});
  CHECK(poll(tracker, kStart + 2ms) == List{5});
}

TEST_CASE("the wait for reordered packets ends after its limit", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 1, 4, 2, 3, 6});
  CHECK(tracker.next_timeout() == kStart + 10ms);
  CHECK(poll(tracker, kStart + 10ms) == List{5});
}

TEST_CASE("the memory of reordering fades", "[rtp][rfc4585]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 9, 1});
  CHECK(tracker.reorder_distance() == 8);
  for (int i = 10; i < 5000; ++i) tracker.handle_packet(kStart, kFirst + i, Origin::media);
  CHECK(tracker.reorder_distance() == 0);
}

TEST_CASE("an answer without RTX is not taken for reordering", "[rtp][rfc4585]") {
  NackTracker tracker;
  tracker.set_rtt(50ms);
  arrive(tracker, kStart, {0, 2, 3, 4});
  CHECK(poll(tracker, kStart) == List{1});
  arrive(tracker, kStart + 50ms, {1});
  CHECK(tracker.reorder_distance() == 0);
  CHECK(tracker.stats().recovered == 1);
}

TEST_CASE("a packet that came too soon to be an answer counts as reordered", "[rtp][rfc4585]") {
  NackTracker tracker;
  tracker.set_rtt(50ms);
  arrive(tracker, kStart, {0, 2, 3, 4});
  CHECK(poll(tracker, kStart) == List{1});
  arrive(tracker, kStart + 5ms, {1});
  CHECK(tracker.reorder_distance() == 3);
}

TEST_CASE("a hole that is never filled is given up", "[rtp][rfc5109]") {
  NackTracker::Config config;
  config.max_tries = 3;
  NackTracker tracker{config};
  arrive(tracker, kStart, {0, 2});
  Timestamp now = kStart;
  int questions = 0;
  while (tracker.next_timeout() != kNever) {
    now = tracker.next_timeout();
    questions += static_cast<int>(poll(tracker, now).size());
    REQUIRE(tracker.next_timeout() > now);
  }
  CHECK(questions == 3);
  CHECK(tracker.stats().abandoned == 1);
  CHECK(tracker.take_key_frame_needed());
  CHECK_FALSE(tracker.take_key_frame_needed());
}

TEST_CASE("a missing packet is given up by age", "[rtp]") {
  NackTracker::Config config;
  config.max_tries = 1000;
  config.max_age = 500ms;
  NackTracker tracker{config};
  arrive(tracker, kStart, {0, 2});
  tracker.handle_timeout(kStart + 499ms);
  CHECK(tracker.missing() == 1);
  tracker.handle_timeout(kStart + 500ms);
  CHECK(tracker.missing() == 0);
  CHECK(tracker.take_key_frame_needed());
}

TEST_CASE("the list of missing packets is bounded and asks for a key frame instead", "[rtp]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 900});
  CHECK(tracker.missing() == 899);
  CHECK_FALSE(tracker.take_key_frame_needed());
  arrive(tracker, kStart, {1002});  // 101 more
  CHECK(tracker.missing() == 1000);
  arrive(tracker, kStart, {1004});
  CHECK(tracker.missing() == 0);
  CHECK(tracker.take_key_frame_needed());
  CHECK(tracker.next_timeout() == kNever);
  CHECK(tracker.stats().overflows == 1);
  arrive(tracker, kStart, {1006});
  CHECK(poll(tracker, kStart) == List{1005});
}

TEST_CASE("a key frame makes what is missing before it unneeded", "[rtp]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 3, 10, 12});
  tracker.handle_key_frame(kFirst + 10);
  CHECK(poll(tracker, kStart) == List{11});
}

TEST_CASE("a poll into little room leaves the rest due", "[rtp]") {
  NackTracker tracker;
  arrive(tracker, kStart, {0, 6});
  std::array<std::uint16_t, 2> out{};
  CHECK(tracker.poll(kStart, out) == 2);
  CHECK(tracker.next_timeout() <= kStart);
  CHECK(poll(tracker, kStart) == List{3, 4, 5});
}

TEST_CASE("missing sequence numbers go over the wrap", "[rtp]") {
  NackTracker tracker;
  tracker.handle_packet(kStart, 65'534, Origin::media);
  tracker.handle_packet(kStart, 65'538, Origin::media);
  std::array<std::uint16_t, 8> out{};
  REQUIRE(tracker.poll(kStart, out) == 3);
  CHECK(out[0] == 65'535);
  CHECK(out[1] == 0);
  CHECK(out[2] == 1);
}

TEST_CASE("a key frame nobody asked for is waited for a moment", "[rtp][rfc4585]") {
  KeyFrameRequester requester;
  CHECK(requester.next_timeout() == kNever);
  requester.handle_packet(kStart);
  CHECK_FALSE(requester.poll(kStart));
  CHECK(requester.next_timeout() == kStart + 200ms);
  REQUIRE(requester.poll(kStart + 200ms));
  requester.handle_frame(kStart + 250ms, true);
  CHECK(requester.next_timeout() == kNever);
}

TEST_CASE("key frame requests are rate limited and back off", "[rtp][rfc5104]") {
  KeyFrameRequester requester;
  requester.request(kStart);
  std::vector<Timestamp> sent;
  for (Timestamp now = kStart; now < kStart + 10s; now += 10ms)
    if (requester.poll(now)) sent.push_back(now);
  REQUIRE(sent.size() >= 4);
  CHECK(sent.size() <= 9);
  CHECK(sent[0] == kStart);
  CHECK(sent[1] - sent[0] == 250ms);
  for (std::size_t i = 2; i < sent.size(); ++i) CHECK(sent[i] - sent[i - 1] >= 250ms);
}

TEST_CASE("a new wish soon after a request waits for the interval", "[rtp]") {
  KeyFrameRequester requester;
  requester.request(kStart);
  REQUIRE(requester.poll(kStart));
  requester.handle_frame(kStart + 50ms, true);
  requester.request(kStart + 60ms);
  CHECK_FALSE(requester.poll(kStart + 60ms));
  CHECK(requester.poll(kStart + 250ms));
}

TEST_CASE("a long round trip stretches the request interval", "[rtp]") {
  KeyFrameRequester requester;
  requester.set_rtt(600ms);
  requester.request(kStart);
  REQUIRE(requester.poll(kStart));
  CHECK(requester.next_timeout() == kStart + 600ms);
}

TEST_CASE("a repeated FIR keeps its number and a new one takes the next", "[rtp][rfc5104]") {
  KeyFrameRequester requester;
  requester.request(kStart);
  const auto first = requester.poll(kStart);
  const auto repeat = requester.poll(kStart + 250ms);
  REQUIRE(first);
  REQUIRE(repeat);
  CHECK_FALSE(first->repeat);
  CHECK(repeat->repeat);
  CHECK(repeat->fir_sequence == first->fir_sequence);
  requester.handle_frame(kStart + 300ms, true);
  requester.request(kStart + 5s);
  const auto next = requester.poll(kStart + 5s);
  REQUIRE(next);
  CHECK(next->fir_sequence == static_cast<std::uint8_t>(first->fir_sequence + 1));
}

TEST_CASE("frames that stop while packets go on are a stall", "[rtp]") {
  KeyFrameRequester requester;
  requester.handle_packet(kStart);
  requester.handle_frame(kStart, true);
  requester.handle_packet(kStart + 30ms);
  CHECK_FALSE(requester.poll(kStart + 900ms));
  CHECK(requester.poll(kStart + 1030ms));
  // It goes on by itself: nothing more to ask for.
  requester.handle_frame(kStart + 1050ms, false);
  CHECK_FALSE(requester.waiting());
}

TEST_CASE("an explicit wish is not satisfied by an inter frame", "[rtp]") {
  KeyFrameRequester requester;
  requester.handle_packet(kStart);
  requester.handle_frame(kStart, true);
  requester.request(kStart + 1s);
  requester.handle_frame(kStart + 1010ms, false);
  CHECK(requester.waiting());
  CHECK(requester.poll(kStart + 1010ms));
}
