#include "parley/rtp/packet.hpp"

#include <array>
#include <string>

#include "parley/base/random.hpp"
#include "support/catch.hpp"
#include "wire_bytes.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

// Made with aiortc 1.4 (aiortc.rtp.RtpPacket): two CSRCs, extensions 1 "0", 2, 4 and 3, "parley".
constexpr const char* kOneByteGolden =
    "92 e0 ff fe 12 34 56 78 ca fe ba be 00 00 00 01 80 00 00 02 be de 00 03 10 30 22 ab cd ef 40 "
    "aa 31 12 34 00 70 61 72 6c 65 79";
// The same with a 20-byte value under id 5, which forces the two-byte form.
constexpr const char* kTwoByteGolden =
    "92 e0 ff fe 12 34 56 78 ca fe ba be 00 00 00 01 80 00 00 02 10 00 00 0a 01 01 30 05 14 61 2d "
    "73 74 72 65 61 6d 2d 69 64 2d 6f 66 2d 32 30 2d 63 68 02 03 ab cd ef 04 01 aa 03 02 12 34 00 "
    "00 00 70 61 72 6c 65 79";

/// A packet whose extension block has `profile` and `block`, followed by one byte of payload.
ByteVector packet_with_block(std::uint16_t profile, std::string_view block_hex) {
  ByteVector packet = from_hex("90 60 00 01 00 00 00 02 00 00 00 03");
  const ByteVector block = from_hex(block_hex);
  packet.resize(16);
  store_be16(&packet[12], profile);
  store_be16(&packet[14], static_cast<std::uint16_t>(block.size() / 4));
  packet.insert(packet.end(), block.begin(), block.end());
  packet.push_back(0x77);
  return packet;
}

std::vector<int> ids_of(const PacketView& packet) {
  std::vector<int> ids;
  for (const auto& element : packet.extensions()) ids.push_back(element.id);
  return ids;
}

}  // namespace

TEST_CASE("the fields of a packet made by aiortc are read", "[rtp][rfc3550]") {
  const ByteVector bytes = from_hex(kOneByteGolden);
  const auto packet = PacketView::parse(bytes);
  REQUIRE(packet);
  CHECK(packet->marker());
  CHECK(packet->payload_type() == PayloadType{96});
  CHECK(packet->sequence_number() == 0xFFFE);
  CHECK(packet->timestamp() == 0x12345678);
  CHECK(packet->ssrc() == Ssrc{0xCAFEBABE});
  REQUIRE(packet->csrc_count() == 2);
  CHECK(packet->csrc(0) == Ssrc{1});
  CHECK(packet->csrc(1) == Ssrc{0x80000002});
  CHECK(packet->extension_profile() == 0xBEDE);
  CHECK(ids_of(*packet) == std::vector<int>{1, 2, 4, 3});
  CHECK(to_vector(packet->extension(3).value()) == from_hex("12 34"));
  CHECK_FALSE(packet->extension(9));
  CHECK(as_text(packet->payload()) == "parley");
  CHECK(packet->header_size() == 36);
  CHECK(packet->padding_size() == 0);
}

TEST_CASE("two-byte extensions made by aiortc are read", "[rtp][rfc8285]") {
  const ByteVector bytes = from_hex(kTwoByteGolden);
  const auto packet = PacketView::parse(bytes);
  REQUIRE(packet);
  CHECK(ids_of(*packet) == std::vector<int>{1, 5, 2, 4, 3});
  CHECK(as_text(packet->extension(5).value()) == "a-stream-id-of-20-ch");
  CHECK(as_text(packet->payload()) == "parley");
}

TEST_CASE("the writer makes the same bytes as aiortc", "[rtp][rfc3550][rfc8285]") {
  const std::array csrcs{Ssrc{1}, Ssrc{0x80000002}};
  const PacketHeader header{true, PayloadType{96}, 0xFFFE, 0x12345678, Ssrc{0xCAFEBABE}, csrcs};
  const auto form = GENERATE(ExtensionForm::one_byte, ExtensionForm::two_byte);
  ByteVector storage(200, 0xEE);
  PacketWriter out{storage, header, form};
  out.extension(1, as_bytes("0"));
  if (form == ExtensionForm::two_byte) out.extension(5, as_bytes("a-stream-id-of-20-ch"));
  out.extension(2, from_hex("ab cd ef"));
  out.extension(4, from_hex("aa"));
  const MutableBytes late = out.reserve_extension(3, 2);
  REQUIRE(late.size() == 2);
  out.payload(as_bytes("par"));
  out.payload(as_bytes("ley"));
  store_be16(late.data(), 0x1234);
  const auto packet = out.finish();
  REQUIRE(packet);
  CHECK(to_vector(*packet) ==
        from_hex(form == ExtensionForm::one_byte ? kOneByteGolden : kTwoByteGolden));
}

