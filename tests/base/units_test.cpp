#include "parley/base/units.hpp"

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("size, rate and duration combine", "[base]") {
  CHECK(DataSize::bytes(1250) / DataRate::kilobits_per_second(1000) == 10ms);
  CHECK(DataSize::bytes(1250) / Duration{10ms} == DataRate::kilobits_per_second(1000));
  CHECK(DataRate::kilobits_per_second(8) * 1s == DataSize::kilobytes(1));
  CHECK(DataSize::bytes(1) / DataRate{} == Duration::max());
  CHECK(DataSize::bytes(1) / DataRate::infinite() == Duration::zero());
  CHECK(DataSize::bytes(5) / Duration::zero() == DataRate{});
}
