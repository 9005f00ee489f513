// Any configuration and any sequence of pushes, polls and changes: no datagram is lost without a
// count, time never goes back, and the link comes to rest.
#include <algorithm>
#include <cstdlib>

#include "parley/base/bytes.hpp"
#include "parley/sim/link.hpp"

using namespace parley;
using sim::Link;
using sim::LinkConfig;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

double probability(ByteReader& in) { return static_cast<double>(in.u8()) / 255.0; }

Duration up_to_a_second(ByteReader& in) { return Duration{in.u24() % 1'000'000}; }

LinkConfig read_config(ByteReader& in, Timestamp now) {
  LinkConfig config;
  config.delay = up_to_a_second(in);
  config.jitter = up_to_a_second(in);
  config.jitter_shape = static_cast<sim::JitterShape>(in.u8() % 3);
  config.ordering = in.u8() % 2 == 0 ? sim::Ordering::kept : sim::Ordering::free;
  if (const std::uint32_t kbps = in.u16(); kbps != 0xFFFF) {
    config.rate = DataRate::kilobits_per_second(kbps);  // Zero included.
  }
  config.queue_limit = DataSize::bytes(in.u16());
  if (in.u8() % 2 == 0) config.queue_delay_limit = up_to_a_second(in);
  config.mtu = in.u16();
  config.loss = probability(in);
  config.burst_loss = {probability(in), static_cast<double>(in.u8())};
  config.reorder = probability(in);
  config.reorder_delay = up_to_a_second(in);
  config.duplicate = probability(in);
  config.corrupt = probability(in);
  for (int i = in.u8() % 4; i > 0; --i) {
    const Timestamp from = now + up_to_a_second(in);
    config.outages.push_back({from, from + up_to_a_second(in)});
  }
  for (int i = in.u8() % 4; i > 0; --i) config.lose.push_back(in.u8());
  return config;
}

/// Polls all that has arrived, and checks the books.
void drain(Link& link, Timestamp now) {
  while (link.poll(now)) {
  }
  require(link.next_timeout() > now);
  const sim::LinkStats& s = link.stats();
  require(s.sent + s.duplicated == s.delivered + s.total_dropped() + link.in_flight());
  require(s.delivered_size.bytes() >= 0 && s.queue_delay_sum >= Duration::zero());
  require(s.queue_delay_max <= s.queue_delay_sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  Timestamp now{1000s};
  Link link{read_config(in, now), in.u32()};
  while (in.ok() && !in.at_end()) {
    switch (in.u8() % 4) {
      case 0:
      case 1: {
        sim::Datagram datagram;
        datagram.bytes.resize(in.u16() % 2000);
        link.push(now, std::move(datagram));
        break;
      }
      case 2:
        now += up_to_a_second(in) / 8;
        drain(link, now);
        break;
      default:
        link.set_config(now, read_config(in, now));
    }
  }
  // Whatever rate there was, with a good one everything comes out, deadline by deadline.
  link.set_config(now, {});
  for (Timestamp next = link.next_timeout(); next != kNever; next = link.next_timeout()) {
    require(next >= now || link.in_flight() > 0);
    now = std::max(now, next);
    drain(link, now);
  }
  require(link.in_flight() == 0);
  return 0;
}
