#include "common/quantities.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace example {

using parley::DataRate;

std::optional<double> parse_number(std::string_view text,
                                   std::initializer_list<std::string_view> suffixes) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || !std::isfinite(value) || std::signbit(value)) return std::nullopt;
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  if (rest.empty() || std::find(suffixes.begin(), suffixes.end(), rest) != suffixes.end())
    return value;
  return std::nullopt;
}

std::optional<DataRate> parse_rate(std::string_view text) {
  const auto from = [](double bits_per_second) -> std::optional<DataRate> {
    if (bits_per_second > 1e15) return std::nullopt;
    return DataRate::bits_per_second(std::llround(bits_per_second));
  };
  if (const auto bare = parse_number(text, {})) return from(*bare < 20'000 ? *bare * 1e3 : *bare);
  for (const auto& [suffix, scale] : {std::pair{"bit/s", 1.0}, {"bps", 1.0}}) {
    if (text.ends_with(suffix)) {
      text.remove_suffix(std::string_view(suffix).size());
      if (const auto plain = parse_number(text, {})) return from(*plain * scale);
      break;
    }
  }
  if (const auto kilo = parse_number(text, {"k", "K"})) return from(*kilo * 1e3);
  if (const auto mega = parse_number(text, {"m", "M"})) return from(*mega * 1e6);
  return std::nullopt;
}

}  // namespace example
