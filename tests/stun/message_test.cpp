#include "parley/stun/message.hpp"

#include <vector>

#include "stun/hex.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::stun;
using parley::test::unhex;

namespace {

constexpr TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

Hmac make_key() { return Hmac{DigestAlgorithm::sha1, as_bytes("a password of the test")}; }

std::vector<std::uint8_t> full_request() {
  Hmac key = make_key();
  std::vector<std::uint8_t> storage(300);
  MessageWriter out{storage, Class::request, Method::binding, kId};
  out.add_text(Attribute::username, "left:right");
  out.add_u32(Attribute::priority, 77);
  out.add_integrity(key);
  out.add_fingerprint();
  storage.resize(out.finish().size());
  return storage;
}

// Appends an attribute behind everything and makes the header's length count it.
void append(std::vector<std::uint8_t>& m, const char* attribute) {
  const auto more = unhex(attribute);
  m.insert(m.end(), more.begin(), more.end());
  store_be16(&m[2], static_cast<std::uint16_t>(m.size() - kHeaderSize));
}

}  // namespace

TEST_CASE("class and method bits interleave as RFC 8489 draws them", "[stun][rfc8489]") {
  const auto parse = [](const char* type) {
    return MessageView::parse(unhex(std::string{type} + "00002112a4420102030405060708090a0b0c"));
  };
  struct Row {
    const char* type;
    Class message_class;
    unsigned method;
  };
  const auto row =
      GENERATE(Row{"0001", Class::request, 1}, Row{"0011", Class::indication, 1},
               Row{"0101", Class::success_response, 1}, Row{"0111", Class::error_response, 1},
               Row{"0016", Class::indication, 6}, Row{"0109", Class::success_response, 9},
               Row{"3fff", Class::error_response, 0xFFF});
  const auto m = parse(row.type);
  // The first byte of 0x3FFF is not one that RFC 7983 gives to STUN.
  REQUIRE(m.has_value() == (row.method != 0xFFF));
  if (!m) return;
  CHECK(m->message_class() == row.message_class);
  CHECK(static_cast<unsigned>(m->method()) == row.method);
  std::array<std::uint8_t, 20> storage{};
  MessageWriter out{storage, row.message_class, m->method(), kId};
  CHECK(parley::test::hex(out.finish().first(2)) == row.type);
}

TEST_CASE("only whole messages with a cookie and a first byte below 4 are STUN",
          "[stun][rfc7983]") {
  auto m = full_request();
  CHECK(is_stun(m));
  SECTION("cookie") { m[4] ^= 1; }
  SECTION("first byte of DTLS") { m[0] = 22; }
  SECTION("first byte of RTP") { m[0] = 128; }
  SECTION("one byte short") { m.pop_back(); }
  SECTION("trailing bytes") { m.insert(m.end(), 4, 0); }
  SECTION("length not a multiple of four") {
    m.pop_back();
    store_be16(&m[2], static_cast<std::uint16_t>(m.size() - kHeaderSize));
  }
  SECTION("header cut") { m.resize(19); }
  SECTION("empty") { m.clear(); }
  CHECK_FALSE(is_stun(m));
  CHECK_FALSE(MessageView::parse(m));
}

TEST_CASE("an attribute that overruns the message refuses the message", "[stun][rfc8489]") {
  auto m = full_request();
  store_be16(&m[kHeaderSize + 2], 0xFFFF);
  CHECK_FALSE(MessageView::parse(m));
  store_be16(&m[kHeaderSize + 2], static_cast<std::uint16_t>(m.size() - kHeaderSize - 3));
  CHECK_FALSE(MessageView::parse(m));
}

TEST_CASE("the attribute length excludes padding", "[stun][rfc8489]") {
  const auto m = unhex("00010008 2112a442 0102030405060708090a0b0c 80220001 41ffffff");
  const auto view = MessageView::parse(m);
  REQUIRE(view);
  CHECK(view->text(Attribute::software) == "A");
}