TEST_CASE("first and second byte tell RTP from RTCP and from the rest", "[rtp][rfc5761][rfc7983]") {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const std::array datagram{static_cast<std::uint8_t>(first),
                                static_cast<std::uint8_t>(second)};
      const bool ours = first >= 128 && first <= 191;
      REQUIRE(is_rtp_or_rtcp(datagram) == ours);
      REQUIRE(is_rtcp(datagram) == (ours && second >= 192 && second <= 223));
    }
  }
  CHECK_FALSE(is_rtp_or_rtcp({}));
  CHECK_FALSE(is_rtcp(from_hex("80")));
}

TEST_CASE("padding bytes of an extension block are skipped wherever they are", "[rtp][rfc8285]") {
  const ByteVector one = packet_with_block(0xBEDE, "00 10 AA 00 00 21 BB CC");
  CHECK(ids_of(PacketView::parse(one).value()) == std::vector<int>{1, 2});
  const ByteVector two = packet_with_block(0x1000, "00 01 01 AA 00 02 01 BB");
  CHECK(ids_of(PacketView::parse(two).value()) == std::vector<int>{1, 2});
}

TEST_CASE("id 15 ends a one-byte block and is an ordinary id in a two-byte one", "[rtp][rfc8285]") {
  const ByteVector one = packet_with_block(0xBEDE, "10 AA F0 BB 20 CC 00 00");
  CHECK(ids_of(PacketView::parse(one).value()) == std::vector<int>{1});
  const ByteVector two = packet_with_block(0x1000, "0F 01 AA 02 01 BB 00 00");
  CHECK(ids_of(PacketView::parse(two).value()) == std::vector<int>{15, 2});
}

TEST_CASE("two-byte blocks have any profile from 0x1000 to 0x100F", "[rtp][rfc8285]") {
  const auto appbits = GENERATE(0x1000, 0x1007, 0x100F);
  const ByteVector bytes =
      packet_with_block(static_cast<std::uint16_t>(appbits), "01 01 AA 02 01 BB 00 00");
  CHECK(ids_of(PacketView::parse(bytes).value()) == std::vector<int>{1, 2});
}

TEST_CASE("a block of another profile has no elements but the packet is kept", "[rtp][rfc8285]") {
  const auto profile = GENERATE(0x1010, 0x0FFF, 0xBEDF, 0xC0DE);
  const ByteVector bytes = packet_with_block(static_cast<std::uint16_t>(profile), "10 AA 20 BB");
  const auto packet = PacketView::parse(bytes);
  REQUIRE(packet);
  CHECK(packet->has_extension_block());
  CHECK(ids_of(*packet).empty());
  CHECK(packet->payload().size() == 1);
}

TEST_CASE("a two-byte element may be empty", "[rtp][rfc8285]") {
  const ByteVector bytes = packet_with_block(0x1000, "07 00 08 00");
  const auto packet = PacketView::parse(bytes);
  CHECK(ids_of(packet.value()) == std::vector<int>{7, 8});
  CHECK(packet->extension(7)->empty());
}

TEST_CASE("an element cut off by the end of its block ends the walk only", "[rtp][rfc8285]") {
  const ByteVector one = packet_with_block(0xBEDE, "10 AA 23 BB");  // id 2 claims 4 bytes, has 1
  const auto packet = PacketView::parse(one);
  REQUIRE(packet);
  CHECK(ids_of(*packet) == std::vector<int>{1});
  CHECK(to_vector(packet->payload()) == from_hex("77"));
  const ByteVector two = packet_with_block(0x1000, "01 01 AA 02");  // a length byte is missing
  CHECK(ids_of(PacketView::parse(two).value()) == std::vector<int>{1});
}

TEST_CASE("of two elements with one id the first is found", "[rtp][rfc8285]") {
  const ByteVector bytes = packet_with_block(0xBEDE, "10 AA 10 BB");
  CHECK(PacketView::parse(bytes)->extension(1)->front() == 0xAA);
}

