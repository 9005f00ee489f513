#include <algorithm>
#include <utility>

#include "parley/rtp/nack.hpp"

namespace parley::rtp {
namespace {
// A late packet that was overtaken by more than this came back from somewhere else (a path change,
// a middlebox): waiting that long for every hole would cost more than a needless question.
constexpr std::int64_t kMaxReorderDistance = 64;
// Packets in order after which the remembered distance is halved.
constexpr int kReorderMemory = 1000;
}  // namespace

NackTracker::NackTracker() : NackTracker(Config{}) {}

NackTracker::NackTracker(const Config& config) : config_(config), rtt_(config.initial_rtt) {
  missing_.reserve(config_.max_missing);
}

void NackTracker::handle_packet(Timestamp now, std::int64_t sequence, Origin origin) {
  if (!newest_) {
    newest_ = sequence;
    return;
  }
  if (sequence <= *newest_) return handle_late(now, sequence, origin);
  if (sequence > *newest_ + 1) notice_gap(now, sequence);
  newest_ = sequence;
  if (++packets_in_order_ >= kReorderMemory) {
    packets_in_order_ = 0;
    reorder_distance_ /= 2;
  }
  hasten_overtaken();
}

void NackTracker::notice_gap(Timestamp now, std::int64_t sequence) {
  const auto holes = static_cast<std::uint64_t>(sequence - *newest_ - 1);
  stats_.missed += holes;
  if (holes > config_.max_missing - missing_.size()) {
    // Asking for so much costs more than a key frame, and comes later.
    stats_.abandoned += holes + missing_.size();
    ++stats_.overflows;
    missing_.clear();
    next_due_ = kNever;
    key_frame_needed_ = true;
    return;
  }
  const Timestamp due = now + std::max(config_.min_reorder_wait, config_.max_reorder_wait);
  for (std::int64_t s = *newest_ + 1; s < sequence; ++s) missing_.push_back({s, now, due, now, 0});
  next_due_ = std::min(next_due_, due);
}

void NackTracker::hasten_overtaken() {
  // Holes that were never asked for stand at the end of the list, and the more they were overtaken
  // the further from the end: the first one that was hastened before ends the walk.
  for (auto it = missing_.rbegin(); it != missing_.rend() && it->tries == 0; ++it) {
    if (*newest_ - it->sequence <= reorder_distance_) continue;
    const Timestamp due = it->noticed + config_.min_reorder_wait;
    if (it->due <= due) break;
    it->due = due;
    next_due_ = std::min(next_due_, due);
  }
}

void NackTracker::handle_late(Timestamp now, std::int64_t sequence, Origin origin) {
  const auto it = std::lower_bound(
      missing_.begin(), missing_.end(), sequence,
      [](const Missing& entry, std::int64_t wanted) { return entry.sequence < wanted; });
  if (it == missing_.end() || it->sequence != sequence) return;
  // Without RTX an answer looks like the packet itself; only what comes sooner than an answer
  // can (half a round trip leaves room for a shrinking one) was merely late.
  const bool answered =
      origin == Origin::retransmission || (it->tries > 0 && now - it->asked >= rtt_ / 2);
  if (answered) {
    ++stats_.recovered;
  } else {
    ++stats_.reordered;
    learn_reordering(*newest_ - sequence);
  }
  missing_.erase(it);
  if (missing_.empty()) next_due_ = kNever;
}

void NackTracker::learn_reordering(std::int64_t distance) {
  packets_in_order_ = 0;
  reorder_distance_ = std::max(reorder_distance_, std::min(distance, kMaxReorderDistance));
}

void NackTracker::handle_key_frame(std::int64_t sequence) {
  const auto end = std::find_if(missing_.begin(), missing_.end(),
                                [&](const Missing& entry) { return entry.sequence >= sequence; });
  missing_.erase(missing_.begin(), end);
  if (missing_.empty()) next_due_ = kNever;
  key_frame_needed_ = false;
}

void NackTracker::reset() {
  missing_.clear();
  newest_.reset();
  next_due_ = kNever;
  packets_in_order_ = 0;
  key_frame_needed_ = false;
}

std::size_t NackTracker::poll(Timestamp now, std::span<std::uint16_t> out) {
  if (now < next_due_) return 0;
  abandon_expired(now);
  std::size_t count = 0;
  for (Missing& entry : missing_) {
    if (count == out.size()) break;
    if (entry.due > now) continue;
    out[count++] = static_cast<std::uint16_t>(entry.sequence);
    ++entry.tries;
    entry.asked = now;
    entry.due = now + repeat_interval(entry.tries);
  }
  stats_.asked += count;
  find_next_due();
  return count;
}

void NackTracker::handle_timeout(Timestamp now) {
  if (now < next_due_) return;
  abandon_expired(now);
  find_next_due();
}

bool NackTracker::expired(const Missing& entry, Timestamp now) const {
  return now - entry.noticed >= config_.max_age ||
         (entry.tries >= config_.max_tries && entry.due <= now);
}

void NackTracker::abandon_expired(Timestamp now) {
  const auto kept = std::remove_if(missing_.begin(), missing_.end(),
                                   [&](const Missing& entry) { return expired(entry, now); });
  const auto given_up = static_cast<std::uint64_t>(missing_.end() - kept);
  if (given_up == 0) return;
  missing_.erase(kept, missing_.end());
  stats_.abandoned += given_up;
  key_frame_needed_ = true;
}

void NackTracker::find_next_due() {
  next_due_ = kNever;
  for (const Missing& entry : missing_)
    next_due_ = std::min({next_due_, entry.due, entry.noticed + config_.max_age});
}

Duration NackTracker::repeat_interval(int tries) const {
  // A quarter of the round trip more with each try: the first covers jitter, the later ones a
  // round trip that grew meanwhile.
  const Duration rtt = std::max(rtt_, config_.min_repeat_interval);
  return rtt + std::max(rtt / 8, config_.min_repeat_interval / 2) + rtt * (tries - 1) / 4;
}

bool NackTracker::take_key_frame_needed() { return std::exchange(key_frame_needed_, false); }

}  // namespace parley::rtp
