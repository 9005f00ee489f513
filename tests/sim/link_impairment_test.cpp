// Each impairment measured: loss, bursts, jitter, reordering, duplication, corruption, outages.
#include <algorithm>
#include <bit>
#include <set>

#include "parley/sim/link.hpp"
#include "sim/link_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;
using sim::Link;
using sim::LinkConfig;
using sim::LinkDrop;

namespace {

constexpr std::uint32_t kMany = 20'000;

std::vector<std::uint32_t> lost_numbers(const std::vector<Arrival>& arrivals, std::uint32_t count) {
  std::set<std::uint32_t> seen;
  for (const auto& a : arrivals) seen.insert(a.number);
  std::vector<std::uint32_t> lost;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (seen.count(i) == 0) lost.push_back(i);
  }
  return lost;
}

std::size_t runs_of(const std::vector<std::uint32_t>& numbers) {
  std::size_t runs = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == 0 || numbers[i] != numbers[i - 1] + 1) ++runs;
  }
  return runs;
}

std::size_t overtaken(const std::vector<Arrival>& arrivals) {
  std::size_t count = 0;
  std::uint32_t highest = 0;
  for (const auto& a : arrivals) {
    if (a.number < highest) ++count;
    highest = std::max(highest, a.number);
  }
  return count;
}

double share(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

double mean_extra_ms(const std::vector<Arrival>& arrivals, Duration base) {
  double sum = 0;
  for (const auto& a : arrivals) sum += to_milliseconds(a.at - a.sent - base);
  return sum / static_cast<double>(arrivals.size());
}

}  // namespace

TEST_CASE("Random loss has the configured share and comes singly", "[sim]") {
  LinkConfig config;
  config.loss = 0.05;
  Link link{config, 11};
  const auto lost = lost_numbers(run_link(link, kMany, 1ms), kMany);
  // Three standard deviations of a binomial with p = 0.05 and n = 20000 are 0.0046.
  CHECK(share(lost.size(), kMany) == Approx(0.05).margin(0.0046));
  CHECK(share(lost.size(), runs_of(lost)) < 1.1);
  CHECK(link.stats().dropped_for(LinkDrop::loss) == lost.size());
  CHECK(balanced(link));
}

TEST_CASE("Burst loss has the configured share and the configured mean length", "[sim]") {
  LinkConfig config;
  config.burst_loss = {0.1, 5};
  Link link{config, 12};
  const auto lost = lost_numbers(run_link(link, 5 * kMany, 1ms), 5 * kMany);
  CHECK(share(lost.size(), 5 * kMany) == Approx(0.1).margin(0.01));
  CHECK(share(lost.size(), runs_of(lost)) == Approx(5).margin(0.4));
  CHECK(link.stats().dropped_for(LinkDrop::burst) == lost.size());
}

TEST_CASE("Loss of everything and loss of nothing are exact", "[sim]") {
  LinkConfig config;
  config.loss = 1;
  Link link{config, 13};
  CHECK(run_link(link, 1000, 1ms).empty());
  link.set_config(kLinkStart + 2h, {});
  CHECK(run_link(link, 1000, 1ms, 100, kLinkStart + 2h).size() == 1000);
}

TEST_CASE("Listed datagrams are lost and no others", "[sim]") {
  LinkConfig config;
  config.lose = {0, 3, 4, 9};
  Link link{config, 1};
  CHECK(lost_numbers(run_link(link, 12, 1ms), 12) == std::vector<std::uint32_t>{0, 3, 4, 9});
  CHECK(link.stats().dropped_for(LinkDrop::listed) == 4);
}

TEST_CASE("A predicate loses what it chooses", "[sim]") {
  LinkConfig config;
  config.lose_if = [](Timestamp, const sim::Datagram& d) { return load_be32(d.bytes.data()) == 7; };
  Link link{config, 1};
  CHECK(lost_numbers(run_link(link, 12, 1ms), 12) == std::vector<std::uint32_t>{7});
}

TEST_CASE("An outage keeps out what comes in it and delivers what was under way", "[sim]") {
  LinkConfig config;
  config.delay = 50ms;
  config.outages = {{kLinkStart + 10ms, kLinkStart + 20ms}};
  Link link{config, 1};
  const auto lost = lost_numbers(run_link(link, 30, 1ms), 30);
  REQUIRE(lost.size() == 10);
  CHECK(lost.front() == 10);
  CHECK(lost.back() == 19);
  CHECK(link.stats().dropped_for(LinkDrop::outage) == 10);
}

