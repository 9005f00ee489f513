// Two data planes over the life of their sessions: channels and sections come and go in any order,
// packets are carried, lost, repeated, changed or made up, and the transport starts and ends when
// the input says so. Checks that handles stay unique, that each channel ends once, and the rules
// that every core keeps.
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "peer/data_plane.hpp"

using namespace parley;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

DataConfig config() {
  DataConfig c;
  c.max_message_size = 8000;
  c.send_buffer = 40'000;
  c.receive_window = 20'000;
  c.max_channels = 8;
  return c;
}

struct Side {
  explicit Side(std::uint64_t seed) : random(seed), plane(config(), nullptr, random) {}
  SeededRandom random;
  peer::DataPlane plane;
  std::vector<std::vector<std::uint8_t>> sent;
  std::set<std::uint32_t> known, ended;
  bool started = false;
};

class Play {
 public:
  Play(const std::uint8_t* data, std::size_t size) : input_(data, size) {}

  void run() {
    while (!input_.empty()) {
      Side& s = input_.u8() % 2 == 0 ? a_ : b_;
      step(s, &s == &a_ ? b_ : a_);
      settle();
    }
    for (Side* s : {&a_, &b_}) {
      StatsReport report;
      s->plane.add_stats(report);
      s->plane.lose(now_, "the end");
    }
    settle();
    // Whatever was ever a channel has ended.
    for (Side* s : {&a_, &b_}) {
      require(s->plane.handles().empty());
      require(s->known == s->ended);
    }
  }

 private:
  void step(Side& s, Side& other) {
    switch (input_.u8() % 13) {
      case 0:
        now_ += Duration{input_.u16() * 50};
        break;
      case 1:
        if (s.plane.next_timeout() != kNever) now_ = std::max(now_, s.plane.next_timeout());
        break;
      case 2:
      case 3:
        carry(s, other, input_.u8());
        break;
      case 4:
        if (!s.sent.empty()) s.sent.erase(s.sent.begin());
        break;
      case 5: {
        sctp::ChannelOptions options;
        const std::uint8_t flags = input_.u8();
        options.label = "x";
        options.ordered = (flags & 1) != 0;
        if ((flags & 2) != 0) options.max_retransmits = flags >> 5;
        if ((flags & 4) != 0) {
          options.negotiated = true;
          options.id = sctp::StreamId{static_cast<std::uint16_t>(flags >> 4)};
        }
        if (const auto opened = s.plane.open(now_, options)) {
          require(s.known.insert(opened->value()).second);
        }
        break;
      }
      case 6:
      case 7: {
        const auto handles = s.plane.handles();
        if (handles.empty()) break;
        const std::vector<std::uint8_t> data(input_.u16() % 9000, 1);
        (void)s.plane
            .send(now_, handles[input_.u8() % handles.size()], sctp::MessageKind::text, data)
            .has_value();
        break;
      }
      case 8: {
        const auto handles = s.plane.handles();
        if (!handles.empty()) s.plane.close(now_, handles[input_.u8() % handles.size()]);
        break;
      }
      case 9: {
        jsep::DataParameters parameters;
        parameters.max_message_size = input_.u8() * 100;
        // Either side may have got the other's INIT chunk, and take it or not.
        if (input_.u8() % 4 == 0) parameters.remote_init = other.plane.local_init();
        if (input_.u8() % 16 == 0) parameters.remote_init = input_.sized_bytes();
        s.plane.negotiate(now_, parameters);
        break;
      }
      case 10:
        if (input_.u8() % 4 == 0) s.plane.reject(now_);
        break;
      case 11:
        s.plane.start(now_, {.role = &s == &a_ ? sctp::DtlsRole::client : sctp::DtlsRole::server,
                             .max_packet_size = 300U + input_.u8(),
                             .round_trip_time = 10ms});
        break;
      case 12:
        s.plane.handle_packet(now_, input_.sized_bytes());
        break;
    }
  }

  void carry(Side& from, Side& to, std::uint8_t how) {
    if (from.sent.empty()) return;
    std::vector<std::uint8_t> packet = from.sent[how % from.sent.size()];
    if (how >= 240 && !packet.empty()) packet[input_.u8() % packet.size()] ^= input_.u8();
    if (how < 200) from.sent.erase(from.sent.begin() + how % static_cast<int>(from.sent.size()));
    to.plane.handle_packet(now_, packet);
  }

  void settle() {
    std::array<std::uint8_t, 1500> storage;
    for (Side* s : {&a_, &b_}) {
      s->plane.handle_timeout(now_);
      for (int rounds = 0; const auto packet = s->plane.poll_packet(now_, storage); ++rounds) {
        require(rounds < 5000);
        s->sent.emplace_back(packet->begin(), packet->end());
      }
      if (s->sent.size() > 64) s->sent.erase(s->sent.begin(), s->sent.end() - 64);
      for (int rounds = 0; auto event = s->plane.poll_event(); ++rounds) {
        require(rounds < 5000);
        take(*s, *event);
      }
    }
  }

  void take(Side& s, SessionEvent& event) {
    if (const auto* announced = std::get_if<event::DataChannelAnnounced>(&event)) {
      require(s.known.insert(announced->channel.value()).second);
    } else if (auto* message = std::get_if<event::DataReceived>(&event)) {
      require(s.known.count(message->channel.value()) == 1);
      require(s.ended.count(message->channel.value()) == 0);
      s.plane.recycle(std::move(message->data));
    } else if (const auto* closed = std::get_if<event::DataChannelClosed>(&event)) {
      require(s.known.count(closed->channel.value()) == 1);
      require(s.ended.insert(closed->channel.value()).second);
    }
  }

  test::FuzzInput input_;
  Timestamp now_{1000s};
  Side a_{1}, b_{2};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play{data, size}.run();
  return 0;
}