TEST_CASE("a header that is cut off or of another version is refused", "[rtp][rfc3550]") {
  CHECK_FALSE(PacketView::parse({}));
  CHECK_FALSE(PacketView::parse(from_hex("80 60 00 01 00 00 00 02 00 00 00")));
  CHECK(PacketView::parse(from_hex("80 60 00 01 00 00 00 02 00 00 00 03")));
  CHECK_FALSE(PacketView::parse(from_hex("40 60 00 01 00 00 00 02 00 00 00 03")));
  CHECK_FALSE(PacketView::parse(from_hex("C0 60 00 01 00 00 00 02 00 00 00 03")));
  // One CSRC announced, three bytes there.
  CHECK_FALSE(PacketView::parse(from_hex("81 60 00 01 00 00 00 02 00 00 00 03 00 00 00")));
  // An extension block of one word announced, three bytes there.
  CHECK_FALSE(
      PacketView::parse(from_hex("90 60 00 01 00 00 00 02 00 00 00 03 BE DE 00 01 10 AA 00")));
}

TEST_CASE("padding counts itself and is not payload", "[rtp][rfc3550]") {
  const ByteVector bytes = from_hex("A0 60 00 01 00 00 00 02 00 00 00 03 AA 00 00 03");
  const auto packet = PacketView::parse(bytes);
  REQUIRE(packet);
  CHECK(packet->padding_size() == 3);
  CHECK(to_vector(packet->payload()) == from_hex("AA"));
}

TEST_CASE("a packet may be padding only", "[rtp][rfc3550]") {
  const ByteVector bytes = from_hex("A0 60 00 01 00 00 00 02 00 00 00 03 00 00 00 04");
  const auto packet = PacketView::parse(bytes);
  REQUIRE(packet);
  CHECK(packet->payload().empty());
  CHECK(packet->padding_size() == 4);
}

TEST_CASE("padding of nothing or of more than the payload is malformed", "[rtp][rfc3550]") {
  CHECK_FALSE(PacketView::parse(from_hex("A0 60 00 01 00 00 00 02 00 00 00 03 AA 00 00 00")));
  CHECK_FALSE(PacketView::parse(from_hex("A0 60 00 01 00 00 00 02 00 00 00 03 AA 00 00 05")));
  CHECK_FALSE(PacketView::parse(from_hex("A0 60 00 01 00 00 00 02 00 00 00 03")));
  // The last byte of the extension block is not a padding count.
  CHECK_FALSE(
      PacketView::parse(from_hex("B0 60 00 01 00 00 00 02 00 00 00 03 BE DE 00 01 12 AA BB 01")));
}

TEST_CASE("a writer without room gives no packet", "[rtp]") {
  const PacketHeader header{false, PayloadType{96}, 1, 2, Ssrc{3}, {}};
  // 12 of header, 4 + 4 of extension block, 3 of payload, 2 of padding.
  for (std::size_t room = 0; room <= 25; ++room) {
    ByteVector storage(room);
    PacketWriter out{storage, header};
    out.extension(1, from_hex("AA BB"));
    out.payload(from_hex("01 02 03"));
    out.padding(2);
    CHECK(out.finish().has_value() == (room == 25));
    CHECK(out.ok() == (room == 25));
  }
}

TEST_CASE("a writer refuses what has no form on the wire", "[rtp][rfc8285]") {
  ByteVector storage(600);
  const std::vector<Ssrc> sixteen(16);
  CHECK_FALSE(PacketWriter(storage, {false, PayloadType{96}, 1, 2, Ssrc{3}, sixteen}).ok());
  CHECK_FALSE(PacketWriter(storage, {false, PayloadType{128}, 1, 2, Ssrc{3}, {}}).ok());

  const PacketHeader header{false, PayloadType{96}, 1, 2, Ssrc{3}, {}};
  const auto accepts = [&](ExtensionForm form, std::uint8_t id, std::size_t size) {
    PacketWriter out{storage, header, form};
    out.reserve_extension(id, size);
    return out.ok() && out.finish().has_value();
  };
  CHECK_FALSE(accepts(ExtensionForm::one_byte, 0, 1));
  CHECK(accepts(ExtensionForm::one_byte, 14, 16));
  CHECK_FALSE(accepts(ExtensionForm::one_byte, 15, 1));
  CHECK_FALSE(accepts(ExtensionForm::one_byte, 1, 0));
  CHECK_FALSE(accepts(ExtensionForm::one_byte, 1, 17));
  CHECK_FALSE(accepts(ExtensionForm::two_byte, 0, 1));
  CHECK(accepts(ExtensionForm::two_byte, 255, 255));
  CHECK(accepts(ExtensionForm::two_byte, 1, 0));
  CHECK_FALSE(accepts(ExtensionForm::two_byte, 1, 256));
}

