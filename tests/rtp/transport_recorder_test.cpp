#include "parley/rtp/transport_feedback.hpp"
#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
std::vector<rtcp::TransportFeedback> collect(TransportFeedbackRecorder& recorder, Timestamp now,
                                             std::size_t room = 1200) {
  std::vector<rtcp::TransportFeedback> result;
  for (;;) {
    std::vector<std::uint8_t> storage(room);
    ByteWriter out{storage};
    if (!recorder.build(now, kLocal, kMedia, out)) return result;
    const auto sub = rtcp::SubPacket::parse(out.written());
    REQUIRE(sub);
    const auto feedback = rtcp::TransportFeedback::parse(*sub);
    REQUIRE(feedback);
    result.push_back(*feedback);
    REQUIRE(result.size() < 10'000);
  }
}
std::vector<std::uint16_t> arrived(const rtcp::TransportFeedback& feedback) {
  std::vector<std::uint16_t> result;
  for (const auto& arrival : feedback.arrivals) result.push_back(arrival.sequence);
  return result;
}
using List = std::vector<std::uint16_t>;

// A sender and a receiver of transport-wide numbers, without the network between them.
struct Pair {
  TransportFeedbackRecorder recorder;
  SentPacketLog log;

  void send(Timestamp now, int count, DataSize size = DataSize::bytes(1000)) {
    for (int i = 0; i < count; ++i) log.handle_sent(now, size);
  }
};
}  // namespace

TEST_CASE("feedback is due an interval after the first arrival", "[rtp]") {
  TransportFeedbackRecorder recorder;
  CHECK(recorder.next_timeout() == kNever);
  recorder.handle_packet(kStart, 10);
  recorder.handle_packet(kStart + 20ms, 11);
  CHECK(recorder.next_timeout() == kStart + 50ms);
  CHECK_FALSE(recorder.due(kStart + 49ms));
  CHECK(recorder.due(kStart + 50ms));
  const auto feedback = collect(recorder, kStart + 50ms);
  REQUIRE(feedback.size() == 1);
  CHECK(arrived(feedback[0]) == List{10, 11});
  CHECK(feedback[0].arrivals[1].time - feedback[0].arrivals[0].time == 20ms);
  CHECK(recorder.next_timeout() == kNever);
}

TEST_CASE("many arrivals make feedback due at once", "[rtp]") {
  TransportFeedbackRecorder::Config config;
  config.max_packets = 5;
  TransportFeedbackRecorder recorder{config};
  for (std::uint16_t s = 0; s < 5; ++s) recorder.handle_packet(kStart, s);
  CHECK(recorder.due(kStart));
}

TEST_CASE("losses lie between arrivals and between feedback packets", "[rtp]") {
  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  recorder.handle_packet(kStart, 4);
  auto feedback = collect(recorder, kStart + 50ms);
  CHECK(feedback[0].base_sequence == 1);
  CHECK(feedback[0].status_count == 4);
  recorder.handle_packet(kStart + 60ms, 7);
  feedback = collect(recorder, kStart + 110ms);
  CHECK(feedback[0].base_sequence == 5);
  CHECK(feedback[0].status_count == 3);
  CHECK(feedback[0].feedback_count == 1);
}

TEST_CASE("transport numbers go over the wrap", "[rtp]") {
  TransportFeedbackRecorder recorder;
  for (const std::uint16_t s : List{65'534, 65'535, 0, 2}) recorder.handle_packet(kStart, s);
  const auto feedback = collect(recorder, kStart + 50ms);
  REQUIRE(feedback.size() == 1);
  CHECK(arrived(feedback[0]) == List{65'534, 65'535, 0, 2});
}

TEST_CASE("a packet that came after it was reported lost is reported again", "[rtp]") {
  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  recorder.handle_packet(kStart, 3);
  collect(recorder, kStart + 50ms);
  recorder.handle_packet(kStart + 55ms, 2);
  const auto feedback = collect(recorder, kStart + 105ms);
  REQUIRE(feedback.size() == 1);
  CHECK(arrived(feedback[0]) == List{2, 3});
  CHECK(feedback[0].arrivals[0].time > feedback[0].arrivals[1].time);
}

