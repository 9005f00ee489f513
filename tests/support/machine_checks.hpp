// Checks that every protocol core runs: the deadline rule, bit flips, truncation, drained polls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "parley/machine.hpp"

namespace parley::test {

/// Takes everything out of a datagram core: its datagrams (as copies) and the number of events.
struct Drained {
  struct Sent {
    Path path;
    std::vector<std::uint8_t> bytes;
  };
  std::vector<Sent> sent;
  std::size_t events = 0;
  bool endless = false;  ///< More than `limit` polls: a fault of the core.

  bool nothing() const { return sent.empty() && events == 0 && !endless; }
};

template <DatagramCore Core>
Drained drain(Core& core, Timestamp now, std::size_t limit = 10'000) {
  Drained out;
  std::array<std::uint8_t, kMaxDatagramSize> storage;
  while (const auto transmit = core.poll_transmit(now, storage)) {
    out.sent.push_back({transmit->path, {transmit->datagram.begin(), transmit->datagram.end()}});
    if (out.sent.size() > limit) return out.endless = true, out;
  }
  while (core.poll_event().has_value()) {
    if (++out.events > limit) return out.endless = true, out;
  }
  return out;
}

/// The rule of every core's deadline (architecture: the contract of every protocol core): after
/// `handle_timeout(now)` with the deadline at or before `now`, something can be polled or the next
/// deadline is later than `now`; and once drained, the deadline is later than `now` for good.
/// Calls handle_timeout even when nothing is due: a spurious timeout must not upset a core.
/// `drain_all(core, now)` takes out everything and says whether there was anything.
template <TimedCore Core, class DrainAll>
bool check_deadline_rule(Core& core, Timestamp now, DrainAll drain_all) {
  constexpr int kRounds = 100;  // A core may have many things due at once, but not endlessly many.
  core.handle_timeout(now);
  for (int round = 0; round < kRounds; ++round) {
    const bool something = drain_all(core, now);
    if (core.next_timeout() > now) return true;
    if (!something) return false;
    core.handle_timeout(now);
  }
  return false;
}

template <DatagramCore Core>
bool check_deadline_rule(Core& core, Timestamp now) {
  return check_deadline_rule(core, now,
                             [](Core& c, Timestamp t) { return !drain(c, t).nothing(); });
}

/// Goes from deadline to deadline, at most `steps` of them and not past `until`, under the rule
/// above. Returns false when the core breaks it. `*now` ends at the last deadline visited.
template <DatagramCore Core>
bool run_deadlines(Core& core, Timestamp* now, Timestamp until, int steps = 1000) {
  for (int i = 0; i < steps; ++i) {
    const Timestamp next = core.next_timeout();
    if (next == kNever || next > until) return true;
    if (next > *now) *now = next;
    if (!check_deadline_rule(core, *now)) return false;
  }
  return true;
}

/// After one drain a second one finds nothing.
template <DatagramCore Core>
bool check_drained_twice(Core& core, Timestamp now) {
  return !drain(core, now).endless && drain(core, now).nothing();
}

/// Calls `use(bytes, bit)` with a fresh copy of `packet` for each bit, that one bit flipped.
template <class Use>
void for_each_bit_flip(Bytes packet, Use use) {
  std::vector<std::uint8_t> copy;
  for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
    copy.assign(packet.begin(), packet.end());
    copy[bit / 8] = static_cast<std::uint8_t>(copy[bit / 8] ^ (0x80U >> (bit % 8)));
    use(MutableBytes{copy}, bit);
  }
}

/// Calls `use(bytes)` with a copy of each proper prefix of `packet`, the empty one first. Each copy
/// is an allocation of exactly that size, so that AddressSanitizer sees a read past its end.
template <class Use>
void for_each_truncation(Bytes packet, Use use) {
  for (std::size_t size = 0; size < packet.size(); ++size) {
    std::vector<std::uint8_t> copy(packet.begin(),
                                   packet.begin() + static_cast<std::ptrdiff_t>(size));
    copy.shrink_to_fit();
    use(MutableBytes{copy});
  }
}

}  // namespace parley::test