TEST_CASE("extensions come before payload and padding comes last", "[rtp]") {
  ByteVector storage(100);
  const PacketHeader header{false, PayloadType{96}, 1, 2, Ssrc{3}, {}};
  PacketWriter late_extension{storage, header};
  late_extension.payload(from_hex("AA"));
  late_extension.extension(1, from_hex("BB"));
  CHECK_FALSE(late_extension.finish());
  PacketWriter late_payload{storage, header};
  late_payload.padding(4);
  late_payload.payload(from_hex("AA"));
  CHECK_FALSE(late_payload.finish());
}

TEST_CASE("remaining tells how much payload still fits", "[rtp]") {
  ByteVector storage(12 + 8 + 5);
  PacketWriter out{storage, {false, PayloadType{96}, 1, 2, Ssrc{3}, {}}};
  out.extension(1, from_hex("AA BB"));
  const std::size_t room = out.remaining();
  CHECK(room == 5);
  CHECK(out.reserve_payload(room).size() == room);
  CHECK(out.remaining() == 0);
  CHECK(out.finish()->size() == storage.size());
}

TEST_CASE("an extension value is found again in a packet that moved", "[rtp]") {
  ByteVector packet = from_hex(kOneByteGolden);
  const auto value = mutable_extension(packet, 3);
  REQUIRE(value);
  store_be16(value->data(), 0xBEEF);
  CHECK(to_vector(PacketView::parse(packet)->extension(3).value()) == from_hex("BE EF"));
  CHECK_FALSE(mutable_extension(packet, 9));
  CHECK_FALSE(mutable_extension(MutableBytes{packet}.first(5), 3));
}

TEST_CASE("packets of any shape come back as they were written", "[rtp][property]") {
  SeededRandom random{0x5EED0001};
  for (int round = 0; round < 2000; ++round) {
    std::vector<Ssrc> csrcs(random.below(16));
    for (Ssrc& csrc : csrcs) csrc = Ssrc{random.u32()};
    const PacketHeader header{random.below(2) == 1,
                              PayloadType{static_cast<std::uint8_t>(random.below(128))},
                              static_cast<std::uint16_t>(random.u32()),
                              random.u32(),
                              Ssrc{random.u32()},
                              csrcs};
    const auto form = random.below(2) == 0 ? ExtensionForm::one_byte : ExtensionForm::two_byte;
    const bool one_byte = form == ExtensionForm::one_byte;
    ByteVector storage(4000);
    PacketWriter out{storage, header, form};
    std::vector<std::pair<std::uint8_t, ByteVector>> elements(random.below(6));
    for (auto& [id, value] : elements) {
      id = static_cast<std::uint8_t>(1 + random.below(one_byte ? 14 : 255));
      value.resize(one_byte ? 1 + random.below(16) : random.below(256));
      random.fill(value);
      out.extension(id, value);
    }
    ByteVector payload(random.below(1200));
    random.fill(payload);
    out.payload(payload);
    const std::size_t padding = random.below(3) == 0 ? 1 + random.below(255) : 0;
    if (padding > 0) out.padding(padding);
    const auto bytes = out.finish();
    REQUIRE(bytes);

    const auto packet = PacketView::parse(*bytes);
    REQUIRE(packet);
    REQUIRE(packet->marker() == header.marker);
    REQUIRE(packet->payload_type() == header.payload_type);
    REQUIRE(packet->sequence_number() == header.sequence_number);
    REQUIRE(packet->timestamp() == header.timestamp);
    REQUIRE(packet->ssrc() == header.ssrc);
    REQUIRE(packet->csrc_count() == csrcs.size());
    for (std::size_t i = 0; i < csrcs.size(); ++i) REQUIRE(packet->csrc(i) == csrcs[i]);
    REQUIRE(packet->padding_size() == padding);
    REQUIRE(to_vector(packet->payload()) == payload);
    std::vector<std::pair<std::uint8_t, ByteVector>> read;
    for (const auto& element : packet->extensions()) {
      read.emplace_back(element.id, to_vector(element.value));
    }
    REQUIRE(read == elements);
  }
}

TEST_CASE("every prefix and every bit flip of a packet is survived", "[rtp][property]") {
  const auto touch = [](Bytes bytes) {
    if (const auto packet = PacketView::parse(bytes)) {
      std::size_t sum = packet->payload().size() + packet->padding_size() + packet->header_size();
      CHECK(sum == bytes.size());
      for (const auto& element : packet->extensions()) {
        for (const std::uint8_t byte : element.value) sum += byte;
      }
      for (std::size_t i = 0; i < packet->csrc_count(); ++i) sum += packet->csrc(i).value();
      CHECK(sum > 0);
    }
  };
  for (const char* golden : {kOneByteGolden, kTwoByteGolden}) {
    for_each_prefix(from_hex(golden), touch);
    for_each_bit_flip(from_hex(golden), touch);
  }
}
