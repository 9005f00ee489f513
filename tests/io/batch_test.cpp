// Batched socket calls on their own.
#include "io/batch.hpp"

#include <array>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <vector>

#include "io/endpoint.hpp"
#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::io;

namespace {

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
  SendBatch sender{8};
  ReceiveBatch receiver{8};
  std::vector<std::vector<std::uint8_t>> payloads;
  for (std::uint8_t i = 0; i < 5; ++i) payloads.emplace_back(i * 100U, i);
  std::vector<Outgoing> out;
  for (const auto& p : payloads) out.push_back({to.local_endpoint(), p});

  std::error_code error;
  REQUIRE(sender.send(from, out, error) == 5);
  REQUIRE(receiver.receive(to, error) == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto bytes = receiver.bytes(i);
    CHECK(std::vector<std::uint8_t>(bytes.begin(), bytes.end()) == payloads[i]);
    CHECK(receiver.from(i) == from_asio(from.local_endpoint()));
    CHECK_FALSE(receiver.cut_off(i));
  }
  CHECK(receiver.receive(to, error) == 0);
  CHECK(error == asio::error::would_block);
}

TEST_CASE("A datagram longer than a slot is known to be cut off", "[io]") {
  asio::io_context context;
  auto from = loopback_socket(context);
  auto to = loopback_socket(context);
  const std::vector<std::uint8_t> exact(kReceiveSlotSize), longer(kReceiveSlotSize + 1);
  SendBatch sender{2};
  ReceiveBatch receiver{2};
  const std::array<Outgoing, 2> out{{{to.local_endpoint(), exact}, {to.local_endpoint(), longer}}};
  std::error_code error;
  REQUIRE(sender.send(from, out, error) == 2);
  REQUIRE(receiver.receive(to, error) == 2);
  CHECK_FALSE(receiver.cut_off(0));
  CHECK(receiver.cut_off(1));
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
  SendBatch sender{3};
  std::error_code error;
  REQUIRE(sender.send(from, out, error) == 1);
  CHECK(sender.send(from, std::span{out}.subspan(1), error) == 0);
  CHECK(error == asio::error::message_size);
  CHECK(sender.send(from, std::span{out}.subspan(2), error) == 1);
}

#if defined(__linux__) && !defined(PARLEY_IO_PORTABLE)
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
  SendBatch sender{3};
  REQUIRE(sender.send(from, out, error) == 3);
  CHECK(received_ecn(to, v4) == 1);
  CHECK(received_ecn(to, v4) == 0);
  CHECK(received_ecn(to, v4) == 2);
}
#endif
