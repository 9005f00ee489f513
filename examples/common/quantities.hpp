// Numbers with units, as users type them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "parley/base/units.hpp"

namespace example {

/// "1000k", "1M", "1.5Mbit/s": a bitrate. A bare number counts kbit/s below 20000 and bit/s from
/// there on, so that 1000 and 1000000 both mean what was meant. nullopt for anything else.
std::optional<parley::DataRate> parse_rate(std::string_view text);

/// A finite number without a sign, with one of `suffixes` or nothing behind it.
std::optional<double> parse_number(std::string_view text,
                                   std::initializer_list<std::string_view> suffixes);

}  // namespace example
