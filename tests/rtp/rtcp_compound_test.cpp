#include "parley/rtp/rtcp/compound.hpp"

#include "parley/rtp/rtcp.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::rtcp;

namespace {

std::vector<int> types_of(const CompoundView& compound) {
  std::vector<int> types;
  for (const SubPacket& sub : compound) types.push_back(static_cast<int>(sub.type));
  return types;
}

}  // namespace

TEST_CASE("a compound gives its packets in order", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex(
      "80 C9 00 01 00 00 00 05"              // RR without blocks
      "81 CE 00 02 00 00 00 01 00 00 00 02"  // PLI
      "81 CB 00 01 00 00 00 05");            // BYE
  const auto compound = CompoundView::parse(bytes);
  REQUIRE(compound);
  CHECK(types_of(*compound) == std::vector<int>{201, 206, 203});
  auto it = compound->begin();
  CHECK(it->body.size() == 4);
  ++it;
  CHECK(it->is(PacketType::payload_feedback, kFormatPli));
}

TEST_CASE("any type may come first in a reduced-size packet", "[rtp][rtcp][rfc5506]") {
  const ByteVector bytes = from_hex("81 CE 00 02 00 00 00 01 00 00 00 02");
  CHECK(types_of(CompoundView::parse(bytes).value()) == std::vector<int>{206});
}

TEST_CASE("unknown packet types are passed over and the rest is read", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex(
      "80 CC 00 02 00 00 00 01 41 42 43 44"  // APP
      "80 D5 00 00"                          // type 213
      "81 CE 00 02 00 00 00 01 00 00 00 02");
  const auto compound = CompoundView::parse(bytes);
  REQUIRE(compound);
  int plis = 0;
  for (const SubPacket& sub : *compound) plis += Pli::parse(sub).has_value();
  CHECK(plis == 1);
  CHECK(types_of(*compound) == std::vector<int>{204, 213, 206});
}

TEST_CASE("a broken chain is refused as a whole", "[rtp][rtcp][rfc3550]") {
  CHECK_FALSE(CompoundView::parse({}));
  CHECK_FALSE(CompoundView::parse(from_hex("80 C9 00")));
  CHECK_FALSE(CompoundView::parse(from_hex("80 C9 00 02 00 00 00 05")));           // too long
  CHECK_FALSE(CompoundView::parse(from_hex("40 C9 00 01 00 00 00 05")));           // version 1
  CHECK_FALSE(CompoundView::parse(from_hex("80 C9 00 01 00 00 00 05 80 C9 00")));  // tail
  CHECK_FALSE(CompoundView::parse(from_hex("80 C9 00 01 00 00 00 05 00 00 00 00")));
}

TEST_CASE("padding is taken off whatever its count", "[rtp][rtcp][rfc3550]") {
  const ByteVector bytes = from_hex("A1 CB 00 02 00 00 00 05 00 00 00 04");
  const auto sub = SubPacket::parse(bytes);
  REQUIRE(sub);
  CHECK(sub->body.size() == 4);
  CHECK(sub->total_size == 12);
  // Transport-wide feedback pads by 1 to 3 bytes.
  CHECK(SubPacket::parse(from_hex("AF CD 00 01 AA BB CC 01"))->body.size() == 3);
  CHECK(SubPacket::parse(from_hex("A0 C9 00 01 00 00 00 04"))->body.empty());
}

TEST_CASE("padding of nothing or of more than the body is malformed", "[rtp][rtcp][rfc3550]") {
  CHECK_FALSE(SubPacket::parse(from_hex("A1 CB 00 01 00 00 00 00")));
  CHECK_FALSE(SubPacket::parse(from_hex("A1 CB 00 01 00 00 00 05")));
  CHECK_FALSE(SubPacket::parse(from_hex("A0 CB 00 00")));
}

TEST_CASE("a writer refuses what does not fit and takes smaller elements after it", "[rtp][rtcp]") {
  ByteVector storage(24);
  CompoundWriter out{storage};
  CHECK(out.empty());
  CHECK(out.add(Pli{Ssrc{1}, Ssrc{2}}));
  SenderReport report;
  CHECK_FALSE(out.add(report));
  CHECK(out.bytes().size() == 12);
  CHECK(out.add(Pli{Ssrc{1}, Ssrc{3}}));
  CHECK(out.remaining() == 0);
  CHECK_FALSE(out.add(Pli{Ssrc{1}, Ssrc{4}}));
  const auto compound = CompoundView::parse(out.bytes());
  REQUIRE(compound);
  CHECK(types_of(*compound) == std::vector<int>{206, 206});
}
