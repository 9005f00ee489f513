#include <algorithm>
#include <utility>

#include "parley/base/sequence.hpp"
#include "parley/rtp/transport_feedback.hpp"

namespace parley::rtp {
namespace {
constexpr std::int64_t kTurn = 1 << 16;
constexpr std::size_t kMaxCapacity = 32'768;
constexpr std::size_t kFirstCapacity = 256;  // most calls never have more in flight
}  // namespace

SentPacketLog::SentPacketLog(std::size_t capacity)
    : capacity_(std::clamp<std::size_t>(capacity, 1, kMaxCapacity)), next_(kTurn + 1) {}

std::int64_t SentPacketLog::handle_sent(Timestamp now, DataSize size) {
  // Connections without media never come here.
  if (log_.empty()) log_.resize(std::min(capacity_, kFirstCapacity));
  if (slot(next_).state == State::in_flight && log_.size() < capacity_) grow();
  Sent& sent = slot(next_);
  settle(sent);  // the ring came round: what was here is forgotten
  sent = Sent{now, static_cast<std::int32_t>(size.bytes()), State::in_flight};
  in_flight_ += size;
  return next_++;
}

void SentPacketLog::grow() {
  std::vector<Sent> larger(std::min(capacity_, log_.size() * 2));
  for (std::int64_t s = next_ - static_cast<std::int64_t>(log_.size()); s < next_; ++s) {
    larger[static_cast<std::size_t>(s) % larger.size()] = slot(s);
  }
  log_ = std::move(larger);
  results_.reserve(log_.size());
}

void SentPacketLog::settle(Sent& sent) {
  if (sent.state == State::in_flight) in_flight_ -= DataSize::bytes(sent.size);
}

SentPacketLog::Feedback SentPacketLog::handle_feedback(Timestamp now,
                                                       const rtcp::TransportFeedback& feedback) {
  results_.clear();
  ++feedbacks_;
  if (feedback_count_) {
    const auto step = static_cast<std::uint8_t>(feedback.feedback_count - *feedback_count_);
    if (step > 1 && step < 128) feedbacks_lost_ += step - 1U;
    if (step < 128) feedback_count_ = feedback.feedback_count;
  } else {
    feedback_count_ = feedback.feedback_count;
  }
  const Duration offset = timeline_.offset(feedback);

  const std::int64_t newest = next_ - 1;
  const std::int64_t base =
      newest + serial_diff(feedback.base_sequence, static_cast<std::uint16_t>(newest));
  // Only what was sent and is still in the ring: this bounds the loop, whatever the count says.
  const std::int64_t first = std::max(base, next_ - static_cast<std::int64_t>(log_.size()));
  const std::int64_t end = std::min(base + feedback.status_count, next_);
  auto arrival = feedback.arrivals.begin();
  std::optional<Duration> round_trip_time;
  for (std::int64_t s = first; s < end; ++s) {
    const auto place = [&] {
      return base + static_cast<std::uint16_t>(arrival->sequence - feedback.base_sequence);
    };
    while (arrival != feedback.arrivals.end() && place() < s) ++arrival;
    const bool received = arrival != feedback.arrivals.end() && place() == s;
    Sent& sent = slot(s);
    const bool news = sent.state == State::in_flight || (sent.state == State::lost && received);
    if (!news) continue;
    settle(sent);
    sent.state = received ? State::received : State::lost;
    PacketResult result{s, sent.sent, DataSize::bytes(sent.size), std::nullopt};
    if (received) {
      result.received = Timestamp{offset + arrival->time};
      if (now >= sent.sent) round_trip_time = now - sent.sent;
    }
    results_.push_back(result);
  }
  return {results_, round_trip_time};
}

}  // namespace parley::rtp