TEST_CASE("arrivals told again do not hide those that wait", "[rtp]") {
  TransportFeedbackRecorder recorder;
  for (std::uint16_t s = 0; s < 300; ++s)
    if (s != 5) recorder.handle_packet(kStart, s);
  collect(recorder, kStart + 50ms);
  recorder.handle_packet(kStart + 51ms, 5);  // 294 are told again after it
  for (std::uint16_t s = 300; s < 310; ++s) recorder.handle_packet(kStart + 52ms, s);
  std::size_t told = 0;
  for (const auto& feedback : collect(recorder, kStart + 101ms, 60))
    for (const auto& arrival : feedback.arrivals) told += arrival.sequence >= 300 ? 1 : 0;
  CHECK(told == 10);
  CHECK(recorder.next_timeout() == kNever);
}

TEST_CASE("duplicates are not reported twice", "[rtp]") {
  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  collect(recorder, kStart + 50ms);
  recorder.handle_packet(kStart + 60ms, 1);
  CHECK(recorder.next_timeout() == kNever);
}

TEST_CASE("a long burst takes several feedback packets", "[rtp]") {
  TransportFeedbackRecorder recorder;
  for (std::uint16_t s = 0; s < 3000; ++s)
    recorder.handle_packet(kStart + 100ms * (s % 2), s);  // large deltas
  const auto feedback = collect(recorder, kStart + 300ms);
  CHECK(feedback.size() > 1);
  std::size_t total = 0;
  for (const auto& f : feedback) total += f.arrivals.size();
  CHECK(total == 3000);
  CHECK(recorder.next_timeout() == kNever);
}

TEST_CASE("arrivals too far apart for one delta are split", "[rtp]") {
  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  recorder.handle_packet(kStart + 20s, 2);
  const auto feedback = collect(recorder, kStart + 20s);
  REQUIRE(feedback.size() == 2);
  CHECK(arrived(feedback[1]) == List{2});
}

