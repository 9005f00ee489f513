#include "parley/base/random.hpp"

#include <array>

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("one seed gives one sequence, another seed another", "[base]") {
  SeededRandom a{7};
  SeededRandom b{7};
  SeededRandom c{8};
  const auto first = a.u64();
  CHECK(first == b.u64());
  CHECK(first != c.u64());
}

TEST_CASE("bounded numbers are spread evenly", "[base]") {
  SeededRandom random{1};
  std::array<int, 10> counts{};
  for (int i = 0; i < 10'000; ++i) ++counts[random.below(10)];
  for (const int count : counts) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
  CHECK(random.below(0) == 0);
  CHECK(random.below(1) == 0);
}

TEST_CASE("ICE credentials use only ice-char", "[base][rfc8839]") {
  SeededRandom random{1};
  const std::string text = random.ice_chars(256);
  CHECK(text.size() == 256);
  CHECK(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
      std::string::npos);
}

TEST_CASE("system randomness does not repeat itself", "[base]") {
  SystemRandom random;
  CHECK(random.u64() != random.u64());
}
