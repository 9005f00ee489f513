// One datagram per system call, by Asio alone. ECN bits are not set.
#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <vector>

#include "io/batch.hpp"
#include "io/endpoint.hpp"

namespace parley::io {

struct ReceiveBatch::Impl {
  // One byte more than a slot shows, to see that a datagram was longer.
  static constexpr std::size_t kStride = kReceiveSlotSize + 1;
  struct Slot {
    asio::ip::udp::endpoint from;
    std::size_t size = 0;
  };
  explicit Impl(std::size_t capacity) : storage(capacity * kStride), slots(capacity) {}
  std::vector<std::uint8_t> storage;
  std::vector<Slot> slots;
};

ReceiveBatch::ReceiveBatch(std::size_t capacity) : impl_(std::make_unique<Impl>(capacity)) {}
ReceiveBatch::~ReceiveBatch() = default;

std::size_t ReceiveBatch::receive(asio::ip::udp::socket& socket, std::error_code& error) {
  std::size_t count = 0;
  while (count < impl_->slots.size()) {
    Impl::Slot& slot = impl_->slots[count];
    std::error_code failure;
    slot.size = socket.receive_from(
        asio::buffer(impl_->storage.data() + count * Impl::kStride, Impl::kStride), slot.from, 0,
        failure);
    // Windows tells a cut-off datagram as an error; its bytes are there all the same.
    if (failure == asio::error::message_size)
      slot.size = Impl::kStride;
    else if (failure) {
      if (count == 0) error = failure;
      break;
    }
    ++count;
  }
  return count;
}

MutableBytes ReceiveBatch::bytes(std::size_t slot) {
  return {impl_->storage.data() + slot * Impl::kStride,
          std::min(impl_->slots[slot].size, kReceiveSlotSize)};
}

SocketAddress ReceiveBatch::from(std::size_t slot) const {
  return from_asio(impl_->slots[slot].from);
}

bool ReceiveBatch::cut_off(std::size_t slot) const {
  return impl_->slots[slot].size > kReceiveSlotSize;
}

struct SendBatch::Impl {};

SendBatch::SendBatch(std::size_t) {}
SendBatch::~SendBatch() = default;

std::size_t SendBatch::send(asio::ip::udp::socket& socket, std::span<const Outgoing> datagrams,
                            std::error_code& error) {
  std::size_t count = 0;
  for (const Outgoing& datagram : datagrams) {
    std::error_code failure;
    socket.send_to(asio::buffer(datagram.bytes.data(), datagram.bytes.size()), datagram.to, 0,
                   failure);
    if (failure) {
      if (count == 0) error = failure;
      break;
    }
    ++count;
  }
  return count;
}

}  // namespace parley::io
