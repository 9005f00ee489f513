// Batched socket calls on their own.
#include "io/batch.hpp"

#include <algorithm>
#include <array>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <numeric>
#include <vector>

#include "io/endpoint.hpp"
#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::io;

namespace {

using Coalescing = ReceiveBatch::Coalescing;

asio::ip::udp::socket loopback_socket(asio::io_context& context) {
  asio::ip::udp::socket socket{context, to_asio({test::kLoopback4, 0})};
  socket.non_blocking(true);
  return socket;
}

}  // namespace

TEST_CASE("A batch arrives with contents and source", "[io]") {
  asio::io_context context;
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  UdpDriverStats stats;
  SendBatch sender{8, stats};
  ReceiveBatch receiver{8, Coalescing::off, stats};
  std::vector<std::vector<std::uint8_t>> payloads;
  for (std::uint8_t i = 0; i < 5; ++i) payloads.emplace_back(i * 100U, i);
  std::vector<Outgoing> out;
  for (const auto& p : payloads) out.push_back({to.local_endpoint(), p});

  std::error_code error;
  REQUIRE(sender.send(from, out, false, error) == 5);
  const auto received = receiver.receive(to, error);
  REQUIRE(received.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto bytes = received[i].bytes;
    CHECK(std::vector<std::uint8_t>(bytes.begin(), bytes.end()) == payloads[i]);
    CHECK(received[i].from == from_asio(from.local_endpoint()));
    CHECK_FALSE(received[i].cut_off);
  }
  CHECK_FALSE(receiver.full());
  CHECK(stats.receive_messages == 5);
  CHECK(stats.send_messages == 5);
  CHECK(receiver.receive(to, error).empty());
  CHECK(error == asio::error::would_block);
}

TEST_CASE("A datagram longer than a slot is known to be cut off", "[io]") {
  asio::io_context context;
  const auto coalescing = GENERATE(Coalescing::off, Coalescing::on);
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  const std::vector<std::uint8_t> exact(kReceiveSlotSize), longer(kReceiveSlotSize + 1);
  UdpDriverStats stats;
  SendBatch sender{2, stats};
  ReceiveBatch receiver{2, coalescing, stats};
  const std::array<Outgoing, 2> out{{{to.local_endpoint(), exact}, {to.local_endpoint(), longer}}};
  std::error_code error;
  REQUIRE(sender.send(from, out, false, error) == 2);
  const auto received = receiver.receive(to, error);
  REQUIRE(received.size() == 2);
  CHECK_FALSE(received[0].cut_off);
  CHECK(received[1].cut_off);
  CHECK(received[1].bytes.size() == kReceiveSlotSize);
}

TEST_CASE("A refused datagram is told and does not hide those before it", "[io]") {
  asio::io_context context;
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  // Longer than UDP can carry.
  const std::vector<std::uint8_t> good(10), impossible(70'000);
  const std::array<Outgoing, 3> out{{{to.local_endpoint(), good},
                                     {to.local_endpoint(), impossible},
                                     {to.local_endpoint(), good}}};
  UdpDriverStats stats;
  SendBatch sender{3, stats};
  std::error_code error;
  REQUIRE(sender.send(from, out, false, error) == 1);
  CHECK(sender.send(from, std::span{out}.subspan(1), false, error) == 0);
  CHECK(error == asio::error::message_size);
  CHECK(sender.send(from, std::span{out}.subspan(2), false, error) == 1);
}

namespace {

/// Datagrams of these sizes one behind the other in one buffer, each filled with its number.
struct Row {
  Row(const asio::ip::udp::endpoint& to, const std::vector<std::size_t>& sizes) {
    bytes.resize(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
    std::size_t at = 0;
    std::uint8_t number = 0;
    for (const std::size_t size : sizes) {
      const MutableBytes datagram = MutableBytes{bytes}.subspan(at, size);
      std::fill(datagram.begin(), datagram.end(), number++);
      out.push_back({to, datagram});
      at += size;
    }
  }
  std::vector<std::uint8_t> bytes;
  std::vector<Outgoing> out;
};

std::vector<std::size_t> sizes_of(std::span<const Incoming> received) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < received.size(); ++i) {
    const auto& bytes = received[i].bytes;
    sizes.push_back(bytes.size());
    CHECK(std::all_of(bytes.begin(), bytes.end(), [&](auto b) { return b == i; }));
  }
  return sizes;
}

}  // namespace

TEST_CASE("Runs of equal datagrams come out as the datagrams that went in", "[io]") {
  asio::io_context context;
  const bool coalesced = GENERATE(true, false);
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  const SocketOffload offload = enable_offload(from);
  if (coalesced) enable_offload(to);
  if (!offload.segmentation) return;  // Not on this system.
  UdpDriverStats stats;
  SendBatch sender{8, stats};
  ReceiveBatch receiver{32, Coalescing::on, stats};
  std::error_code error;

  struct Case {
    std::vector<std::size_t> sizes;
    std::uint64_t messages;
  };
  const Case c = GENERATE(Case{{1200, 1200, 1200}, 1},
                          Case{{1200, 1200, 7}, 1},  // A shorter one ends the run.
                          Case{{1200, 7, 1200}, 2}, Case{{7, 1200, 1200}, 2},
                          Case{{100, 100, 0, 100, 100}, 3}, Case{{1200}, 1}, Case{{10, 20, 30}, 3});
  const Row row{to.local_endpoint(), c.sizes};
  REQUIRE(sender.send(from, row.out, true, error) == c.sizes.size());
  CHECK(stats.send_messages == c.messages);
  CHECK(stats.send_calls == 1);
  CHECK(stats.segmentation_refused == 0);
  CHECK(sizes_of(receiver.receive(to, error)) == c.sizes);
  // Over loopback nothing cuts a message that the receiver takes whole.
  CHECK(stats.receive_messages == (coalesced ? c.messages : c.sizes.size()));
}

