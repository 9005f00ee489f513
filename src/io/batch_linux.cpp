// recvmmsg and sendmmsg, with the ECN bits as ancillary data.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/error.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

#include "io/batch.hpp"
#include "io/endpoint.hpp"

namespace parley::io {
namespace {

// In Asio's category, so that it compares equal to asio::error::would_block and the others.
std::error_code last_error() { return {errno, asio::error::get_system_category()}; }

}  // namespace

struct ReceiveBatch::Impl {
  explicit Impl(std::size_t capacity)
      : storage(capacity * kReceiveSlotSize), names(capacity), iovecs(capacity), headers(capacity) {
    for (std::size_t i = 0; i < capacity; ++i) {
      iovecs[i] = {storage.data() + i * kReceiveSlotSize, kReceiveSlotSize};
      headers[i].msg_hdr.msg_iov = &iovecs[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &names[i];
    }
  }
  std::vector<std::uint8_t> storage;
  std::vector<sockaddr_storage> names;
  std::vector<iovec> iovecs;
  std::vector<mmsghdr> headers;
};

ReceiveBatch::ReceiveBatch(std::size_t capacity) : impl_(std::make_unique<Impl>(capacity)) {}
ReceiveBatch::~ReceiveBatch() = default;

std::size_t ReceiveBatch::receive(asio::ip::udp::socket& socket, std::error_code& error) {
  // The kernel wrote the lengths of the last call here.
  for (auto& header : impl_->headers) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  int count = 0;
  do {
    count = ::recvmmsg(socket.native_handle(), impl_->headers.data(),
                       static_cast<unsigned>(impl_->headers.size()), MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count > 0) return static_cast<std::size_t>(count);
  error = last_error();
  return 0;
}

MutableBytes ReceiveBatch::bytes(std::size_t slot) {
  return {impl_->storage.data() + slot * kReceiveSlotSize, impl_->headers[slot].msg_len};
}

SocketAddress ReceiveBatch::from(std::size_t slot) const {
  const sockaddr_storage& name = impl_->names[slot];
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

bool ReceiveBatch::cut_off(std::size_t slot) const {
  return (impl_->headers[slot].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

struct SendBatch::Impl {
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(int))> bytes;
  };
  explicit Impl(std::size_t capacity) : iovecs(capacity), controls(capacity), headers(capacity) {}
  std::vector<iovec> iovecs;
  std::vector<Control> controls;
  std::vector<mmsghdr> headers;

  // RFC 3168 section 5: the two low bits of the former TOS octet or of the traffic class.
  void set_ecn(std::size_t i, const Outgoing& datagram) {
    msghdr& header = headers[i].msg_hdr;
    if (datagram.ecn == Ecn::not_ect) return;
    controls[i].bytes.fill(0);
    header.msg_control = controls[i].bytes.data();
    header.msg_controllen = controls[i].bytes.size();
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    const bool v4 = datagram.to.protocol() == asio::ip::udp::v4();
    control->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    control->cmsg_type = v4 ? IP_TOS : IPV6_TCLASS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    const int value = static_cast<int>(datagram.ecn);
    std::memcpy(CMSG_DATA(control), &value, sizeof value);
  }
};

SendBatch::SendBatch(std::size_t capacity) : impl_(std::make_unique<Impl>(capacity)) {}
SendBatch::~SendBatch() = default;

std::size_t SendBatch::send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams,
                            std::error_code& error) {
  const std::size_t count = std::min(datagrams.size(), impl_->headers.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Outgoing& datagram = datagrams[i];
    // The C interface takes what it only reads as mutable.
    impl_->iovecs[i] = {const_cast<std::uint8_t*>(datagram.bytes.data()), datagram.bytes.size()};
    msghdr& header = impl_->headers[i].msg_hdr;
    header = {};
    header.msg_name = const_cast<sockaddr*>(datagram.to.data());
    header.msg_namelen = static_cast<socklen_t>(datagram.to.size());
    header.msg_iov = &impl_->iovecs[i];
    header.msg_iovlen = 1;
    impl_->set_ecn(i, datagram);
  }
  int sent = 0;
  do {
    sent = ::sendmmsg(socket.native_handle(), impl_->headers.data(), static_cast<unsigned>(count),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) return static_cast<std::size_t>(sent);
  error = last_error();
  return 0;
}

}  // namespace parley::io
