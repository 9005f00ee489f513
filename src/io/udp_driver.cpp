#include "parley/io/udp_driver.hpp"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/socket_base.hpp>
#include <chrono>
#include <utility>

#include "io/driver_state.hpp"
#include "io/endpoint.hpp"
#include "io/interfaces.hpp"

namespace parley::io {
namespace {

constexpr std::size_t kMaxBatch = 64;
constexpr std::size_t kMaxWorkers = 64;
// Asking the system takes longer than a datagram's way through it, and nobody notices a change
// sooner than this.
constexpr Duration kInterfacesAge = 100ms;
constexpr std::int64_t kSecondsFrom1900To1970 = 2'208'988'800;  // RFC 868

UdpDriverConfig within_limits(UdpDriverConfig config) {
  config.batch = std::clamp<std::size_t>(config.batch, 1, kMaxBatch);
  config.batches_per_turn = std::max<std::size_t>(config.batches_per_turn, 1);
  config.worker_threads = std::min(config.worker_threads, kMaxWorkers);
  return config;
}

void size_buffers(asio::ip::udp::socket& socket, const UdpDriverConfig& config) {
  std::error_code ignored;  // The system's own size will do.
  if (config.receive_buffer_bytes > 0) {
    socket.set_option(asio::socket_base::receive_buffer_size{config.receive_buffer_bytes}, ignored);
  }
  if (config.send_buffer_bytes > 0) {
    socket.set_option(asio::socket_base::send_buffer_size{config.send_buffer_bytes}, ignored);
  }
}

}  // namespace

UdpDriver::State::State(asio::io_context& c, UdpDriverConfig raw)
    : context(c),
      config(within_limits(raw)),
      receiver(config.batch,
               config.segmentation_offload ? ReceiveBatch::Coalescing::on
                                           : ReceiveBatch::Coalescing::off,
               stats),
      sender(config.batch, stats),
      send_storage(new std::uint8_t[kSendStorage]),
      resolver(c),
      delayed_timer(c) {
  outgoing.reserve(kDatagramsPerBatch);
}

UdpDriver::UdpDriver(asio::io_context& context, UdpDriverConfig config)
    : state_(std::make_shared<State>(context, config)) {}

UdpDriver::~UdpDriver() {
  while (!state_->engines.empty()) {
    const auto carried = state_->engines.begin()->second;
    state_->detach(carried);
  }
  state_->workers.reset();
}

const UdpDriverStats& UdpDriver::stats() const { return state_->stats; }
Timestamp UdpDriver::now() const { return steady_now(); }
Random& UdpDriver::random() { return state_->random; }

std::vector<NetworkInterface> UdpDriver::interfaces() const {
  const Timestamp now = steady_now();
  if (state_->interfaces_at == Timestamp::min() || now - state_->interfaces_at > kInterfacesAge) {
    state_->interfaces = list_interfaces();
    state_->interfaces_at = now;
  }
  return state_->interfaces;
}

NtpMapping UdpDriver::ntp_mapping() const {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(wall).count();
  const auto seconds = static_cast<std::uint64_t>(us / 1'000'000 + kSecondsFrom1900To1970);
  const auto fraction = (static_cast<std::uint64_t>(us % 1'000'000) << 32) / 1'000'000;
  return {steady_now(), NtpTime{(seconds << 32) | fraction}};
}

void UdpDriver::attach(Engine& engine) {
  auto& carried = state_->engines[&engine];
  if (carried) return;
  carried = std::make_shared<Carried>(engine, state_->context);
  wake(engine);
}

void UdpDriver::detach(Engine& engine) {
  const auto found = state_->engines.find(&engine);
  if (found == state_->engines.end()) return;
  const auto carried = found->second;
  state_->detach(carried);
}

void UdpDriver::wake(Engine& engine) {
  const auto found = state_->engines.find(&engine);
  if (found != state_->engines.end()) state_->wake(found->second);
}

Result<SocketAddress> UdpDriver::open_socket(Engine& engine, const SocketAddress& local) {
  const auto carried = state_->engines.find(&engine);
  if (carried == state_->engines.end()) {
    return Error{Errc::invalid_state, "open_socket: the engine is not attached"};
  }
  const auto socket =
      std::make_shared<Socket>(state_->context, carried->second, SendQueue{state_->stats});
  const auto wanted = to_asio(local);
  std::error_code error;
  socket->socket.open(wanted.protocol(), error);
  // One socket per family, so that no address comes in its v4-mapped form.
  if (!error && local.ip.is_v6()) socket->socket.set_option(asio::ip::v6_only{true}, error);
  if (!error) socket->socket.bind(wanted, error);
  if (!error) socket->socket.non_blocking(true, error);
  if (!error) socket->local = from_asio(socket->socket.local_endpoint(error));
  if (error) return Error{Errc::io, local.to_string() + ": " + error.message()};
  size_buffers(socket->socket, state_->config);
  if (state_->config.segmentation_offload) {
    socket->segmentation = enable_offload(socket->socket).segmentation;
  }
  state_->sockets[socket->local] = socket;
  state_->listen(socket);
  return socket->local;
}

void UdpDriver::close_socket(Engine& engine, const SocketAddress& local) {
  const auto found = state_->engines.find(&engine);
  if (found == state_->engines.end()) return;
  const auto carried = found->second;
  const auto socket = state_->sending_socket(carried, local);
  if (socket == nullptr) return;
  // What the engine has queued for this socket was accepted before the close.
  state_->drain_all(carried);
  if (socket->owner == carried) {
    state_->close(local);
  } else {
    carried->borrowed.erase(local);
  }
}

Result<void> UdpDriver::lend_socket(Engine& owner, const SocketAddress& local, Engine& borrower) {
  const auto from = state_->engines.find(&owner);
  const auto to = state_->engines.find(&borrower);
  if (from == state_->engines.end() || to == state_->engines.end()) {
    return Error{Errc::invalid_state, "lend_socket: an engine is not attached"};
  }
  const auto socket = state_->sockets.find(local);
  if (socket == state_->sockets.end() || socket->second->owner != from->second) {
    return Error{Errc::not_found, "lend_socket: " + local.to_string()};
  }
  if (from == to) return {};
  socket->second->lent = true;
  to->second->borrowed.insert(local);
  return {};
}

void UdpDriver::resolve(const std::string& host, ResolveHandler done) {
  const auto literal = IpAddress::parse(host);
  if (host.empty() || literal) {
    Result<std::vector<IpAddress>> answer = Error{Errc::invalid_argument, "resolve: empty name"};
    if (literal) answer = std::vector<IpAddress>{*literal};
    return post([answer = std::move(answer), done = std::move(done)] { done(answer); });
  }
  state_->resolver.async_resolve(
      host, "",
      [weak = std::weak_ptr{state_}, host, done = std::move(done)](
          const std::error_code& error, const asio::ip::udp::resolver::results_type& results) {
        if (weak.expired()) return;
        std::vector<IpAddress> addresses;
        for (const auto& entry : results) addresses.push_back(from_asio(entry.endpoint()).ip);
        if (!error && !addresses.empty()) return done(addresses);
        done(Error{Errc::not_found, host + ": " + error.message()});
      });
}

void UdpDriver::offload(const void* lane, std::function<void()> work, std::function<void()> done) {
  if (state_->config.worker_threads == 0) {
    return post([work = std::move(work), done = std::move(done)] {
      work();
      done();
    });
  }
  if (!state_->workers) state_->workers.emplace(state_->config.worker_threads);
  // The guard keeps io_context::run from returning while the job is with a worker. `done` moves
  // on: what it captured is not released on the worker's thread.
  state_->workers->submit(
      lane, [weak = std::weak_ptr{state_}, work = std::move(work), done = std::move(done),
             guard = asio::make_work_guard(state_->context)]() mutable {
        work();
        asio::post(guard.get_executor(), [weak, done = std::move(done)] {
          if (!weak.expired()) done();
        });
      });
}

void UdpDriver::post(std::function<void()> task) {
  asio::post(state_->context, [weak = std::weak_ptr{state_}, task = std::move(task)] {
    if (!weak.expired()) task();
  });
}

void UdpDriver::post_at(Timestamp at, std::function<void()> task) {
  if (at == kNever) return;
  const auto entry = state_->delayed.emplace(at, std::move(task));
  if (entry == state_->delayed.begin()) state_->arm_delayed();
}

}  // namespace parley::io
