#include "common/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

namespace example {

std::optional<Stop> read_arguments(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Stop{0, app.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::ParseError& e) {
    std::string line = e.what();
    std::replace(line.begin(), line.end(), '\n', ' ');
    return Stop{2, line};
  }
  return std::nullopt;
}

std::optional<Stop> read_addresses(const char* name, const std::vector<std::string>& typed,
                                   std::vector<parley::IpAddress>& addresses) {
  for (const std::string& text : typed) {
    const auto address = parley::IpAddress::parse(text);
    if (!address) return Stop{2, std::string(name) + ": '" + text + "' is not an IP address"};
    addresses.push_back(*address);
  }
  return std::nullopt;
}

int end_with(const Stop& stop, const char* program) {
  if (stop.status == 0) {
    std::fputs(stop.text.c_str(), stdout);
  } else {
    std::fprintf(stderr, "%s: %s (--help tells more)\n", program, stop.text.c_str());
  }
  return stop.status;
}

}  // namespace example
