// A server that listens for HTTP on a port of the loopback interface, and clients of it.
#pragma once

#include <httplib.h>

#include "echo/server_fixture.hpp"
#include "echo_server/http_listener.hpp"
#include "support/catch.hpp"

namespace echo_server {

constexpr std::size_t kMaxBody = 8192;

struct Listening {
  explicit Listening(const Options& options = loopback_options()) : server(options) {
    auto made = HttpListener::create(server.interface, options.bind.front(), 0, kMaxBody);
    REQUIRE(made);
    listener = std::move(*made);
    listener->start();
  }
  httplib::Client client() { return httplib::Client("127.0.0.1", listener->port()); }

  ServerFixture server;
  std::unique_ptr<HttpListener> listener;
};

}  // namespace echo_server