TEST_CASE("attributes after MESSAGE-INTEGRITY do not count", "[stun][rfc8489]") {
  Hmac key = make_key();
  std::array<std::uint8_t, 300> storage{};
  MessageWriter out{storage, Class::request, Method::binding, kId};
  out.add_u32(Attribute::priority, 77);
  out.add_integrity(key);
  out.add_flag(Attribute::use_candidate);
  out.add_u32(static_cast<Attribute>(0x7ABC), 1);
  Hmac key256{DigestAlgorithm::sha256, as_bytes("a password of the test")};
  out.add_integrity_sha256(key256);
  out.add_text(Attribute::software, "late");
  out.add_fingerprint();
  const auto m = MessageView::parse(out.finish());
  REQUIRE(m);
  CHECK(m->u32(Attribute::priority) == 77U);
  CHECK_FALSE(m->has(Attribute::use_candidate));
  CHECK_FALSE(m->has(Attribute::software));
  std::array<std::uint16_t, 4> unknown{};
  const Attribute known[] = {Attribute::priority};
  CHECK(m->unknown_required(known, unknown) == 0);
  CHECK(m->check_integrity(key) == Verdict::right);
  CHECK(m->check_integrity_sha256(key256) == Verdict::right);
  CHECK(m->check_fingerprint() == Verdict::right);
}

TEST_CASE("a MESSAGE-INTEGRITY after MESSAGE-INTEGRITY-SHA256 does not count", "[stun][rfc8489]") {
  Hmac key = make_key();
  Hmac key256{DigestAlgorithm::sha256, as_bytes("a password of the test")};
  std::array<std::uint8_t, 300> storage{};
  MessageWriter out{storage, Class::request, Method::binding, kId};
  out.add_integrity_sha256(key256);
  out.add_integrity(key);
  const auto m = MessageView::parse(out.finish());
  REQUIRE(m);
  CHECK(m->check_integrity(key) == Verdict::absent);
  CHECK(m->check_integrity_sha256(key256) == Verdict::right);
}

TEST_CASE("integrity covers padding bytes", "[stun][rfc5769]") {
  auto m = full_request();
  Hmac key = make_key();
  REQUIRE(MessageView::parse(m)->check_integrity(key) == Verdict::right);
  m[kHeaderSize + 4 + 10] ^= 1;  // the first byte after "left:right"
  CHECK(MessageView::parse(m)->check_integrity(key) == Verdict::wrong);
}

TEST_CASE("integrity is checked under the length up to it and not the whole", "[stun][rfc8489]") {
  // The same message without FINGERPRINT has the same tag.
  auto m = full_request();
  m.resize(m.size() - 8);
  store_be16(&m[2], static_cast<std::uint16_t>(m.size() - kHeaderSize));
  Hmac key = make_key();
  const auto view = MessageView::parse(m);
  REQUIRE(view);
  CHECK(view->check_integrity(key) == Verdict::right);
  CHECK(view->check_fingerprint() == Verdict::absent);
}

TEST_CASE("FINGERPRINT must be the last attribute", "[stun][rfc8489]") {
  auto m = full_request();
  append(m, "80220000");
  CHECK_FALSE(MessageView::parse(m));
}

TEST_CASE("integrity attributes of impossible sizes refuse the message", "[stun][rfc8489]") {
  const auto attribute =
      GENERATE("00080010 00000000000000000000000000000000", "001c000c 000000000000000000000000",
               "001c0024 0000000000000000000000000000000000000000000000000000000000000000 00000000",
               "001c0012 000000000000000000000000000000000000 0000", "80280000",
               "80280008 0000000000000000");
  std::vector<std::uint8_t> m = unhex("00010000 2112a442 0102030405060708090a0b0c");
  append(m, attribute);
  CHECK_FALSE(MessageView::parse(m));
}

TEST_CASE("a SHA-256 tag cut to 16 bytes is accepted", "[stun][rfc8489]") {
  Hmac key{DigestAlgorithm::sha256, as_bytes("k")};
  std::vector<std::uint8_t> m = unhex("00010014 2112a442 0102030405060708090a0b0c");
  std::array<std::uint8_t, 32> tag{};
  key.compute({m}, tag);
  append(m, ("001c0010" + parley::test::hex(Bytes{tag}.first(16))).c_str());
  const auto view = MessageView::parse(m);
  REQUIRE(view);
  CHECK(view->check_integrity_sha256(key) == Verdict::right);
  Hmac other{DigestAlgorithm::sha256, as_bytes("l")};
  CHECK(view->check_integrity_sha256(other) == Verdict::wrong);
}

