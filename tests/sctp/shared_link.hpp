// One bottleneck that several flows share: bulk data over SCTP, a TCP, and media at a constant
// rate. Everything in simulated time and the same on every run.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "parley/sctp/association.hpp"

namespace parley::sctp::test {

/// A rate with a queue that drops what does not fit, then half a round trip; back half a round trip
/// without a limit.
class SharedLink {
 public:
  struct Options {
    std::int64_t bytes_per_second = 6'250'000;
    Duration round_trip = 40ms;
    double queue = 1;  ///< in products of rate and round trip
    double loss = 0;   ///< at random besides
  };
  explicit SharedLink(const Options& o)
      : options(o), queue_bytes(o.queue * static_cast<double>(product())) {}

  std::int64_t product() const {
    return options.bytes_per_second * options.round_trip.count() / 1'000'000;
  }
  Duration queueing() const { return std::max<Duration>(free_at - now, Duration::zero()); }

  void at(Timestamp when, std::function<void()> what) { events.emplace(when, std::move(what)); }
  /// False: it was dropped.
  bool forward(std::size_t size, std::function<void()> arrive) {
    free_at = std::max(free_at, now);
    const double waiting = static_cast<double>((free_at - now).count()) *
                           static_cast<double>(options.bytes_per_second) / 1e6;
    if (waiting + static_cast<double>(size) > queue_bytes) return false;
    if (options.loss > 0 && random.unit() < options.loss) return false;
    free_at += Duration{static_cast<std::int64_t>(size) * 1'000'000 / options.bytes_per_second};
    at(free_at + options.round_trip / 2, std::move(arrive));
    return true;
  }
  void back(std::function<void()> arrive) { at(now + options.round_trip / 2, std::move(arrive)); }
  void run_for(Duration d) {
    const Timestamp end = now + d;
    while (!events.empty() && events.begin()->first <= end) {
      auto event = events.extract(events.begin());
      now = std::max(now, event.key());
      event.mapped()();
    }
    now = end;
  }

  Options options;
  double queue_bytes;
  Timestamp now{1000s};
  Timestamp free_at{1000s};
  SeededRandom random{7};
  std::multimap<Timestamp, std::function<void()>> events;
};

/// An association that always has something to send.
class SctpFlow {
 public:
  SctpFlow(SharedLink& l, const Config& config, std::uint64_t seed)
      : link(l), random(seed), a(config, random, l.now), b(config, random, l.now) {
    a.connect(link.now);
    pump();
  }
  void start() {
    bulk = true;
    pump();
  }
  void stop() { bulk = false; }
  std::uint64_t delivered() const { return b.stats().bytes_received; }

 private:
  void pump() {
    while (bulk && a.stats().buffered < 8'000'000 &&
           a.send(link.now, StreamId{1}, 53, Bytes{message})) {
    }
    while (const auto p = a.poll_transmit(link.now, storage)) {
      link.forward(p->size() + kOverhead, [this, packet = copy(*p)] {
        b.handle_packet(link.now, packet);
        pump();
      });
    }
    while (auto e = b.poll_event()) {
      if (auto* m = std::get_if<Message>(&*e)) b.recycle(std::move(m->data));
    }
    while (const auto p = b.poll_transmit(link.now, storage)) {
      link.back([this, packet = copy(*p)] {
        a.handle_packet(link.now, packet);
        pump();
      });
    }
    while (a.poll_event()) {
    }
    arm();
  }
  void arm() {
    const Timestamp next = std::min(a.next_timeout(), b.next_timeout());
    if (next >= armed) return;
    armed = next;
    link.at(next, [this, next] {
      if (armed == next) armed = kNever;
      if (a.next_timeout() <= link.now) a.handle_timeout(link.now);
      if (b.next_timeout() <= link.now) b.handle_timeout(link.now);
      pump();
    });
  }
  static std::vector<std::uint8_t> copy(Bytes b) { return {b.begin(), b.end()}; }

  static constexpr std::size_t kOverhead = 65;  // DTLS, UDP and IP
  SharedLink& link;
  SeededRandom random;
  Association a;
  Association b;
  bool bulk = false;
  Timestamp armed = kNever;
  std::array<std::uint8_t, 1500> storage{};
  std::vector<std::uint8_t> message = std::vector<std::uint8_t>(64 * 1024, 1);
};

/// A TCP that always has something to send: slow start, fast recovery with selective
/// acknowledgements, and CUBIC (RFC 9438) or Reno (RFC 5681) growth. One window of losses is one
/// reaction.
class TcpFlow {
 public:
  enum class Kind : std::uint8_t { reno, cubic };
  TcpFlow(SharedLink& l, Kind k) : link(l), kind(k) {}
  void start() {
    send();
    watch();
  }
  std::uint64_t delivered() const { return received_bytes; }
  double window_packets() const { return window; }

 private:
  static constexpr std::size_t kSize = 1228;
  enum class Segment : std::uint8_t { flying, lost, acked };

