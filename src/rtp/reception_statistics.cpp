#include <algorithm>
#include <cstdlib>

#include "parley/base/sequence.hpp"
#include "parley/rtp/reception.hpp"

namespace parley::rtp {
namespace {
constexpr std::int64_t kTurn = 1 << 16;
}

ReceptionStatistics::Placed ReceptionStatistics::handle_packet(
    Timestamp now, std::uint16_t sequence, std::optional<std::uint32_t> timestamp) {
  const bool first = !started_;
  if (!started_ || ended_) {
    // A restart begins a turn further on, so that unwrapped numbers never go back.
    start((started_ ? highest_ / kTurn + 1 : 1) * kTurn + sequence);
    received_ = 1;
    if (timestamp) update_jitter(now, *timestamp);
    return {first ? Arrival::in_order : Arrival::restart, highest_};
  }
  const std::int64_t place = unwrap(sequence);
  const std::int64_t ahead = place - highest_;
  if (ahead >= kMaxDropout || ahead <= -kMaxMisorder) {
    // A very large jump: two packets in sequence make a restart (RFC 3550 appendix A.1).
    if (bad_sequence_ == sequence) {
      ended_ = true;
      return handle_packet(now, sequence, timestamp);
    }
    bad_sequence_ = static_cast<std::uint16_t>(sequence + 1);
    return {ahead > 0 ? Arrival::suspect : Arrival::too_old, place};
  }
  ++received_;
  bad_sequence_.reset();
  if (ahead > 0) {
    advance_to(place);
    if (timestamp) update_jitter(now, *timestamp);
    return {Arrival::in_order, place};
  }
  if (!mark(place)) return {Arrival::duplicate, place};
  if (timestamp) update_jitter(now, *timestamp);
  return {Arrival::late, place};
}

ReceptionStatistics::Placed ReceptionStatistics::handle_recovered(std::uint16_t sequence) {
  if (!started_ || ended_) return {Arrival::suspect, sequence};
  const std::int64_t place = unwrap(sequence);
  const std::int64_t ahead = place - highest_;
  if (ahead <= -kMaxMisorder) return {Arrival::too_old, place};
  // The stream itself is what moves the newest number: a retransmission from beyond it is either
  // the tail of a burst that was lost whole, which may be used, or nonsense.
  if (ahead >= kMaxDropout) return {Arrival::suspect, place};
  if (ahead > 0) {
    advance_to(place);
    return {Arrival::in_order, place};
  }
  return {mark(place) ? Arrival::late : Arrival::duplicate, place};
}

void ReceptionStatistics::handle_bye() { ended_ = started_; }

void ReceptionStatistics::start(std::int64_t sequence) {
  started_ = true;
  ended_ = false;
  base_ = highest_ = sequence;
  bad_sequence_.reset();
  seen_.reset();
  mark(sequence);
  received_ = expected_prior_ = received_prior_ = 0;
  jitter_q4_ = 0;
  transit_.reset();
}

void ReceptionStatistics::advance_to(std::int64_t sequence) {
  for (std::int64_t s = highest_ + 1; s < sequence; ++s)
    seen_.reset(static_cast<std::size_t>(s) % kWindow);
  highest_ = sequence;
  seen_.set(static_cast<std::size_t>(sequence) % kWindow);
}

bool ReceptionStatistics::mark(std::int64_t sequence) {
  const auto bit = static_cast<std::size_t>(sequence) % kWindow;
  if (seen_.test(bit)) return false;
  seen_.set(bit);
  return true;
}

std::int64_t ReceptionStatistics::unwrap(std::uint16_t sequence) const {
  return highest_ + serial_diff(sequence, static_cast<std::uint16_t>(highest_));
}

void ReceptionStatistics::update_jitter(Timestamp now, std::uint32_t timestamp) {
  // Appendix A.8 with 4 bits of fraction. Arrival and timestamp are compared modulo 2^32, so the
  // difference of transit times is what counts, not their offset.
  const std::int64_t ticks = now.time_since_epoch().count() / 1000 * clock_rate_ / 1000 +
                             now.time_since_epoch().count() % 1000 * clock_rate_ / 1'000'000;
  const auto transit = static_cast<std::uint32_t>(ticks) - timestamp;
  if (transit_) {
    const std::int64_t d = std::abs(std::int64_t{serial_diff(transit, *transit_)});
    // More than this is a timestamp jump of the sender, no jitter of the path.
    if (d < std::int64_t{5} * clock_rate_) {
      const std::int64_t j = jitter_q4_;
      jitter_q4_ = static_cast<std::uint32_t>(j + d - ((j + 8) >> 4));
    }
  }
  transit_ = transit;
}

std::int64_t ReceptionStatistics::packets_lost() const {
  if (!started_) return 0;
  return highest_ - base_ + 1 - static_cast<std::int64_t>(received_);
}

Duration ReceptionStatistics::jitter_time() const {
  return MediaTime{jitter(), clock_rate_}.to_duration();
}

void ReceptionStatistics::fill_report_block(rtcp::ReportBlock& block) {
  if (!started_) return;
  // Appendix A.3. After a restart the count of cycles begins anew, as init_seq does.
  const auto expected = static_cast<std::uint64_t>(highest_ - base_ + 1);
  const auto interval_expected = static_cast<std::int64_t>(expected - expected_prior_);
  const auto interval_lost =
      interval_expected - static_cast<std::int64_t>(received_ - received_prior_);
  expected_prior_ = expected;
  received_prior_ = received_;
  block.fraction_lost = 0;
  if (interval_expected > 0 && interval_lost > 0)
    block.fraction_lost = static_cast<std::uint8_t>(
        std::min<std::int64_t>(255, interval_lost * 256 / interval_expected));
  block.cumulative_lost =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(packets_lost(), -0x80'0000, 0x7F'FFFF));
  block.highest_sequence = static_cast<std::uint32_t>(highest_ - base_ / kTurn * kTurn);
  block.jitter = jitter();
}

}  // namespace parley::rtp