TEST_CASE("unknown required attributes are listed once and optional ones not", "[stun][rfc8489]") {
  const auto m = unhex(
      "00010020 2112a442 0102030405060708090a0b0c 7fff0000 00240004 00000001 c0570000 7fff0000"
      "00250000 70010000 80280004 00000000");
  auto whole = m;
  store_be16(&whole[2], static_cast<std::uint16_t>(whole.size() - kHeaderSize));
  const auto view = MessageView::parse(whole);
  REQUIRE(view);
  std::array<std::uint16_t, 8> unknown{};
  const Attribute known[] = {Attribute::priority, Attribute::use_candidate};
  REQUIRE(view->unknown_required(known, unknown) == 2);
  CHECK(unknown[0] == 0x7FFF);
  CHECK(unknown[1] == 0x7001);
  CHECK(view->unknown_required(known, std::span{unknown}.first(1)) == 1);
}

TEST_CASE("of a repeated attribute the first counts", "[stun][rfc8489]") {
  const auto m =
      unhex("00010010 2112a442 0102030405060708090a0b0c 00240004 00000001 00240004 00000002");
  CHECK(MessageView::parse(m)->u32(Attribute::priority) == 1U);
}

TEST_CASE("fixed-size attributes of another size are absent", "[stun][rfc8489]") {
  const auto m = unhex(
      "00010014 2112a442 0102030405060708090a0b0c 00240008 0000000100000002"
      "802a0004 00000001");
  const auto view = MessageView::parse(m);
  REQUIRE(view);
  CHECK(view->has(Attribute::priority));
  CHECK_FALSE(view->u32(Attribute::priority));
  CHECK_FALSE(view->u64(Attribute::ice_controlling));
}

TEST_CASE("addresses of unknown family or wrong size are refused", "[stun][rfc8489]") {
  const auto attribute =
      GENERATE("00200008 0003a147e112a643", "00200004 0001a147",
               "00200014 0001a147 0113a9faa5d3f179bc25f4b5bed2b9d9",
               "00200018 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d900000000", "00200000");
  std::vector<std::uint8_t> m = unhex("01010000 2112a442 0102030405060708090a0b0c");
  append(m, attribute);
  const auto view = MessageView::parse(m);
  REQUIRE(view);
  CHECK_FALSE(view->xor_address(Attribute::xor_mapped_address));
  CHECK_FALSE(view->mapped_address());
}

TEST_CASE("MAPPED-ADDRESS serves when there is no XOR-MAPPED-ADDRESS", "[stun][rfc8489]") {
  const auto m = unhex("0101000c 2112a442 0102030405060708090a0b0c 00010008 00011234c0000201");
  CHECK(MessageView::parse(m)->mapped_address()->to_string() == "192.0.2.1:4660");
}

TEST_CASE("error codes outside 300 to 699 are absent", "[stun][rfc8489]") {
  const auto [attribute, code] =
      GENERATE(std::pair{"00090004 00000401", 401}, std::pair{"00090004 00000257", 0},
               std::pair{"00090004 00000757", 0}, std::pair{"00090004 00000464", 0},
               std::pair{"00090004 ffff0c01", 401}, std::pair{"00090000", 0});
  std::vector<std::uint8_t> m = unhex("01110000 2112a442 0102030405060708090a0b0c");
  append(m, attribute);
  const auto error = MessageView::parse(m)->error_code();
  CHECK((error ? error->code : 0) == code);
}

TEST_CASE("every single-bit flip of a message is noticed", "[stun]") {
  const auto good = full_request();
  Hmac key = make_key();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    const auto m = MessageView::parse(bad);
    if (!m) continue;
    INFO("bit " << bit);
    // Only a flip inside the fingerprint attribute leaves the integrity right.
    CHECK((m->check_fingerprint() != Verdict::right || m->check_integrity(key) != Verdict::right));
  }
}
