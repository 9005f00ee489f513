// What the command lines of the examples have in common.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "parley/base/net.hpp"

namespace CLI {
class App;
}

namespace example {

/// Why a program ends before it begins: help (status 0) or one line of complaint (2).
struct Stop {
  int status = 2;
  std::string text;
};

/// Reads the arguments into what `app` was told to fill. Something comes back when the program
/// shall end.
std::optional<Stop> read_arguments(CLI::App& app, int argc, const char* const* argv);

/// Appends to `addresses` those in `typed`, the values of the option `name`; the complaint of the
/// first that is none.
std::optional<Stop> read_addresses(const char* name, const std::vector<std::string>& typed,
                                   std::vector<parley::IpAddress>& addresses);

/// Prints help on standard output, a complaint on standard error behind the program's name.
/// Returns the exit status.
int end_with(const Stop& stop, const char* program);

}  // namespace example
