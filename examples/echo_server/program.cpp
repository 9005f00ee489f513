#include "echo_server/program.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "echo_server/http_interface.hpp"
#include "echo_server/http_listener.hpp"
#include "echo_server/peers.hpp"
#include "parley/dtls/identity.hpp"
#include "parley/io/runtime.hpp"

namespace echo_server {
namespace {

using namespace parley;

struct StderrLog final : LogSink {
  bool wants(Severity) const override { return true; }
  void write(Severity, std::string_view module, std::string_view line) override {
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(module.size()), module.data(),
                 static_cast<int>(line.size()), line.data());
  }
};

/// SIGINT and SIGTERM reach nobody but `wait`. Made before any thread, which inherits the mask.
class Signals {
 public:
  Signals() {
    sigemptyset(&wanted_);
    sigaddset(&wanted_, SIGINT);
    sigaddset(&wanted_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &wanted_, &before_);
  }
  ~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void wait() {
    int received = 0;
    sigwait(&wanted_, &received);
  }

 private:
  sigset_t wanted_;
  sigset_t before_;
};

Configuration configuration_of(const Options& options, LogSink* log) {
  Configuration configuration;
  for (const std::string& uri : options.ice_servers) configuration.ice_servers.push_back({{uri}});
  configuration.network.bind_addresses = options.bind;
  // Who binds to loopback means it, and callers on this machine are welcome.
  configuration.network.include_loopback = true;
  configuration.network.min_port = options.udp_port;
  configuration.network.max_port = options.udp_port;
  configuration.log = options.verbose ? log : nullptr;
  return configuration;
}

std::string url_of(const IpAddress& address, std::uint16_t port) {
  // Any address reaches a wildcard; this one can be opened.
  const IpAddress shown = address.is_any() ? IpAddress::loopback(AddressFamily::ipv4) : address;
  return "http://" + SocketAddress{shown, port}.to_string();
}

}  // namespace

int run(const Options& options) {
  Signals signals;
  StderrLog log;
  io::UdpDriverConfig driver;
  driver.worker_threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  io::Runtime runtime{driver};
  auto peers = runtime.run_sync([&] {
    return std::make_shared<Peers>(runtime.driver(), options, configuration_of(options, &log));
  });
  HttpInterface interface { runtime, *peers, options };
  const IpAddress address =
      options.bind.empty() ? IpAddress::any(AddressFamily::ipv4) : options.bind.front();
  auto listener =
      HttpListener::create(interface, address, options.http_port, options.max_body_kilobytes << 10);
  if (listener) {
    (*listener)->start();
    std::printf("listening on %s\n", url_of(address, (*listener)->port()).c_str());
    std::fflush(stdout);
    signals.wait();
    // Requests that wait for a call of ours are answered before the threads can end.
    runtime.run_sync([&] { peers->hang_up_all(); });
    (*listener)->stop();
  } else {
    std::fprintf(stderr, "echo_server: %s\n", listener.error().where.c_str());
  }
  runtime.run_sync([&] { peers.reset(); });
  runtime.stop();
  return listener ? 0 : 1;
}

}  // namespace echo_server