TEST_CASE("A run ends at its bounds of number and of bytes", "[io]") {
  asio::io_context context;
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  if (!enable_offload(from).segmentation) return;
  enable_offload(to);
  const std::size_t size = GENERATE(10U, 1000U, 1200U, 1500U);
  UdpDriverStats stats;
  SendBatch sender{8, stats};
  ReceiveBatch receiver{32, Coalescing::on, stats};
  std::error_code error;
  const Row row{to.local_endpoint(), std::vector<std::size_t>(100, size)};
  REQUIRE(sender.send(from, row.out, true, error) == 100);
  CHECK(stats.send_messages ==
        (size * kMaxSegments > kMaxSegmentedBytes ? 100 * size / 65'487 + 1 : 2));
  CHECK(sizes_of(receiver.receive(to, error)) == std::vector<std::size_t>(100, size));
}

TEST_CASE("Other addresses and other marks and gaps end a run", "[io]") {
  asio::io_context context;
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  auto other = loopback_socket(context);
  if (!enable_offload(from).segmentation) return;
  UdpDriverStats stats;
  SendBatch sender{8, stats};
  ReceiveBatch receiver{8, Coalescing::on, stats};
  std::error_code error;
  Row row{to.local_endpoint(), {100, 100, 100, 100, 100, 100}};
  row.out[1].to = other.local_endpoint();
  row.out[3].ecn = Ecn::ect0;
  row.out.erase(row.out.begin() + 4);  // What follows does not lie behind it.
  REQUIRE(sender.send(from, row.out, true, error) == 5);
  CHECK(stats.send_messages == 5);
  CHECK(receiver.receive(other, error).size() == 1);
  CHECK(receiver.receive(to, error).size() == 4);
}

#if defined(__linux__) && !defined(PARLEY_IO_PORTABLE)
TEST_CASE("What a path cannot segment goes one by one", "[io]") {
  asio::io_context context;
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  if (!enable_offload(from).segmentation) return;
  UdpDriverStats stats;
  SendBatch sender{8, stats};
  std::error_code error;
  // Sockets without checksums cannot segment (the kernel says EIO or EINVAL), as devices that
  // cannot compute them.
  const int on = 1;
  if (::setsockopt(from.native_handle(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) != 0) return;
  constexpr int kTimes = 12;
  for (int i = 0; i < kTimes; ++i) {
    const Row row{to.local_endpoint(), {100, 100, 50}};
    REQUIRE(sender.send(from, row.out, true, error) == 3);
  }
  CHECK(stats.send_messages == 3 * kTimes);
  // After a number of refusals it is not tried again.
  CHECK(stats.segmentation_refused > 0);
  CHECK(stats.segmentation_refused < kTimes);
  ReceiveBatch receiver{64, Coalescing::off, stats};
  CHECK(receiver.receive(to, error).size() == 3 * kTimes);
}

namespace {

/// Receives one datagram and returns the ECN bits it came with; -1 without.
int received_ecn(asio::ip::udp::socket& socket, bool v4) {
  std::array<char, 100> data;
  std::array<char, 100> control{};
  iovec vector{data.data(), data.size()};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  if (::recvmsg(socket.native_handle(), &header, 0) < 0) return -1;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    // One byte for IPv4 and an int for IPv6.
    if (v4 && c->cmsg_type == IP_TOS) return *CMSG_DATA(c) & 3;
    int value = 0;
    std::memcpy(&value, CMSG_DATA(c), std::min(sizeof value, c->cmsg_len - CMSG_LEN(0)));
    if (!v4 && c->cmsg_type == IPV6_TCLASS) return value & 3;
  }
  return -1;
}

}  // namespace

TEST_CASE("ECN bits are on the wire of each datagram that asks for them", "[io][rfc3168]") {
  asio::io_context context;
  const bool v4 = GENERATE(true, false);
  const asio::ip::udp::endpoint any_port = to_asio({v4 ? test::kLoopback4 : test::kLoopback6, 0});
  asio::ip::udp::socket from{context}, to{context};
  std::error_code error;
  for (auto* socket : {&from, &to}) {
    if (!error) socket->open(any_port.protocol(), error);
    if (!error) socket->bind(any_port, error);
  }
  if (error) return;  // No IPv6 here.
  const int on = 1;
  REQUIRE(::setsockopt(to.native_handle(), v4 ? IPPROTO_IP : IPPROTO_IPV6,
                       v4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof on) == 0);
  const std::vector<std::uint8_t> bytes(10);
  std::vector<Outgoing> out;
  for (const Ecn ecn : {Ecn::ect1, Ecn::not_ect, Ecn::ect0}) {
    out.push_back({to.local_endpoint(), bytes, ecn});
  }
  UdpDriverStats stats;
  SendBatch sender{3, stats};
  REQUIRE(sender.send(from, out, false, error) == 3);
  CHECK(received_ecn(to, v4) == 1);
  CHECK(received_ecn(to, v4) == 0);
  CHECK(received_ecn(to, v4) == 2);
}
#endif
