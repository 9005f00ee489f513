// Sends numbered datagrams through a Link and notes what comes out when.
#pragma once

#include <cstdint>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/sim/link.hpp"

namespace parley::test {

inline constexpr Timestamp kLinkStart{1000s};

struct Arrival {
  std::uint32_t number;
  Timestamp sent;
  Timestamp at;
  sim::Datagram datagram;
};

/// A datagram of `size` bytes (at least 12) that carries its number and its time.
inline sim::Datagram numbered(std::uint32_t number, Timestamp sent, std::size_t size) {
  sim::Datagram datagram;
  datagram.bytes.resize(size);
  store_be32(datagram.bytes.data(), number);
  store_be64(datagram.bytes.data() + 4,
             static_cast<std::uint64_t>(sent.time_since_epoch().count()));
  return datagram;
}

/// Takes out everything that arrives up to `until`, deadline by deadline, as a driver would.
inline void collect(sim::Link& link, Timestamp until, std::vector<Arrival>& out) {
  while (link.next_timeout() <= until) {
    const Timestamp now = link.next_timeout();
    while (auto datagram = link.poll(now)) {
      const std::uint8_t* p = datagram->bytes.data();
      const Timestamp sent{Duration{static_cast<Duration::rep>(load_be64(p + 4))}};
      out.push_back({load_be32(p), sent, now, std::move(*datagram)});
    }
  }
}

/// Sends `count` datagrams, one each `interval`, and returns the arrivals in order.
inline std::vector<Arrival> run_link(sim::Link& link, std::uint32_t count, Duration interval,
                                     std::size_t size = 100, Timestamp start = kLinkStart) {
  std::vector<Arrival> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Timestamp now = start + i * interval;
    collect(link, now, out);
    link.push(now, numbered(i, now, size));
  }
  collect(link, start + 24h, out);
  return out;
}

/// The bookkeeping that holds at all times.
inline bool balanced(const sim::Link& link) {
  const sim::LinkStats& s = link.stats();
  return s.sent + s.duplicated == s.delivered + s.total_dropped() + link.in_flight();
}

}  // namespace parley::test
