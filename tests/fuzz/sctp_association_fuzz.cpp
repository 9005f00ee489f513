// Drives two associations with channels by the input: calls, time, packets that are delivered,
// lost, repeated or changed, and chunks of the input's own making. Checks the rules that every core
// keeps.
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "parley/sctp/channels.hpp"
#include "sctp/packet.hpp"

using namespace parley;
using namespace parley::sctp;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Side {
  Side(const Config& config, std::uint64_t seed, Timestamp now)
      : random(seed), association(config, random, now), channels(association, {}) {}
  SeededRandom random;
  Association association;
  Channels channels;
  std::vector<std::vector<std::uint8_t>> sent;
};

struct Play {
  Play(const std::uint8_t* data, std::size_t size) : input(data, size) {
    Config c;
    const std::uint8_t options = input.u8();
    c.interleaving = (options & 1) != 0;
    c.zero_checksum = true;  // so that chunks of our own making need no checksum
    c.mtu = 300;
    c.receive_window = 20'000;
    c.max_receive_message = 8'000;
    c.max_inbound_streams = 20;
    c.send_buffer = 40'000;
    if ((options & 4) != 0) {
      c.congestion_control = [](std::size_t mtu) {
        return std::make_unique<StandardController>(mtu);
      };
    }
    a = std::make_unique<Side>(c, 1, now);
    b = std::make_unique<Side>(c, 2, now);
    a->channels.set_role(now, DtlsRole::client);
    b->channels.set_role(now, DtlsRole::server);
    a->association.connect(now);
    if ((options & 2) != 0) b->association.connect(now);
    settle();
    for (int i = 0; i < 4; ++i) carry_all();
  }

  void step() {
    Side& s = input.u8() % 2 == 0 ? *a : *b;
    Side& other = &s == a.get() ? *b : *a;
    switch (input.u8() % 14) {
      case 0:
        now += Duration{input.u16() * 20};
        break;
      case 1:
        if (s.association.next_timeout() != kNever) {
          now = std::max(now, s.association.next_timeout());
        }
        break;
      case 2:
      case 3:
        carry(s, other, input.u8());
        break;
      case 4:
        if (!s.sent.empty()) s.sent.erase(s.sent.begin());
        break;
      case 5: {
        SendOptions options;
        const std::uint8_t flags = input.u8();
        options.ordered = (flags & 1) != 0;
        if ((flags & 2) != 0) options.max_retransmits = flags >> 6;
        if ((flags & 4) != 0) options.lifetime = Duration{flags * 1000};
        const std::vector<std::uint8_t> data(input.u16() % 9000, 1);
        (void)s.association
            .send(now, StreamId{static_cast<std::uint16_t>(input.u8() % 6)}, 53, data, options)
            .has_value();
        break;
      }
      case 6: {
        ChannelOptions options;
        options.label = "x";
        options.ordered = input.u8() % 2 == 0;
        (void)s.channels.open(now, options).has_value();
        break;
      }
      case 7: {
        const auto handles = s.channels.handles();
        if (handles.empty()) break;
        const auto h = handles[input.u8() % handles.size()];
        const std::vector<std::uint8_t> data(input.u16() % 9000, 1);
        if (input.u8() % 4 == 0) {
          s.channels.close(now, h);
        } else {
          (void)s.channels.send(now, h, MessageKind::text, data).has_value();
        }
        if (input.u8() == 255) s.channels.close_all(now);
        break;
      }
      case 8:
        forge(s, other);
        break;
      case 9:
        if (!s.sent.empty()) {
          auto packet = s.sent[input.u8() % s.sent.size()];
          packet[input.u8() % packet.size()] ^= input.u8();
          other.association.handle_packet(now, packet);
        }
        break;
      case 10:
        (void)s.association
            .reset_streams(now, {StreamId{static_cast<std::uint16_t>(input.u8() % 6)}})
            .has_value();
        break;
      case 11:
        if (input.u8() > 250) s.channels.shutdown(now);
        if (input.u8() > 250) s.association.abort(now, "fuzz");
        break;
      case 12:
        s.association.set_mtu(input.u16());
        break;
      case 13:
        carry_all();
        break;
    }
    settle();
  }

  // A packet with the right tag around chunks of the input.
  void forge(Side& from, Side& to) {
    if (from.sent.empty() || from.sent.back().size() < 12) return;
    std::vector<std::uint8_t> packet(from.sent.back().begin(), from.sent.back().begin() + 12);
    store_be32(&packet[8], 0);
    const auto chunks = input.sized_bytes();
    packet.insert(packet.end(), chunks.begin(), chunks.end());
    to.association.handle_packet(now, packet);
  }

  void carry(Side& from, Side& to, std::uint8_t which) {
    if (from.sent.empty()) return;
    const std::size_t at = which % from.sent.size();
    to.association.handle_packet(now, from.sent[at]);
    if (which < 200) from.sent.erase(from.sent.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void carry_all() {
    now += 1ms;
    for (auto [from, to] : {std::pair{a.get(), b.get()}, std::pair{b.get(), a.get()}}) {
      const auto packets = std::exchange(from->sent, {});
      for (const auto& p : packets) to->association.handle_packet(now, p);
    }
    settle();
  }

  void settle() {
    for (Side* s : {a.get(), b.get()}) {
      if (s->association.next_timeout() <= now) s->association.handle_timeout(now);
      int rounds = 0;
      while (drain(*s)) {
        require(++rounds < 1000);
        if (s->association.next_timeout() <= now) s->association.handle_timeout(now);
      }
      require(s->association.next_timeout() > now);
      const Stats stats = s->association.stats();
      require(stats.local_window <= 20'000);
      require(stats.in_flight <= 1'000'000);
    }
  }
  bool drain(Side& s) {
    bool any = false;
    std::array<std::uint8_t, 65'536> storage;
    while (const auto p = s.association.poll_transmit(now, storage)) {
      any = true;
      require(p->size() >= 16 && p->size() % 4 == 0);
      if (s.sent.size() >= 64) s.sent.erase(s.sent.begin());
      s.sent.emplace_back(p->begin(), p->end());
    }
    while (s.channels.poll_event(now)) any = true;
    return any;
  }

  test::FuzzInput input;
  Timestamp now{1000s};
  std::unique_ptr<Side> a;
  std::unique_ptr<Side> b;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play play{data, size};
  for (int i = 0; i < 300 && !play.input.empty(); ++i) play.step();
  return 0;
}
