// Two associations and a path between them that delays, loses, reorders and doubles packets, all
// the same from the same seed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "parley/sctp/association.hpp"

namespace parley::sctp::test {

struct PathOptions {
  Duration delay = 10ms;  ///< one way
  double loss = 0;        ///< of each packet
  double duplicate = 0;
  Duration jitter{};     ///< up to so much more, which reorders
  std::set<int> lose_a;  ///< the packets of side a (counted from 0) that are lost
  std::set<int> lose_b;
  std::vector<std::pair<Duration, Duration>> outages;  ///< from and to, since the start
  std::int64_t bytes_per_second = 0;                   ///< 0: no limit
  std::size_t queue_bytes = 250'000;                   ///< in front of the limit
};

class TwoPeers {
 public:
  using Packet = std::vector<std::uint8_t>;
  struct Side {
    explicit Side(const Config& config, std::uint64_t seed, Timestamp now)
        : random(seed), association(std::make_unique<Association>(config, random, now)) {}
    SeededRandom random;
    std::unique_ptr<Association> association;
    std::vector<Event> events;  // without messages
    std::vector<Message> messages;
    std::vector<Timestamp> arrivals;  // of messages
    bool keep_messages = true;
    bool reading = true;
    int sent = 0;
    Timestamp line_free{};
    std::size_t wire_bytes = 0;

    template <class E>
    int count() const {
      return static_cast<int>(std::count_if(events.begin(), events.end(), [](const Event& e) {
        return std::holds_alternative<E>(e);
      }));
    }
    template <class E>
    const E* last() const {
      for (auto e = events.rbegin(); e != events.rend(); ++e) {
        if (const E* found = std::get_if<E>(&*e)) return found;
      }
      return nullptr;
    }
  };

  explicit TwoPeers(const Config& a_config = {}, const Config& b_config = {},
                    PathOptions options = {}, std::uint64_t seed = 1)
      : path(std::move(options)),
        a(a_config, seed * 2, now),
        b(b_config, seed * 2 + 1, now),
        network(seed * 3) {}

  void connect() {
    a.association->connect(now);
    b.association->connect(now);
    run_for(1s);
  }

  /// Takes out what both have to say and puts it on the path.
  void drain() {
    bool any = true;
    while (any) {
      any = false;
      any = drain_side(a, true) || any;
      any = drain_side(b, false) || any;
    }
  }
  /// Lets time pass, from event to event.
  void run_for(Duration d) { run_until(now + d); }
  void run_until(Timestamp end) {
    drain();
    while (true) {
      Timestamp next = std::min(a.association->next_timeout(), b.association->next_timeout());
      if (!in_flight.empty()) next = std::min(next, in_flight.begin()->first);
      if (next > end) break;
      now = std::max(now, next);
      while (!in_flight.empty() && in_flight.begin()->first <= now) {
        const auto [to_a, packet] = std::move(in_flight.begin()->second);
        in_flight.erase(in_flight.begin());
        (to_a ? a : b).association->handle_packet(now, packet);
      }
      for (Side* s : {&a, &b}) {
        if (s->association->next_timeout() <= now) s->association->handle_timeout(now);
      }
      drain();
      if (++steps > 20'000'000) return;
    }
    now = end;
  }
  /// Runs until `done` or the time is up; says which.
  bool run_until_done(Duration limit, const std::function<bool()>& done) {
    const Timestamp end = now + limit;
    while (now < end && !done()) run_for(10ms);
    return done();
  }

  Timestamp now{1000s};
  const Timestamp start = now;
  PathOptions path;
  Side a;
  Side b;
  SeededRandom network;
  std::multimap<Timestamp, std::pair<bool, Packet>> in_flight;
  std::function<void(bool from_a, const Packet&)> watch;
  long steps = 0;

 private:
  bool drain_side(Side& s, bool is_a) {
    bool any = false;
    std::array<std::uint8_t, 1500> storage;
    while (const auto packet = s.association->poll_transmit(now, storage)) {
      any = true;
      transmit(s, is_a, Packet{packet->begin(), packet->end()});
    }
    while (s.reading) {
      auto event = s.association->poll_event();
      if (!event) break;
      any = true;
      if (auto* m = std::get_if<Message>(&*event)) {
        s.arrivals.push_back(now);
        if (s.keep_messages) {
          s.messages.push_back(std::move(*m));
        } else {
          s.association->recycle(std::move(m->data));
        }
      } else {
        s.events.push_back(std::move(*event));
      }
    }
    return any;
  }

  void transmit(Side& s, bool is_a, Packet packet) {
    const int number = s.sent++;
    if (watch) watch(is_a, packet);
    s.wire_bytes += packet.size();
    if ((is_a ? path.lose_a : path.lose_b).count(number) == 1) return;
    for (const auto& [from, to] : path.outages) {
      if (now - start >= from && now - start < to) return;
    }
    if (path.loss > 0 && network.unit() < path.loss) return;
    Timestamp leaves = now;
    if (path.bytes_per_second > 0) {
      s.line_free = std::max(s.line_free, now);
      const auto waiting = (s.line_free - now).count() * path.bytes_per_second / 1'000'000;
      if (static_cast<std::size_t>(waiting) + packet.size() > path.queue_bytes) return;
      s.line_free +=
          Duration{static_cast<std::int64_t>(packet.size()) * 1'000'000 / path.bytes_per_second};
      leaves = s.line_free;
    }
    const int copies = path.duplicate > 0 && network.unit() < path.duplicate ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      Duration extra{};
      if (path.jitter > Duration::zero()) {
        extra = Duration{network.below(static_cast<std::uint32_t>(path.jitter.count()))};
      }
      in_flight.emplace(leaves + path.delay + extra, std::pair{!is_a, packet});
    }
  }
};

/// `size` bytes that depend on `seed`.
inline std::vector<std::uint8_t> pattern(std::size_t size, std::uint64_t seed = 1) {
  std::vector<std::uint8_t> out(size);
  SeededRandom random{seed};
  random.fill(out);
  return out;
}

}  // namespace parley::sctp::test
