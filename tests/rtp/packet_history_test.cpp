#include "parley/rtp/packet_history.hpp"

#include "rtp/stream_fixture.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::rtp;
using namespace parley::rtp::test;

namespace {
std::vector<std::uint8_t> content(std::int64_t sequence, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(sequence) * 31 + i);
  return bytes;
}
bool holds(PacketHistory& history, Timestamp now, std::int64_t sequence, std::size_t size) {
  const auto* entry = history.find(now, sequence);
  const auto expected = content(sequence, size);
  return entry && entry->sequence == sequence && entry->packet.size() == size &&
         std::equal(expected.begin(), expected.end(), entry->packet.begin());
}
}  // namespace

TEST_CASE("the history finds what it stored and nothing else", "[rtp]") {
  PacketHistory history{{}};
  CHECK(history.find(kStart, 5) == nullptr);
  for (std::int64_t s = 10; s < 20; ++s) history.store(kStart, s, content(s, 50));
  CHECK(holds(history, kStart, 10, 50));
  CHECK(holds(history, kStart, 19, 50));
  CHECK(history.find(kStart, 9) == nullptr);
  CHECK(history.find(kStart, 20) == nullptr);
}

TEST_CASE("the history is bounded by count", "[rtp]") {
  PacketHistory::Config config;
  config.max_packets = 4;
  PacketHistory history{config};
  for (std::int64_t s = 0; s < 10; ++s) history.store(kStart, s, content(s, 50));
  CHECK(history.size() == 4);
  CHECK(history.find(kStart, 5) == nullptr);
  for (std::int64_t s = 6; s < 10; ++s) CHECK(holds(history, kStart, s, 50));
}

TEST_CASE("the history is bounded by bytes and keeps whole packets", "[rtp]") {
  PacketHistory::Config config;
  config.max_bytes = 1000;
  PacketHistory history{config};
  SeededRandom random{3};
  std::vector<std::size_t> sizes;
  for (std::int64_t s = 0; s < 2000; ++s) {
    sizes.push_back(1 + random.below(400));
    history.store(kStart, s, content(s, sizes.back()));
    REQUIRE(history.bytes() <= 1000);
    // Everything it still claims to have is intact.
    for (std::int64_t k = s; k > s - static_cast<std::int64_t>(history.size()); --k)
      REQUIRE(holds(history, kStart, k, sizes[static_cast<std::size_t>(k)]));
  }
  CHECK(history.size() >= 1);
}

TEST_CASE("the history forgets by age", "[rtp]") {
  PacketHistory::Config config;
  config.max_age = 100ms;
  PacketHistory history{config};
  history.store(kStart, 1, content(1, 10));
  history.store(kStart + 50ms, 2, content(2, 10));
  CHECK(holds(history, kStart + 100ms, 1, 10));
  CHECK(history.find(kStart + 101ms, 1) == nullptr);
  CHECK(holds(history, kStart + 101ms, 2, 10));
}

TEST_CASE("a history of no packets keeps nothing", "[rtp]") {
  PacketHistory::Config config;
  config.max_packets = 0;
  PacketHistory history{config};
  history.store(kStart, 1, content(1, 10));
  CHECK(history.find(kStart, 1) == nullptr);
}

TEST_CASE("a packet larger than the history is not kept", "[rtp]") {
  PacketHistory::Config config;
  config.max_bytes = 100;
  PacketHistory history{config};
  history.store(kStart, 1, content(1, 50));
  history.store(kStart, 2, content(2, 101));
  CHECK(history.find(kStart, 2) == nullptr);
  history.store(kStart, 3, content(3, 100));
  CHECK(holds(history, kStart, 3, 100));
}
