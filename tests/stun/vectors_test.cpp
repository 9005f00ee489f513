// The published vectors of RFC 5769 and RFC 8489 appendix B, and messages of another program.
#include "parley/stun/credentials.hpp"
#include "parley/stun/message.hpp"
#include "stun/hex.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::stun;
using parley::test::hex;
using parley::test::unhex;

namespace {

constexpr const char* kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr const char* kKatakanaUser =
    "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";

constexpr const char* kRequest =
    "00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74"
    "00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf";
constexpr const char* kResponseV4 =
    "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
    "00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96";
constexpr const char* kResponseV6 =
    "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
    "00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c";
constexpr const char* kLongTerm =
    "00010060 2112a442 78ad3433c6ad72c029da412e"
    "00060012 e3839ee38388e383aae38383e382afe382b90000"
    "0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473 41"
    "0014000b 6578616d706c652e6f726700 00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";
// The vector of RFC 8489 appendix B.1 as printed. Its header says 0x9c, 20 more than the attributes
// that follow take, and its tag was computed with that length.
constexpr const char* kLongTermSha256 =
    "0001009c 2112a442 78ad3433c6ad72c029da412e"
    "001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"
    "00150029 6f624d61744a6f73324141414366 2f2f3439396b39353464364f4c33346f4c39465354767936347341 "
    "00"
    "0000 0014000b 6578616d706c652e6f726700";
constexpr const char* kSha256TagOfRfc =
    "e4686c8f0edeb59013e07090010a93efccbccc544c0a45d9f830aa6d6f735a01";
// The tag of the same message with the length that it has, 0x88 (computed with Python's hmac).
constexpr const char* kSha256TagOfMessage =
    "234112fbd4e27f983eb4032836f998216f5b23f8d927753fbc4f882bfbdf0dec";

Hmac sha1_key(std::string_view password) { return Hmac{DigestAlgorithm::sha1, as_bytes(password)}; }

}  // namespace

TEST_CASE("the sample request of RFC 5769 is read and written byte for byte", "[stun][rfc5769]") {
  const auto bytes = unhex(kRequest);
  const auto m = MessageView::parse(bytes);
  REQUIRE(m);
  CHECK(m->message_class() == Class::request);
  CHECK(m->method() == Method::binding);
  CHECK(m->text(Attribute::software) == "STUN test client");
  CHECK(m->u32(Attribute::priority) == 0x6e0001ffU);
  CHECK(m->u64(Attribute::ice_controlled) == 0x932ff9b151263b36U);
  CHECK(m->text(Attribute::username) == "evtj:h6vY");
  Hmac key = sha1_key(kPassword);
  CHECK(m->check_integrity(key) == Verdict::right);
  CHECK(m->check_fingerprint() == Verdict::right);
  Hmac other = sha1_key("VOkJxbRl1RmTxUk/WvJxBT");
  CHECK(m->check_integrity(other) == Verdict::wrong);

  std::array<std::uint8_t, 200> storage{};
  MessageWriter out{storage, Class::request, Method::binding, m->transaction_id()};
  out.set_padding(' ');
  out.add_text(Attribute::software, "STUN test client");
  out.add_u32(Attribute::priority, 0x6e0001ff);
  out.add_u64(Attribute::ice_controlled, 0x932ff9b151263b36);
  out.add_text(Attribute::username, "evtj:h6vY");
  out.add_integrity(key);
  out.add_fingerprint();
  CHECK(hex(out.finish()) == hex(bytes));
}