TEST_CASE("Uniform jitter stays in its bounds and keeps order when asked", "[sim]") {
  LinkConfig config;
  config.delay = 20ms;
  config.jitter = 10ms;
  Link link{config, 21};
  const auto arrivals = run_link(link, 5000, 1ms);
  CHECK(overtaken(arrivals) == 0);
  for (const auto& a : arrivals) {
    REQUIRE(a.at - a.sent >= 20ms);
    REQUIRE(a.at - a.sent <= 30ms);
  }
}

TEST_CASE("Free ordering lets jitter overtake and shows the mean of each distribution", "[sim]") {
  LinkConfig config;
  config.delay = 20ms;
  config.jitter = 10ms;
  config.ordering = sim::Ordering::free;
  // Means of U(0,10), |N(0,10)| and Exp(10): 5, 10 * sqrt(2/pi) = 7.98 and 10.
  const auto [shape, mean] =
      GENERATE(std::pair{sim::JitterShape::uniform, 5.0}, std::pair{sim::JitterShape::normal, 7.98},
               std::pair{sim::JitterShape::exponential, 10.0});
  config.jitter_shape = shape;
  Link link{config, 22};
  const auto arrivals = run_link(link, kMany, 1ms);
  CHECK(overtaken(arrivals) > kMany / 4);
  CHECK(mean_extra_ms(arrivals, 20ms) == Approx(mean).epsilon(0.03));
}

TEST_CASE("Reordering holds back the configured share", "[sim]") {
  LinkConfig config;
  config.delay = 20ms;
  config.reorder = 0.02;
  config.reorder_delay = 5ms;
  Link link{config, 23};
  const auto arrivals = run_link(link, kMany, 1ms);
  CHECK(arrivals.size() == kMany);
  std::size_t late = 0;
  for (const auto& a : arrivals) {
    if (a.at - a.sent == 25ms)
      ++late;
    else
      REQUIRE(a.at - a.sent == 20ms);
  }
  CHECK(share(late, kMany) == Approx(0.02).margin(0.003));
  CHECK(share(overtaken(arrivals), kMany) == Approx(0.02).margin(0.003));
}

TEST_CASE("Duplication delivers the configured share twice", "[sim]") {
  LinkConfig config;
  config.duplicate = 0.1;
  Link link{config, 24};
  const auto arrivals = run_link(link, kMany, 1ms);
  CHECK(share(arrivals.size() - kMany, kMany) == Approx(0.1).margin(0.0064));
  CHECK(link.stats().duplicated == arrivals.size() - kMany);
  CHECK(balanced(link));
}

TEST_CASE("Corruption flips exactly one bit of the configured share", "[sim]") {
  LinkConfig config;
  config.corrupt = 0.1;
  Link link{config, 25};
  std::size_t changed = 0;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    const auto sent = numbered(i, kLinkStart, 40);
    link.push(kLinkStart, sent);
    const auto got = link.poll(kLinkStart);
    REQUIRE(got);
    int bits = 0;
    for (std::size_t b = 0; b < 40; ++b) {
      bits += std::popcount(static_cast<unsigned>(sent.bytes[b] ^ got->bytes[b]));
    }
    REQUIRE(bits <= 1);
    changed += static_cast<std::size_t>(bits);
  }
  CHECK(share(changed, kMany) == Approx(0.1).margin(0.0064));
  CHECK(link.stats().corrupted == changed);
}

TEST_CASE("Empty datagrams survive every impairment", "[sim]") {
  LinkConfig config;
  config.corrupt = 1;
  config.duplicate = 1;
  Link link{config, 26};
  link.push(kLinkStart, {});
  CHECK(link.poll(kLinkStart)->bytes.empty());
  CHECK(link.poll(kLinkStart)->bytes.empty());
  CHECK_FALSE(link.poll(kLinkStart));
}

TEST_CASE("Switching one impairment on leaves the pattern of the others as it was", "[sim]") {
  LinkConfig config;
  config.loss = 0.1;
  Link plain{config, 27};
  config.jitter = 3ms;
  config.corrupt = 0.2;
  config.duplicate = 0.1;
  Link busy{config, 27};
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const Timestamp now = kLinkStart + i * 1ms;
    REQUIRE(plain.push(now, numbered(i, now, 100)) == busy.push(now, numbered(i, now, 100)));
  }
  CHECK(plain.stats().total_dropped() > 100);
}

TEST_CASE("A link repeats itself from its seed", "[sim]") {
  LinkConfig config;
  config.loss = 0.1;
  config.jitter = 10ms;
  const auto times = [&](std::uint64_t seed) {
    Link link{config, seed};
    std::vector<Timestamp> out;
    for (const auto& a : run_link(link, 500, 5ms)) out.push_back(a.at);
    return out;
  };
  CHECK(times(1) == times(1));
  CHECK(times(1) != times(2));
}
