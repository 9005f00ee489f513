// Sends back to any WebRTC peer what it sends. See options.hpp for the command line.
#include "echo_server/options.hpp"
#include "echo_server/program.hpp"

int main(int argc, char** argv) {
  using namespace echo_server;
  const auto parsed = parse_options(argc, argv);
  if (const auto* stop = std::get_if<example::Stop>(&parsed))
    return example::end_with(*stop, "echo_server");
  return run(std::get<Options>(parsed));
}
