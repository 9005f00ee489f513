// recvmmsg and sendmmsg, with the ECN bits as ancillary data. Where the kernel can (Linux 4.18,
// and 5.0 for receiving), a run of equal datagrams is one message for it: UDP_SEGMENT has it cut
// late, UDP_GRO hands it over joined, and the way through the stack is paid once for all of them.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/error.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

#include "io/batch.hpp"
#include "io/endpoint.hpp"

// Older C libraries than kernels: numbers of include/uapi/linux/udp.h.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace parley::io {
namespace {

/// What a message can hold at the most (RFC 768: a length of 16 bits).
constexpr std::size_t kJoinedSlotSize = 65'536;
/// Refusals in a row after which segmentation is not tried again.
constexpr int kMaxRefusals = 8;

// In Asio's category, so that it compares equal to asio::error::would_block and the others.
std::error_code last_error() { return {errno, asio::error::get_system_category()}; }

SocketAddress to_address(const sockaddr_storage& name) {
  if (name.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &name, sizeof v6);
    return {IpAddress::v6(std::span<const std::uint8_t, 16>{v6.sin6_addr.s6_addr}),
            ntohs(v6.sin6_port)};
  }
  sockaddr_in v4;
  std::memcpy(&v4, &name, sizeof v4);
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
  return {IpAddress::v4(std::span<const std::uint8_t, 4>{bytes}), ntohs(v4.sin_port)};
}

template <class T>
void append_control(msghdr& header, int level, int type, T value) {
  auto* const control =
      reinterpret_cast<cmsghdr*>(static_cast<char*>(header.msg_control) + header.msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

}  // namespace

SocketOffload enable_offload(asio::ip::udp::socket& socket) {
  SocketOffload offload;
  int value = 0;
  socklen_t length = sizeof value;
  // A kernel without it would ignore the ancillary data and send one huge datagram: ask first.
  offload.segmentation =
      ::getsockopt(socket.native_handle(), IPPROTO_UDP, UDP_SEGMENT, &value, &length) == 0;
  const int on = 1;
  offload.coalescing =
      ::setsockopt(socket.native_handle(), IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
  return offload;
}

// --- Receiving ---

struct ReceiveBatch::Impl {
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(int))> bytes;
  };
  Impl(std::size_t capacity, Coalescing coalescing, UdpDriverStats& s)
      : stats(s),
        slot_size(coalescing == Coalescing::on ? kJoinedSlotSize : kReceiveSlotSize),
        // Not set to zero: untouched pages of so large a block are not there.
        storage(new std::uint8_t[capacity * slot_size]),
        names(capacity),
        iovecs(capacity),
        controls(capacity),
        headers(capacity),
        used(capacity) {
    datagrams.reserve(capacity);
    for (std::size_t i = 0; i < capacity; ++i) {
      iovecs[i] = {storage.get() + i * slot_size, slot_size};
      headers[i].msg_hdr.msg_iov = &iovecs[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &names[i];
      headers[i].msg_hdr.msg_control = controls[i].bytes.data();
    }
  }

  /// The size of the datagrams that were joined in this message; its own when it is one.
  std::size_t segment_size(const mmsghdr& message) const {
    msghdr header = message.msg_hdr;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO) continue;
      int size = 0;
      std::memcpy(&size, CMSG_DATA(c), sizeof size);
      if (size > 0) return static_cast<std::size_t>(size);
    }
    return std::max<std::size_t>(message.msg_len, 1);
  }

  void cut(std::size_t i) {
    const mmsghdr& message = headers[i];
    const MutableBytes joined{storage.get() + i * slot_size, message.msg_len};
    const SocketAddress from = to_address(names[i]);
    const std::size_t size = segment_size(message);
    const bool cut_off = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
    std::size_t offset = 0;
    do {  // Once for an empty datagram.
      const std::size_t length = std::min(size, joined.size() - offset);
      const bool last = offset + length == joined.size();
      datagrams.push_back({joined.subspan(offset, std::min(length, kReceiveSlotSize)), from,
                           length > kReceiveSlotSize || (last && cut_off)});
      offset += length;
    } while (offset < joined.size());
  }

  UdpDriverStats& stats;
  std::size_t slot_size;
  std::unique_ptr<std::uint8_t[]> storage;
  std::vector<sockaddr_storage> names;
  std::vector<iovec> iovecs;
  std::vector<Control> controls;
  std::vector<mmsghdr> headers;
  std::vector<Incoming> datagrams;
  std::size_t used;  ///< Headers that the last call wrote to.
};

ReceiveBatch::ReceiveBatch(std::size_t capacity, Coalescing coalescing, UdpDriverStats& stats)
    : impl_(std::make_unique<Impl>(capacity, coalescing, stats)) {}
ReceiveBatch::~ReceiveBatch() = default;

