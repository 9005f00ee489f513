#include "parley/sctp/congestion.hpp"

#include <limits>

namespace parley::sctp {
namespace {
constexpr std::size_t kInitialPackets = 10;  // RFC 6928 section 2
constexpr std::size_t kMinPackets = 4;       // RFC 9260 section 7.2.3
}  // namespace

StandardController::StandardController(std::size_t mtu)
    : mtu_(mtu),
      window_(kInitialPackets * mtu),
      threshold_(std::numeric_limits<std::size_t>::max()) {}

void StandardController::on_sent(Timestamp, std::size_t, std::size_t) {}

void StandardController::on_ack(Timestamp, const AckSample& sample) {
  if (sample.in_recovery || !sample.cumulative_advanced) return;
  // Sections 7.2.1 and 7.2.2: the window grows only when it was in full use. A packet less is in
  // full use too: the next one did not fit.
  const bool in_full_use = sample.in_flight_before + mtu_ > window_;
  if (window_ <= threshold_) {
    if (in_full_use) window_ += sample.acked;
    return;
  }
  partial_acked_ += sample.acked;
  if (partial_acked_ < window_) return;
  if (!in_full_use) {
    partial_acked_ = window_;
    return;
  }
  partial_acked_ -= window_;
  window_ += mtu_;
}

void StandardController::on_loss(Timestamp, const LossSample& sample) {
  if (!sample.first_of_window) return;
  threshold_ = std::max(window_ / 2, kMinPackets * mtu_);
  window_ = threshold_;
  partial_acked_ = 0;
}

void StandardController::on_timeout(Timestamp) {
  threshold_ = std::max(window_ / 2, kMinPackets * mtu_);
  window_ = mtu_;
  partial_acked_ = 0;
}

void StandardController::on_idle(Duration idle, Duration rto) {
  // Section 7.2.1: halved for each RTO of silence, down to the initial window.
  for (Duration t = rto; t <= idle && window_ > kInitialPackets * mtu_; t += rto) {
    window_ = std::max(window_ / 2, kInitialPackets * mtu_);
  }
}

}  // namespace parley::sctp
