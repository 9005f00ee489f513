#include <numeric>
#include <vector>

#include "parley/stun/message.hpp"
#include "stun/crc32.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::stun;

namespace {
constexpr TransactionId kId{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 12};
}

TEST_CASE("the CRC-32 has the published check value at every alignment", "[stun]") {
  CHECK(crc32(as_bytes("123456789")) == 0xCBF43926U);
  std::vector<std::uint8_t> data(300);
  std::iota(data.begin(), data.end(), std::uint8_t{0});
  for (std::size_t cut = 0; cut <= 40; ++cut) {
    const Bytes all{data};
    CHECK(crc32(all.subspan(cut), crc32(all.first(cut))) == crc32(all));
  }
}

TEST_CASE("XOR addresses of both families come back", "[stun][rfc8489]") {
  const auto text = GENERATE("192.0.2.1:1", "255.255.255.255:65535", "[2001:db8::1]:3478",
                             "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1");
  std::array<std::uint8_t, 64> storage{};
  MessageWriter out{storage, Class::success_response, Method::binding, kId};
  out.add_xor_address(Attribute::xor_peer_address, *SocketAddress::parse(text));
  const auto m = MessageView::parse(out.finish());
  REQUIRE(m);
  CHECK(m->xor_address(Attribute::xor_peer_address)->to_string() == text);
}

TEST_CASE("an IPv6 XOR address depends on the transaction id", "[stun][rfc8489]") {
  const auto address = *SocketAddress::parse("[2001:db8::1]:3478");
  std::array<std::uint8_t, 64> one{}, two{};
  MessageWriter a{one, Class::success_response, Method::binding, kId};
  MessageWriter b{two, Class::success_response, Method::binding, TransactionId{}};
  a.add_xor_address(Attribute::xor_mapped_address, address);
  b.add_xor_address(Attribute::xor_mapped_address, address);
  const Bytes x = a.finish(), y = b.finish();
  CHECK_FALSE(std::equal(x.begin() + 28, x.end(), y.begin() + 28));
}

TEST_CASE("error codes and unknown attributes are written as they are read", "[stun][rfc8489]") {
  std::array<std::uint8_t, 100> storage{};
  MessageWriter out{storage, Class::error_response, Method::binding, kId};
  out.add_error(420, "Unknown Attribute");
  const std::uint16_t types[] = {0x7FFF, 0x0031, 0x0001};
  out.add_unknown_attributes(types);
  const auto m = MessageView::parse(out.finish());
  REQUIRE(m);
  CHECK(m->error_code()->code == 420);
  CHECK(m->error_code()->reason == "Unknown Attribute");
  const auto list = m->find(Attribute::unknown_attributes);
  REQUIRE(list);
  REQUIRE(list->size() == 6);
  CHECK(load_be16(&(*list)[2]) == 0x0031);
}

TEST_CASE("storage of any size is respected and too little gives nothing", "[stun]") {
  Hmac key{DigestAlgorithm::sha1, as_bytes("k")};
  const auto write = [&](MutableBytes storage) {
    MessageWriter out{storage, Class::request, Method::binding, kId};
    out.add_text(Attribute::username, "abc");
    out.add_xor_address(Attribute::xor_mapped_address, *SocketAddress::parse("192.0.2.1:1"));
    out.add_error(400, "x");
    out.add_integrity(key);
    out.add_fingerprint();
    return out.finish();
  };
  std::vector<std::uint8_t> large(200);
  const std::size_t needed = write(large).size();
  REQUIRE(needed > 0);
  for (std::size_t size = 0; size < needed; ++size) {
    std::vector<std::uint8_t> storage(size);
    CHECK(write(storage).empty());
  }
  std::vector<std::uint8_t> exact(needed);
  CHECK(write(exact).size() == needed);
}

TEST_CASE("a message longer than its length field can say is refused", "[stun]") {
  std::vector<std::uint8_t> storage(200'000);
  const std::vector<std::uint8_t> data(65'535);
  MessageWriter out{storage, Class::indication, Method::data, kId};
  out.add(Attribute::data, Bytes{data}.first(60'000));
  CHECK_FALSE(out.finish().empty());
  out.add(Attribute::data, Bytes{data}.first(6'000));
  CHECK(out.finish().empty());
}

TEST_CASE("finish may be called between attributes", "[stun]") {
  std::array<std::uint8_t, 100> storage{};
  MessageWriter out{storage, Class::request, Method::binding, kId};
  CHECK(MessageView::parse(out.finish()));
  out.add_flag(Attribute::use_candidate);
  const auto m = MessageView::parse(out.finish());
  REQUIRE(m);
  CHECK(m->has(Attribute::use_candidate));
}
