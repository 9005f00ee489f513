// The loop of the driver: input, then transmit until empty, events until empty, re-arm the timer.
#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>
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
  std::size_t budget = config.batches_per_turn * kDatagramsPerBatch;
  while (carried->engine != nullptr) {
    const Timestamp now = steady_now();
    const std::size_t before = budget;
    drain_transmits(carried, now, Full::wait, budget);
    if (budget < before) carried->idle_rounds = 0;
    if (!carried->engine->deliver_events(now)) break;
    carried->idle_rounds = 0;
    // Events without an end would hold the others up as datagrams would.
    if (budget > 0) --budget;
    if (budget == 0) break;
  }
  if (carried->engine == nullptr) return;
  if (budget == 0) wake(carried);
  arm(carried);
}

void UdpDriver::State::wake(const std::shared_ptr<Carried>& carried) {
  if (carried->wake_pending) return;
  carried->wake_pending = true;
  asio::post(context, [this, carried] {
    carried->wake_pending = false;
    // Detached engines are null, and the driver detaches all of them before it goes.
    if (carried->engine != nullptr) pump(carried);
  });
}

void UdpDriver::State::drain_transmits(const std::shared_ptr<Carried>& carried, Timestamp now,
                                       Full full, std::size_t& budget) {
  std::shared_ptr<Socket> socket;  // All of `outgoing` goes out here.
  SocketAddress remote;            // Of the one before, and its form for the system.
  asio::ip::udp::endpoint to;
  std::size_t used = 0;
  outgoing.clear();
  const auto flush_all = [&] {
    if (outgoing.empty()) return;
    flush(socket);
    outgoing.clear();
    used = 0;
    if (full == Full::wait && socket->queue.waiting()) hold_back(carried, socket);
  };
  while (budget > 0 && (full == Full::queue || carried->full_sockets == 0)) {
    const MutableBytes storage{send_storage.get() + used, kMaxDatagramSize};
    const auto transmit = carried->engine->poll_transmit(now, storage);
    if (!transmit) break;
    --budget;
    if (socket == nullptr || socket->local != transmit->path.local) {
      flush_all();
      socket = sending_socket(carried, transmit->path.local);
    }
    if (socket == nullptr || transmit->path.remote.ip.family() != socket->local.ip.family()) {
      ++stats.unknown_local;
      continue;
    }
    if (outgoing.empty() || transmit->path.remote != remote) {
      remote = transmit->path.remote;
      to = to_asio(remote);
    }
    outgoing.push_back({to, transmit->datagram, transmit->ecn});
    // The next lies right behind this one, whatever part of the storage the engine used.
    const auto* const end = transmit->datagram.data() + transmit->datagram.size();
    used = static_cast<std::size_t>(end - send_storage.get());
    if (outgoing.size() == kDatagramsPerBatch || used + kMaxDatagramSize > kSendStorage ||
        socket->queue.waiting()) {
      flush_all();
    }
  }
  flush_all();
}

std::shared_ptr<Socket> UdpDriver::State::sending_socket(const std::shared_ptr<Carried>& carried,
                                                         const SocketAddress& local) const {
  const auto found = sockets.find(local);
  if (found == sockets.end()) return nullptr;
  const bool may_send = found->second->owner == carried || carried->borrowed.count(local) > 0;
  return may_send ? found->second : nullptr;
}

void UdpDriver::State::drain_all(const std::shared_ptr<Carried>& carried) {
  std::size_t budget = config.batches_per_turn * kDatagramsPerBatch;
  drain_transmits(carried, steady_now(), Full::queue, budget);
}

void UdpDriver::State::flush(const std::shared_ptr<Socket>& socket) {
  const bool full = socket->queue.submit(outgoing, [&](auto datagrams, std::error_code& error) {
    return send(*socket, datagrams, error);
  });
  if (full) await_writable(socket);
}

std::size_t UdpDriver::State::send(Socket& socket, std::span<const Outgoing> datagrams,
                                   std::error_code& error) {
  return sender.send(socket.socket, datagrams, socket.segmentation, error);
}

void UdpDriver::State::arm(const std::shared_ptr<Carried>& carried) {
  Timestamp deadline = carried->engine->next_timeout();
  // One that waits for room in its socket may not be able to do what its deadline asks for.
  if (carried->idle_rounds > kMaxIdleRounds || carried->full_sockets > 0) {
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
  std::size_t taken = 0;
  bool more = true;
  while (more && taken < config.batches_per_turn * kDatagramsPerBatch) {
    taken += receive_batch(socket, more);
    if (!socket->socket.is_open()) return;  // By the application, during the pump.
  }
  listen(socket);
}

std::size_t UdpDriver::State::receive_batch(const std::shared_ptr<Socket>& socket, bool& more) {
  std::error_code error;
  const std::span<const Incoming> datagrams = receiver.receive(socket->socket, error);
  if (datagrams.empty()) {
    more = error != asio::error::would_block && error != asio::error::try_again;
    // An ICMP error (connection refused and its kin) tells nothing that a lost datagram does not.
    if (more) ++stats.receive_errors;
    return more ? 1 : 0;
  }
  more = receiver.full();
  Timestamp now = steady_now();
  std::size_t since_pump = 0;
  for (const Incoming& datagram : datagrams) {
    if (datagram.cut_off) {
      ++stats.receive_errors;
      continue;
    }
    ++stats.received;
    stats.received_bytes += datagram.bytes.size();
    socket->owner->engine->handle_datagram(now, Path{socket->local, datagram.from}, datagram.bytes);
    // Joined datagrams can be a thousand in one call: answers should not wait for all of them.
    if (++since_pump < kDatagramsPerBatch) continue;
    since_pump = 0;
    pump(socket->owner);
    if (!socket->socket.is_open()) return datagrams.size();
    now = steady_now();
  }
  if (since_pump > 0) pump(socket->owner);
  return datagrams.size();
}

void UdpDriver::State::hold_back(const std::shared_ptr<Carried>& carried,
                                 const std::shared_ptr<Socket>& socket) {
  ++stats.send_blocked;
  ++carried->full_sockets;
  socket->held_back.push_back(carried);
}

void UdpDriver::State::release_held_back(Socket& socket) {
  for (const auto& carried : std::exchange(socket.held_back, {})) {
    --carried->full_sockets;
    if (carried->engine != nullptr) wake(carried);
  }
}

void UdpDriver::State::await_writable(const std::shared_ptr<Socket>& socket) {
  socket->socket.async_wait(
      asio::ip::udp::socket::wait_write, [this, socket](const std::error_code& error) {
        if (error || !socket->socket.is_open()) return;
        const bool again = socket->queue.on_writable(
            [&](auto datagrams, std::error_code& e) { return send(*socket, datagrams, e); });
        if (again) return await_writable(socket);
        release_held_back(*socket);
      });
}

void UdpDriver::State::close(const SocketAddress& local) {
  const auto found = sockets.find(local);
  const auto socket = found->second;
  sockets.erase(found);
  if (socket->lent) {
    for (const auto& [engine, carried] : engines) carried->borrowed.erase(local);
  }
  socket->queue.discard();
  release_held_back(*socket);
  std::error_code ignored;
  socket->socket.close(ignored);
}

void UdpDriver::State::detach(const std::shared_ptr<Carried>& carried) {
  drain_all(carried);
  engines.erase(carried->engine);
  carried->engine = nullptr;
  carried->timer.cancel();
  std::vector<SocketAddress> locals;
  for (const auto& [local, socket] : sockets) {
    if (socket->owner == carried) locals.push_back(local);
  }
  for (const auto& local : locals) close(local);
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
