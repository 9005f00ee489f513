// The command line of the echo client.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/command_line.hpp"
#include "parley/base/net.hpp"
#include "parley/base/time.hpp"

namespace echo_client {

enum class Test {
  connect = 0,  ///< a connection comes up
  data = 1,     ///< messages come back
  media = 2,    ///< sound and pictures come back
};

struct Options {
  /// Scheme, host and port: "http://127.0.0.1:8080".
  std::string server;
  std::string path = "/offer";
  Test test = Test::connect;
  /// Each step must be done by then: the answer, the connection, the echo.
  parley::Duration timeout = std::chrono::seconds{10};
  /// How much picture and sound is compared.
  parley::Duration length = std::chrono::seconds{2};
  double min_psnr_db = 25;
  std::vector<parley::IpAddress> bind;
  bool verbose = false;
};

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv);

}  // namespace echo_client
