// Sends files between two machines over a data channel: see docs/file_transfer.md.
#include <iostream>

#include "file_transfer/program.hpp"

int main(int argc, char** argv) {
  const auto parsed = file_transfer::parse_options(argc, argv);
  if (const auto* stop = std::get_if<example::Stop>(&parsed))
    return example::end_with(*stop, "file_transfer");
  return file_transfer::run(std::get<file_transfer::Options>(parsed), std::cin, std::cout,
                            std::cerr);
}
