// A client, a server and somebody between them who does what the input says: carry, drop, repeat,
// flip, forge, and let time pass. Neither end may crash or hang, and neither may ever report a peer
// whose certificate was not promised.
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "parley/base/assert.hpp"
#include "parley/dtls/transport.hpp"

namespace {

using namespace parley;
using namespace parley::dtls;
using Buffer = std::vector<std::uint8_t>;

std::shared_ptr<const Identity> make_identity(std::uint64_t seed) {
  SeededRandom random(seed);
  const std::chrono::sys_seconds from{std::chrono::seconds{1'767'225'600}};
  return *Identity::create({from, from + std::chrono::hours{24 * 30}}, random);
}

class Scene {
 public:
  Scene() {
    static const auto a = make_identity(1);
    static const auto b = make_identity(2);
    ends_[0] = *Transport::create({}, Role::client, a);
    ends_[1] = *Transport::create({}, Role::server, b);
    ends_[0]->set_remote_fingerprints(now_, {b->fingerprint()});
    ends_[1]->set_remote_fingerprints(now_, {a->fingerprint()});
    ends_[1]->start(now_);
    ends_[0]->start(now_);
  }

  void act(ByteReader& input) {
    const std::uint8_t action = input.u8();
    const std::size_t to = action >> 7;
    switch (action & 7) {
      case 0:
      case 1:
      case 2:
        return carry(to);
      case 3:  // Lost.
        if (!wire_[to].empty()) wire_[to].pop_front();
        return;
      case 4:  // Repeated later.
        if (!wire_[to].empty()) wire_[to].push_back(wire_[to].front());
        return;
      case 5:
        return flip(to, input);
      case 6:
        return forge(to, input);
      default:
        return pass_time(input.u8());
    }
  }

  void drain() {
    std::array<std::uint8_t, 1500> storage;
    for (std::size_t from = 0; from < 2; ++from) {
      Transport& end = *ends_[from];
      for (int sent = 0; auto datagram = end.poll_transmit(now_, storage); ++sent) {
        PARLEY_ASSERT(sent < 300, "the queue of datagrams is bounded");
        PARLEY_ASSERT(datagram->size() <= 1200, "datagrams keep to their size");
        if (wire_[1 - from].size() < 64) {
          wire_[1 - from].emplace_back(datagram->begin(), datagram->end());
        }
      }
      while (auto event = end.poll_event()) {
        if (std::holds_alternative<Connected>(*event) && end.send(as_bytes("hello"))) continue;
        if (const auto* data = std::get_if<Data>(&*event)) {
          PARLEY_ASSERT(as_text(data->bytes) == "hello", "only authentic data passes");
        }
      }
      PARLEY_ASSERT(end.next_timeout() > now_, "deadlines that were handled are gone");
    }
  }

 private:
  void carry(std::size_t to) {
    if (wire_[to].empty()) return;
    Buffer datagram = std::move(wire_[to].front());
    wire_[to].pop_front();
    ends_[to]->handle_datagram(now_, datagram);
  }
  void flip(std::size_t to, ByteReader& input) {
    if (wire_[to].empty()) return;
    Buffer& datagram = wire_[to].front();
    datagram[input.u16() % datagram.size()] ^= input.u8();
  }
  void forge(std::size_t to, ByteReader& input) {
    const Bytes bytes = input.bytes(std::min<std::size_t>(input.u8(), input.remaining()));
    Buffer datagram(bytes.begin(), bytes.end());
    ends_[to]->handle_datagram(now_, datagram);
  }
  void pass_time(std::uint8_t tens_of_milliseconds) {
    now_ += tens_of_milliseconds * 10ms;
    for (auto& end : ends_) end->handle_timeout(now_);
  }

  Timestamp now_{1s};
  std::unique_ptr<Transport> ends_[2];
  std::deque<Buffer> wire_[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Scene scene;
  scene.drain();
  ByteReader input({data, std::min<std::size_t>(size, 4096)});
  while (input.ok() && input.remaining() > 0) {
    scene.act(input);
    scene.drain();
  }
  return 0;
}
