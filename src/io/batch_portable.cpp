// One datagram per system call, by Asio alone. ECN bits are not set.
#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <vector>

#include "io/batch.hpp"
#include "io/endpoint.hpp"

namespace parley::io {

SocketOffload enable_offload(asio::ip::udp::socket&) { return {}; }

struct ReceiveBatch::Impl {
  // One byte more than a datagram may have, to see that one was longer.
  static constexpr std::size_t kStride = kReceiveSlotSize + 1;
  Impl(std::size_t c, UdpDriverStats& s) : capacity(c), stats(s), storage(c * kStride) {
    datagrams.reserve(capacity);
  }
  std::size_t capacity;
  UdpDriverStats& stats;
  std::vector<std::uint8_t> storage;
  std::vector<Incoming> datagrams;
};

ReceiveBatch::ReceiveBatch(std::size_t capacity, Coalescing, UdpDriverStats& stats)
    : impl_(std::make_unique<Impl>(capacity, stats)) {}
ReceiveBatch::~ReceiveBatch() = default;

std::span<const Incoming> ReceiveBatch::receive(asio::ip::udp::socket& socket,
                                                std::error_code& error) {
  Impl& impl = *impl_;
  impl.datagrams.clear();
  while (impl.datagrams.size() < impl.capacity) {
    const MutableBytes slot{impl.storage.data() + impl.datagrams.size() * Impl::kStride,
                            Impl::kStride};
    asio::ip::udp::endpoint from;
    std::error_code failure;
    ++impl.stats.receive_calls;
    std::size_t size =
        socket.receive_from(asio::buffer(slot.data(), slot.size()), from, 0, failure);
    // Windows tells a cut-off datagram as an error; its bytes are there all the same.
    if (failure == asio::error::message_size)
      size = Impl::kStride;
    else if (failure) {
      if (impl.datagrams.empty()) error = failure;
      break;
    }
    ++impl.stats.receive_messages;
    impl.datagrams.push_back(
        {slot.first(std::min(size, kReceiveSlotSize)), from_asio(from), size > kReceiveSlotSize});
  }
  return impl.datagrams;
}

bool ReceiveBatch::full() const { return impl_->datagrams.size() == impl_->capacity; }

struct SendBatch::Impl {
  UdpDriverStats& stats;
};

SendBatch::SendBatch(std::size_t, UdpDriverStats& stats)
    : impl_(std::make_unique<Impl>(Impl{stats})) {}
SendBatch::~SendBatch() = default;

std::size_t SendBatch::send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams,
                            bool, std::error_code& error) {
  std::size_t count = 0;
  for (const Outgoing& datagram : datagrams) {
    std::error_code failure;
    ++impl_->stats.send_calls;
    socket.send_to(asio::buffer(datagram.bytes.data(), datagram.bytes.size()), datagram.to, 0,
                   failure);
    if (failure) {
      if (count == 0) error = failure;
      break;
    }
    ++impl_->stats.send_messages;
    ++count;
  }
  return count;
}

}  // namespace parley::io
