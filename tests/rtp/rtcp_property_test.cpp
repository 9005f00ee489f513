// What holds for all RTCP elements alike: round trips of random values, and survival of damage.
#include <string>

#include "parley/base/random.hpp"
#include "parley/rtp/rtcp.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::rtcp;

namespace {

/// Random elements of every kind; texts live in `texts`.
class Source {
 public:
  explicit Source(std::uint64_t seed) : random_(seed) {}

  Ssrc ssrc() { return Ssrc{random_.u32()}; }
  std::vector<ReportBlock> blocks() {
    std::vector<ReportBlock> out(random_.below(32));
    for (ReportBlock& block : out) {
      block = {ssrc(),
               static_cast<std::uint8_t>(random_.u32()),
               static_cast<std::int32_t>(random_.below(1U << 24)) - (1 << 23),
               random_.u32(),
               random_.u32(),
               random_.u32(),
               random_.u32()};
    }
    return out;
  }
  SenderReport sender_report() {
    return {ssrc(), NtpTime{random_.u64()}, random_.u32(), random_.u32(), random_.u32(), blocks()};
  }
  ReceiverReport receiver_report() { return {ssrc(), blocks()}; }
  Sdes sdes() {
    Sdes sdes;
    sdes.chunks.resize(random_.below(8));
    for (Sdes::Chunk& chunk : sdes.chunks) chunk = {ssrc(), text(), text()};
    return sdes;
  }
  Bye bye() { return {ssrcs(31), text()}; }
  Nack nack() {
    Nack nack{ssrc(), ssrc(), std::vector<Nack::Pair>(1 + random_.below(50))};
    for (Nack::Pair& pair : nack.pairs) pair = {u16(), u16()};
    return nack;
  }
  Pli pli() { return {ssrc(), ssrc()}; }
  Fir fir() {
    Fir fir{ssrc(), std::vector<Fir::Entry>(1 + random_.below(20))};
    for (Fir::Entry& entry : fir.entries)
      entry = {ssrc(), static_cast<std::uint8_t>(random_.u32())};
    return fir;
  }
  Remb remb() {
    const auto mantissa = static_cast<std::int64_t>(random_.below(1U << 18));
    return {ssrc(), DataRate::bits_per_second(mantissa << random_.below(40)), ssrcs(255)};
  }
  ExtendedReport extended_report() {
    ExtendedReport report{ssrc(), {}, std::vector<ExtendedReport::Dlrr>(random_.below(20))};
    if (random_.below(2) == 0) report.receiver_reference_time = NtpTime{random_.u64()};
    for (auto& item : report.dlrr) item = {ssrc(), random_.u32(), random_.u32()};
    return report;
  }
  CongestionFeedback congestion_feedback() {
    CongestionFeedback feedback{ssrc(), {}, random_.u32()};
    feedback.streams.resize(random_.below(5));
    for (auto& stream : feedback.streams) {
      stream = {ssrc(), u16(), std::vector<CongestionFeedback::Metric>(random_.below(40))};
      for (auto& metric : stream.metrics) {
        if (random_.below(4) == 0) continue;
        metric = {true, static_cast<Ecn>(random_.below(4)),
                  static_cast<std::uint16_t>(random_.below(0x2000))};
      }
    }
    return feedback;
  }
  TransportFeedbackWriter transport_feedback() {
    Timestamp time{Duration{static_cast<std::int64_t>(random_.below(1'000'000'000))}};
    std::uint16_t sequence = u16();
    TransportFeedbackWriter feedback{ssrc(), ssrc(), 3, sequence, time, 1200};
    for (std::uint32_t i = random_.below(100) + 1; i > 0; --i) {
      feedback.add(sequence, time);
      sequence = static_cast<std::uint16_t>(sequence + 1 + random_.below(3));
      time += Duration{static_cast<std::int64_t>(random_.below(200'000)) - 60'000};
    }
    return feedback;
  }

 private:
  std::uint16_t u16() { return static_cast<std::uint16_t>(random_.u32()); }
  std::vector<Ssrc> ssrcs(std::uint32_t most) {
    std::vector<Ssrc> out(random_.below(most + 1));
    for (Ssrc& s : out) s = ssrc();
    return out;
  }
  std::string_view text() {
    static const std::string letters(255, 'q');
    return std::string_view{letters}.substr(0, random_.below(256));
  }
  SeededRandom random_;
};

/// Tries every parser on every sub-packet, and reports how many took one.
int parse_everything(Bytes datagram) {
  const auto compound = CompoundView::parse(datagram);
  if (!compound) return 0;
  int taken = 0;
  for (const SubPacket& sub : *compound) {
    taken += SenderReport::parse(sub).has_value();
    taken += ReceiverReport::parse(sub).has_value();
    if (const auto sdes = Sdes::parse(sub)) {
      std::size_t letters = 0;
      for (const auto& chunk : sdes->chunks) {
        for (const char c : chunk.cname) letters += c != 0;
        for (const char c : chunk.mid) letters += c != 0;
      }
      taken += letters < 100'000;
    }
    taken += Bye::parse(sub).has_value();
    if (const auto nack = Nack::parse(sub)) taken += !nack->sequence_numbers().empty();
    taken += Pli::parse(sub).has_value();
    taken += Fir::parse(sub).has_value();
    taken += Remb::parse(sub).has_value();
    taken += ExtendedReport::parse(sub).has_value();
    taken += CongestionFeedback::parse(sub).has_value();
    taken += TransportFeedback::parse(sub).has_value();
  }
  return taken;
}

template <class Element>
void check_round_trip(const Element& element) {
  const ByteVector bytes = write(element);
  REQUIRE(bytes.size() == element.size());
  REQUIRE(bytes.size() % 4 == 0);
  const auto sub = SubPacket::parse(bytes);
  REQUIRE(sub);
  REQUIRE(sub->total_size == bytes.size());
  const auto back = Element::parse(*sub);
  REQUIRE(back);
  REQUIRE(*back == element);
  REQUIRE(parse_everything(bytes) == 1);
  // One byte less of storage: nothing is written.
  ByteVector small(bytes.size() - 1);
  ByteWriter out{small};
  REQUIRE_FALSE(element.write_to(out));
  REQUIRE(out.size() == 0);
  REQUIRE(out.ok());
}

/// One element of every kind in a row.
ByteVector compound_of_everything(Source& source) {
  ByteVector storage(20'000);
  CompoundWriter out{storage};
  REQUIRE(out.add(source.sender_report()));
  REQUIRE(out.add(source.receiver_report()));
  REQUIRE(out.add(source.sdes()));
  REQUIRE(out.add(source.nack()));
  REQUIRE(out.add(source.pli()));
  REQUIRE(out.add(source.fir()));
  REQUIRE(out.add(source.remb()));
  REQUIRE(out.add(source.extended_report()));
  REQUIRE(out.add(source.congestion_feedback()));
  REQUIRE(out.add(source.transport_feedback()));
  REQUIRE(out.add(source.bye()));
  return to_vector(out.bytes());
}

}  // namespace

TEST_CASE("every RTCP element comes back as it was written", "[rtp][rtcp][property]") {
  Source source{0x5EED0007};
  for (int round = 0; round < 200; ++round) {
    check_round_trip(source.sender_report());
    check_round_trip(source.receiver_report());
    check_round_trip(source.sdes());
    check_round_trip(source.bye());
    check_round_trip(source.nack());
    check_round_trip(source.pli());
    check_round_trip(source.fir());
    check_round_trip(source.remb());
    check_round_trip(source.extended_report());
    check_round_trip(source.congestion_feedback());
  }
}

TEST_CASE("a compound of every element gives each of them", "[rtp][rtcp][property]") {
  Source source{0x5EED0008};
  for (int round = 0; round < 50; ++round) {
    CHECK(parse_everything(compound_of_everything(source)) == 11);
  }
}

TEST_CASE("prefixes of sub-packet bodies are refused or read within bounds",
          "[rtp][rtcp][property]") {
  Source source{0x5EED0009};
  // Cutting a datagram breaks its chain, so cut bodies: the length field says the truth about less.
  const ByteVector whole = compound_of_everything(source);
  const auto compound = CompoundView::parse(whole);
  REQUIRE(compound);
  for (const SubPacket& sub : *compound) {
    const Bytes bytes{sub.body.data() - kHeaderSize, sub.total_size};
    for (std::size_t words = 1; words <= bytes.size() / 4; ++words) {
      for (std::uint8_t padding = 0; padding < 4; ++padding) {
        ByteVector cut = to_vector(bytes.first(4 * words));
        store_be16(&cut[2], static_cast<std::uint16_t>(words - 1));
        cut[0] = static_cast<std::uint8_t>((cut[0] & 0xDF) | (padding > 0 ? 0x20 : 0));
        if (padding > 0) cut.back() = padding;
        CHECK(parse_everything(cut) <= 1);
      }
    }
  }
}

TEST_CASE("every prefix of a compound is refused unless it ends between packets",
          "[rtp][rtcp][property]") {
  Source source{0x5EED000A};
  const ByteVector whole = compound_of_everything(source);
  std::vector<std::size_t> ends;
  std::size_t end = 0;
  const auto compound = CompoundView::parse(whole);
  REQUIRE(compound);
  for (const SubPacket& sub : *compound) ends.push_back(end += sub.total_size);
  for_each_prefix(whole, [&](Bytes prefix) {
    const bool between = std::find(ends.begin(), ends.end(), prefix.size()) != ends.end();
    REQUIRE(CompoundView::parse(prefix).has_value() == between);
  });
}

TEST_CASE("every bit flip of a compound is survived", "[rtp][rtcp][property]") {
  Source source{0x5EED000B};
  ByteVector storage(1200);
  CompoundWriter out{storage};
  REQUIRE(out.add(ReceiverReport{source.ssrc(), {ReportBlock{}}}));
  REQUIRE(out.add(Sdes{{{source.ssrc(), "cname", "0"}}}));
  REQUIRE(out.add(source.nack()));
  REQUIRE(out.add(source.fir()));
  REQUIRE(out.add(Remb{source.ssrc(), DataRate::kilobits_per_second(500), {source.ssrc()}}));
  REQUIRE(out.add(source.transport_feedback()));
  REQUIRE(out.add(source.pli()));
  for_each_bit_flip(out.bytes(), [](Bytes damaged) { CHECK(parse_everything(damaged) <= 8); });
}
