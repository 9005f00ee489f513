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
#include "parley/shared_port.hpp"

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
  configuration.network.public_addresses = options.public_addresses;
  // Carried as they come; to transcode they must be parley's own, which are the default.
  if (!options.transcode)
    configuration.codecs = {"opus", "G722", "PCMU", "PCMA", "telephone-event",
                            "VP8",  "VP9",  "H264", "AV1"};
  configuration.video.receive_simulcast = true;
  configuration.log = options.verbose ? log : nullptr;
  return configuration;
}

std::string url_of(const IpAddress& address, std::uint16_t port) {
  // Any address reaches a wildcard; this one can be opened.
  const IpAddress shown = address.is_any() ? IpAddress::loopback(AddressFamily::ipv4) : address;
  return "http://" + SocketAddress{shown, port}.to_string();
}

/// Opens the UDP port on every address that the calls will use, so that one that is taken is told
/// now and not in the first call.
Result<void> bind_all(SharedPort& port, const std::vector<IpAddress>& wanted) {
  std::vector<IpAddress> addresses = wanted;
  if (addresses.empty()) {
    for (const NetworkInterface& interface : port.interfaces()) {
      if (!interface.address.is_link_local()) addresses.push_back(interface.address);
    }
  }
  for (const IpAddress& address : addresses) {
    if (auto bound = port.bind(address); !bound) return bound.error();
  }
  return {};
}

/// What lives on the runtime's sequence.
struct Calls {
  Calls(Driver& driver, const Options& options, Clips clips, LogSink* log)
      : port(driver, {.port = options.udp_port}),
        bound(bind_all(port, options.bind)),
        peers(port, options, configuration_of(options, log), std::move(clips)) {}
  SharedPort port;
  Result<void> bound;
  Peers peers;
};

/// Says where, and serves until a signal comes.
Result<void> serve(io::Runtime& runtime, Calls& calls, const Options& options, Signals& signals) {
  if (!calls.bound) return calls.bound;
  HttpInterface http{runtime, calls.peers, options};
  const IpAddress address =
      options.bind.empty() ? IpAddress::any(AddressFamily::ipv4) : options.bind.front();
  auto listener =
      HttpListener::create(http, address, options.http_port, options.max_body_kilobytes << 10);
  if (!listener) return listener.error();
  (*listener)->start();
  std::printf("listening on %s\n", url_of(address, (*listener)->port()).c_str());
  std::fflush(stdout);
  signals.wait();
  // Requests that wait for a call of ours are answered before the threads can end.
  runtime.run_sync([&] { calls.peers.hang_up_all(); });
  (*listener)->stop();
  return {};
}

/// Reads what is to be played, and makes the folder for recordings.
Result<Clips> prepare_files(const Options& options) {
  if (options.record) {
    std::error_code failure;
    std::filesystem::create_directories(*options.record, failure);
    if (failure) return Error{Errc::io, options.record->string() + ": " + failure.message()};
  }
  return Clips::read(options.play);
}

int complain(const Error& error) {
  std::fprintf(stderr, "echo_server: %s\n", error.to_string().c_str());
  return 1;
}

}  // namespace

int run(const Options& options) {
  auto clips = prepare_files(options);
  if (!clips) return complain(clips.error());
  Signals signals;
  StderrLog log;
  io::UdpDriverConfig driver;
  driver.worker_threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  io::Runtime runtime{driver};
  auto calls = runtime.run_sync(
      [&] { return std::make_shared<Calls>(runtime.driver(), options, std::move(*clips), &log); });
  const auto served = serve(runtime, *calls, options, signals);
  runtime.run_sync([&] { calls.reset(); });
  runtime.stop();
  return served ? 0 : complain(served.error());
}

}  // namespace echo_server
