// Several datagrams per system call. Private to io; batch_linux.cpp and batch_portable.cpp
// implement it.
#pragma once

#include <asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include "parley/base/net.hpp"
#include "parley/io/udp_driver.hpp"

namespace parley::io {

/// The longest datagram that is taken: more than any Ethernet path carries.
inline constexpr std::size_t kReceiveSlotSize = 2048;

/// Bytes of equal-sized datagrams that can leave as one message: what a UDP length can say, less
/// the headers of IPv6 (RFC 8200 section 3) and UDP.
inline constexpr std::size_t kMaxSegmentedBytes = 65'535 - 48;
/// Datagrams in one message, as far as every kernel that segments agrees (UDP_MAX_SEGMENTS).
inline constexpr std::size_t kMaxSegments = 64;

/// What the system does for a socket beyond one datagram per message.
struct SocketOffload {
  bool segmentation = false;  ///< Cuts a message into equal datagrams (UDP_SEGMENT).
  bool coalescing = false;    ///< Joins arriving ones (UDP_GRO). Turned on by asking.
};
/// Finds out, and turns on what needs turning on. Never fails: what is refused is not there.
SocketOffload enable_offload(asio::ip::udp::socket& socket);

/// A datagram that was received. The bytes are the batch's, until its next call.
struct Incoming {
  MutableBytes bytes;
  SocketAddress from;
  bool cut_off = false;  ///< It was longer than kReceiveSlotSize.
};

/// Datagrams received by one call.
class ReceiveBatch {
 public:
  /// Room for `capacity` messages. With `Coalescing::on` each may hold many datagrams, and takes
  /// 64 KiB of address space; pages that were never needed take no memory.
  enum class Coalescing : std::uint8_t { off, on };
  ReceiveBatch(std::size_t capacity, Coalescing coalescing, UdpDriverStats& stats);
  ~ReceiveBatch();

  /// Reads what is there without waiting, and cuts joined datagrams apart. When empty, `error` says
  /// why: would_block when there was nothing to read.
  std::span<const Incoming> receive(asio::ip::udp::socket& socket, std::error_code& error);
  /// The last call filled all there is: more may wait in the socket.
  bool full() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A datagram to be sent; the bytes belong to somebody else until the call returns. A run of them
/// that lie one behind the other, have one size (the last may be shorter), one address and one ECN
/// mark can leave as one message.
struct Outgoing {
  asio::ip::udp::endpoint to;
  Bytes bytes;
  Ecn ecn = Ecn::not_ect;
};

class SendBatch {
 public:
  /// `capacity` messages per call; those that the system refused to segment are counted in `stats`.
  SendBatch(std::size_t capacity, UdpDriverStats& stats);
  ~SendBatch();

  /// Sends a leading part of `datagrams` without waiting and returns how many. At zero `error` says
  /// why the first did not go; what follows it may still be sendable. With `segmentation`, runs are
  /// messages. A path that cannot segment gets its datagrams one by one.
  std::size_t send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams,
                   bool segmentation, std::error_code& error);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::io
