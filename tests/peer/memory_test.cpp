// What a connection weighs apart from the crypto library, which has an allocator of its own. Counts
// every allocation of the program, so it is a program of its own.
#include <memory>

#include "data_scene.hpp"
#include "parley/sdp/capabilities.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

using namespace parley;
using namespace parley::test;

TEST_CASE("connections share what they can negotiate", "[peer][memory]") {
  const jsep::Config first = jsep::default_config();
  const std::size_t before = live;
  const jsep::Config second = jsep::default_config();
  const std::size_t taken = live - before;
  CHECK(second.optional_codecs.begin() == first.optional_codecs.begin());
  CHECK(second.extensions.begin() == first.extensions.begin());
  INFO("bytes: " << taken);
  CHECK(taken < 1024);  // two codecs of its own
}

TEST_CASE("a connection with an open data channel stays small", "[peer][memory]") {
  // What only the first one pays is not what each one costs.
  auto warm = std::make_unique<DataScene>();
  (void)warm->open(warm->a);
  warm->connect();
  const std::size_t before = live;
  auto scene = std::make_unique<DataScene>();
  (void)scene->open(scene->a);
  scene->connect();
  const std::size_t each = (live - before) / 2;
  INFO("bytes of each end: " << each);
  // With its host and the links of the simulated network.
  CHECK(each < 32 * 1024);
}
