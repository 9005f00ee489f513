#include "parley/jitter/audio_buffer.hpp"

#include <map>

#include "fake_decoder.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::jitter;
using parley::test::FakeDecoder;
using parley::test::FakePacket;
using parley::test::kInvented;

namespace {

const Timestamp kBegin = Timestamp{} + 500s;

/// An estimator that wants what it is told, so that tests know when packets are due.
class FixedDelay final : public DelayEstimator {
 public:
  explicit FixedDelay(Duration target) : target_(target) {}
  void on_arrival(const Arrival& a) override {
    const Duration transit = a.at - Timestamp{} - a.media;
    base_ = base_ ? std::min(*base_, transit) : transit;
  }
  Duration base() const override { return base_.value_or(0ms); }
  Duration target() const override { return target_; }
  void reset() override { base_.reset(); }

 private:
  Duration target_;
  std::optional<Duration> base_;
};

/// A stretcher that leaves everything as it is.
class NoStretch final : public TimeStretcher {
 public:
  int accelerate(std::span<std::int16_t>, int, int length, int) override { return length; }
  int expand(std::span<std::int16_t>, int, int length, int) override { return length; }
};

/// Packet n of 20 ms carries the value 100 + n.
std::int16_t value_of(int n) { return static_cast<std::int16_t>(100 + n % 30'000); }

struct Fixture {
  std::int64_t first_sequence = 65'534;
  std::uint32_t first_timestamp = 0xFFFF'FC00U;
  AudioBuffer buffer;
  AudioBlock block;
  int reads = 0;

  explicit Fixture(Duration delay = 40ms, AudioBufferConfig config = {})
      : buffer(config, std::make_unique<FakeDecoder>(), std::make_unique<FixedDelay>(delay),
               std::make_unique<NoStretch>()) {}

  /// Packet n, which was sent at n * 20 ms, arrives `late` after that.
  InsertResult put(int n, Duration late = 0ms, FakePacket packet = {}) {
    return put_at(kBegin + n * Duration{20ms} + late, n, packet);
  }
  InsertResult put_at(Timestamp at, int n, FakePacket packet = {}) {
    packet.value = value_of(n);
    packet.fec_value = static_cast<std::int16_t>(-value_of(n - 1));
    const auto bytes = packet.bytes();
    return buffer.insert(at, {first_sequence + n,
                              first_timestamp + static_cast<std::uint32_t>(n) * 960, bytes, false});
  }
  /// Reads block `reads` at its time and returns the outcome with the first sample.
  std::pair<Outcome, int> read() {
    const auto outcome = buffer.read_10ms(kBegin + reads * Duration{10ms}, block);
    ++reads;
    return {outcome, block.samples()[0]};
  }
  /// Everything up to packet `n` arrives in time; reads what is due meanwhile.
  void play_up_to(int n) {
    for (int i = 0; i <= n; ++i) {
      put(i);
      read();
      read();
    }
  }
  /// The values heard over `count` blocks, one for each change.
  std::vector<int> heard(int count) {
    std::vector<int> values;
    for (int i = 0; i < count; ++i) {
      const auto [outcome, value] = read();
      if (values.empty() || values.back() != value) values.push_back(value);
    }
    return values;
  }
};

std::vector<int> values(std::initializer_list<int> numbers) {
  std::vector<int> v;
  for (const int n : numbers) v.push_back(n < 0 ? -value_of(-n) : value_of(n));
  return v;
}

}  // namespace

TEST_CASE("nothing is heard before the first packet's time has come", "[jitter][audio]") {
  Fixture f;
  CHECK(f.read().first == Outcome::not_started);
  CHECK(f.buffer.stats().total_samples_received == 0);
  CHECK_FALSE(f.buffer.playout_timestamp());
  f.put(0);
  f.put(1);
  f.put(2);
  f.put(3);
  int silent = 1;
  std::pair<Outcome, int> heard;
  while ((heard = f.read()).first == Outcome::not_started) ++silent;
  CHECK(silent == 5);  // 40 ms and a margin of 5 ms, in blocks of 10 ms
  CHECK(heard == std::pair{Outcome::normal, 100});
  CHECK(f.buffer.playout_timestamp() == f.first_timestamp + 480);
}

TEST_CASE("packets are played in order whatever order they came in and across both wraps",
          "[jitter][audio]") {
  Fixture f;
  std::vector<int> heard;
  for (int n = 0; n < 14; n += 2) {
    // Of each two the second comes first; both before the first is due.
    if (n < 10) {
      CHECK(f.put(n + 1, -20ms) == InsertResult::inserted);
      CHECK(f.put(n, 5ms) == InsertResult::inserted);
    }
    for (const int value : f.heard(4)) {
      if (value > 0 && (heard.empty() || heard.back() != value)) heard.push_back(value);
    }
  }
  CHECK(heard == values({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  CHECK(f.buffer.stats().packets_lost == 0);
}

TEST_CASE("a duplicate is dropped whether or not the first was played", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  CHECK(f.put(10) == InsertResult::duplicate);
  CHECK(f.put(1, 200ms) == InsertResult::duplicate);
  CHECK(f.buffer.stats().packets_duplicated == 2);
  CHECK(f.buffer.stats().packets_discarded == 0);
}

TEST_CASE("a lost packet comes back from the copy in the next one", "[jitter][audio][rfc7587]") {
  Fixture f;
  f.play_up_to(10);
  FakePacket with_copy;
  with_copy.fec = true;
  f.put(12, 0ms, with_copy);
  f.put(13);
  CHECK(f.heard(11) == values({8, 9, 10, -11, 12, 13}));
  const auto& s = f.buffer.stats();
  CHECK(s.concealed_samples == 0);
  CHECK(s.fec_samples == 960);
  CHECK(s.packets_lost == 1);
  CHECK(s.fec_packets_received == 1);
  CHECK(s.fec_packets_discarded == 0);
}

TEST_CASE("without a copy a lost packet is concealed once", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  f.put(12);
  f.put(13);
  const auto heard = f.heard(11);
  CHECK(heard == std::vector<int>{value_of(8), value_of(9), value_of(10), kInvented, value_of(12),
                                  value_of(13)});
  const auto& s = f.buffer.stats();
  CHECK(s.concealed_samples == 960);
  CHECK(s.silent_concealed_samples == 0);
  CHECK(s.concealment_events == 1);
  CHECK(s.packets_lost == 1);
}

TEST_CASE("of two lost packets the copy brings the second back", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  FakePacket with_copy;
  with_copy.fec = true;
  f.put(13, 0ms, with_copy);
  CHECK(f.heard(11) == std::vector<int>{value_of(8), value_of(9), value_of(10), kInvented,
                                        -value_of(12), value_of(13)});
  CHECK(f.buffer.stats().concealed_samples == 960);
  CHECK(f.buffer.stats().fec_samples == 960);
}

TEST_CASE("a copy that was not needed is counted as discarded", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(5);
  FakePacket with_copy;
  with_copy.fec = true;
  f.put(6, 0ms, with_copy);
  f.heard(8);
  CHECK(f.buffer.stats().fec_packets_received == 1);
  CHECK(f.buffer.stats().fec_packets_discarded == 1);
}

TEST_CASE("a packet that comes after its turn is late and counted", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  f.put(12);
  f.put(13);
  f.heard(10);
  CHECK(f.put(11, 90ms) == InsertResult::late);
  CHECK(f.buffer.stats().packets_discarded == 1);
}

TEST_CASE("when the buffer runs dry sound is invented and the late packet is still played",
          "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  auto heard = f.heard(8);  // 10 is over, two blocks too many
  CHECK(heard == std::vector<int>{value_of(8), value_of(9), value_of(10), kInvented});
  CHECK(f.buffer.stats().concealed_samples == 0);  // nobody can know yet
  f.put(11, 70ms);
  f.put(12, 50ms);
  heard = f.heard(4);
  CHECK(heard == values({11, 12}));
  CHECK(f.buffer.stats().concealed_samples > 0);
  CHECK(f.buffer.stats().concealment_events == 1);
  CHECK(f.buffer.stats().packets_lost == 0);
}

TEST_CASE("what was invented while dry stands for packets that turn out lost", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  while (f.read().second != kInvented) {
  }
  f.read();
  f.read();  // 30 ms are invented: packet 11 and half of 12
  f.put(13, 80ms);
  f.put(14, 60ms);
  CHECK(f.heard(5) == std::vector<int>{kInvented, value_of(13), value_of(14)});
  CHECK(f.buffer.stats().concealed_samples == 1920);
  CHECK(f.buffer.stats().packets_lost == 2);
}

TEST_CASE("an announced pause is silence and ends when its time comes", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  FakePacket last;
  last.dtx = true;
  f.put(11, 0ms, last);
  int silence = 0;
  std::map<Outcome, int> outcomes;
  // Packet 40 follows packet 11 in sequence.
  for (int i = 0; i < 80; ++i) {
    if (f.reads == 80) {
      f.first_sequence -= 28;
      f.put(40);
      f.put(41);
      f.put(42);
    }
    const auto [outcome, value] = f.read();
    ++outcomes[outcome];
    silence += outcome == Outcome::silence ? 1 : 0;
    if (value == value_of(40)) break;
  }
  CHECK(outcomes[Outcome::conceal] == 0);
  CHECK(silence >= 54);
  CHECK(silence <= 58);
  CHECK(f.buffer.stats().concealed_samples == 0);
  CHECK(f.buffer.stats().packets_lost == 0);
  // 40 was sent at 800 ms, and is due 45 ms after that.
  CHECK(f.reads == 86);
}

TEST_CASE("a pause without an announcement is known by contiguous sequence numbers",
          "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  while (f.reads < 40) f.read();
  CHECK(f.buffer.stats().concealed_samples == 0);
  f.first_sequence -= 9;
  f.put(20);  // at 400 ms, the next after 10
  f.put(21);
  f.put(22);
  while (f.read().second != value_of(20)) REQUIRE(f.reads < 60);
  CHECK(f.reads == 46);
  CHECK(f.buffer.stats().concealed_samples == 0);
  CHECK(f.buffer.stats().concealment_events == 0);
  CHECK(f.buffer.stats().silence_samples > 0);
}

TEST_CASE("an outage without end counts as concealment and then as a new start",
          "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  for (int i = 0; i < 100; ++i) f.read();
  CHECK(f.buffer.stats().concealed_samples > 24'000);
  for (int i = 0; i < 150; ++i) f.read();
  CHECK(f.read().first == Outcome::not_started);
  const auto total = f.buffer.stats().total_samples_received;
  f.read();
  CHECK(f.buffer.stats().total_samples_received == total);
  f.put(500);
  f.put(501);
  f.put(502);
  f.reads = 1000;
  while (f.read().second != value_of(500)) REQUIRE(f.reads < 1010);
  CHECK(f.reads == 1006);
}

TEST_CASE("a jump of the sequence number beyond the window starts anew", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  f.first_sequence += 20'000;
  CHECK(f.put(11) == InsertResult::restarted);
  f.put(12);
  f.put(13);
  CHECK(f.buffer.stats().restarts == 1);
  const auto heard = f.heard(14);
  CHECK(std::find(heard.begin(), heard.end(), value_of(12)) != heard.end());
}

TEST_CASE("a stream that begins anew with smaller numbers is followed from its second packet",
          "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  f.first_sequence -= 20'000;
  f.first_timestamp += 0x4000'0000U;
  CHECK(f.put(11) == InsertResult::late);
  CHECK(f.put(12) == InsertResult::restarted);
  CHECK(f.put(13) == InsertResult::inserted);
}

TEST_CASE("a jump of the timestamp alone starts anew", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  f.first_timestamp += 48'000 * 100;
  CHECK(f.put(11) == InsertResult::restarted);
  CHECK(f.put(12) == InsertResult::inserted);
  CHECK(f.put(13) == InsertResult::inserted);
  const auto heard = f.heard(16);
  CHECK(std::find(heard.begin(), heard.end(), value_of(13)) != heard.end());
}

TEST_CASE("reset forgets the stream and keeps the counters", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  const auto received = f.buffer.stats().packets_received;
  f.buffer.reset();
  CHECK(f.buffer.stats().packets_received == received);
  f.first_sequence = 3;
  f.first_timestamp = 77;
  CHECK(f.put(11) == InsertResult::inserted);
}

TEST_CASE("more buffered media than allowed is cut to the target", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  // Nothing for two seconds less a little, then everything at once.
  f.reads += 150;
  for (int n = 11; n < 100; ++n) f.put_at(kBegin + 1750ms, n);
  f.read();
  f.read();
  CHECK(f.buffer.stats().packets_discarded > 60);
  f.read();
  const auto [outcome, value] = f.read();
  CHECK(outcome == Outcome::normal);
  CHECK(value >= value_of(95));
}

TEST_CASE("malformed and oversized payloads are refused", "[jitter][audio]") {
  Fixture f;
  const std::vector<std::uint8_t> large(1501, 8);
  CHECK(f.buffer.insert(kBegin, {1, 0, {}, false}) == InsertResult::malformed);
  CHECK(f.buffer.insert(kBegin, {2, 0, large, false}) == InsertResult::malformed);
  const std::vector<std::uint8_t> invalid(6, 0xFF);
  CHECK(f.buffer.insert(kBegin, {3, 0, invalid, false}) == InsertResult::malformed);
  CHECK(f.buffer.stats().packets_malformed == 3);
  CHECK(f.read().first == Outcome::not_started);
}

TEST_CASE("a packet whose contents do not decode is concealed", "[jitter][audio]") {
  Fixture f;
  f.play_up_to(10);
  FakePacket broken;
  broken.broken = true;
  f.put(11, 0ms, broken);
  f.put(12);
  const auto heard = f.heard(9);
  CHECK(heard == std::vector<int>{value_of(8), value_of(9), value_of(10), kInvented, value_of(12)});
  CHECK(f.buffer.stats().concealed_samples == 960);
}

TEST_CASE("delay is summed from arrival to output for every sample", "[jitter][audio]") {
  Fixture f;
  for (int n = 0; n < 100; ++n) {
    f.put(n);
    f.read();
    f.read();
  }
  const auto& s = f.buffer.stats();
  // The first packet is due at 45 ms and read at 50 ms: its halves wait 50 and 60 ms, and so do
  // those of all packets after it.
  CHECK(s.jitter_buffer_delay / static_cast<double>(s.jitter_buffer_emitted_count) ==
        Approx(0.055).margin(0.0002));
  CHECK(s.jitter_buffer_target_delay / static_cast<double>(s.jitter_buffer_emitted_count) ==
        Approx(0.040).margin(0.0001));
  CHECK(s.jitter_buffer_emitted_count == s.total_samples_received);
  CHECK(s.total_samples_duration == Approx(static_cast<double>(s.total_samples_received) / 48'000));
}

TEST_CASE("bounds of the delay are kept and told apart from what the path needs",
          "[jitter][audio]") {
  Fixture f;
  f.buffer.set_delay_bounds(120ms, 300ms);
  CHECK(f.buffer.target_delay() == 120ms);
  for (int n = 0; n < 50; ++n) {
    f.put(n);
    f.read();
    f.read();
  }
  const auto& s = f.buffer.stats();
  CHECK(s.jitter_buffer_delay / static_cast<double>(s.jitter_buffer_emitted_count) > 0.120);
  CHECK(s.jitter_buffer_minimum_delay / static_cast<double>(s.jitter_buffer_emitted_count) ==
        Approx(0.040).margin(0.0001));
  f.buffer.set_delay_bounds(0ms, 10ms);
  CHECK(f.buffer.target_delay() == 10ms);
}

TEST_CASE("energy is that of a full scale square for full scale samples", "[jitter][audio]") {
  Fixture f;
  FakePacket p;
  p.value = -32768;
  const auto bytes = p.bytes();
  for (int n = 0; n < 60; ++n) {
    f.buffer.insert(kBegin + n * Duration{20ms},
                    {n, static_cast<std::uint32_t>(n) * 960, bytes, false});
    f.read();
    f.read();
  }
  CHECK(f.buffer.stats().audio_level == Approx(1.0));
  CHECK(f.buffer.stats().total_audio_energy == Approx(f.buffer.stats().total_samples_duration));
}

TEST_CASE("packets of every duration from 2.5 to 120 ms play through", "[jitter][audio]") {
  for (const int samples : {120, 240, 480, 960, 1920, 2880, 3840, 4800, 5760}) {
    INFO(samples << " samples");
    AudioBuffer buffer{{},
                       std::make_unique<FakeDecoder>(),
                       std::make_unique<FixedDelay>(20ms),
                       std::make_unique<NoStretch>()};
    FakePacket p;
    p.samples = samples;
    const auto bytes = p.bytes();
    AudioBlock block;
    std::int64_t sent = 0;
    for (int read = 0; read < 300; ++read) {
      const Timestamp now = kBegin + read * Duration{10ms};
      // A packet can be sent when its last sample was captured.
      while ((sent + 1) * samples <= (read + 1) * 480) {
        buffer.insert(now, {sent, static_cast<std::uint32_t>(sent * samples), bytes, false});
        ++sent;
      }
      buffer.read_10ms(now, block);
    }
    CHECK(buffer.stats().concealed_samples == 0);
    CHECK(buffer.stats().packets_lost == 0);
    CHECK(buffer.stats().total_samples_received > 480 * 270);
  }
}
