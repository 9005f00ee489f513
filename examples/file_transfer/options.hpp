// The command line of the file transfer.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

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

/// Text for the user and the exit status to end with: help (0) or one line of complaint (2).
struct Stop {
  int status = 2;
  std::string text;
};

std::variant<Options, Stop> parse_options(int argc, const char* const* argv);

}  // namespace file_transfer
