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
