// Time as protocol cores see it: a value that is handed in, never asked for.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace parley {

using namespace std::chrono_literals;

/// The clock of the engine. Its `now()` is deleted: a core that asks for the time does not
/// compile. Drivers (`io`, `sim`) make the timestamps. The epoch is arbitrary, so only differences
/// mean something; simulated clocks do not start at zero.
struct EngineClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<EngineClock>;
  static constexpr bool is_steady = true;
  static time_point now() = delete;
};

/// A span of time in microseconds. `50ms` and `5s` convert to it.
using Duration = EngineClock::duration;

/// A point in time in microseconds since the driver's own epoch.
using Timestamp = EngineClock::time_point;

/// The deadline of a core that waits for nothing.
inline constexpr Timestamp kNever = Timestamp::max();

/// Seconds as a floating-point number, for statistics and rates.
constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }

/// Milliseconds as a floating-point number, for statistics.
constexpr double to_milliseconds(Duration d) { return static_cast<double>(d.count()) / 1e3; }

/// A duration from floating-point seconds, rounded towards zero.
constexpr Duration from_seconds(double s) { return Duration{static_cast<Duration::rep>(s * 1e6)}; }

/// NTP time (RFC 3550 section 4): 32 bits of seconds since 1900, 32 bits of fraction.
struct NtpTime {
  std::uint64_t value = 0;

  constexpr std::uint32_t seconds() const { return static_cast<std::uint32_t>(value >> 32); }
  constexpr std::uint32_t fraction() const { return static_cast<std::uint32_t>(value); }
  /// The middle 32 bits: 16 of seconds, 16 of fraction. What LSR and LRR carry.
  constexpr std::uint32_t compact() const { return static_cast<std::uint32_t>(value >> 16); }

  friend constexpr auto operator<=>(NtpTime, NtpTime) = default;
};

/// The one pure mapping between engine time and NTP time, fixed when a session starts. Wall clock
/// steps after that do not reach sender reports (RFC 3550 section 6.4.1 asks for monotony only).
class NtpMapping {
 public:
  /// `ntp` is what the wall clock showed at engine time `at`.
  constexpr NtpMapping(Timestamp at, NtpTime ntp) : at_(at), ntp_(ntp) {}
  constexpr NtpMapping() = default;

  constexpr NtpTime to_ntp(Timestamp t) const {
    const std::int64_t us = (t - at_).count();
    const std::int64_t whole = us >= 0 ? us / 1'000'000 : -((-us + 999'999) / 1'000'000);
    const auto rest = static_cast<std::uint64_t>(us - whole * 1'000'000);
    return NtpTime{ntp_.value + (static_cast<std::uint64_t>(whole) << 32) +
                   (rest << 32) / 1'000'000};
  }

  /// The inverse. Exact to a microsecond; meaningful within 68 years of the mapping's origin.
  constexpr Timestamp to_engine(NtpTime ntp) const {
    const auto diff = static_cast<std::int64_t>(ntp.value - ntp_.value);
    const std::int64_t whole = diff >> 32;
    const auto frac = static_cast<std::int64_t>(static_cast<std::uint32_t>(diff));
    return at_ + Duration{whole * 1'000'000 + ((frac * 1'000'000 + (std::int64_t{1} << 31)) >> 32)};
  }

 private:
  Timestamp at_{};
  NtpTime ntp_{};
};

/// A difference of compact NTP times (units of 1/65536 s) as a duration (RFC 3550 section 6.4.1).
constexpr Duration from_compact_ntp(std::uint32_t units) {
  return Duration{static_cast<std::int64_t>(units) * 1'000'000 / 65'536};
}

/// A duration in units of 1/65536 s, saturating; negative durations give 0.
constexpr std::uint32_t to_compact_ntp(Duration d) {
  if (d.count() <= 0) return 0;
  const std::int64_t units = d.count() * 65'536 / 1'000'000;
  return units > 0xFFFF'FFFFLL ? 0xFFFF'FFFFU : static_cast<std::uint32_t>(units);
}

/// Media time: ticks of a codec's RTP clock. Does not convert to engine time silently.
struct MediaTime {
  std::int64_t ticks = 0;
  int clock_rate = 90'000;

  constexpr Duration to_duration() const { return Duration{ticks * 1'000'000 / clock_rate}; }
  friend constexpr bool operator==(MediaTime, MediaTime) = default;
};

}  // namespace parley
