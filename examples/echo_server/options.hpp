// The command line of the echo server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/command_line.hpp"
#include "parley/base/net.hpp"

namespace echo_server {

struct Options {
  /// Local addresses for media, HTTP on the first. Empty: all of the host, loopback included.
  std::vector<parley::IpAddress> bind;
  std::uint16_t http_port = 8080;  ///< 0 picks one
  std::uint16_t udp_port = 0;      ///< 0 picks one
  std::vector<std::string> ice_servers;
  /// What the peers see instead of the private addresses: 1:1 NAT in front of the server.
  std::vector<parley::IpAddress> public_addresses;
  std::optional<std::filesystem::path> record;
  /// What WHEP plays while nobody publishes: IVF and Ogg Opus.
  std::vector<std::filesystem::path> play;
  std::string token;  ///< demanded of WHIP and WHEP requests unless empty (RFC 6750)
  bool transcode = false;
  std::size_t max_peers = 100;
  std::size_t max_body_kilobytes = 256;
  bool verbose = false;
};

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv);

}  // namespace echo_server
