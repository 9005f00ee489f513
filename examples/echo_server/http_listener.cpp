#include "echo_server/http_listener.hpp"

// The package's library brings its own TLS; nothing here needs it.
#include <httplib.h>
#include <sys/socket.h>

#include <thread>

namespace echo_server {
namespace {

using namespace parley;

/// Each connection holds a thread while it lasts: enough for the six of a browser beside others.
constexpr std::size_t kThreads = 16;
constexpr time_t kIdleSeconds = 1;
constexpr time_t kTransferSeconds = 5;

HttpRequest convert(const httplib::Request& request) {
  return {.method = request.method,
          .path = request.path,
          .stream = request.get_param_value("stream"),
          .content_type = request.get_header_value("Content-Type"),
          .if_match = request.get_header_value("If-Match"),
          .authorization = request.get_header_value("Authorization"),
          .is_preflight = request.has_header("Access-Control-Request-Method"),
          .body = request.body};
}

void answer(HttpInterface& interface, const httplib::Request& request,
            httplib::Response& response) {
  const HttpResponse ours = interface.handle(convert(request));
  response.status = ours.status;
  for (const auto& [name, value] : ours.headers) response.set_header(name, value);
  if (!ours.content_type.empty()) response.set_content(ours.body, ours.content_type);
}

}  // namespace

struct HttpListener::State {
  httplib::Server server;
  std::uint16_t port = 0;
  std::thread thread;
};

HttpListener::HttpListener() : state_(std::make_unique<State>()) {}
HttpListener::~HttpListener() { stop(); }

Result<std::unique_ptr<HttpListener>> HttpListener::create(HttpInterface& interface,
                                                           const IpAddress& address,
                                                           std::uint16_t port,
                                                           std::size_t max_body) {
  std::unique_ptr<HttpListener> listener{new HttpListener};
  httplib::Server& server = listener->state_->server;
  const auto handler = [&interface](const httplib::Request& request, httplib::Response& response) {
    answer(interface, request, response);
  };
  server.Get(".*", handler);
  server.Post(".*", handler);
  server.Put(".*", handler);
  server.Patch(".*", handler);
  server.Delete(".*", handler);
  server.Options(".*", handler);
  // What the library refuses by itself: a page should be able to read why.
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty() || response.has_header("Access-Control-Allow-Origin")) return;
    response.set_header("Access-Control-Allow-Origin", "*");
    response.set_content(response.status == 413 ? "the body is too long\n" : "bad request\n",
                         "text/plain");
  });
  // RFC 9110 section 8.6: the library adds it to every answer without a body.
  server.set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.status == 204) response.headers.erase("Content-Length");
  });
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_payload_max_length(max_body);
  server.set_keep_alive_timeout(kIdleSeconds);
  server.set_read_timeout(kTransferSeconds);
  server.set_write_timeout(kTransferSeconds);
  server.set_tcp_nodelay(true);
  // The library's default, SO_REUSEPORT, would let two servers share a port without a word.
  server.set_socket_options([](int socket) {
    const int yes = 1;
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  const std::string host = address.to_string();
  const int bound = port == 0                         ? server.bind_to_any_port(host)
                    : server.bind_to_port(host, port) ? port
                                                      : -1;
  if (bound <= 0)
    return Error{Errc::io, "cannot listen on " + SocketAddress{address, port}.to_string()};
  listener->state_->port = static_cast<std::uint16_t>(bound);
  return listener;
}

std::uint16_t HttpListener::port() const { return state_->port; }

void HttpListener::start() {
  state_->thread = std::thread{[state = state_.get()] { state->server.listen_after_bind(); }};
  // `stop` has no effect on a server that does not run yet.
  while (!state_->server.is_running()) std::this_thread::yield();
}

void HttpListener::stop() {
  if (!state_->thread.joinable()) return;
  state_->server.stop();
  state_->thread.join();
}

}  // namespace echo_server
