// The loop of the driver: input, then transmit until empty, events until empty, re-arm the timer.
#include <algorithm>
#include <asio/error.hpp>
#include <utility>

#include "io/driver_state.hpp"
#include "io/endpoint.hpp"

namespace parley::io {
namespace {

// An engine whose deadline stays in the past would take a whole processor. After this many rounds
// it is a fault of the engine, and it is slowed down so that its neighbours live.
constexpr int kMaxIdleRounds = 100;
constexpr Duration kIdlePause = 1ms;

}  // namespace

void UdpDriver::State::pump(const std::shared_ptr<Carried>& carried) {
  // The application may destroy the driver in deliver_events.
  const auto self = shared_from_this();
  while (carried->engine != nullptr) {
    const Timestamp now = steady_now();
    if (drain_transmits(carried, now)) carried->idle_rounds = 0;
    if (!carried->engine->deliver_events(now)) break;
    carried->idle_rounds = 0;
  }
  if (carried->engine != nullptr) arm(carried);
}

bool UdpDriver::State::drain_transmits(const std::shared_ptr<Carried>& carried, Timestamp now) {
  bool any = false;
  std::shared_ptr<Socket> socket;  // All of `outgoing` goes out here.
  outgoing.clear();
  std::size_t slot = 0;
  const auto flush_all = [&] {
    if (outgoing.empty()) return;
    const bool full = socket->queue.submit(outgoing, [&](auto datagrams, std::error_code& error) {
      return sender.send(socket->socket, datagrams, error);
    });
    if (full) await_writable(socket);
    outgoing.clear();
  };
  for (;;) {
    const MutableBytes storage{send_storage.data() + slot * kMaxDatagramSize, kMaxDatagramSize};
    const auto transmit = carried->engine->poll_transmit(now, storage);
    if (!transmit) break;
    any = true;
    if (socket == nullptr || socket->local != transmit->path.local) {
      flush_all();
      const auto found = sockets.find(transmit->path.local);
      const bool ours = found != sockets.end() && found->second->owner == carried;
      socket = ours ? found->second : nullptr;
    }
    if (socket == nullptr || transmit->path.remote.ip.family() != socket->local.ip.family()) {
      ++stats.unknown_local;
      continue;
    }
    outgoing.push_back({to_asio(transmit->path.remote), transmit->datagram, transmit->ecn});
    if (++slot == config.batch) {
      flush_all();
      slot = 0;
    }
  }
  flush_all();
  return any;
}

void UdpDriver::State::arm(const std::shared_ptr<Carried>& carried) {
  Timestamp deadline = carried->engine->next_timeout();
  if (carried->idle_rounds > kMaxIdleRounds) {
    deadline = std::max(deadline, steady_now() + kIdlePause);
  }
  // A timer that rings earlier stays: moving it costs more than one ring in vain.
  if (deadline >= carried->armed) return;
  carried->armed = deadline;
  carried->timer.expires_at(to_steady(deadline));
  carried->timer.async_wait([this, carried](const std::error_code& error) {
    if (!error && carried->engine != nullptr) on_deadline(carried);
  });
}

void UdpDriver::State::on_deadline(const std::shared_ptr<Carried>& carried) {
  const Timestamp now = steady_now();
  // An expired timer that was re-armed before its handler ran: the new one will ring.
  if (carried->armed > now) return;
  carried->armed = kNever;
  if (carried->engine->next_timeout() > now) return arm(carried);
  ++carried->idle_rounds;
  carried->engine->handle_timeout(now);
  if (carried->engine->next_timeout() > now) carried->idle_rounds = 0;
  pump(carried);
}

void UdpDriver::State::listen(const std::shared_ptr<Socket>& socket) {
  socket->socket.async_wait(asio::ip::udp::socket::wait_read,
                            [this, socket](const std::error_code& error) {
                              if (!error && socket->socket.is_open()) on_readable(socket);
                            });
}

void UdpDriver::State::on_readable(const std::shared_ptr<Socket>& socket) {
  const auto self = shared_from_this();
  for (std::size_t i = 0; i < config.batches_per_turn; ++i) {
    const bool more = receive_batch(*socket);
    pump(socket->owner);
    if (!socket->socket.is_open()) return;  // By the application, during the pump.
    if (!more) break;
  }
  listen(socket);
}

bool UdpDriver::State::receive_batch(Socket& socket) {
  std::error_code error;
  ++stats.receive_calls;
  const std::size_t count = receiver.receive(socket.socket, error);
  if (count == 0) {
    const bool empty = error == asio::error::would_block || error == asio::error::try_again;
    // An ICMP error (connection refused and its kin) tells nothing that a lost datagram does not.
    if (!empty) ++stats.receive_errors;
    return !empty;
  }
  const Timestamp now = steady_now();
  for (std::size_t i = 0; i < count; ++i) {
    if (receiver.cut_off(i)) {
      ++stats.receive_errors;
      continue;
    }
    const MutableBytes bytes = receiver.bytes(i);
    ++stats.received;
    stats.received_bytes += bytes.size();
    socket.owner->engine->handle_datagram(now, Path{socket.local, receiver.from(i)}, bytes);
  }
  return count == config.batch;
}

void UdpDriver::State::await_writable(const std::shared_ptr<Socket>& socket) {
  socket->socket.async_wait(
      asio::ip::udp::socket::wait_write, [this, socket](const std::error_code& error) {
        if (error || !socket->socket.is_open()) return;
        const bool again = socket->queue.on_writable([&](auto datagrams, std::error_code& e) {
          return sender.send(socket->socket, datagrams, e);
        });
        if (again) await_writable(socket);
      });
}

void UdpDriver::State::close(const SocketAddress& local) {
  const auto found = sockets.find(local);
  found->second->queue.discard();
  std::error_code ignored;
  found->second->socket.close(ignored);
  sockets.erase(found);
}

void UdpDriver::State::detach(const std::shared_ptr<Carried>& carried) {
  drain_transmits(carried, steady_now());
  std::vector<SocketAddress> locals;
  for (const auto& [local, socket] : sockets) {
    if (socket->owner == carried) locals.push_back(local);
  }
  for (const auto& local : locals) close(local);
  engines.erase(carried->engine);
  carried->engine = nullptr;
  carried->timer.cancel();
}

void UdpDriver::State::arm_delayed() {
  if (delayed.empty()) return;
  delayed_timer.expires_at(to_steady(delayed.begin()->first));
  delayed_timer.async_wait([weak = weak_from_this()](const std::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->run_delayed();
  });
}

void UdpDriver::State::run_delayed() {
  const Timestamp now = steady_now();
  while (!delayed.empty() && delayed.begin()->first <= now) {
    const auto task = std::move(delayed.begin()->second);
    delayed.erase(delayed.begin());
    task();
  }
  arm_delayed();
}

}  // namespace parley::io
