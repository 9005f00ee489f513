#include "parley/cc/pacer.hpp"

#include "support/catch.hpp"

using namespace parley;
using namespace parley::cc;

TEST_CASE("a paced sender keeps its rate over any second", "[cc]") {
  Pacer pacer{DataRate::kilobits_per_second(1000)};
  const Timestamp start{50s};
  Timestamp now = start;
  std::int64_t sent = 0;
  while (true) {
    now = pacer.next_send(now);
    if (now >= start + 1s) break;
    pacer.on_sent(now, DataSize::bytes(1250));
    sent += 1250;
  }
  CHECK(sent >= 125'000);
  CHECK(sent <= 125'000 + 2 * 1250);
}

TEST_CASE("an idle pacer saves up no more than its burst", "[cc]") {
  Pacer pacer{DataRate::kilobits_per_second(1000), 5ms};
  const Timestamp now{100s};
  int at_once = 0;
  while (pacer.next_send(now) == now && at_once < 100) {
    pacer.on_sent(now, DataSize::bytes(125));  // 1 ms each
    ++at_once;
  }
  CHECK(at_once == 6);
}

TEST_CASE("a higher rate drains what is queued sooner", "[cc]") {
  Pacer pacer{DataRate::kilobits_per_second(100), 0ms};
  const Timestamp now{100s};
  pacer.on_sent(now, DataSize::bytes(1250));
  CHECK(pacer.next_send(now) == now + 100ms);
  pacer.set_rate(now, DataRate::kilobits_per_second(1000));
  CHECK(pacer.next_send(now) == now + 10ms);
}