  void send() {
    while (flying < static_cast<std::int64_t>(window)) {
      std::int64_t n = -1;
      for (const std::int64_t l : lost) {
        n = l;
        break;
      }
      if (n >= 0) {
        lost.erase(lost.begin());
        at(n) = Segment::flying;
      } else {
        n = first + static_cast<std::int64_t>(segments.size());
        segments.push_back(Segment::flying);
      }
      ++flying;
      const Timestamp sent = link.now;
      link.forward(kSize, [this, n, sent] {
        if (n >= expected && early.insert(n).second) received_bytes += kSize;
        while (early.erase(expected) == 1) ++expected;
        link.back([this, n, sent] { acknowledge(n, sent); });
      });
    }
  }
  Segment& at(std::int64_t n) { return segments[static_cast<std::size_t>(n - first)]; }

  void acknowledge(std::int64_t n, Timestamp sent) {
    last_ack = link.now;
    const Duration sample = link.now - sent;
    round_trip = round_trip == Duration::zero() ? sample : (7 * round_trip + sample) / 8;
    if (n < first || at(n) == Segment::acked) return;
    if (at(n) == Segment::flying) --flying;
    lost.erase(n);
    at(n) = Segment::acked;
    grow();
    if (n > highest) {
      for (std::int64_t i = std::max(first, judged); i + 3 <= n; ++i) {
        judged = i + 1;
        if (at(i) != Segment::flying) continue;
        at(i) = Segment::lost;
        lost.insert(i);
        --flying;
        react(i);
      }
      highest = n;
    }
    while (!segments.empty() && segments.front() == Segment::acked) {
      segments.pop_front();
      ++first;
    }
    send();
  }
  void react(std::int64_t n) {
    if (n < recovery_end) return;
    recovery_end = first + static_cast<std::int64_t>(segments.size());
    peak = window < peak && kind == Kind::cubic ? window * 0.85 : window;
    window = std::max(2.0, window * (kind == Kind::cubic ? 0.7 : 0.5));
    threshold = linear = window;
    epoch = link.now;
  }
  void grow() {
    if (highest < recovery_end && recovery_end > 0) return;
    if (window < threshold) {
      window += 1;
      return;
    }
    if (kind == Kind::reno) {
      window += 1 / window;
      return;
    }
    linear += (linear < peak ? 0.53 : 1.0) / window;
    const double k = std::cbrt(std::max(0.0, peak - threshold) / 0.4);
    const double t = to_seconds(link.now - epoch + round_trip) - k;
    const double target = std::clamp(0.4 * t * t * t + peak, window, 1.5 * window);
    window = std::max(window + (target - window) / window, linear);
  }
  // The retransmission timeout.
  void watch() {
    link.at(link.now + 100ms, [this] {
      if (link.now - last_ack > std::max<Duration>(300ms, 2 * round_trip) && flying + 0 >= 0) {
        for (std::size_t i = 0; i < segments.size(); ++i) {
          if (segments[i] != Segment::flying) continue;
          segments[i] = Segment::lost;
          lost.insert(first + static_cast<std::int64_t>(i));
        }
        flying = 0;
        threshold = std::max(2.0, window / 2);
        peak = window;
        window = 1;
        epoch = last_ack = link.now;
        judged = first + static_cast<std::int64_t>(segments.size());
        send();
      }
      watch();
    });
  }

  SharedLink& link;
  Kind kind;
  double window = 10;
  double threshold = 1e9;
  double peak = 0;
  double linear = 0;
  Timestamp epoch{};
  Duration round_trip{};
  Timestamp last_ack{};
  std::int64_t first = 0;  // oldest segment not acknowledged
  std::deque<Segment> segments;
  std::set<std::int64_t> lost;
  std::int64_t flying = 0;
  std::int64_t highest = -1;
  std::int64_t judged = 0;
  std::int64_t recovery_end = 0;
  std::int64_t expected = 0;
  std::set<std::int64_t> early;
  std::uint64_t received_bytes = 0;
};

/// Packets at a constant rate, as of a call, which measures what the others do to it.
class MediaFlow {
 public:
  MediaFlow(SharedLink& l, std::int64_t bits_per_second)
      : link(l), interval(Duration{kSize * 8 * 1'000'000 / bits_per_second}) {}
  void start() {
    ++sent;
    const Timestamp at = link.now;
    const bool taken = link.forward(
        kSize, [this, at] { queueing.push_back(link.now - at - link.options.round_trip / 2); });
    if (!taken) ++lost;
    link.at(link.now + interval, [this] { start(); });
  }
  void forget() {
    sent = lost = 0;
    queueing.clear();
  }
  double loss() const { return static_cast<double>(lost) / static_cast<double>(sent); }
  Duration percentile(double p) {
    std::sort(queueing.begin(), queueing.end());
    return queueing[static_cast<std::size_t>(p * static_cast<double>(queueing.size() - 1))];
  }

 private:
  static constexpr std::int64_t kSize = 1200;
  SharedLink& link;
  Duration interval;
  std::uint64_t sent = 0, lost = 0;
  std::vector<Duration> queueing;
};

}  // namespace parley::sctp::test
