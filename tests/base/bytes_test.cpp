#include "parley/base/bytes.hpp"

#include <array>

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("a reader gives big-endian numbers in order", "[base]") {
  const std::array<std::uint8_t, 10> data{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  ByteReader in{data};
  CHECK(in.u8() == 0x01);
  CHECK(in.u16() == 0x0203);
  CHECK(in.u24() == 0x040506);
  CHECK(in.u32() == 0x0708090A);
  CHECK(in.ok());
  CHECK(in.at_end());
}

TEST_CASE("a reader past the end gives zeros and stays failed", "[base]") {
  const std::array<std::uint8_t, 3> data{1, 2, 3};
  ByteReader in{data};
  CHECK(in.u32() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.u8() == 0);
  CHECK(in.bytes(1).empty());
}

TEST_CASE("a writer that lacks room writes nothing of what did not fit", "[base]") {
  std::array<std::uint8_t, 5> room{};
  ByteWriter out{room};
  out.u32(0xAABBCCDD);
  out.u16(0x1122);
  CHECK_FALSE(out.ok());
  CHECK(out.size() == 4);
  CHECK(room[4] == 0);
  out.u8(9);
  CHECK(room[4] == 0);
}

TEST_CASE("what a writer wrote a reader reads", "[base]") {
  std::array<std::uint8_t, 18> room{};
  ByteWriter out{room};
  out.u8(7);
  out.u16(0x1234);
  out.u24(0xABCDEF);
  out.u32(0xDEADBEEF);
  out.u64(0x0102030405060708);
  REQUIRE(out.ok());
  ByteReader in{room};
  CHECK(in.u8() == 7);
  CHECK(in.u16() == 0x1234);
  CHECK(in.u24() == 0xABCDEF);
  CHECK(in.u32() == 0xDEADBEEF);
  CHECK(in.u64() == 0x0102030405060708);
}