std::span<const Incoming> ReceiveBatch::receive(asio::ip::udp::socket& socket,
                                                std::error_code& error) {
  Impl& impl = *impl_;
  impl.datagrams.clear();
  // The kernel wrote the lengths of the last call here.
  for (std::size_t i = 0; i < impl.used; ++i) {
    impl.headers[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    impl.headers[i].msg_hdr.msg_controllen = impl.controls[i].bytes.size();
  }
  impl.used = 0;
  ++impl.stats.receive_calls;
  int count = 0;
  do {
    count = ::recvmmsg(socket.native_handle(), impl.headers.data(),
                       static_cast<unsigned>(impl.headers.size()), MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) {
    error = last_error();
    return {};
  }
  impl.used = static_cast<std::size_t>(count);
  impl.stats.receive_messages += impl.used;
  for (std::size_t i = 0; i < impl.used; ++i) impl.cut(i);
  return impl.datagrams;
}

bool ReceiveBatch::full() const { return impl_->used == impl_->headers.size(); }

// --- Sending ---

struct SendBatch::Impl {
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };
  Impl(std::size_t capacity, UdpDriverStats& s)
      : stats(s), iovecs(capacity), controls(capacity), headers(capacity), counts(capacity) {}

  /// How many of the datagrams from the first on can be one message.
  static std::size_t run_length(std::span<const Outgoing> datagrams) {
    const Outgoing& first = datagrams.front();
    const std::size_t size = first.bytes.size();
    if (size == 0) return 1;
    std::size_t total = size;
    std::size_t count = 1;
    while (count < std::min(datagrams.size(), kMaxSegments)) {
      const Outgoing& next = datagrams[count];
      const bool joins = next.bytes.data() == first.bytes.data() + total && !next.bytes.empty() &&
                         next.bytes.size() <= size && next.ecn == first.ecn &&
                         next.to == first.to && total + next.bytes.size() <= kMaxSegmentedBytes;
      if (!joins) break;
      total += next.bytes.size();
      ++count;
      if (next.bytes.size() < size) break;
    }
    return count;
  }

  void fill(std::size_t i, std::span<const Outgoing> run) {
    const Outgoing& first = run.front();
    std::size_t total = 0;
    for (const Outgoing& datagram : run) total += datagram.bytes.size();
    // The C interface takes what it only reads as mutable.
    iovecs[i] = {const_cast<std::uint8_t*>(first.bytes.data()), total};
    counts[i] = run.size();
    msghdr& header = headers[i].msg_hdr;
    header = {};
    header.msg_name = const_cast<sockaddr*>(first.to.data());
    header.msg_namelen = static_cast<socklen_t>(first.to.size());
    header.msg_iov = &iovecs[i];
    header.msg_iovlen = 1;
    if (first.ecn == Ecn::not_ect && run.size() == 1) return;
    controls[i].bytes.fill(0);
    header.msg_control = controls[i].bytes.data();
    if (first.ecn != Ecn::not_ect) {
      // RFC 3168 section 5: the two low bits of the former TOS octet or of the traffic class.
      const bool v4 = first.to.protocol() == asio::ip::udp::v4();
      append_control(header, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS,
                     static_cast<int>(first.ecn));
    }
    if (run.size() > 1) {
      append_control(header, IPPROTO_UDP, UDP_SEGMENT,
                     static_cast<std::uint16_t>(first.bytes.size()));
    }
  }

  /// One system call. Returns the number of datagrams that went.
  std::size_t send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams, bool runs) {
    std::size_t messages = 0;
    for (std::size_t at = 0; at < datagrams.size() && messages < headers.size(); ++messages) {
      const auto rest = datagrams.subspan(at);
      const std::size_t length = runs ? run_length(rest) : 1;
      fill(messages, rest.first(length));
      at += length;
    }
    int sent = 0;
    do {
      ++stats.send_calls;
      sent = ::sendmmsg(socket.native_handle(), headers.data(), static_cast<unsigned>(messages),
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    std::size_t count = 0;
    for (int i = 0; i < sent; ++i) count += counts[static_cast<std::size_t>(i)];
    if (sent > 0) stats.send_messages += static_cast<std::uint64_t>(sent);
    return count;
  }

  UdpDriverStats& stats;
  std::vector<iovec> iovecs;
  std::vector<Control> controls;
  std::vector<mmsghdr> headers;
  std::vector<std::size_t> counts;  ///< Datagrams in each message.
  int refusals = 0;                 ///< In a row.
};

SendBatch::SendBatch(std::size_t capacity, UdpDriverStats& stats)
    : impl_(std::make_unique<Impl>(capacity, stats)) {}
SendBatch::~SendBatch() = default;

std::size_t SendBatch::send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams,
                            bool segmentation, std::error_code& error) {
  Impl& impl = *impl_;
  if (datagrams.empty()) return 0;
  const bool runs = segmentation && impl.refusals < kMaxRefusals;
  std::size_t sent = impl.send(socket, datagrams, runs);
  if (sent > 0) {
    if (impl.counts[0] > 1) impl.refusals = 0;
    return sent;
  }
  error = last_error();
  // The device cannot (EIO: no checksum offload), or the datagrams are longer than the path's MTU
  // (EINVAL, EMSGSIZE): one by one they go, in fragments if need be, or fail for their own reasons.
  const bool refused = error.value() == EIO || error.value() == EINVAL ||
                       error.value() == EMSGSIZE || error.value() == EOPNOTSUPP;
  if (impl.counts[0] > 1 && refused) {
    ++impl.stats.segmentation_refused;
    ++impl.refusals;
    sent = impl.send(socket, datagrams.first(impl.counts[0]), false);
    if (sent == 0) error = last_error();
  }
  return sent;
}

}  // namespace parley::io