TEST_CASE("a jump of the transport numbers starts over within bounds", "[rtp]") {
  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  recorder.handle_packet(kStart, 20'000);
  const auto feedback = collect(recorder, kStart + 50ms);
  REQUIRE(feedback.size() == 1);
  CHECK(arrived(feedback[0]) == List{20'000});
}

TEST_CASE("too little room leaves the feedback due", "[rtp]") {
  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  std::array<std::uint8_t, 16> storage{};
  ByteWriter out{storage};
  CHECK_FALSE(recorder.build(kStart + 50ms, kLocal, kMedia, out));
  CHECK(out.size() == 0);
  CHECK(recorder.due(kStart + 50ms));
  CHECK(collect(recorder, kStart + 50ms).size() == 1);
}

TEST_CASE("feedback tells the sender what arrived and what did not", "[rtp]") {
  Pair pair;
  pair.send(kStart, 5);
  CHECK(pair.log.in_flight() == DataSize::bytes(5000));
  for (const std::uint16_t s : List{1, 2, 4, 5}) pair.recorder.handle_packet(kStart + 30ms, s);
  for (const auto& feedback : collect(pair.recorder, kStart + 80ms)) {
    const auto result = pair.log.handle_feedback(kStart + 110ms, feedback);
    REQUIRE(result.packets.size() == 5);
    CHECK(result.packets[2].sequence - result.packets[0].sequence == 2);
    CHECK_FALSE(result.packets[2].received);
    CHECK(result.packets[3].received);
    CHECK(result.packets[3].sent == kStart);
    CHECK(result.packets[3].size == DataSize::bytes(1000));
    CHECK(result.round_trip_time == 110ms);
  }
  CHECK(pair.log.in_flight() == DataSize{});
}

TEST_CASE("repeated and overlapping feedback gives each packet once", "[rtp]") {
  Pair pair;
  pair.send(kStart, 3);
  pair.recorder.handle_packet(kStart, 1);
  pair.recorder.handle_packet(kStart, 3);
  const auto first = collect(pair.recorder, kStart + 50ms);
  CHECK(pair.log.handle_feedback(kStart + 60ms, first[0]).packets.size() == 3);
  CHECK(pair.log.handle_feedback(kStart + 61ms, first[0]).packets.empty());
  pair.recorder.handle_packet(kStart + 55ms, 2);
  const auto second = collect(pair.recorder, kStart + 105ms);
  const auto result = pair.log.handle_feedback(kStart + 110ms, second[0]);
  REQUIRE(result.packets.size() == 1);
  CHECK(result.packets[0].received);
  CHECK(pair.log.in_flight() == DataSize{});
}

TEST_CASE("arrival times of successive feedback lie on one line", "[rtp]") {
  Pair pair;
  std::optional<Timestamp> previous;
  for (int i = 0; i < 50; ++i) {
    const Timestamp now = kStart + 70ms * i;
    const auto number = pair.log.next_sequence();
    pair.send(now, 1);
    pair.recorder.handle_packet(now + 20ms, number);
    for (const auto& feedback : collect(pair.recorder, now + 70ms)) {
      const auto result = pair.log.handle_feedback(now + 90ms, feedback);
      REQUIRE(result.packets.size() == 1);
      const Timestamp received = *result.packets[0].received;
      if (previous) CHECK(to_milliseconds(received - *previous) == Approx(70).margin(0.51));
      previous = received;
    }
  }
}

TEST_CASE("feedback about packets never sent or long forgotten is empty", "[rtp]") {
  SentPacketLog log{16};
  rtcp::TransportFeedback feedback;
  feedback.base_sequence = 1;
  feedback.status_count = 65'535;
  CHECK(log.handle_feedback(kStart, feedback).packets.empty());
  for (int i = 0; i < 100; ++i) log.handle_sent(kStart, DataSize::bytes(10));
  CHECK(log.in_flight() == DataSize::bytes(160));
  const auto result = log.handle_feedback(kStart, feedback);
  CHECK(result.packets.size() == 16);
  CHECK(log.in_flight() == DataSize{});
  feedback.base_sequence = 50'000;
  CHECK(log.handle_feedback(kStart, feedback).packets.empty());
}

TEST_CASE("the log of sent packets grows with what is in flight", "[rtp]") {
  SentPacketLog log{3000};
  for (int i = 0; i < 2900; ++i) log.handle_sent(kStart + i * 1ms, DataSize::bytes(10 + i % 5));
  CHECK(log.in_flight() == DataSize::bytes(2900 * 12));
  rtcp::TransportFeedback feedback;
  feedback.base_sequence = 1;
  feedback.status_count = 2900;
  const auto packets = log.handle_feedback(kStart + 3s, feedback).packets;
  REQUIRE(packets.size() == 2900);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    REQUIRE(packets[i].sent == kStart + static_cast<int>(i) * 1ms);
    REQUIRE(packets[i].size == DataSize::bytes(10 + static_cast<int>(i % 5)));
  }
  CHECK(log.in_flight() == DataSize{});
  for (int i = 0; i < 4000; ++i) log.handle_sent(kStart + 3s, DataSize::bytes(10));
  CHECK(log.in_flight() == DataSize::bytes(3000 * 10));  // the rest is forgotten
}

TEST_CASE("gaps in the feedback count tell of lost feedback", "[rtp]") {
  SentPacketLog log;
  rtcp::TransportFeedback feedback;
  feedback.status_count = 1;
  for (const std::uint8_t count : std::vector<std::uint8_t>{254, 255, 1, 0, 2}) {
    feedback.feedback_count = count;
    log.handle_feedback(kStart, feedback);
  }
  CHECK(log.feedbacks() == 5);
  CHECK(log.feedbacks_lost() == 1);
}

TEST_CASE("the log of sent packets works over many turns of the numbers", "[rtp]") {
  Pair pair;
  Timestamp now = kStart;
  std::uint64_t received = 0;
  for (int i = 0; i < 200'000; ++i) {
    now += 1ms;
    const auto number = pair.log.next_sequence();
    pair.send(now, 1);
    if (i % 10 != 0) pair.recorder.handle_packet(now, number);
    if (!pair.recorder.due(now)) continue;
    for (const auto& feedback : collect(pair.recorder, now))
      for (const auto& packet : pair.log.handle_feedback(now, feedback).packets)
        received += packet.received ? 1 : 0;
  }
  CHECK(received > 179'900);
  CHECK(received <= 180'000);
}
