// Alerts (RFC 5246 section 7.2).
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace parley::dtls {

enum class AlertLevel : std::uint8_t { warning = 1, fatal = 2 };

enum class AlertDescription : std::uint8_t { close_notify = 0, no_renegotiation = 100 };

/// The content of an alert's record.
constexpr std::array<std::uint8_t, 2> alert_content(AlertLevel level,
                                                    AlertDescription description) {
  return {static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(description)};
}

/// The registry's name of a description, "handshake_failure".
std::string alert_name(int description);

}  // namespace parley::dtls
