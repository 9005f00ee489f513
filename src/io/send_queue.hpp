// Datagrams that wait for room in a full socket buffer, and the rules of sending. Private to io.
#pragma once

#include <asio/error.hpp>
#include <cstddef>
#include <span>
#include <system_error>
#include <vector>

#include "io/batch.hpp"
#include "parley/io/udp_driver.hpp"

namespace parley::io {

/// One socket's queue, in order. It drops nothing, and needs no limit of its own: an engine is not
/// polled while its socket waits, so that no more is held than what each engine had given by then.
/// `send` is what SendBatch::send does with the socket bound; it is an argument so that the rules
/// can be tested without one.
class SendQueue {
 public:
  explicit SendQueue(UdpDriverStats& stats) : stats_(stats) {}

  /// The socket is full: what is submitted now will wait.
  bool waiting() const { return !waiting_.empty(); }

  /// Sends `datagrams`, or queues copies behind those that wait. True when the caller must now
  /// wait until the socket is writable (and was not waiting before).
  template <class Send>
  bool submit(std::span<const Outgoing> datagrams, Send send) {
    const bool was_waiting = waiting();
    if (!was_waiting) datagrams = datagrams.subspan(send_now(datagrams, send));
    for (const Outgoing& datagram : datagrams) {
      ++stats_.send_queued;
      waiting_.push_back({datagram.to, datagram.bytes.size(), datagram.ecn});
      // One behind the other, so that they can still leave as one message.
      bytes_.insert(bytes_.end(), datagram.bytes.begin(), datagram.bytes.end());
    }
    return !was_waiting && waiting();
  }

  /// The socket has room. True when the caller must wait again.
  template <class Send>
  bool on_writable(Send send) {
    std::vector<Outgoing> batch;
    Bytes rest{bytes_};
    for (const Waiting& entry : waiting_) {
      batch.push_back({entry.to, rest.first(entry.size), entry.ecn});
      rest = rest.subspan(entry.size);
    }
    const std::size_t settled = send_now(batch, send);
    std::size_t gone = 0;
    for (std::size_t i = 0; i < settled; ++i) gone += waiting_[i].size;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(settled));
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(gone));
    if (!waiting()) {  // Full sockets are rare among many: their memory is given back.
      waiting_ = {};
      bytes_ = {};
    }
    return waiting();
  }

  /// The socket closes: what waits is lost.
  void discard() {
    stats_.send_dropped += waiting_.size();
    waiting_.clear();
    bytes_.clear();
  }

 private:
  struct Waiting {
    asio::ip::udp::endpoint to;
    std::size_t size;
    Ecn ecn;
  };

  /// Sends until done or the buffer is full; returns how many are settled, sent or refused.
  template <class Send>
  std::size_t send_now(std::span<const Outgoing> datagrams, Send& send) {
    std::size_t settled = 0;
    while (settled < datagrams.size()) {
      std::error_code error;
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

  UdpDriverStats& stats_;
  std::vector<Waiting> waiting_;
  std::vector<std::uint8_t> bytes_;  ///< Theirs, in the same order.
};

}  // namespace parley::io
