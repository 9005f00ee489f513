// One stream over paths that lose and reorder, in simulated time: what is recovered, how soon, and
// at what cost in questions.
#include <memory>

#include "rtp/stream_pair.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
std::function<bool(int)> random_loss(double ratio, std::uint64_t seed) {
  auto random = std::make_shared<SeededRandom>(seed);
  return [random, ratio](int) { return random->unit() < ratio; };
}
std::function<bool(int)> lose(std::set<int> numbers) {
  return [numbers = std::move(numbers)](int number) { return numbers.count(number) > 0; };
}
LinkConditions lossy(double ratio, std::uint64_t seed, Duration delay = 40ms) {
  LinkConditions conditions;
  conditions.delay = delay;
  conditions.loses = random_loss(ratio, seed);
  return conditions;
}
LinkConditions clean(Duration delay = 40ms) {
  LinkConditions conditions;
  conditions.delay = delay;
  return conditions;
}
int most_questions(const StreamPair& pair) {
  int most = 0;
  for (const auto& [number, count] : pair.asked) most = std::max(most, count);
  return most;
}
int all_questions(const StreamPair& pair) {
  int all = 0;
  for (const auto& [number, count] : pair.asked) all += count;
  return all;
}
/// Sends for `duration`, then lets what is in the air settle.
void call(StreamPair& pair, Duration duration) {
  pair.run(duration);
  pair.run(3s, 10, 500ms);
}
}  // namespace

TEST_CASE("a clean path costs no question and measures its round trip", "[rtp][scenario]") {
  StreamPair pair{clean(), clean()};
  call(pair, 10s);
  CHECK(pair.usable.size() == pair.sender().stats().packets_sent);
  CHECK(pair.asked.empty());
  CHECK(pair.receiver().packets_lost() == 0);
  CHECK(pair.transport_lost == 0);
  const auto& remote = pair.sender().remote_stats();
  CHECK(remote.reports >= 5);
  REQUIRE(remote.round_trip_time);
  CHECK(to_milliseconds(*remote.round_trip_time) == Approx(80).margin(1));
  REQUIRE(pair.receiver_rtt);
  CHECK(to_milliseconds(*pair.receiver_rtt) == Approx(80).margin(1));
  CHECK(pair.receiver().to_ntp(0));
}

TEST_CASE("five percent loss both ways is recovered whole and soon", "[rtp][scenario]") {
  StreamPair pair{lossy(0.05, 11), lossy(0.05, 12)};
  call(pair, 30s);
  const auto sent = pair.sender().stats().packets_sent;
  CHECK(sent > 4000);
  CHECK(pair.lost.size() > sent / 30);
  CHECK(pair.usable.size() == sent);
  CHECK(pair.duplicates == 0);
  // A gap shows with the next packet, 33 ms later at most; each try takes a round trip and a
  // margin. Four tries in a row fail once in ten thousand losses.
  CHECK(pair.worst_recovery <= 33ms + 80ms + 95ms + 115ms + 135ms);
  CHECK(most_questions(pair) <= 4);
  CHECK(all_questions(pair) < static_cast<int>(pair.lost.size()) * 13 / 10);
  // Reports tell the loss of the path, not what was left after repair (RFC 4588).
  const double reported =
      static_cast<double>(pair.receiver().packets_lost()) / static_cast<double>(sent);
  CHECK(reported == Approx(0.05).margin(0.015));
  CHECK(pair.transport_lost > 0);
  // What is never asked twice within a round trip is hardly ever sent twice.
  CHECK(pair.sender().stats().retransmitted_packets_sent < pair.lost.size() * 13 / 10);
}

TEST_CASE("recovery works the same without RTX by plain retransmission", "[rtp][scenario]") {
  auto send = video_config();
  send.rtx_ssrc.reset();
  send.rtx_payload_type.reset();
  StreamPair pair{lossy(0.05, 21), lossy(0.05, 22), send};
  call(pair, 20s);
  CHECK(pair.lost.size() > 100);
  // Plain retransmissions count as sent packets of the stream.
  CHECK(pair.usable.size() ==
        pair.sender().stats().packets_sent - pair.sender().stats().retransmitted_packets_sent);
  CHECK(pair.duplicates == 0);
  CHECK(most_questions(pair) <= 5);
}

TEST_CASE("heavy loss is survived within the limits of the history", "[rtp][scenario]") {
  auto send = video_config();
  send.retransmission_rate = DataRate::kilobits_per_second(3000);
  StreamPair pair{lossy(0.3, 31), lossy(0.3, 32), send};
  call(pair, 20s);
  const auto sent = pair.sender().stats().packets_sent;
  CHECK(static_cast<double>(pair.usable.size()) > 0.985 * static_cast<double>(sent));
  CHECK(most_questions(pair) <= 10);
}

TEST_CASE("single losses are recovered in one round trip", "[rtp][scenario]") {
  LinkConditions forward = clean();
  forward.loses = lose({20, 43, 44, 45, 99});
  StreamPair pair{forward, clean()};
  call(pair, 5s);
  CHECK(pair.lost.size() + 1 >= 5);  // one of them may have been a report
  CHECK(pair.usable.size() == pair.sender().stats().packets_sent);
  CHECK(most_questions(pair) == 1);
  CHECK(pair.worst_recovery <= 33ms + 80ms);
}

