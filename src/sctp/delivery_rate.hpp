// How fast the path delivers, measured from acknowledgements.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace parley::sctp {

/// Samples the delivery rate: what was acknowledged between the sending of a part and its own
/// acknowledgement, over the longer of the time it took to send that much and to have it
/// acknowledged. The longer one, because acknowledgements that come in lumps make the path look
/// faster than it is.
class DeliveryRate {
 public:
  /// What stood when a part left.
  struct Mark {
    std::uint64_t delivered = 0;
    Timestamp delivered_at{};
    Timestamp first_sent{};  ///< of the stretch that this part ends
    bool application_limited = false;
  };

  Mark mark(Timestamp now, bool nothing_in_flight) {
    if (nothing_in_flight) first_sent_ = delivered_at_ = now;
    return {delivered_, delivered_at_, first_sent_, limited_until_ > delivered_};
  }
  /// There is nothing more to send although the path would take more: samples until what is in
  /// flight now was delivered say little.
  void note_application_limited(std::size_t in_flight) {
    limited_until_ = std::max<std::uint64_t>(delivered_ + in_flight, 1);
  }

  void begin_sample() { newest_.reset(); }
  void note_acked(Timestamp now, const Mark& mark, Timestamp sent_at, std::size_t bytes) {
    delivered_ += bytes;
    delivered_at_ = now;
    const bool newer = !newest_ || mark.delivered > newest_->delivered ||
                       (mark.delivered == newest_->delivered && sent_at >= newest_sent_);
    if (!newer) return;
    newest_ = mark;
    newest_sent_ = sent_at;
    first_sent_ = sent_at;
  }

  std::uint64_t delivered() const { return delivered_; }
  const std::optional<Mark>& newest() const { return newest_; }
  Timestamp newest_sent() const { return newest_sent_; }
  /// Over less than the shortest round trip the sample would be of a lump.
  std::optional<DataRate> rate(Timestamp now, Duration shortest) const {
    if (!newest_) return std::nullopt;
    const Duration interval =
        std::max(newest_sent_ - newest_->first_sent, now - newest_->delivered_at);
    if (interval <= Duration::zero() || interval < shortest) return std::nullopt;
    const auto bytes = static_cast<double>(delivered_ - newest_->delivered);
    return DataRate::bits_per_second(
        static_cast<std::int64_t>(bytes * 8e6 / static_cast<double>(interval.count())));
  }

 private:
  std::uint64_t delivered_ = 0;
  Timestamp delivered_at_{};
  Timestamp first_sent_{};
  std::uint64_t limited_until_ = 0;
  std::optional<Mark> newest_;
  Timestamp newest_sent_{};
};

}  // namespace parley::sctp
