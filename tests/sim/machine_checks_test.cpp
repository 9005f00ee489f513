// The shared checks can fail: each is shown a core that breaks its rule.
#include "support/machine_checks.hpp"

#include <set>

#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;

namespace {

struct Nothing {};

/// A core that is due at `deadline` and, when handled, moves it by `step` and sends `sends`.
struct Alarm {
  Timestamp deadline{100s};
  Duration step = 1s;
  int sends = 1;
  int queued = 0;

  void handle_timeout(Timestamp now) {
    if (now < deadline) return;
    deadline += step;
    queued += sends;
  }
  void handle_datagram(Timestamp, const Path&, MutableBytes) {}
  std::optional<Transmit> poll_transmit(Timestamp, MutableBytes storage) {
    if (queued == 0) return std::nullopt;
    --queued;
    return Transmit{{}, storage.first(1)};
  }
  std::optional<Nothing> poll_event() { return std::nullopt; }
  Timestamp next_timeout() const { return deadline; }
};
static_assert(DatagramCore<Alarm>);

}  // namespace

TEST_CASE("The deadline rule accepts a core that moves on", "[sim][contract]") {
  Alarm alarm;
  CHECK(check_deadline_rule(alarm, Timestamp{50s}));
  CHECK(check_deadline_rule(alarm, Timestamp{100s}));
  CHECK(alarm.deadline == Timestamp{101s});
  // Several periods late: it has something to send for each.
  CHECK(check_deadline_rule(alarm, Timestamp{105s}));
}

TEST_CASE("The deadline rule finds a core that stays due with nothing to say", "[sim][contract]") {
  Alarm alarm;
  alarm.step = 0s;
  alarm.sends = 0;
  CHECK_FALSE(check_deadline_rule(alarm, Timestamp{100s}));
}

TEST_CASE("The deadline rule finds a core that talks without end", "[sim][contract]") {
  Alarm alarm;
  alarm.step = 0s;
  CHECK_FALSE(check_deadline_rule(alarm, Timestamp{100s}));
  Timestamp now{};
  CHECK_FALSE(run_deadlines(alarm, &now, Timestamp{200s}));
}

TEST_CASE("Running deadlines visits each of them", "[sim][contract]") {
  Alarm alarm;
  Timestamp now{};
  CHECK(run_deadlines(alarm, &now, Timestamp{110s}));
  CHECK(now == Timestamp{110s});
  CHECK(alarm.deadline == Timestamp{111s});
  CHECK(check_drained_twice(alarm, now));
}

TEST_CASE("Bit flips and truncations visit each variant once", "[sim][contract]") {
  const std::vector<std::uint8_t> packet{0xAA, 0x55, 0x00};
  std::set<std::vector<std::uint8_t>> variants;
  for_each_bit_flip(packet, [&](MutableBytes b, std::size_t) {
    variants.insert({b.begin(), b.end()});
  });
  CHECK(variants.size() == 24);
  CHECK(variants.count(packet) == 0);
  std::vector<std::size_t> sizes;
  for_each_truncation(packet, [&](MutableBytes b) { sizes.push_back(b.size()); });
  CHECK(sizes == std::vector<std::size_t>{0, 1, 2});
}