TEST_CASE("a lost question is repeated after a round trip", "[rtp][scenario]") {
  LinkConditions forward = clean();
  forward.loses = lose({500});  // when the round trip time is known
  LinkConditions back = clean();
  StreamPair* running = nullptr;
  bool lost_one = false;
  // The first datagram after the question was asked is the question.
  back.loses = [&](int) {
    if (lost_one || running->asked.empty()) return false;
    return lost_one = true;
  };
  StreamPair pair{forward, back};
  running = &pair;
  call(pair, 4s);
  CHECK(lost_one);
  CHECK(pair.usable.size() == pair.sender().stats().packets_sent);
  CHECK(most_questions(pair) == 2);
  CHECK(pair.worst_recovery <= 33ms + 80ms + 100ms);
}

TEST_CASE("steady reordering is learnt and not asked about", "[rtp][scenario]") {
  LinkConditions forward = clean();
  // Every seventh packet is overtaken by those sent in the next 4 ms.
  forward.holds_back = [](int number) { return number % 7 == 3 ? Duration{4ms} : Duration{}; };
  StreamPair pair{forward, clean()};
  call(pair, 10s);
  CHECK(pair.usable.size() == pair.sender().stats().packets_sent);
  CHECK(pair.receiver().nack()->stats().reordered > 100);
  // The first few are asked for until the distance is known.
  CHECK(all_questions(pair) <= 10);
  CHECK(pair.receiver().packets_lost() <= 0);
}

TEST_CASE("an outage longer than the list ends in a request for a key frame", "[rtp][scenario]") {
  LinkConditions forward = clean();
  forward.loses = [](int number) { return number > 1000 && number < 2600; };
  StreamPair pair{forward, clean()};
  pair.run(20s);
  CHECK(pair.receiver().nack()->stats().overflows == 1);
  CHECK(pair.sender().stats().pli_count >= 1);
  CHECK(pair.receiver().stats().restarts == 0);
}

TEST_CASE("a satellite path with 300 ms each way is not flooded with questions",
          "[rtp][scenario]") {
  StreamPair pair{lossy(0.02, 41, 300ms), lossy(0.02, 42, 300ms)};
  call(pair, 30s);
  // Three tries fit into the two seconds after which a packet is of no use.
  CHECK(pair.usable.size() + 2 >= pair.sender().stats().packets_sent);
  // While the round trip is still a guess each loss is asked for too often; after that, once or
  // twice.
  CHECK(all_questions(pair) < static_cast<int>(pair.lost.size()) * 2);
  CHECK(most_questions(pair) <= 8);
}

TEST_CASE("the same seed gives the same call", "[rtp][scenario]") {
  const auto run = [] {
    StreamPair pair{lossy(0.1, 3), lossy(0.1, 4)};
    pair.run(5s);
    return std::tuple{pair.usable, pair.asked, pair.transport_lost, pair.worst_recovery};
  };
  CHECK(run() == run());
}

namespace {
/// After handle_timeout at the deadline, polling leaves a later deadline: nobody spins.
template <class Core, class Poll>
void settles(Core& core, Timestamp now, Poll poll) {
  for (int i = 0; i < 50 && core.next_timeout() != kNever; ++i) {
    now = std::max(now, core.next_timeout());
    core.handle_timeout(now);
    core.handle_timeout(now);  // twice changes nothing
    poll(now);
    REQUIRE(core.next_timeout() > now);
  }
}
}  // namespace

TEST_CASE("every core of a stream has a later deadline once it was polled", "[rtp][machine]") {
  SeededRandom random{1};
  std::array<std::uint16_t, 64> numbers{};

  NackTracker nacks;
  nacks.handle_packet(kStart, 70'000, Origin::media);
  nacks.handle_packet(kStart, 70'020, Origin::media);
  settles(nacks, kStart, [&](Timestamp now) { nacks.poll(now, numbers); });
  CHECK(nacks.next_timeout() == kNever);

  KeyFrameRequester requester;
  requester.handle_packet(kStart);
  settles(requester, kStart, [&](Timestamp now) { requester.poll(now); });

  ReportSchedule schedule{{}, random};
  schedule.handle_stream_started(kStart);
  schedule.request_feedback(kStart);
  settles(schedule, kStart,
          [&](Timestamp now) { schedule.handle_sent(now, schedule.due(now), 90); });

  TransportFeedbackRecorder recorder;
  recorder.handle_packet(kStart, 1);
  settles(recorder, kStart, [&](Timestamp now) {
    std::array<std::uint8_t, 100> storage{};
    ByteWriter out{storage};
    recorder.build(now, kLocal, kMedia, out);
  });

  SendStream sender{video_config(), random};
  sender.handle_pli(kStart);
  settles(sender, kStart, [&](Timestamp now) { sender.take_key_frame_request(now); });
}
