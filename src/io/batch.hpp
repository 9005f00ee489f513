// Several datagrams per system call. Private to io; batch_linux.cpp and batch_portable.cpp
// implement it.
#pragma once

#include <asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include "parley/base/net.hpp"

namespace parley::io {

/// Room per received datagram: more than any Ethernet path carries. Longer ones are cut off.
inline constexpr std::size_t kReceiveSlotSize = 2048;

/// Datagrams received by one call, each in a slot of its own until the next call.
class ReceiveBatch {
 public:
  explicit ReceiveBatch(std::size_t capacity);
  ~ReceiveBatch();

  /// Reads what is there without waiting and returns the number of slots filled. At zero `error`
  /// says why: would_block when the socket is empty.
  std::size_t receive(asio::ip::udp::socket& socket, std::error_code& error);
  MutableBytes bytes(std::size_t slot);
  SocketAddress from(std::size_t slot) const;
  /// The datagram was longer than the slot.
  bool cut_off(std::size_t slot) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A datagram to be sent; the bytes belong to somebody else until the call returns.
struct Outgoing {
  asio::ip::udp::endpoint to;
  Bytes bytes;
  Ecn ecn = Ecn::not_ect;
};

class SendBatch {
 public:
  explicit SendBatch(std::size_t capacity);
  ~SendBatch();

  /// Sends a leading part of `datagrams` (at most the capacity) without waiting and returns how
  /// many. At zero `error` says why the first did not go; what follows it may still be sendable.
  std::size_t send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams,
                   std::error_code& error);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::io
