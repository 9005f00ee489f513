// Calls an echo server and checks what comes back. See options.hpp for the command line.
#include "echo_client/options.hpp"
#include "echo_client/program.hpp"

int main(int argc, char** argv) {
  using namespace echo_client;
  const auto parsed = parse_options(argc, argv);
  if (const auto* stop = std::get_if<example::Stop>(&parsed))
    return example::end_with(*stop, "echo_client");
  return run(std::get<Options>(parsed));
}
