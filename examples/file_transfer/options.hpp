// The command line of the file transfer.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "common/command_line.hpp"
#include "parley/base/net.hpp"

namespace file_transfer {

enum class Role { send, receive };

struct Options {
  Role role = Role::send;
  std::filesystem::path path;  ///< what is sent, or the folder that receives
  std::string to;              ///< sender: the receiver's URL; empty: by copy and paste
  std::string listen;          ///< receiver: ADDRESS:PORT for HTTP; empty: by copy and paste
  std::vector<std::string> ice_servers;
  std::vector<parley::IpAddress> bind;
  bool keep_listening = false;
  bool quiet = false;
};

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv);

}  // namespace file_transfer
