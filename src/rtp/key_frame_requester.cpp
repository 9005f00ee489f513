#include <algorithm>

#include "parley/rtp/nack.hpp"

namespace parley::rtp {

KeyFrameRequester::KeyFrameRequester() : KeyFrameRequester(Config{}) {}

KeyFrameRequester::KeyFrameRequester(const Config& config)
    : config_(config), rtt_(config.initial_rtt) {}

void KeyFrameRequester::handle_packet(Timestamp now) {
  // Patience runs only while packets come: a sender that is silent has nothing to refresh.
  if (stalled_at_ == kNever && !wanted_)
    stalled_at_ = now + (have_key_frame_ ? config_.stall_wait : config_.first_frame_wait);
}

void KeyFrameRequester::handle_frame(Timestamp, bool key_frame) {
  have_key_frame_ = have_key_frame_ || key_frame;
  // A stall is over with any frame; whoever asked for a key frame waits for one.
  if (key_frame || (wanted_ && for_stall_ && have_key_frame_)) {
    wanted_ = asked_ = for_stall_ = false;
    repeats_ = 0;
    due_ = kNever;
  }
  if (have_key_frame_) stalled_at_ = kNever;
}

void KeyFrameRequester::request(Timestamp now) {
  for_stall_ = false;
  if (wanted_) return;
  wanted_ = true;
  asked_ = false;
  repeats_ = 0;
  stalled_at_ = kNever;
  due_ = last_sent_ == Timestamp::min() ? now : std::max(now, last_sent_ + interval());
}

void KeyFrameRequester::reset() {
  wanted_ = asked_ = for_stall_ = have_key_frame_ = false;
  repeats_ = 0;
  due_ = stalled_at_ = kNever;
}

std::optional<KeyFrameRequester::Request> KeyFrameRequester::poll(Timestamp now) {
  handle_timeout(now);
  if (!wanted_ || now < due_) return std::nullopt;
  const bool repeat = asked_;
  if (!repeat) ++fir_sequence_;
  asked_ = true;
  last_sent_ = now;
  due_ = now + interval();
  ++repeats_;
  ++requests_;
  return Request{fir_sequence_, repeat};
}

void KeyFrameRequester::handle_timeout(Timestamp now) {
  if (now < stalled_at_) return;
  request(now);
  for_stall_ = true;
}

Timestamp KeyFrameRequester::next_timeout() const { return std::min(due_, stalled_at_); }

Duration KeyFrameRequester::interval() const {
  const Duration doubled = std::max(rtt_, config_.min_interval) * (1 << std::min(repeats_, 8));
  return std::max(rtt_, std::min(doubled, config_.max_interval));
}

}  // namespace parley::rtp
