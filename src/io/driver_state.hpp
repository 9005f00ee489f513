// What a UdpDriver holds, and its loop. Private to io.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "io/batch.hpp"
#include "io/send_queue.hpp"
#include "parley/io/udp_driver.hpp"
#include "workers/worker_pool.hpp"

namespace parley::io {

/// Datagrams after which an engine is polled, or written to the socket, in the midst of many.
inline constexpr std::size_t kDatagramsPerBatch = kMaxSegments;
/// Engines write their datagrams one behind the other in here.
inline constexpr std::size_t kSendStorage = std::size_t{64} * 1024;

/// Engine time is the steady clock's, in microseconds.
inline Timestamp steady_now() {
  return Timestamp{
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}
inline std::chrono::steady_clock::time_point to_steady(Timestamp at) {
  return std::chrono::steady_clock::time_point{at.time_since_epoch()};
}

/// An engine on its driver. Handlers under way share it; `engine` is null once detached.
struct Carried {
  Carried(Engine& e, asio::io_context& context) : engine(&e), timer(context) {}
  Engine* engine;
  asio::steady_timer timer;
  std::set<SocketAddress> borrowed;  ///< Sockets of others that it may send from.
  Timestamp armed = kNever;          ///< When the timer rings; it looks at the deadline again then.
  bool wake_pending = false;
  /// Sockets that were full when this engine sent: it keeps its datagrams until they have room.
  int full_sockets = 0;
  int idle_rounds = 0;  ///< Timeouts in a row that brought nothing and left the deadline behind.
};

/// An open socket. Handlers under way share it; it is closed before it is forgotten.
struct Socket {
  Socket(asio::io_context& context, std::shared_ptr<Carried> o, SendQueue q)
      : socket(context), owner(std::move(o)), queue(std::move(q)) {}
  asio::ip::udp::socket socket;
  SocketAddress local;
  std::shared_ptr<Carried> owner;
  SendQueue queue;
  bool segmentation = false;
  bool lent = false;                                ///< Now or once.
  std::vector<std::shared_ptr<Carried>> held_back;  ///< Engines that wait for room.
};

/// No handler reaches this after the driver is gone: those of sockets and engines first look
/// whether theirs is still open or attached, and the others hold a weak pointer.
struct UdpDriver::State : std::enable_shared_from_this<UdpDriver::State> {
  State(asio::io_context& c, UdpDriverConfig config);

  // driver_loop.cpp
  void pump(const std::shared_ptr<Carried>& carried);
  void wake(const std::shared_ptr<Carried>& carried);
  /// Polls and sends, and takes what was sent from `budget`. Ends early when that is used up, or
  /// (with `Full::wait`) when a socket is full.
  enum class Full : std::uint8_t { wait, queue };
  void drain_transmits(const std::shared_ptr<Carried>& carried, Timestamp now, Full full,
                       std::size_t& budget);
  /// The engine's last words.
  void drain_all(const std::shared_ptr<Carried>& carried);
  /// The open socket that this engine may send from; null without.
  std::shared_ptr<Socket> sending_socket(const std::shared_ptr<Carried>& carried,
                                         const SocketAddress& local) const;
  void flush(const std::shared_ptr<Socket>& socket);
  std::size_t send(Socket& socket, std::span<const Outgoing> datagrams, std::error_code& error);
  void arm(const std::shared_ptr<Carried>& carried);
  void on_deadline(const std::shared_ptr<Carried>& carried);
  void listen(const std::shared_ptr<Socket>& socket);
  void on_readable(const std::shared_ptr<Socket>& socket);
  /// Hands one batch to the engine and pumps it. Returns the number of datagrams; `more` tells
  /// whether there may be some left.
  std::size_t receive_batch(const std::shared_ptr<Socket>& socket, bool& more);
  void hold_back(const std::shared_ptr<Carried>& carried, const std::shared_ptr<Socket>& socket);
  void release_held_back(Socket& socket);
  void await_writable(const std::shared_ptr<Socket>& socket);
  void close(const SocketAddress& local);
  void detach(const std::shared_ptr<Carried>& carried);
  void arm_delayed();
  void run_delayed();

  asio::io_context& context;
  UdpDriverConfig config;
  UdpDriverStats stats;
  SystemRandom random;
  /// Connections that are made in one go ask for the same list.
  std::vector<NetworkInterface> interfaces;
  Timestamp interfaces_at = Timestamp::min();
  ReceiveBatch receiver;
  SendBatch sender;
  std::unique_ptr<std::uint8_t[]> send_storage;  ///< kSendStorage, filled by engines.
  std::vector<Outgoing> outgoing;
  std::unordered_map<Engine*, std::shared_ptr<Carried>> engines;
  std::unordered_map<SocketAddress, std::shared_ptr<Socket>> sockets;
  asio::ip::udp::resolver resolver;
  std::multimap<Timestamp, std::function<void()>> delayed;  ///< For post_at.
  asio::steady_timer delayed_timer;
  std::optional<workers::WorkerPool> workers;
};

}  // namespace parley::io
