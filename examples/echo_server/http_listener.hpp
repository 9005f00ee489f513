// The HTTP interface on a TCP port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "echo_server/http_interface.hpp"

namespace echo_server {

/// An HTTP/1.1 server with a few threads of its own. Stops when destroyed.
class HttpListener {
 public:
  /// Errors: io when the address is in use or not of this host. `interface` outlives the listener.
  static parley::Result<std::unique_ptr<HttpListener>> create(HttpInterface& interface,
                                                              const parley::IpAddress& address,
                                                              std::uint16_t port,
                                                              std::size_t max_body);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  std::uint16_t port() const;
  /// Begins to answer.
  void start();
  /// Ends after the requests that are under way. Idempotent.
  void stop();

 private:
  HttpListener();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace echo_server
