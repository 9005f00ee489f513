// Numbers as text.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

namespace loopback_call {

/// `value` with `decimals` digits behind the point: fixed(3.14159, 2) is "3.14".
inline std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// A dash for what was never measured.
inline std::string fixed(const std::optional<double>& value, int decimals) {
  return value ? fixed(*value, decimals) : "-";
}

}  // namespace loopback_call
