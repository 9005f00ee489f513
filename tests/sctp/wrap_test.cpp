// Numbers that begin again: TSN (32 bits), SSN (16 bits) and MID (32 bits).
#include "sctp/reassembly.hpp"
#include "sctp/send_queue.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

// Tags and first TSNs are all the same, a little before the wrap.
class NearTheWrap final : public Random {
 public:
  void fill(MutableBytes out) override {
    std::fill(out.begin(), out.end(), std::uint8_t{0xff});
    if (!out.empty()) out.back() = 0xf0;
  }
};

// Two associations next to each other, with every nth packet lost.
std::vector<Message> carry(Config config, std::size_t messages, std::size_t size, int lose_every) {
  NearTheWrap random;
  Timestamp now{1000s};
  Association a{config, random, now};
  Association b{config, random, now};
  a.connect(now);
  std::vector<Message> out;
  std::array<std::uint8_t, 1500> storage{};
  std::size_t sent = 0;
  int packets = 0;
  for (int step = 0; step < 200'000 && out.size() < messages; ++step) {
    while (sent < messages && a.send(now, StreamId{1}, 53, pattern(size, sent))) ++sent;
    while (const auto p = a.poll_transmit(now, storage)) {
      if (lose_every == 0 || ++packets % lose_every != 0) b.handle_packet(now, *p);
    }
    while (const auto p = b.poll_transmit(now, storage)) a.handle_packet(now, *p);
    while (auto e = b.poll_event()) {
      if (auto* m = std::get_if<Message>(&*e)) out.push_back(std::move(*m));
    }
    while (a.poll_event()) {
    }
    now += 1ms;
    if (a.next_timeout() <= now) a.handle_timeout(now);
    if (b.next_timeout() <= now) b.handle_timeout(now);
  }
  return out;
}

DataChunk part(std::uint32_t mid, std::uint32_t fragment, bool begin, bool end, Bytes payload,
               bool unordered = false) {
  DataChunk c;
  c.format = DataFormat::i_data;
  c.stream = 1;
  c.number = mid;
  c.fragment = fragment;
  c.begin = begin;
  c.end = end;
  c.unordered = unordered;
  c.payload = payload;
  return c;
}

// A receiver whose stream 1 expects message 0xfffffffe.
struct LateReceiver {
  LateReceiver() {
    // Numbers are told apart within half their circle, so it takes three steps.
    for (const std::uint32_t mid : {0x7fff'fff0U, 0xefff'ffffU, 0xffff'fffdU}) {
      std::vector<std::uint8_t> bytes(20);
      write_forward_tsn(MutableBytes{bytes}.subspan(0), DataFormat::i_data, 1,
                        {{1, false, mid}, {1, true, mid}});
      const auto forward = ForwardTsnChunk::parse({ChunkType::i_forward_tsn, 0, bytes, bytes});
      reassembly.skip(*forward, 1, out);
    }
  }
  void take(const DataChunk& c) {
    CHECK(reassembly.take(c, ++tsn, out) == Reassembly::Outcome::taken);
  }
  Reassembly reassembly{DataFormat::i_data, {100'000, 100}};
  Ring<Message> out;
  std::int64_t tsn = 10;
};
}  // namespace

TEST_CASE("a transfer goes on across the wrap of the TSN", "[sctp][rfc9260][wrap]") {
  for (const bool interleaving : {false, true}) {
    for (const int lose_every : {0, 5}) {
      Config config;
      config.interleaving = interleaving;
      const auto out = carry(config, 200, 3000, lose_every);
      REQUIRE(out.size() == 200);
      for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(out[i].data == pattern(3000, i));
    }
  }
}

TEST_CASE("a stream goes on across the wrap of the SSN", "[sctp][rfc9260][wrap]") {
  Config config;
  config.interleaving = false;
  const auto out = carry(config, 66'000, 4, 50);
  REQUIRE(out.size() == 66'000);
  for (std::size_t i = 65'500; i < out.size(); ++i) REQUIRE(out[i].data == pattern(4, i));
}

TEST_CASE("a receiver goes on across the wrap of the MID", "[sctp][rfc8260][wrap]") {
  LateReceiver r;
  const std::vector<std::uint8_t> x(10, 1);
  // Message 0 comes first and waits; 1 is in two parts, the second first.
  r.take(part(0, 0, true, true, x));
  r.take(part(1, 1, false, true, x));
  r.take(part(0xffff'ffff, 0, true, true, x));
  CHECK(r.out.empty());
  r.take(part(0xffff'fffe, 0, true, true, x));
  CHECK(r.out.size() == 3);
  r.take(part(1, 0, true, false, x));
  REQUIRE(r.out.size() == 4);
  CHECK(r.out[3].data.size() == 20);
  CHECK(r.reassembly.take(part(0xffff'ffff, 0, true, true, x), 100, r.out) ==
        Reassembly::Outcome::old);
  CHECK(r.reassembly.held() == 0);
}

TEST_CASE("unordered messages go on across the wrap of the MID", "[sctp][rfc8260][wrap]") {
  LateReceiver r;
  const std::vector<std::uint8_t> x(10, 1);
  r.take(part(0, 1, false, true, x, true));
  r.take(part(0xffff'fffe, 0, true, false, x, true));
  r.take(part(0, 0, true, false, x, true));
  r.take(part(0xffff'fffe, 1, false, true, x, true));
  CHECK(r.out.size() == 2);
  CHECK(r.reassembly.held() == 0);
}

TEST_CASE("a sender goes on across the wrap of the MID", "[sctp][rfc8260][wrap]") {
  MessagePool pool;
  SendQueue queue{pool};
  queue.set_interleaving(true);
  queue.stream(1).next_ordered = queue.stream(1).next_unordered = 0xffff'fffe;
  for (const bool unordered : {false, true}) {
    for (const std::uint32_t expected : {0xffff'fffeU, 0xffff'ffffU, 0U, 1U}) {
      const MessageIndex at = pool.take();
      pool[at].data.assign(100, 1);
      pool[at].stream = 1;
      pool[at].unordered = unordered;
      queue.push(at);
      REQUIRE(queue.peek() == at);
      queue.take(60);
      CHECK(pool[at].number == expected);
      REQUIRE(queue.peek() == at);
      queue.take(60);
      CHECK(pool[at].number == expected);
      CHECK(queue.empty());
    }
  }
}
