// The loopback call: two peers in one process call each other over real UDP sockets, or over a
// simulated network in virtual time. See options.hpp for the command line.
#include <cstdio>
#include <cstdlib>

#include "loopback_call/options.hpp"
#include "loopback_call/program.hpp"

int main(int argc, char** argv) {
  using namespace loopback_call;
  const auto parsed = parse_options(argc, argv);
  if (const auto* stop = std::get_if<Stop>(&parsed)) {
    if (stop->status == 0) {
      std::fputs(stop->text.c_str(), stdout);
    } else {
      std::fprintf(stderr, "loopback_call: %s\n", stop->text.c_str());
    }
    return stop->status;
  }
  return run(std::get<Options>(parsed));
}
