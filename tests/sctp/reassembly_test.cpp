#include "sctp/reassembly.hpp"

#include <array>

#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {
constexpr std::size_t kPart = 300;

DataChunk part_of(Bytes message, std::uint32_t fragment) {
  DataChunk c;
  c.stream = 1;
  c.number = 0;
  c.fragment = fragment;
  c.begin = fragment == 0;
  c.payload = message.subspan(fragment * kPart, std::min(kPart, message.size() - fragment * kPart));
  c.end = (fragment + 1) * kPart >= message.size();
  return c;
}
}  // namespace

TEST_CASE("a message longer than one piece comes out whole", "[sctp][rfc8260]") {
  for (const std::size_t size : {999, 1000, 1001, 1200, 5000, 12'345}) {
    CAPTURE(size);
    Reassembly reassembly{DataFormat::i_data,
                          {.max_message = 100'000, .max_streams = 10, .piece = 1000}};
    Ring<Message> out;
    const auto message = pattern(size, 7);
    const auto parts = static_cast<std::uint32_t>((size + kPart - 1) / kPart);
    // The first part comes last, so that all others wait as orphans and are adopted; then the
    // same in order with the next message.
    for (std::uint32_t i = parts; i-- > 0;) {
      CHECK(reassembly.take(part_of(message, i), 10 + i, out) == Reassembly::Outcome::taken);
    }
    REQUIRE(out.size() == 1);
    CHECK(out[0].data == message);
    for (std::uint32_t i = 0; i < parts; ++i) {
      DataChunk c = part_of(message, i);
      c.number = 1;
      CHECK(reassembly.take(c, 1000 + i, out) == Reassembly::Outcome::taken);
    }
    REQUIRE(out.size() == 2);
    CHECK(out[1].data == message);
    CHECK(reassembly.held() == 0);
    CHECK(reassembly.unfinished() == 0);
  }
}

TEST_CASE("the longest message counts all of its pieces", "[sctp]") {
  Reassembly reassembly{DataFormat::i_data,
                        {.max_message = 2500, .max_streams = 10, .piece = 1000}};
  Ring<Message> out;
  const auto message = pattern(3000, 7);
  std::uint32_t taken = 0;
  while (reassembly.take(part_of(message, taken), 10 + taken, out) == Reassembly::Outcome::taken) {
    ++taken;
  }
  CHECK(taken == 8);
  CHECK(out.empty());
}
