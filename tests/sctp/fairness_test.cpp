// What others on the same bottleneck are left with.
#include <cstdio>
#include <cstdlib>

#include "sctp/shared_link.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

struct Shares {
  double ours = 0;  // of the link
  double theirs = 0;
  double of_both() const { return ours / (ours + theirs); }
};

enum class First : std::uint8_t { we, they };

Shares against_tcp(TcpFlow::Kind kind, double queue, First first, Duration round_trip = 40ms,
                   Duration length = 40s) {
  SharedLink::Options options;
  options.queue = queue;
  options.round_trip = round_trip;
  SharedLink link{options};
  SctpFlow sctp{link, {}, 1};
  TcpFlow tcp{link, kind};
  link.run_for(1s);
  if (first == First::we) sctp.start();
  if (first == First::they) tcp.start();
  link.run_for(5s);
  if (first == First::we) tcp.start();
  if (first == First::they) sctp.start();
  link.run_for(15s);
  const auto ours = sctp.delivered();
  const auto theirs = tcp.delivered();
  link.run_for(length);
  const double whole = static_cast<double>(options.bytes_per_second) * to_seconds(length);
  return {static_cast<double>(sctp.delivered() - ours) / whole,
          static_cast<double>(tcp.delivered() - theirs) / whole};
}
}  // namespace

TEST_CASE("the shares next to a TCP", "[sctp][.shares]") {
  for (const TcpFlow::Kind kind : {TcpFlow::Kind::cubic, TcpFlow::Kind::reno}) {
    for (const Duration round_trip : {Duration{20ms}, Duration{40ms}, Duration{100ms}}) {
      for (const double queue : {0.1, 0.25, 1.0, 4.0}) {
        for (const First first : {First::we, First::they}) {
          const Shares s = against_tcp(kind, queue, first, round_trip);
          std::printf("%s, %3d ms, queue %.2f, %s first: ours %.2f, theirs %.2f, of both %.2f\n",
                      kind == TcpFlow::Kind::cubic ? "cubic" : "reno ",
                      static_cast<int>(round_trip.count() / 1000), queue,
                      first == First::we ? "we  " : "they", s.ours, s.theirs, s.of_both());
        }
      }
    }
  }
}

TEST_CASE("next to a CUBIC TCP a transfer takes at most a little over its fair share",
          "[sctp][fairness]") {
  for (const Duration round_trip : {Duration{40ms}, Duration{100ms}}) {
    for (const double queue : {0.1, 0.25, 1.0, 4.0}) {
      for (const First first : {First::we, First::they}) {
        const Shares s = against_tcp(TcpFlow::Kind::cubic, queue, first, round_trip);
        INFO("round trip " << to_seconds(round_trip) << " s, queue " << queue << ", ours " << s.ours
                           << ", theirs " << s.theirs);
        CHECK(s.of_both() < 0.63);
        CHECK(s.of_both() > 0.12);
        CHECK(s.ours + s.theirs > 0.8);
      }
    }
  }
}

// CUBIC itself takes more than half next to Reno where the product of rate and round trip is large.
TEST_CASE("next to a Reno TCP a transfer takes about its fair share", "[sctp][fairness]") {
  for (const double queue : {0.25, 1.0, 4.0}) {
    const Shares s = against_tcp(TcpFlow::Kind::reno, queue, First::they);
    INFO("queue " << queue << ", ours " << s.ours << ", theirs " << s.theirs);
    CHECK(s.of_both() < 0.6);
    CHECK(s.of_both() > 0.1);
  }
  CHECK(against_tcp(TcpFlow::Kind::reno, 1, First::they, 100ms).of_both() < 0.6);
  // Nothing stands in so short a queue, which overflows all the same.
  CHECK(against_tcp(TcpFlow::Kind::reno, 0.1, First::we, 20ms).of_both() < 0.6);
  // Reno adds a packet in each round trip, and needs half a minute to get back what one loss cost.
  CHECK(against_tcp(TcpFlow::Kind::reno, 0.25, First::they, 100ms).of_both() < 0.75);
}

TEST_CASE("two transfers share a link", "[sctp][fairness]") {
  for (const double queue : {0.25, 1.0}) {
    SharedLink::Options options;
    options.queue = queue;
    SharedLink link{options};
    SctpFlow one{link, {}, 1};
    SctpFlow two{link, {}, 2};
    link.run_for(1s);
    one.start();
    link.run_for(5s);
    two.start();
    link.run_for(20s);
    const auto before_one = one.delivered();
    const auto before_two = two.delivered();
    link.run_for(60s);
    const auto a = static_cast<double>(one.delivered() - before_one);
    const auto b = static_cast<double>(two.delivered() - before_two);
    INFO("queue " << queue << ", " << a << " and " << b << " bytes");
    CHECK(a / (a + b) > 0.25);
    CHECK(a / (a + b) < 0.75);
    CHECK(a + b > 0.85 * 60 * static_cast<double>(options.bytes_per_second));
  }
}

// A call of 2.5 Mbit/s over 10 Mbit/s, and a transfer that would take everything.
TEST_CASE("media at a constant rate is neither starved nor delayed", "[sctp][fairness]") {
  for (const double queue : {0.5, 1.0, 8.0}) {
    SharedLink::Options options;
    options.bytes_per_second = 1'250'000;
    options.round_trip = 50ms;
    options.queue = queue;
    SharedLink link{options};
    SctpFlow sctp{link, {}, 1};
    MediaFlow media{link, 2'500'000};
    media.start();
    link.run_for(3s);
    sctp.start();
    link.run_for(3s);
    // Startup finds the rate by overshooting once; afterwards the call has the path to itself.
    const double startup_loss = media.loss();
    media.forget();
    const auto before = sctp.delivered();
    link.run_for(60s);
    const double use = static_cast<double>(sctp.delivered() - before) /
                       (60 * static_cast<double>(options.bytes_per_second));
    INFO("queue " << queue << ", loss " << media.loss() << ", median "
                  << to_seconds(media.percentile(0.5)) << " s, p95 "
                  << to_seconds(media.percentile(0.95)) << " s, use " << use);
    CHECK(startup_loss < 0.1);
    CHECK(media.loss() < 0.005);
    CHECK(media.percentile(0.5) < 15ms);
    CHECK(media.percentile(0.95) < 50ms);
    CHECK(use > 0.55);  // 0.75 is left
  }
}
