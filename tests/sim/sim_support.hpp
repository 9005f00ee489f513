// Two engines on two hosts, ready to talk.
#pragma once

#include "parley/sim/network.hpp"
#include "support/test_engine.hpp"

namespace parley::test {

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

/// An engine on a host of its own with one open socket.
struct Station {
  Station(sim::Network& network, const std::string& name, std::string_view address,
          sim::Gateway* gateway = nullptr)
      : host(network.add_host({.name = name, .addresses = {ip(address)}, .gateway = gateway})) {
    host.attach(engine);
    local = *host.open_socket(engine, {ip(address), 0});
  }
  void send(const SocketAddress& to, std::vector<std::uint8_t> bytes) {
    engine.send({local, to}, std::move(bytes));
    host.wake(engine);
  }
  sim::Host& host;
  TestEngine engine;
  SocketAddress local;
};

}  // namespace parley::test