TEST_CASE("the sample responses of RFC 5769 are read and written byte for byte",
          "[stun][rfc5769]") {
  const auto [text, address] =
      GENERATE(std::pair{kResponseV4, "192.0.2.1:32853"},
               std::pair{kResponseV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"});
  const auto bytes = unhex(text);
  const auto m = MessageView::parse(bytes);
  REQUIRE(m);
  CHECK(m->message_class() == Class::success_response);
  CHECK(m->text(Attribute::software) == "test vector");
  REQUIRE(m->mapped_address());
  CHECK(m->mapped_address()->to_string() == address);
  Hmac key = sha1_key(kPassword);
  CHECK(m->check_integrity(key) == Verdict::right);
  CHECK(m->check_fingerprint() == Verdict::right);

  std::array<std::uint8_t, 200> storage{};
  MessageWriter out{storage, Class::success_response, Method::binding, m->transaction_id()};
  out.set_padding(' ');
  out.add_text(Attribute::software, "test vector");
  out.add_xor_address(Attribute::xor_mapped_address, *SocketAddress::parse(address));
  out.add_integrity(key);
  out.add_fingerprint();
  CHECK(hex(out.finish()) == hex(bytes));
}

TEST_CASE("the long-term request of RFC 5769 is read and written byte for byte",
          "[stun][rfc5769]") {
  const auto bytes = unhex(kLongTerm);
  const auto m = MessageView::parse(bytes);
  REQUIRE(m);
  const auto key_bytes =
      long_term_key(PasswordAlgorithm::md5, kKatakanaUser, "example.org", "TheMatrIX");
  Hmac key{DigestAlgorithm::sha1, key_bytes};
  CHECK(m->text(Attribute::username) == kKatakanaUser);
  CHECK(m->check_integrity(key) == Verdict::right);
  CHECK(m->check_fingerprint() == Verdict::absent);

  std::array<std::uint8_t, 200> storage{};
  MessageWriter out{storage, Class::request, Method::binding, m->transaction_id()};
  out.add_text(Attribute::username, kKatakanaUser);
  out.add_text(Attribute::nonce, "f//499k954d6OL34oL9FSTvy64sA");
  out.add_text(Attribute::realm, "example.org");
  out.add_integrity(key);
  CHECK(hex(out.finish()) == hex(bytes));
}

TEST_CASE("the SHA-256 request of RFC 8489 appendix B gives its tag with its length",
          "[stun][rfc8489]") {
  auto bytes = unhex(kLongTermSha256);
  const auto key_bytes =
      long_term_key(PasswordAlgorithm::sha256, kKatakanaUser, "example.org", "TheMatrIX");
  Hmac key{DigestAlgorithm::sha256, key_bytes};
  std::array<std::uint8_t, 32> tag{};
  key.compute({bytes}, tag);
  CHECK(hex(tag) == kSha256TagOfRfc);

  std::array<std::uint8_t, 200> storage{};
  const auto id =
      TransactionId{0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e};
  MessageWriter out{storage, Class::request, Method::binding, id};
  out.add(Attribute::userhash, user_hash(kKatakanaUser, "example.org"));
  out.add_text(Attribute::nonce, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
  out.add_text(Attribute::realm, "example.org");
  out.add_integrity_sha256(key);
  const auto m = MessageView::parse(out.finish());
  REQUIRE(m);
  CHECK(m->check_integrity(key) == Verdict::absent);
  CHECK(m->check_integrity_sha256(key) == Verdict::right);
  CHECK(hex(*m->find(Attribute::message_integrity_sha256)) == kSha256TagOfMessage);
  bytes[3] = 0x88;
  CHECK(hex(out.finish().first(bytes.size())) == hex(bytes));
}

// Written by aioice 0.8.0 (an independent program, Debian python3-aioice) with the password
// "0123456789abcdefghijkl" and the transaction id 0102..0c.
TEST_CASE("messages written by aioice are read and rewritten byte for byte", "[stun]") {
  Hmac key = sha1_key("0123456789abcdefghijkl");
  const TransactionId id{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  std::array<std::uint8_t, 200> storage{};
  std::vector<std::uint8_t> bytes;
  Bytes rewritten;

  SECTION("a check with nomination") {
    bytes = unhex(
        "000100482112a4420102030405060708090a0b0c0006000a616263643a65666768690000002400046e7f1eff"
        "802a000801020304050607080025000000080014750897ee92e861a88814f92ef82e71bf258d5817"
        "80280004cc278028");
    MessageWriter out{storage, Class::request, Method::binding, id};
    out.add_text(Attribute::username, "abcd:efghi");
    out.add_u32(Attribute::priority, 1853824767);
    out.add_u64(Attribute::ice_controlling, 0x0102030405060708);
    out.add_flag(Attribute::use_candidate);
    out.add_integrity(key);
    out.add_fingerprint();
    rewritten = out.finish();
  }
  SECTION("a role conflict") {
    bytes = unhex(
        "011100382112a4420102030405060708090a0b0c0009001100000457526f6c6520436f6e666c696374000000"
        "00080014492b6b4118fc58c3e145b8fe0febd4607f0d3af1802800048ba222b9");
    MessageWriter out{storage, Class::error_response, Method::binding, id};
    out.add_error(487, "Role Conflict");
    out.add_integrity(key);
    out.add_fingerprint();
    rewritten = out.finish();
  }
  SECTION("a TURN allocation") {
    bytes = unhex(
        "0103004c2112a4420102030405060708090a0b0c001600140002e2420113a9fa0102030405060708090a0b0b"
        "00200008000125c0e112a64b000d000400000258000800142883e397209b64f524072de103e2d5b9a20f7a7e"
        "80280004d6d0dd41");
    MessageWriter out{storage, Class::success_response, Method::allocate, id};
    out.add_xor_address(Attribute::xor_relayed_address,
                        *SocketAddress::parse("[2001:db8::7]:50000"));
    out.add_xor_address(Attribute::xor_mapped_address, *SocketAddress::parse("192.0.2.9:1234"));
    out.add_u32(Attribute::lifetime, 600);
    out.add_integrity(key);
    out.add_fingerprint();
    rewritten = out.finish();
  }
  const auto m = MessageView::parse(bytes);
  REQUIRE(m);
  CHECK(m->check_integrity(key) == Verdict::right);
  CHECK(m->check_fingerprint() == Verdict::right);
  CHECK(hex(rewritten) == hex(bytes));
}
