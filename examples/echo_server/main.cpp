// Sends back to any WebRTC peer what it sends. See options.hpp for the command line.
#include <cstdio>

#include "echo_server/options.hpp"
#include "echo_server/program.hpp"

int main(int argc, char** argv) {
  using namespace echo_server;
  const auto parsed = parse_options(argc, argv);
  if (const auto* stop = std::get_if<Stop>(&parsed)) {
    std::fputs(stop->status == 0 ? "" : "echo_server: ", stderr);
    std::fprintf(stop->status == 0 ? stdout : stderr, "%s\n", stop->text.c_str());
    return stop->status;
  }
  return run(std::get<Options>(parsed));
}
