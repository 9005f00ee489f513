#include <algorithm>

#include "parley/base/assert.hpp"
#include "parley/base/sequence.hpp"
#include "parley/rtp/transport_feedback.hpp"

namespace parley::rtp {
namespace {
constexpr std::int64_t kTurn = 1 << 16;
// Header, a run of losses, one chunk, one large delta, padded: what one arrival needs at most.
constexpr std::size_t kSmallestFeedback = 32;
// A packet that was overtaken by more than this stays reported as lost: telling of it again would
// repeat the report of everything after it.
constexpr std::int64_t kReportAgain = 512;
}  // namespace

TransportFeedbackRecorder::TransportFeedbackRecorder() : TransportFeedbackRecorder(Config{}) {}

TransportFeedbackRecorder::TransportFeedbackRecorder(const Config& config) : config_(config) {}

void TransportFeedbackRecorder::restart(std::int64_t sequence) {
  arrivals_.assign(kWindow, kNever);
  begin_ = sequence;
  newest_ = sequence - 1;
  waiting_ = 0;
  due_ = kNever;
}

void TransportFeedbackRecorder::handle_packet(Timestamp now, std::uint16_t transport_sequence) {
  std::int64_t place = kTurn + transport_sequence;
  if (newest_)
    place = *newest_ + serial_diff(transport_sequence, static_cast<std::uint16_t>(*newest_));
  const auto window = static_cast<std::int64_t>(kWindow);
  if (!newest_ || place - *newest_ >= window) restart(place);
  if (place <= *newest_ - window) return;  // forgotten long ago
  for (std::int64_t s = *newest_ + 1; s <= place; ++s) slot(s) = kNever;
  newest_ = std::max(*newest_, place);
  // What the ring has no room for any more is not reported.
  begin_ = std::max(begin_, *newest_ - window + 1);
  if (slot(place) != kNever || place < begin_ - kReportAgain) return;
  slot(place) = now;
  begin_ = std::min(begin_, place);
  ++packets_;
  ++waiting_;
  due_ = std::min(due_, waiting_ >= config_.max_packets ? now : now + config_.interval);
}

bool TransportFeedbackRecorder::build(Timestamp now, Ssrc sender, Ssrc media, ByteWriter& out) {
  if (due_ == kNever || out.remaining() < kSmallestFeedback) return false;
  std::int64_t first = begin_;
  while (first <= *newest_ && slot(first) == kNever) ++first;
  PARLEY_ASSERT(first <= *newest_, "feedback is due only while an arrival waits");
  const std::size_t room = std::min(std::max(config_.max_size, kSmallestFeedback), out.remaining());
  rtcp::TransportFeedbackWriter writer(sender, media, feedback_count_,
                                       static_cast<std::uint16_t>(begin_), slot(first), room);
  std::int64_t next = begin_;
  for (std::int64_t s = first; s <= *newest_; ++s) {
    if (slot(s) == kNever) continue;
    if (!writer.add(static_cast<std::uint16_t>(s), slot(s))) break;
    next = s + 1;
    if (waiting_ > 0) --waiting_;
  }
  PARLEY_ASSERT(!writer.empty(), "one arrival fits into kSmallestFeedback bytes");
  if (!writer.write_to(out)) return false;
  begin_ = next;
  ++feedback_count_;
  ++feedbacks_;
  if (begin_ > *newest_) {
    waiting_ = 0;
    due_ = kNever;
  } else {
    due_ = now;  // what did not fit goes at once
  }
  return true;
}

void TransportFeedbackRecorder::handle_timeout(Timestamp) {}

}  // namespace parley::rtp
