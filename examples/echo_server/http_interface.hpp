// What the server answers to which request, apart from sockets.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_server/peers.hpp"
#include "parley/io/runtime.hpp"

namespace echo_server {

struct HttpRequest {
  std::string method;
  std::string path;    ///< decoded, without the query
  std::string stream;  ///< the query parameter of that name
  std::string content_type;
  std::string if_match;
  std::string authorization;
  bool is_preflight = false;  ///< a browser asks whether its page may (CORS)
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// POST /offer, the WHIP endpoint (RFC 9725), the WHEP endpoint (draft-ietf-wish-whep), their
/// sessions, statistics and the page.
///
/// Thread rule: `handle` is called on any thread but the runtime's, and waits for what it started
/// there. `peers` belongs to the runtime's sequence; both outlive the object.
class HttpInterface {
 public:
  HttpInterface(parley::io::Runtime& runtime, Peers& peers, const Options& options);

  HttpResponse handle(const HttpRequest& request);

 private:
  struct Session {
    Role role;
    std::string id;
  };

  HttpResponse route(const HttpRequest& request);
  HttpResponse post_offer(const HttpRequest& request);
  HttpResponse post_session(const HttpRequest& request, Role role);
  HttpResponse patch_session(const HttpRequest& request, const Session& session);
  HttpResponse delete_session(const Session& session);
  HttpResponse handle_endpoint(const HttpRequest& request, Role role);
  HttpResponse handle_session(const HttpRequest& request, const Session& session);
  HttpResponse get_stats(const std::string& id);
  HttpResponse get_peer(const std::string& id);
  HttpResponse get_configuration() const;
  bool is_authorized(const HttpRequest& request) const;
  void add_ice_servers(HttpResponse& response) const;

  parley::io::Runtime& runtime_;
  Peers& peers_;
  const std::vector<std::string> ice_servers_;
  const std::string token_;
};

}  // namespace echo_server
