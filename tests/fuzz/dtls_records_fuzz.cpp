// An association after its handshake, whose peer has the keys and says what the input says: any
// content of any type, joined, flipped, repeated, or bytes from nowhere. Each authentic record of
// data passes once, nothing else ever does, and what we say can always be read.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "dtls/established_engine.hpp"
#include "dtls/record_fixture.hpp"
#include "parley/base/assert.hpp"

namespace {

using namespace parley;
using namespace parley::dtls;
using testing::make_layer;
using Buffer = std::vector<std::uint8_t>;

constexpr openssl::Aead kSuites[] = {openssl::Aead::aes_128_gcm, openssl::Aead::aes_256_gcm,
                                     openssl::Aead::chacha20_poly1305};
const Buffer kLastFlight(75, 22);

class Scene {
 public:
  explicit Scene(openssl::Aead suite)
      : engine_(now_, {.report = {},
                       .records = make_layer(Role::server, suite),
                       .last_flight = {kLastFlight},
                       .outgoing = {},
                       .max_datagram_size = 1200,
                       .retransmissions = 0}),
        peer_(make_layer(Role::client, suite)) {
    engine_.poll_event();
  }

  void act(ByteReader& input) {
    const std::uint8_t action = input.u8();
    switch (action & 7) {
      case 0:
      case 1:
        add_record(static_cast<ContentType>(20 + (action >> 3) % 6), content(input));
        return;
      case 2:
        return deliver();
      case 3:  // Heard twice.
        hear(last_, 0);
        return;
      case 4:
        return flip(input);
      case 5: {
        const Bytes bytes = content(input);
        hear({bytes.begin(), bytes.end()}, 0);
        return;
      }
      case 6:
        return say(content(input));
      default:
        now_ += action * 1ms;
        if (action != 255) return;
        engine_.close();
        ended_ = true;
    }
  }

 private:
  static Bytes content(ByteReader& input) {
    return input.bytes(std::min<std::size_t>(input.u8(), input.remaining()));
  }

  void add_record(ContentType type, Bytes bytes) {
    const Buffer record = testing::protect(peer_, bytes, type);
    datagram_.insert(datagram_.end(), record.begin(), record.end());
    // What follows an alert may not be heard any more.
    if (type == ContentType::alert) alerts_ = true;
    if (type == ContentType::application_data && !bytes.empty()) ++waiting_;
  }
  void deliver() {
    const std::size_t passed = hear(datagram_, waiting_);
    PARLEY_ASSERT(alerts_ || damaged_ || ended_ || passed == waiting_, "authentic data passes");
    last_ = std::exchange(datagram_, {});
    waiting_ = 0;
    damaged_ = false;
  }
  void flip(ByteReader& input) {
    const std::size_t at = input.u16();
    const std::uint8_t mask = input.u8();
    if (datagram_.empty() || mask == 0) return;
    datagram_[at % datagram_.size()] ^= mask;
    damaged_ = true;
  }
  void say(Bytes bytes) {
    std::array<std::uint8_t, 1200> storage;
    const auto record = engine_.protect(bytes, storage);
    PARLEY_ASSERT(record.has_value() == (!ended_ && !bytes.empty()), "data is refused at the end");
    if (!record) return;
    const auto heard = testing::unprotect(peer_, {record->begin(), record->end()});
    PARLEY_ASSERT(heard && std::equal(heard->begin(), heard->end(), bytes.begin(), bytes.end()),
                  "the peer reads what was said");
  }

  // How many records of data passed, which are `most` or fewer.
  std::size_t hear(Buffer datagram, std::size_t most) {
    std::size_t passed = engine_.handle_datagram(now_, datagram, FirstRecord::in_place) ? 1 : 0;
    while (auto event = engine_.poll_event()) {
      PARLEY_ASSERT(!ended_, "nothing follows the end");
      if (std::holds_alternative<Engine::Data>(*event)) {
        ++passed;
      } else {
        PARLEY_ASSERT(alerts_, "only authentic alerts end an association");
        ended_ = true;
      }
    }
    PARLEY_ASSERT(passed <= most, "only authentic data passes");
    drain();
    return passed;
  }
  void drain() {
    std::array<std::uint8_t, 1200> storage;
    while (const auto datagram = engine_.poll_transmit(storage)) {
      const Buffer bytes(datagram->begin(), datagram->end());
      PARLEY_ASSERT(bytes == kLastFlight || testing::unprotect(peer_, bytes),
                    "what is sent is new to the peer, but for the last flight");
    }
  }

  Timestamp now_{1s};
  EstablishedEngine engine_;
  RecordLayer peer_;
  Buffer datagram_;          // Being put together.
  Buffer last_;              // Heard, and worth nothing any more.
  std::size_t waiting_ = 0;  // Records of data in it.
  bool damaged_ = false;
  bool alerts_ = false;
  bool ended_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader input({data, std::min<std::size_t>(size, 4096)});
  Scene scene(kSuites[input.u8() % 3]);
  while (input.ok() && input.remaining() > 0) scene.act(input);
  return 0;
}
