#include "parley/base/sequence.hpp"

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("serial numbers compare across the wrap", "[base][rfc1982]") {
  CHECK(serial_newer<std::uint16_t>(0, 65535));
  CHECK_FALSE(serial_newer<std::uint16_t>(65535, 0));
  CHECK_FALSE(serial_newer<std::uint16_t>(5, 5));
  CHECK(serial_diff<std::uint16_t>(3, 65534) == 5);
  CHECK(serial_diff<std::uint32_t>(0xFFFFFFFF, 1) == -2);
}

TEST_CASE("unwrapping goes on over the wrap and takes late values before it", "[base]") {
  SequenceUnwrapper unwrap;
  const auto a = unwrap.unwrap(65534);
  CHECK(unwrap.unwrap(1) == a + 3);
  CHECK(unwrap.unwrap(65535) == a + 1);
  CHECK(unwrap.newest() == a + 3);
  CHECK(unwrap.peek(2) == a + 4);
  CHECK(unwrap.newest() == a + 3);
}

TEST_CASE("what came before the first value unwraps to a positive number", "[base]") {
  SequenceUnwrapper unwrap;
  unwrap.unwrap(0);
  CHECK(unwrap.unwrap(65535) > 0);
}
