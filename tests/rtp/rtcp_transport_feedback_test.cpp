#include "parley/rtp/rtcp/transport_feedback.hpp"

#include <string>

#include "parley/base/random.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::rtcp;

namespace {

constexpr Timestamp kStart{Duration{64'000 * 1000}};  // a whole number of reference units

TransportFeedbackWriter writer(std::uint16_t base, Timestamp base_time = kStart,
                               std::size_t max_size = 1200) {
  return {Ssrc{1}, Ssrc{2}, 9, base, base_time, max_size};
}

/// A feedback packet around hand-made statuses: SSRCs 1 and 2, count 9.
ByteVector packet_of(std::uint16_t base, std::uint16_t count, std::uint32_t reference,
                     std::string_view rest_hex) {
  ByteVector bytes = from_hex("8F CD 00 00 00 00 00 01 00 00 00 02");
  bytes.resize(20);
  store_be16(&bytes[12], base);
  store_be16(&bytes[14], count);
  store_be24(&bytes[16], reference);
  bytes[19] = 9;
  const ByteVector rest = from_hex(rest_hex);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  if (const std::size_t padding = (4 - bytes.size() % 4) % 4; padding > 0) {
    bytes.resize(bytes.size() + padding);
    bytes.back() = static_cast<std::uint8_t>(padding);
    bytes[0] |= 0x20;
  }
  store_be16(&bytes[2], static_cast<std::uint16_t>(bytes.size() / 4 - 1));
  return bytes;
}

std::optional<TransportFeedback> read(const ByteVector& bytes) {
  const auto sub = SubPacket::parse(bytes);
  return sub ? TransportFeedback::parse(*sub) : std::nullopt;
}

/// "5@1000" for sequence 5 at 1000 us after the reference time.
std::string arrivals_of(const TransportFeedback& feedback) {
  std::string out;
  for (const auto& [sequence, time] : feedback.arrivals) {
    const auto since = time - kFeedbackReferenceUnit * feedback.reference_time;
    out += std::to_string(sequence) + "@" + std::to_string(since.count()) + " ";
  }
  return out;
}

ByteVector written(const TransportFeedbackWriter& feedback) { return write(feedback); }

}  // namespace

TEST_CASE("a run of small deltas is read", "[rtp][rtcp][twcc]") {
  // Chunk 0x2003: run, symbol 1, length 3. Deltas 4, 0 and 255 quarter milliseconds.
  const auto feedback = read(packet_of(5, 3, 7, "20 03 04 00 FF"));
  REQUIRE(feedback);
  CHECK(feedback->sender == Ssrc{1});
  CHECK(feedback->media == Ssrc{2});
  CHECK(feedback->base_sequence == 5);
  CHECK(feedback->status_count == 3);
  CHECK(feedback->reference_time == 7);
  CHECK(feedback->feedback_count == 9);
  CHECK(arrivals_of(*feedback) == "5@1000 6@1000 7@64750 ");
}

TEST_CASE("a vector of one-bit symbols is read", "[rtp][rtcp][twcc]") {
  // 0x8000 | 1 0 1 and eleven zeros, of which the count takes three.
  const auto feedback = read(packet_of(0xFFFF, 3, 0, "A8 00 04 04"));
  REQUIRE(feedback);
  CHECK(arrivals_of(*feedback) == "65535@1000 1@2000 ");
}

TEST_CASE("a vector of two-bit symbols carries large and negative deltas", "[rtp][rtcp][twcc]") {
  // 11 | 01 10 00 10 00 00 00: small, large, lost, large.
  const auto feedback = read(packet_of(10, 4, 0, "D8 80 04 01 00 FF FC"));
  REQUIRE(feedback);
  CHECK(arrivals_of(*feedback) == "10@1000 11@65000 13@64000 ");
}

TEST_CASE("a run of large deltas and a run of lost packets are read", "[rtp][rtcp][twcc]") {
  // 0x4001: run, symbol 2, one; 0x0010: sixteen lost; 0x2001: one small.
  const auto feedback = read(packet_of(0, 18, 0, "40 01 00 10 20 01 80 00 01"));
  REQUIRE(feedback);
  CHECK(arrivals_of(*feedback) == "0@-8192000 17@-8191750 ");
}

TEST_CASE("the reference time is signed", "[rtp][rtcp][twcc]") {
  CHECK(read(packet_of(0, 1, 0xFFFFFF, "20 01 00"))->reference_time == -1);
  CHECK(read(packet_of(0, 1, 0xFFFFFF, "20 01 00"))->arrivals[0].time == -64ms);
  CHECK(read(packet_of(0, 1, 0x800000, "20 01 00"))->reference_time == -8'388'608);
  CHECK(read(packet_of(0, 1, 0x7FFFFF, "20 01 00"))->reference_time == 8'388'607);
}

TEST_CASE("feedback made by werift is read", "[rtp][rtcp][twcc]") {
  // Made with werift-rtp 0.8.9 (TransportWideCC.serialize): a run and both kinds of vectors.
  const auto feedback = read(from_hex(
      "af cd 00 0a 00 00 00 01 00 00 00 02 ff fa 00 1e 12 d6 87 c8 20 09 91 01 e1 80 00 03 "
      "06 09 0c 0f 12 15 18 ff 00 04 fe e8 01 06 40 01"));
  REQUIRE(feedback);
  CHECK(feedback->base_sequence == 65530);
  CHECK(feedback->status_count == 30);
  CHECK(feedback->reference_time == 1'234'567);
  CHECK(feedback->feedback_count == 200);
  CHECK(arrivals_of(*feedback) ==
        "65530@0 65531@750 65532@2250 65533@4500 65534@7500 65535@11250 0@15750 1@21000 2@27000 "
        "4@90750 8@90750 16@91750 17@21750 19@22000 20@422000 ");
}

TEST_CASE("malformed feedback is refused", "[rtp][rtcp][twcc]") {
  CHECK_FALSE(read(packet_of(0, 0, 0, "20 01 00 00")));   // counts nothing
  CHECK_FALSE(read(packet_of(0, 1, 0, "")));              // no chunk
  CHECK_FALSE(read(packet_of(0, 15, 0, "BF FF 01 01")));  // chunks end before the count
  CHECK_FALSE(read(packet_of(0, 3, 0, "20 03 01 01")));   // a delta is missing
  CHECK_FALSE(read(packet_of(0, 1, 0, "40 01 01")));      // half of a large delta
  CHECK_FALSE(read(packet_of(0, 1, 0, "60 01 01 01")));   // run of the reserved symbol
  CHECK_FALSE(read(packet_of(0, 1, 0, "F0 00 01 01")));   // the reserved symbol in a vector
  CHECK_FALSE(read(from_hex("8F CD 00 03 00 00 00 01 00 00 00 02 00 00 00 01")));
}

TEST_CASE("symbols beyond the status count mean nothing", "[rtp][rtcp][twcc]") {
  CHECK(arrivals_of(read(packet_of(0, 1, 0, "DF FF 04 00")).value()) == "0@1000 ");
  CHECK(arrivals_of(read(packet_of(0, 1, 0, "3F FF 04 00")).value()) == "0@1000 ");
}

TEST_CASE("zero padding without the P bit is not taken for deltas", "[rtp][rtcp][twcc]") {
  CHECK(arrivals_of(read(packet_of(0, 1, 0, "20 01 04 00 00 00 00 00")).value()) == "0@1000 ");
}

TEST_CASE("a small packet may claim many lost packets and costs nothing", "[rtp][rtcp][twcc]") {
  // Eight runs of 8191 lost make 65528; then seven of one bit.
  const auto feedback =
      read(packet_of(0, 65535, 0, "1F FF 1F FF 1F FF 1F FF 1F FF 1F FF 1F FF 1F FF 80 80 04 00"));
  REQUIRE(feedback);
  CHECK(feedback->status_count == 65535);
  CHECK(arrivals_of(*feedback) == "65534@1000 ");
}

TEST_CASE("runs of length zero end with the packet", "[rtp][rtcp][twcc]") {
  CHECK_FALSE(read(packet_of(0, 1, 0, "00 00 00 00 00 00 00 00")));
  CHECK(arrivals_of(read(packet_of(0, 1, 0, "00 00 20 01 04 00")).value()) == "0@1000 ");
}

TEST_CASE("the writer makes the smallest of runs and vectors", "[rtp][rtcp][twcc]") {
  auto run = writer(5);
  for (std::uint16_t i = 0; i < 20; ++i)
    REQUIRE(run.add(static_cast<std::uint16_t>(5 + i), kStart));
  CHECK(
      written(run) ==
      packet_of(5, 20, 1000, "20 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"));

  auto gaps = writer(5);
  REQUIRE(gaps.add(5, kStart + 1ms));
  REQUIRE(gaps.add(7, kStart + 2ms));
  CHECK(written(gaps) == packet_of(5, 3, 1000, "A8 00 04 04"));

  auto large = writer(10);
  REQUIRE(large.add(10, kStart + 1ms));
  REQUIRE(large.add(11, kStart + 65ms));
  REQUIRE(large.add(13, kStart + 64ms));
  CHECK(written(large) == packet_of(10, 4, 1000, "D8 80 04 01 00 FF FC"));
}

TEST_CASE("the first packets may be lost", "[rtp][rtcp][twcc]") {
  auto feedback = writer(5);
  REQUIRE(feedback.add(8, kStart));
  const auto back = read(written(feedback));
  REQUIRE(back);
  CHECK(back->base_sequence == 5);
  CHECK(back->status_count == 4);
  CHECK(arrivals_of(*back) == "8@0 ");
}

TEST_CASE("rounding is carried so that errors do not add up", "[rtp][rtcp][twcc]") {
  auto feedback = writer(0);
  Timestamp arrival = kStart;
  for (std::uint16_t i = 0; i < 300; ++i) {
    arrival += Duration{333};  // four of these are 1332 us, four rounded ones 1000 us
    REQUIRE(feedback.add(i, arrival));
  }
  const auto back = read(written(feedback));
  REQUIRE(back);
  REQUIRE(back->arrivals.size() == 300);
  for (const auto& [sequence, time] : back->arrivals) {
    const Duration exact = Duration{333} * (sequence + 1) + kStart.time_since_epoch();
    CHECK(std::abs((time - exact).count()) <= 125);
  }
}

TEST_CASE("the reference time is rounded to the past", "[rtp][rtcp][twcc]") {
  auto feedback = writer(0, kStart + 63ms);
  REQUIRE(feedback.add(0, kStart + 63ms));
  CHECK(arrivals_of(read(written(feedback)).value()) == "0@63000 ");
  // Also for clocks before their epoch.
  auto negative = writer(0, Timestamp{-1ms});
  REQUIRE(negative.add(0, Timestamp{-1ms}));
  const auto back = read(written(negative));
  CHECK(back->reference_time == -1);
  CHECK(back->arrivals.at(0).time == -1ms);
}

TEST_CASE("a packet that can not be told is refused and changes nothing", "[rtp][rtcp][twcc]") {
  auto feedback = writer(100);
  REQUIRE(feedback.add(100, kStart));
  const ByteVector before = written(feedback);
  CHECK_FALSE(feedback.add(100, kStart));           // twice
  CHECK_FALSE(feedback.add(99, kStart));            // backwards
  CHECK_FALSE(feedback.add(101, kStart + 8192ms));  // delta too large
  CHECK_FALSE(feedback.add(101, kStart - 8193ms));  // delta too small
  CHECK(written(feedback) == before);
  CHECK(feedback.add(101, kStart + Duration{8'191'750}));
  CHECK(feedback.add(102, kStart - Duration{250}));
}

TEST_CASE("feedback never grows past its size and stays valid", "[rtp][rtcp][twcc]") {
  auto feedback = writer(0, kStart, 100);
  SeededRandom random{0x5EED0005};
  std::uint16_t sequence = 0;
  int accepted = 0;
  while (feedback.add(sequence, kStart + Duration{static_cast<int>(random.below(200'000))})) {
    ++accepted;
    REQUIRE(feedback.size() <= 100);
    sequence = static_cast<std::uint16_t>(sequence + 1 + random.below(3));
  }
  CHECK(accepted > 20);
  CHECK(read(written(feedback))->arrivals.size() == static_cast<std::size_t>(accepted));
}

TEST_CASE("feedback about nothing is not written", "[rtp][rtcp][twcc]") {
  const auto feedback = writer(0);
  CHECK(feedback.empty());
  CHECK(written(feedback).empty());
}

TEST_CASE("reference times are placed on one line across their wrap", "[rtp][rtcp][twcc]") {
  const auto at = [](std::int32_t reference) {
    TransportFeedback feedback;
    feedback.reference_time = reference;
    return feedback;
  };
  constexpr Duration kTurn = kFeedbackReferenceUnit * (1 << 24);
  ReferenceTimeline line;
  CHECK(line.offset(at(8'388'600)) == 0s);
  CHECK(line.offset(at(-8'388'600)) == kTurn);
  CHECK(line.offset(at(8'388'600)) == 0s);  // one that comes late
  CHECK(line.offset(at(-8'388'000)) == kTurn);
  CHECK(line.offset(at(0)) == kTurn);
  CHECK(line.offset(at(8'000'000)) == kTurn);
  CHECK(line.offset(at(-8'000'000)) == 2 * kTurn);
}

TEST_CASE("any pattern of arrivals comes back", "[rtp][rtcp][twcc][property]") {
  SeededRandom random{0x5EED0006};
  for (int round = 0; round < 500; ++round) {
    const auto base = static_cast<std::uint16_t>(random.u32());
    const std::uint32_t loss = random.below(100);
    const std::uint32_t large = random.below(60);
    auto feedback = writer(base, kStart, 100'000);
    std::vector<std::pair<std::uint16_t, Timestamp>> sent;
    Timestamp time = kStart;
    auto sequence = base;
    const std::uint32_t count = 1 + random.below(300);
    for (std::uint32_t i = 0; i < count; ++i, ++sequence) {
      if (random.below(100) < loss) continue;
      const auto step = random.below(100) < large
                            ? static_cast<int>(random.below(600'000)) - 300'000
                            : static_cast<int>(random.below(60'000));
      time += Duration{step};
      REQUIRE(feedback.add(sequence, time));
      sent.emplace_back(sequence, time);
    }
    if (sent.empty()) continue;
    const ByteVector bytes = written(feedback);
    const auto back = read(bytes);
    REQUIRE(back);
    REQUIRE(back->arrivals.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      REQUIRE(back->arrivals[i].sequence == sent[i].first);
      const Duration error = back->arrivals[i].time - sent[i].second.time_since_epoch();
      REQUIRE(std::abs(error.count()) <= 125);
    }
  }
}
