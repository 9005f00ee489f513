// The demultiplexer of a shared port: engines that come, go and change their user fragments while
// strangers send what they like. Each datagram must go to one engine that has a claim on it.
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "parley/shared_port.hpp"
#include "parley/sim/network.hpp"
#include "parley/stun/message.hpp"
#include "support/test_engine.hpp"

using namespace parley;

namespace {

constexpr std::size_t kEngines = 4;
constexpr std::size_t kSockets = 4;
constexpr std::size_t kMaxPaths = 2;
const SocketAddress kShared{IpAddress::v4(192, 0, 2, 1), 3478};

struct Lodger final : Engine {
  void handle_datagram(Timestamp, const Path& path, MutableBytes bytes) override {
    if (path.local != kShared || !attached) std::abort();
    if (!bytes.empty() && bytes[0] > 3 && proven.count(path.remote) == 0) std::abort();
    if (accepting) proven.insert(path.remote);
  }
  void handle_timeout(Timestamp) override {}
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) override {
    return out.poll_transmit(now, storage);
  }
  Timestamp next_timeout() const override { return kNever; }
  bool deliver_events(Timestamp) override { return false; }
  void add_user_fragments(std::vector<std::string>& list) const override {
    list.insert(list.end(), fragments.begin(), fragments.end());
  }
  bool accepts(const Path& path) const override { return proven.count(path.remote) > 0; }

  bool attached = false;
  bool accepting = false;
  std::vector<std::string> fragments;
  std::set<SocketAddress> proven;
  test::TestEngine out;
};

std::string fragment(std::uint8_t number) { return "frag" + std::to_string(number % 6); }

std::vector<std::uint8_t> message(stun::Class message_class, std::uint8_t id,
                                  const std::string& username) {
  std::array<std::uint8_t, 200> storage;
  stun::MessageWriter writer{storage, message_class, stun::Method::binding, {id}};
  if (!username.empty()) writer.add_text(stun::Attribute::username, username);
  const auto bytes = writer.finish();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::FuzzInput input{data, size};
  sim::Network network{1};
  auto& server = network.add_host({.name = "server", .addresses = {kShared.ip}});
  auto& strangers =
      network.add_host({.name = "strangers", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  SharedPort port{server, {.port = kShared.port, .max_paths_per_engine = kMaxPaths}};
  test::TestEngine stranger;
  strangers.attach(stranger);
  std::array<SocketAddress, kSockets> sockets;
  for (auto& socket : sockets) {
    socket = *strangers.open_socket(stranger, {IpAddress::v4(10, 0, 0, 1), 0});
  }
  std::array<Lodger, kEngines> lodgers;
  const auto arrive = [&](const SocketAddress& from, std::vector<std::uint8_t> bytes) {
    stranger.send({from, kShared}, std::move(bytes));
    strangers.wake(stranger);
    network.run_for(10ms);
  };
  for (int steps = 0; !input.empty() && steps < 300; ++steps) {
    const std::uint8_t what = input.u8();
    Lodger& lodger = lodgers[what / 8 % kEngines];
    const SocketAddress& from = sockets[what / 32 % kSockets];
    switch (what % 8) {
      case 0:
        if (lodger.attached) {
          port.detach(lodger);
        } else {
          port.attach(lodger);
        }
        lodger.attached = !lodger.attached;
        break;
      case 1:
        (void)port.open_socket(lodger, {kShared.ip, 0}).has_value();
        break;
      case 2:
        lodger.fragments = {fragment(input.u8()), fragment(input.u8())};
        if (lodger.attached) port.wake(lodger);
        break;
      case 3:
        lodger.accepting = !lodger.accepting;
        break;
      case 4:
        if (lodger.attached) port.close_socket(lodger, kShared);
        break;
      case 5:
        arrive(from, message(stun::Class::request, 0, fragment(input.u8()) + ":x"));
        break;
      case 6: {
        const std::uint8_t id = input.u8();
        if (lodger.attached) {
          lodger.out.send({kShared, from}, message(stun::Class::request, id, {}));
          port.wake(lodger);
          network.run_for(10ms);
        }
        arrive(from, message(stun::Class::success_response, id, {}));
        break;
      }
      default: {
        const auto bytes = input.bytes(input.u8());
        arrive(from, {bytes.begin(), bytes.end()});
      }
    }
    if (port.paths() > kEngines * kMaxPaths) std::abort();
  }
  for (Lodger& lodger : lodgers) {
    if (lodger.attached) port.detach(lodger);
  }
  if (port.paths() != 0) std::abort();
  strangers.detach(stranger);
  return 0;
}
