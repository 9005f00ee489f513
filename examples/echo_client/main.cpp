// Calls an echo server and checks what comes back. See options.hpp for the command line.
#include <cstdio>

#include "echo_client/options.hpp"
#include "echo_client/program.hpp"

int main(int argc, char** argv) {
  using namespace echo_client;
  const auto parsed = parse_options(argc, argv);
  if (const auto* stop = std::get_if<Stop>(&parsed)) {
    std::fputs(stop->status == 0 ? "" : "echo_client: ", stderr);
    std::fprintf(stop->status == 0 ? stdout : stderr, "%s\n", stop->text.c_str());
    return stop->status;
  }
  return run(std::get<Options>(parsed));
}
