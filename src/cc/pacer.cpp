#include "parley/cc/pacer.hpp"

#include <algorithm>

namespace parley::cc {

void Pacer::set_rate(Timestamp now, DataRate rate) {
  // What is in the bucket keeps its size, so it drains in another time from now on.
  if (empty_at_ > now) {
    const DataSize held = rate_ * (empty_at_ - now);
    rate_ = rate;
    empty_at_ = now + std::min<Duration>(held / rate, 10s);
    return;
  }
  rate_ = rate;
}

Timestamp Pacer::next_send(Timestamp now) const { return std::max(now, empty_at_ - burst_); }

void Pacer::on_sent(Timestamp now, DataSize size) {
  empty_at_ = std::max(empty_at_, now) + std::min<Duration>(size / rate_, 10s);
}

}  // namespace parley::cc
