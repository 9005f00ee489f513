// Datagrams that wait for room in a full socket buffer, and the rules of sending. Private to io.
#pragma once

#include <algorithm>
#include <asio/error.hpp>
#include <cstddef>
#include <deque>
#include <span>
#include <system_error>
#include <vector>

#include "io/batch.hpp"
#include "parley/io/udp_driver.hpp"

namespace parley::io {

/// One socket's queue: bounded, in order, the newest dropped. `send` is what SendBatch::send does
/// with the socket bound; it is an argument so that the rules can be tested without one.
class SendQueue {
 public:
  SendQueue(std::size_t limit, UdpDriverStats& stats) : limit_(limit), stats_(stats) {}

  /// Sends `datagrams`, or queues copies behind those that wait. True when the caller must now
  /// wait until the socket is writable (and was not waiting before).
  template <class Send>
  bool submit(std::span<const Outgoing> datagrams, Send send) {
    const bool was_waiting = !waiting_.empty();
    if (!was_waiting) datagrams = datagrams.subspan(send_now(datagrams, send));
    for (const Outgoing& datagram : datagrams) enqueue(datagram);
    return !was_waiting && !waiting_.empty();
  }

  /// The socket has room. True when the caller must wait again.
  template <class Send>
  bool on_writable(Send send) {
    std::vector<Outgoing> batch;
    for (const auto& entry : waiting_) batch.push_back({entry.to, entry.bytes, entry.ecn});
    const std::size_t settled = send_now(batch, send);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(settled));
    return !waiting_.empty();
  }

  /// The socket closes: what waits is lost.
  void discard() {
    stats_.send_dropped += waiting_.size();
    waiting_.clear();
  }

 private:
  struct Waiting {
    asio::ip::udp::endpoint to;
    std::vector<std::uint8_t> bytes;
    Ecn ecn;
  };

  /// Sends until done or the buffer is full; returns how many are settled, sent or refused.
  template <class Send>
  std::size_t send_now(std::span<const Outgoing> datagrams, Send& send) {
    std::size_t settled = 0;
    while (settled < datagrams.size()) {
      std::error_code error;
      ++stats_.send_calls;
      const std::size_t sent = send(datagrams.subspan(settled), error);
      for (std::size_t i = 0; i < sent; ++i) {
        stats_.sent_bytes += datagrams[settled + i].bytes.size();
      }
      stats_.sent += sent;
      settled += sent;
      if (sent > 0) continue;
      if (error == asio::error::would_block || error == asio::error::try_again) break;
      // No route, no permission, too long: this one is lost, the next may go elsewhere.
      ++stats_.send_failed;
      ++settled;
    }
    return settled;
  }

  void enqueue(const Outgoing& datagram) {
    if (waiting_.size() >= limit_) {
      ++stats_.send_dropped;
      return;
    }
    ++stats_.send_queued;
    waiting_.push_back({datagram.to, {datagram.bytes.begin(), datagram.bytes.end()}, datagram.ecn});
  }

  const std::size_t limit_;
  UdpDriverStats& stats_;
  std::deque<Waiting> waiting_;
};

}  // namespace parley::io
