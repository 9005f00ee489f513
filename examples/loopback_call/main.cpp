// The loopback call: two peers in one process call each other over real UDP sockets, or over a
// simulated network in virtual time. See options.hpp for the command line.
#include "loopback_call/options.hpp"
#include "loopback_call/program.hpp"

int main(int argc, char** argv) {
  using namespace loopback_call;
  const auto parsed = parse_options(argc, argv);
  if (const auto* stop = std::get_if<example::Stop>(&parsed))
    return example::end_with(*stop, "loopback_call");
  return run(std::get<Options>(parsed));
}
