// When to send a flight again.
#pragma once

#include <algorithm>

#include "parley/base/time.hpp"

namespace parley::dtls {

/// The retransmission timer of RFC 6347 section 4.2.4.1 on the caller's clock: it doubles with each
/// expiry, up to 60 s, and keeps its value for the next flight when this one had to be repeated.
class RetransmissionTimer {
 public:
  /// RFC 6347 section 4.2.4.1: "up to no less than the RFC 6298 maximum of 60 seconds".
  static constexpr Duration kMaxTimeout = 60s;

  /// For flights that start from now on after one that needed no repetition.
  void set_initial(Duration timeout) { initial_ = timeout; }

  /// A new flight went out.
  void start(Timestamp now) {
    if (!repeated_) timeout_ = initial_;
    repeated_ = false;
    deadline_ = now + timeout_;
  }
  /// The flight went out again.
  void back_off(Timestamp now) {
    repeated_ = true;
    timeout_ = std::min(timeout_ * 2, kMaxTimeout);
    deadline_ = now + timeout_;
  }
  void set_deadline(Timestamp at) { deadline_ = at; }
  void stop() { deadline_ = kNever; }

  bool running() const { return deadline_ != kNever; }
  Timestamp deadline() const { return deadline_; }
  Duration timeout() const { return timeout_; }

 private:
  // RFC 9147 section 5.8.2 recommends 400 ms for DTLS-SRTP when nothing is known of the path.
  Duration initial_ = 400ms;
  Duration timeout_ = 400ms;
  bool repeated_ = false;
  Timestamp deadline_ = kNever;
};

}  // namespace parley::dtls
